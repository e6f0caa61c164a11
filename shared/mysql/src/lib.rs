#![doc = include_str!("../README.md")]

mod fault;
mod outbox;
mod pool;
mod private_rooms;
mod schema;
mod sessions;
mod transaction;
mod users;

pub use outbox::{Outbox, OutboxId};
pub use pool::Mysql;
pub use private_rooms::{PrivateRooms, Snapshot};
pub use schema::{Migrated, Schema, SchemaError, SchemaStatus, create_database, drop_database};
pub use sessions::{NewSession, Sessions};
pub use transaction::Tx;
pub use users::{Credentials, NewUser, Users};
