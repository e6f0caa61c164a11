-- What is left to do of a deleted account; `relay` works it off step by step.
CREATE TABLE IF NOT EXISTS account_deletions (
    user_id INT NOT NULL,
    step VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'sessions',
    position BIGINT NOT NULL DEFAULT 0,
    created_at DATETIME(3) NOT NULL,
    closed_at DATETIME(3) NULL,
    tried_at DATETIME(3) NULL,
    PRIMARY KEY (user_id),
    CONSTRAINT account_deletions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT account_deletions_step_check CHECK (step IN ('sessions', 'relations', 'groups', 'messages', 'reactions', 'traces', 'group_traces'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
