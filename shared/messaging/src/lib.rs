#![doc = include_str!("../README.md")]

mod change;
mod delete;
mod edit;
mod erase;
mod file_links;
mod files;
mod forward;
mod hide;
mod history;
mod list;
mod mention;
mod notify;
mod order;
mod own;
mod pin;
mod place_events;
mod publish;
mod react;
mod read;
mod receipts;
mod replies;
mod search;
mod send;
mod steps;
mod sweep;
mod sync;
mod typing;

pub use delete::delete_message;
pub use edit::{EditMessage, edit_message};
pub use erase::{erase_message, erase_reactions};
pub use file_links::{FileAt, find_files};
pub use forward::{ForwardMessage, forward_message};
pub use hide::hide_message;
pub use history::{ListHistory, list_history};
pub use list::{ListMessages, list_messages};
pub use notify::notify_late;
pub use pin::{ListPinned, Pinned, list_pinned, pin_message};
pub use place_events::place_events;
pub use react::{ListReactors, React, Reacted, list_reactors, react};
pub use read::{MarkRead, mark_read, note_delivered, note_read};
pub use receipts::{list_readers, list_receipts};
pub use replies::{ListReplies, list_replies};
pub use search::{Atlas, FoundMessages, SearchEffort, SearchMessages, Searcher, search_messages};
pub use send::{Sent, send_message, send_message_after};
pub use sweep::{Swept, sweep};
pub use sync::{Gaps, SyncRoom, list_gaps, sync_room};
pub use typing::tell_typing;

use announce::Announcer;
use credentials::Fingerprints;
use domain::{Clock, ConnectionId, Limit, SessionId, UserId};
use mongo::Mongo;

/// What the operations work with.
#[derive(Debug, Clone)]
pub struct Messenger {
    /// The record of messages.
    pub mongo: Mongo,
    /// Tells clients.
    pub announcer: Announcer,
    /// The time.
    pub clock: Clock,
}

/// Who changes messages.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// Who.
    pub user: UserId,
    /// The login that they use; the first step checks that it has not ended.
    pub session: &'a SessionId,
    /// The connection that asks: it gets the answer and no push.
    pub connection: Option<&'a ConnectionId>,
    /// How much they may do.
    pub limits: MessageLimits,
    /// Tells their retries from other messages.
    pub fingerprints: &'a Fingerprints,
}

/// How much a person may do with messages.
#[derive(Debug, Clone, Copy)]
pub struct MessageLimits {
    /// Messages and edits.
    pub sends: Limit,
    /// Retries of messages that are there.
    pub retries: Limit,
    /// Deletions, reactions and pins, beside every other change.
    pub changes: Limit,
}
