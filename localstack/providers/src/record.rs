//! What was sent, and what shall go wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A request to one of the services.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// Its place in the order; the first one is 1.
    pub number: usize,
    /// When it came, in milliseconds since the epoch.
    pub at: i64,
    /// `token`, `fcm`, `apns`, `apns-sandbox` or `webpush`.
    pub provider: &'static str,
    /// The device's token or the browser's id.
    pub target: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body; a browser's is decrypted. Null if it is no JSON.
    pub body: Json,
    /// The status that it was answered; none if it was not answered.
    pub status: Option<u16>,
}

impl Record {
    /// Whether the service took it, answered or not.
    pub fn is_taken(&self) -> bool {
        self.status.is_none_or(|status| status < 300)
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// It is refused.
    Refuse(Refuse),
    /// No answer comes.
    Silence,
    /// It is taken, and the connection ends without an answer.
    Cut,
}

/// A refusal; what is not given is as the service would say it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    /// The status.
    pub status: u16,
    /// The service's word for the reason.
    pub reason: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// Of APNs' 410: since when the token is none, in milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// `Location`, as of a redirect.
    pub location: Option<String>,
}

impl Refuse {
    /// A refusal with a status.
    pub fn with(status: u16) -> Self {
        Self { status, ..Self::default() }
    }
}

/// The next so many requests to a token, a browser's id or a provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Planned {
    pub(crate) target: String,
    pub(crate) times: usize,
    pub(crate) fault: Fault,
}
