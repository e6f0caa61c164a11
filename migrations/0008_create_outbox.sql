-- Which aggregate MongoDB has yet to learn about, never what changed.
CREATE TABLE IF NOT EXISTS outbox (
    id BIGINT NOT NULL AUTO_INCREMENT,
    aggregate VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    aggregate_id INT NOT NULL,
    created_at DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    KEY outbox_aggregate_idx (aggregate, aggregate_id),
    CONSTRAINT outbox_aggregate_check CHECK (aggregate IN ('private', 'group', 'user'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
