ALTER TABLE sessions
    ADD KEY sessions_user_created_idx (user_id, created_at)
