//! People, sessions, rooms, members, outbox: the record in MySQL.
