//! What a client does by itself, as state machines without I/O: whoever drives them passes the time, as time since any start.
//!
//! [`Device`] has them all for one device of a person. The rules of a client's views and signals stand with the machine that keeps
//! them.

mod activity;
mod cursor;
mod device;
mod liveness;
mod presence;
mod receipts;
mod reconnect;
mod typing;

pub use activity::{Activity, State};
pub use cursor::Cursor;
pub use device::{Device, Order};
pub use liveness::{Liveness, Pulse};
pub use presence::Presences;
pub use receipts::{Receipt, Receipts};
pub use reconnect::Reconnect;
pub use typing::{Composer, Typists};
