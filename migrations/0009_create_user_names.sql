-- What people are searched by: a row for each way in which a name may begin.
CREATE TABLE IF NOT EXISTS user_names (
    user_id INT NOT NULL,
    source VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name_key VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (user_id, source, kind),
    KEY user_names_search_idx (kind, name_key, user_id),
    CONSTRAINT user_names_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT user_names_source_check CHECK (source IN ('username', 'display_name')),
    CONSTRAINT user_names_kind_check CHECK (kind IN ('letters', 'initials'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
