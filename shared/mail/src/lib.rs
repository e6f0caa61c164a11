#![doc = include_str!("../README.md")]

mod letter;
mod post;
mod ses;

pub use letter::Letter;
pub use post::{Post, Report};
pub use ses::{Refusal, Ses};
