-- Until when the person asked is not shown another request.
ALTER TABLE friendships
    ADD COLUMN quiet_until DATETIME(3) NULL
