-- What others may learn of a person. A row is made by the first change; who has none has the defaults.
CREATE TABLE IF NOT EXISTS user_settings (
    user_id INT NOT NULL,
    presence_visibility VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'friends',
    read_receipts BOOLEAN NOT NULL DEFAULT TRUE,
    updated_at DATETIME(3) NOT NULL,
    PRIMARY KEY (user_id),
    CONSTRAINT user_settings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT user_settings_presence_visibility_check CHECK (presence_visibility IN ('friends', 'nobody'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
