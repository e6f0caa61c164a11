#![doc = include_str!("../README.md")]

mod apt;
mod binaries;
mod container;
mod containers;
mod databases;
mod download;
mod file_keys;
mod folders;
mod install;
mod mongod;
mod mysqld;
mod operations;
mod paths;
mod ports;
mod process;
mod program;
mod progress;
mod sockets;
mod stack;

pub use self::{
    binaries::{Extent, Profile, build, functions},
    databases::{Databases, Wanted},
    download::runtime_interface_emulator,
    file_keys::FileKeys,
    folders::{Scratch, all_records, records_of, sweep},
    install::{find_mongod, find_mysqld},
    operations::Operations,
    paths::{Lock, local, root, write_atomically},
    ports::{Port, preferred_port},
    process::{Leftover, leftovers, stop_leftovers},
    program::program,
    progress::{Progress, Step},
    sockets::Remains,
    stack::{Options, Source, Stack, random_key, settings},
};
pub use gateway::Urls;
