-- Who may mention all members while the group is large: 'admins' or 'everyone'.
ALTER TABLE group_chat_rooms
    ADD COLUMN wide_mentions VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'admins' AFTER max_members
