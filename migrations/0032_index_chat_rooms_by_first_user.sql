-- The primary key stands at its end, so that pages of a person's rooms come in its order from either side.
ALTER TABLE chat_rooms
    ADD KEY chat_rooms_user_id_1_idx (user_id_1)
