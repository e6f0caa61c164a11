-- The thumbhash of that picture, in base64.
ALTER TABLE group_chat_rooms
    ADD COLUMN picture_hash VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL
