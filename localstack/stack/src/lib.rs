#![doc = include_str!("../README.md")]

mod apt;
mod binaries;
mod container;
mod containers;
mod databases;
mod download;
mod folders;
mod install;
mod mongod;
mod mysqld;
mod paths;
mod ports;
mod process;
mod program;
mod progress;
mod stack;

pub use self::{
    binaries::{Extent, Profile, build, functions},
    databases::Databases,
    download::runtime_interface_emulator,
    folders::{Scratch, all_records, sweep},
    install::{find_mongod, find_mysqld},
    paths::{Lock, local, root, write_atomically},
    ports::{Port, preferred_port},
    process::{Leftover, leftovers, stop_leftovers},
    program::program,
    progress::{Progress, Step},
    stack::{Options, Source, Stack, random_key, settings},
};
pub use gateway::Urls;
