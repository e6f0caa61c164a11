#![doc = include_str!("../README.md")]

mod account;
mod answer;
mod body;
mod caller;
mod client_ip;
mod document;
mod language;
mod layers;
mod listed;
mod participant;
mod path;
mod problem;
mod query;

pub use account::AccountView;
pub use answer::{Created, MadeOrFound, NoContent};
pub use body::{Json, JsonOrForm};
pub use caller::{Caller, Gatekeeper};
pub use client_ip::ClientIp;
pub use document::{BodyProblems, CallerProblems, LimitProblems, QueryProblems, StoreProblems, openapi, responses};
pub use language::Language;
pub use layers::{layers, serve};
pub use listed::{Listed, PageQuery, page};
pub use participant::ParticipantView;
pub use path::{Path, PathId};
pub use problem::{ApiError, ApiResult, FieldProblem, Problem};
pub use query::Query;
