-- How somebody left: on their own, removed or banned. is_active and left_at say whether and when.
ALTER TABLE group_room_members
    ADD COLUMN state VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'active' AFTER role,
    ADD KEY group_room_members_state_idx (group_room_id, state, user_id),
    ADD KEY group_room_members_groups_idx (user_id, state, group_room_id),
    ADD CONSTRAINT group_room_members_state_check CHECK (state IN ('active', 'left', 'kicked', 'banned'))
