//! Events on their way to an environment, and the ways in which an invocation fails.

use std::{fmt, time::Duration};

use hyper::body::Bytes;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::records::Outcome;

/// How a caller gets its answer; it may have stopped waiting.
pub(super) type Reply = oneshot::Sender<Result<Bytes, InvokeError>>;

/// An event and its caller.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) payload: Bytes,
    pub(super) reply: Reply,
    /// How many environments ended before they saw it.
    pub(super) attempts: usize,
    /// How long the init of the environment took that was started for it.
    pub(super) init: Option<Duration>,
}

/// Why an invocation brought no answer.
#[derive(Debug)]
pub(crate) enum InvokeError {
    Throttled,
    RequestTooLarge,
    Init(String),
    TimedOut(Duration),
    Crashed(String),
    ResponseTooLarge,
    Function(Json),
    Stopping,
}

impl fmt::Display for InvokeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled => write!(formatter, "TooManyRequestsException: no environment is free"),
            Self::RequestTooLarge => write!(formatter, "RequestTooLargeException: the event is too large"),
            Self::Init(reason) => write!(formatter, "Runtime.InitError: {reason}"),
            Self::TimedOut(limit) => write!(formatter, "Task timed out after {:.2} seconds", limit.as_secs_f64()),
            Self::Crashed(reason) => write!(formatter, "{reason}"),
            Self::ResponseTooLarge => write!(formatter, "Function.ResponseSizeTooLarge"),
            Self::Function(error) => write!(formatter, "{error}"),
            Self::Stopping => write!(formatter, "the gateway is stopping"),
        }
    }
}

impl InvokeError {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Throttled => Outcome::Throttled,
            Self::RequestTooLarge | Self::ResponseTooLarge => Outcome::TooLarge,
            Self::Init(_) => Outcome::InitError,
            Self::TimedOut(_) => Outcome::Timeout,
            Self::Crashed(_) | Self::Stopping => Outcome::Crash,
            Self::Function(_) => Outcome::FunctionError,
        }
    }
}
