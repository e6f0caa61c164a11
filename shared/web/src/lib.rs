#![doc = include_str!("../README.md")]

mod answer;
mod body;
mod caller;
mod document;
mod language;
mod layers;
mod path;
mod problem;
mod query;

pub use answer::Created;
pub use body::{Json, JsonOrForm};
pub use caller::{Caller, Gatekeeper};
pub use document::{BodyProblems, CallerProblems, QueryProblems, StoreProblems, openapi, responses};
pub use language::Language;
pub use layers::{layers, serve};
pub use path::{Path, PathId};
pub use problem::{ApiError, ApiResult, FieldProblem, Problem};
pub use query::Query;
