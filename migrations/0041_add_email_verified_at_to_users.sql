-- Null: nobody has shown yet that they read the mail of this address.
ALTER TABLE users
    ADD COLUMN email_verified_at DATETIME(3) NULL
