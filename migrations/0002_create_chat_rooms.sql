-- The smaller id stands first, so that the unique key knows each pair once.
CREATE TABLE IF NOT EXISTS chat_rooms (
    id INT NOT NULL AUTO_INCREMENT,
    user_id_1 INT NOT NULL,
    user_id_2 INT NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    version BIGINT NOT NULL DEFAULT 1,
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT chat_rooms_pair_key UNIQUE (user_id_1, user_id_2),
    KEY chat_rooms_user_id_2_idx (user_id_2),
    CONSTRAINT chat_rooms_user_id_1_fkey FOREIGN KEY (user_id_1) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT chat_rooms_user_id_2_fkey FOREIGN KEY (user_id_2) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT chat_rooms_pair_check CHECK (user_id_1 < user_id_2)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
