-- A link by which people join a group: the hash of its code, never the code.
CREATE TABLE IF NOT EXISTS group_room_invites (
    id INT NOT NULL AUTO_INCREMENT,
    group_room_id INT NOT NULL,
    created_by INT NOT NULL,
    code_hash CHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    expires_at DATETIME(3) NULL,
    max_uses INT NULL,
    uses INT NOT NULL DEFAULT 0,
    revoked_at DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT group_room_invites_code_hash_key UNIQUE (code_hash),
    KEY group_room_invites_room_idx (group_room_id, revoked_at),
    KEY group_room_invites_created_by_idx (created_by),
    CONSTRAINT group_room_invites_group_room_id_fkey FOREIGN KEY (group_room_id) REFERENCES group_chat_rooms (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT group_room_invites_created_by_fkey FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT group_room_invites_uses_check CHECK (max_uses IS NULL OR uses <= max_uses)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
