#![doc = include_str!("../README.md")]

mod generated;
mod intrinsics;
mod model;
mod policy;
mod queue;
mod read;
mod resources;
mod schedule;
mod values;

pub use model::{
    ACCOUNT, Cors, Function, HttpApi, HttpRoute, Queue, QueueEvent, REGION, Redrive, Schedule, Template, WebSocketApi,
    WebSocketRoute, arn,
};
pub use policy::Policy;
pub use queue::queue_arn;
pub use read::unset_parameter;
