#![doc = include_str!("../README.md")]

#[cfg(feature = "door")]
mod answer;
#[cfg(feature = "door")]
mod door;
#[cfg(feature = "door")]
pub mod events;
#[cfg(feature = "door")]
mod http;
mod logged;
pub mod mongo;
pub mod mysql;
pub mod proxy;
pub mod pushing;
mod queueing;
#[cfg(feature = "door")]
pub mod s3;
mod scratch;
#[cfg(feature = "door")]
pub mod ses;
#[cfg(feature = "door")]
mod stores;
mod values;

#[cfg(feature = "door")]
pub use answer::Answer;
#[cfg(feature = "door")]
pub use door::Door;
#[cfg(feature = "door")]
pub use stores::{KEY, LIFETIME, NOON, PASSWORD, PASSWORD_HASH, Stores, limits_of};

pub use logged::{errors, lines, statements};
pub use queueing::RecordedQueue;
pub use values::{draft, person};

use scratch::{drop_later, random_name};
