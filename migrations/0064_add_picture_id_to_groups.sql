-- The upload that a group shows as its picture.
ALTER TABLE group_chat_rooms
    ADD COLUMN picture_id CHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL
