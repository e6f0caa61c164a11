#![doc = include_str!("../README.md")]

mod delete;
mod edit;
mod fingerprint;
mod list;
mod own;
mod place;
mod publish;
mod read;
mod send;
mod sweep;
mod sync;

pub use delete::{DeleteMessage, delete_message};
pub use edit::{EditMessage, edit_message};
pub use list::{ListMessages, MessagePage, list_messages};
pub use publish::Messenger;
pub use read::{MarkRead, mark_read};
pub use send::{Sent, send_message};
pub use sweep::{Swept, sweep};
pub use sync::{SyncRoom, list_gaps, sync_room};
