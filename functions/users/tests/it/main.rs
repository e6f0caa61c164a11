//! Every route, over databases of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod avatar;
mod delete_me;
mod export_me;
mod get_me;
mod get_user;
mod search_users;
mod update_me;
