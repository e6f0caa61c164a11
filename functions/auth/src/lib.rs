//! Accounts and their tokens.
