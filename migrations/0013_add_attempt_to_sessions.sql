-- The hash of the attempt that made the newest generation: a refresh whose answer was lost names it again.
ALTER TABLE sessions
    ADD COLUMN attempt_hash CHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL
