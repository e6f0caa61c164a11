-- The upload that somebody shows as their picture.
ALTER TABLE users
    ADD COLUMN avatar_id CHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL
