#![doc = include_str!("../README.md")]

mod bucket;
mod distribution;
mod generated;
mod intrinsics;
mod model;
mod policy;
mod queue;
mod read;
mod resources;
mod schedule;
mod values;

pub use bucket::bucket_arn;
pub use model::{
    ACCOUNT, Bucket, BucketEvent, Cors, CorsRule, Distribution, Function, HttpApi, HttpRoute, Queue, QueueEvent,
    REGION, Redrive, Schedule, Template, WebSocketApi, WebSocketRoute, arn,
};
pub use policy::Policy;
pub use queue::queue_arn;
pub use read::unset_parameter;
