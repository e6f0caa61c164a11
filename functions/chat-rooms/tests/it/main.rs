//! Every route, over databases of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod create_chat_room;
mod get_chat_room;
mod list_chat_rooms;
mod rooms;
