//! Password hashes, access tokens, refresh tokens, tickets.
