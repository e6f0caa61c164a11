-- Mails that wait to be sent, and the tokens in those that were. Never a token itself: only its seed, which is worthless without
-- SECRET_KEY, and its hash. By the address and not by the account, so that a request for an unknown one costs the same.
CREATE TABLE IF NOT EXISTS mails (
    email_fold VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    seed CHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    token_hash CHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at DATETIME(3) NOT NULL,
    expires_at DATETIME(3) NOT NULL,
    tries INT NOT NULL DEFAULT 0,
    due_at DATETIME(3) NULL,
    PRIMARY KEY (email_fold, kind),
    CONSTRAINT mails_token_hash_key UNIQUE (token_hash),
    KEY mails_due_at_idx (due_at),
    KEY mails_expires_at_idx (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
