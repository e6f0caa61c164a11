-- When a session is over: ended, at the end of its 90 days, or 30 days unused. Stored, since it is indexed and often changes.
ALTER TABLE sessions
    ADD COLUMN over_at DATETIME(3)
        GENERATED ALWAYS AS (LEAST(COALESCE(revoked_at, expires_at), expires_at, rotated_at + INTERVAL 30 DAY)) STORED
