use axum::http::HeaderMap;
use serde_json::Value;

/// What a client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test ends where an answer is not what it must be"
)]
impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("a body of JSON")
    }

    /// The status and the body of JSON.
    pub fn parts(&self) -> (u16, Value) {
        (self.status, self.json())
    }

    /// The status and the code of the problem.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().expect("a problem has a code").to_owned())
    }

    /// After how many seconds the client may try again.
    pub fn retry_after(&self) -> u64 {
        let header = self.headers.get("retry-after").and_then(|value| value.to_str().ok());
        header.and_then(|value| value.parse().ok()).expect("a Retry-After in seconds")
    }
}
