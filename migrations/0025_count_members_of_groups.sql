-- The members of groups that were there before they were counted. Whoever changes the members keeps the count from then on.
UPDATE group_chat_rooms
SET member_count = (
    SELECT COUNT(*)
    FROM group_room_members m FORCE INDEX (group_room_members_state_idx)
    WHERE m.group_room_id = group_chat_rooms.id AND m.state = 'active')
WHERE is_active AND member_count = 0
