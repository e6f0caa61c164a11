-- A person's live sessions and those that ended lately are one range each, however many there were; so are old ones of everybody.
ALTER TABLE sessions
    ADD KEY sessions_user_over_idx (user_id, over_at),
    ADD KEY sessions_over_idx (over_at)
