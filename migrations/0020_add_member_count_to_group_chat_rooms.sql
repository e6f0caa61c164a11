-- Kept under the lock of the row, by whoever changes the members. The primary key stands at the end of the index.
ALTER TABLE group_chat_rooms
    ADD COLUMN member_count INT NOT NULL DEFAULT 0 AFTER max_members,
    ADD KEY group_chat_rooms_public_idx (is_private, is_active)
