#![doc = include_str!("../README.md")]

pub mod mongo;
pub mod mysql;
pub mod pushing;
mod scratch;

use scratch::{drop_later, random_name};
