#![doc = include_str!("../README.md")]

mod blocks;
mod fault;
mod friendships;
mod lists;
mod mysql;
mod names;
mod options;
mod outbox;
mod pool;
mod private_rooms;
mod relations;
mod schema;
mod sessions;
mod skeletons;
mod transaction;
mod users;

pub use blocks::{Blocked, Blocks};
pub use friendships::{Direction, Friendships};
pub use mysql::Mysql;
pub use names::{NameKey, Names};
pub use outbox::{Outbox, OutboxId};
pub use pool::Pool;
pub use private_rooms::{PrivateRooms, Snapshot};
pub use relations::{Relation, Relations};
pub use schema::{Migrated, Schema, SchemaError, SchemaStatus, create_database, drop_database};
pub use sessions::{Ended, NewSession, SessionKey, Sessions};
pub use skeletons::Unmatched;
pub use transaction::Tx;
pub use users::{AccountPatch, Credentials, NewUser, PersonSnapshot, Users};
