#![doc = include_str!("../README.md")]

mod answer;
mod body;
mod caller;
mod client_ip;
mod document;
mod language;
mod layers;
mod path;
mod problem;
mod query;
mod run;

pub use answer::{Accepted, Created, MadeOrFound, NoContent};
pub use body::{Json, JsonOrForm};
pub use caller::{Bearer, Caller, Gatekeeper};
pub use client_ip::{ClientIp, TrustedProxy};
pub use document::{BodyProblems, CallerProblems, LimitProblems, QueryProblems, StoreProblems, openapi, responses};
pub use language::Language;
pub use layers::layers;
pub use path::{Path, PathId};
pub use problem::{ApiError, ApiResult};
pub use query::Query;
pub use run::{run, run_with_background};
