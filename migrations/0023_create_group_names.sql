-- What public groups are found by: a row for each way in which the name, or the rest of it after one of its first words, may begin.
CREATE TABLE IF NOT EXISTS group_names (
    group_room_id INT NOT NULL,
    kind VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    word INT NOT NULL,
    name_key VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (group_room_id, kind, word),
    KEY group_names_search_idx (kind, name_key, group_room_id),
    CONSTRAINT group_names_group_room_id_fkey FOREIGN KEY (group_room_id) REFERENCES group_chat_rooms (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT group_names_kind_check CHECK (kind IN ('letters', 'initials'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
