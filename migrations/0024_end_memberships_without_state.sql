-- Who was out of a group before memberships had a state. Looks at each row once; what it changed is not found again.
UPDATE group_room_members
SET state = 'left'
WHERE NOT is_active AND state = 'active'
