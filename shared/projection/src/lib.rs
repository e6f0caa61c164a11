#![doc = include_str!("../README.md")]

mod change;
mod delete;
mod events;
mod notices;
mod pictures;
mod project;
mod purge;
mod rebuild;
mod relay;

pub use change::Changed;
pub use delete::DeleteAccount;
pub use rebuild::{Cursor, CursorError, Rebuilt};
pub use relay::Relayed;

use announce::Announcer;
use domain::Clock;
use mongo::Mongo;
use mysql::Mysql;
use std::time::Duration;

/// Both stores, and the order in which they learn of a change.
#[derive(Debug, Clone)]
pub struct Projector {
    /// The record of people and rooms.
    pub mysql: Mysql,
    /// The record of messages, and what it must know of people and rooms.
    pub mongo: Mongo,
    /// Tells clients.
    pub announcer: Announcer,
    /// The time.
    pub clock: Clock,
    /// How long an access token lives, and so how long a session that ended must be refused.
    pub token_lifetime: Duration,
}
