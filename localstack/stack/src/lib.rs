#![doc = include_str!("../README.md")]

mod binaries;
mod container;
mod databases;
mod download;
mod install;
mod mongod;
mod mysqld;
mod place;
mod ports;
mod process;
mod progress;
mod run;

pub use self::binaries::{Extent, Profile, build, functions};
pub use self::databases::Databases;
pub use self::download::runtime_interface_emulator;
pub use self::install::{find_mongod, find_mysqld, program};
pub use self::place::{Lock, Scratch, all_records, local, root, sweep, write_atomically};
pub use self::ports::{free_port, preferred_port};
pub use self::process::{Leftover, leftovers, stop_leftovers};
pub use self::progress::{Progress, Step};
pub use self::run::{Options, Source, Stack, random_key};
pub use gateway::Urls;
