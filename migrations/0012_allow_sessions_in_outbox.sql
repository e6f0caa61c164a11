ALTER TABLE outbox
    DROP CONSTRAINT outbox_aggregate_check,
    ADD CONSTRAINT outbox_aggregate_check CHECK (aggregate IN ('private', 'group', 'user', 'sessions'))
