#![doc = include_str!("../README.md")]

mod edit;
mod fingerprint;
mod list;
mod place;
mod publish;
mod send;
mod sync;

pub use edit::{EditMessage, edit_message};
pub use list::{ListMessages, MessagePage, list_messages};
pub use publish::Messenger;
pub use send::{Sent, send_message};
pub use sync::{SyncRoom, list_gaps, sync_room};
