-- user_id blocks blocked_user_id; each direction is a row of its own.
CREATE TABLE IF NOT EXISTS block_users (
    id INT NOT NULL AUTO_INCREMENT,
    user_id INT NOT NULL,
    blocked_user_id INT NOT NULL,
    created_at DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT block_users_pair_key UNIQUE (user_id, blocked_user_id),
    KEY block_users_blocked_user_id_idx (blocked_user_id),
    CONSTRAINT block_users_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT block_users_blocked_user_id_fkey FOREIGN KEY (blocked_user_id) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT block_users_pair_check CHECK (user_id <> blocked_user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
