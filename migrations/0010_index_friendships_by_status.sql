-- The primary key stands at the end of either, so that pages come in its order.
ALTER TABLE friendships
    ADD KEY friendships_asker_idx (user_id_1, status),
    ADD KEY friendships_asked_idx (user_id_2, status)
