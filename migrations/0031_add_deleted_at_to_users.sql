-- Set where an account was deleted: the row stays, so that messages and rooms have an author and a member.
ALTER TABLE users
    ADD COLUMN deleted_at DATETIME(3) NULL
