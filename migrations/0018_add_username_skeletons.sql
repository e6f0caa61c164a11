-- Nullable: rows of the version before have none until `migrate` fills it in.
ALTER TABLE users
    ADD COLUMN username_skeleton VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL AFTER username_fold,
    ADD CONSTRAINT users_username_skeleton_key UNIQUE (username_skeleton)
