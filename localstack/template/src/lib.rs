#![doc = include_str!("../README.md")]

mod generated;
mod intrinsics;
mod model;
mod policy;
mod read;
mod resources;
mod schedule;
mod values;

pub use model::{
    ACCOUNT, Cors, Function, HttpApi, HttpRoute, REGION, Schedule, Template, WebSocketApi, WebSocketRoute, arn,
};
pub use policy::Policy;
pub use read::unset_parameter;
