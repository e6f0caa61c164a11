-- Changes of groups whose system messages may not be placed yet. No key refers to people: their rows would be locked after the group's.
CREATE TABLE IF NOT EXISTS group_room_events (
    id BIGINT NOT NULL AUTO_INCREMENT,
    group_room_id INT NOT NULL,
    kind VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    user_id INT NULL,
    actor_id INT NOT NULL,
    role VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL,
    created_at DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    KEY group_room_events_room_idx (group_room_id),
    CONSTRAINT group_room_events_group_room_id_fkey FOREIGN KEY (group_room_id) REFERENCES group_chat_rooms (id) ON DELETE RESTRICT ON UPDATE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
