-- user_id_1 asked, user_id_2 was asked; user_low and user_high make the pair one whatever its direction.
CREATE TABLE IF NOT EXISTS friendships (
    id INT NOT NULL AUTO_INCREMENT,
    user_id_1 INT NOT NULL,
    user_id_2 INT NOT NULL,
    status VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'pending',
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    user_low INT GENERATED ALWAYS AS (LEAST(user_id_1, user_id_2)) STORED,
    user_high INT GENERATED ALWAYS AS (GREATEST(user_id_1, user_id_2)) STORED,
    PRIMARY KEY (id),
    CONSTRAINT friendships_pair_key UNIQUE (user_low, user_high),
    KEY friendships_user_id_1_idx (user_id_1),
    KEY friendships_user_id_2_idx (user_id_2),
    CONSTRAINT friendships_user_id_1_fkey FOREIGN KEY (user_id_1) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT friendships_user_id_2_fkey FOREIGN KEY (user_id_2) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT friendships_pair_check CHECK (user_id_1 <> user_id_2),
    CONSTRAINT friendships_status_check CHECK (status IN ('pending', 'accepted', 'rejected'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
