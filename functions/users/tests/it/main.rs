//! The routes, on real databases.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

mod get_me;
mod get_user;
mod house;
mod search_users;
mod update_me;
