#![doc = include_str!("../README.md")]

mod answer;
mod body;
mod caller;
mod document;
mod fields;
mod language;
mod layers;
mod path;
mod problem;
mod query;
mod reason;

pub use answer::{Created, NoContent};
pub use body::{Json, JsonOrForm};
pub use caller::{Caller, Gatekeeper};
pub use document::{BodyProblems, CallerProblems, QueryProblems, StoreProblems, openapi, responses};
pub use fields::fields;
pub use language::Language;
pub use layers::{layers, serve};
pub use path::{Path, PathId};
pub use problem::{ApiError, ApiResult, FieldProblem, Problem};
pub use query::Query;
