use crate::http::Reply;
use std::time::Duration;

/// What became of a notification on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service took it. So ends also what this kind of device is not told at all.
    Delivered,
    /// The service knows the device no more.
    DeviceGone,
    /// Another try may succeed, after this time if the service named one.
    Again(Option<Duration>),
    /// No other try would end differently; the words tell why, without a token or text.
    Failed(String),
}

/// What an answer of a service means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Is(Outcome),
    /// Our token is not taken: once, another one may be.
    Unauthorized,
}

impl Verdict {
    /// The word that a service gives as its reason may go into logs if it is one: without digits, as tokens have them.
    pub(crate) fn failed(provider: &str, status: u16, reason: &str) -> Self {
        let word: String = reason.chars().filter(|c| c.is_ascii_alphabetic() || *c == '_').take(50).collect();
        Self::Is(Outcome::Failed(format!("{provider} {status} {word}").trim_end().to_owned()))
    }

    pub(crate) fn again(reply: &Reply) -> Self {
        Self::Is(Outcome::Again(reply.retry_after))
    }
}
