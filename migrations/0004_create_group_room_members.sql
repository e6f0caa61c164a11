CREATE TABLE IF NOT EXISTS group_room_members (
    id INT NOT NULL AUTO_INCREMENT,
    user_id INT NOT NULL,
    group_room_id INT NOT NULL,
    role VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'member',
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    joined_at DATETIME(3) NOT NULL,
    left_at DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT group_room_members_membership_key UNIQUE (group_room_id, user_id),
    KEY group_room_members_user_id_idx (user_id),
    CONSTRAINT group_room_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT group_room_members_group_room_id_fkey FOREIGN KEY (group_room_id) REFERENCES group_chat_rooms (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT group_room_members_role_check CHECK (role IN ('owner', 'admin', 'member'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
