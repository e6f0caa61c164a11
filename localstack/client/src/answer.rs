use anyhow::{Result, ensure};
use reqwest::{Response, header::HeaderMap};
use serde_json::Value;

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub text: String,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, text: response.text().await? })
    }

    /// The body as JSON; null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The body as JSON, or an error if the status is not one of these.
    pub fn expect(&self, statuses: &[u16]) -> Result<Value> {
        ensure!(statuses.contains(&self.status), "answered {} {}, not {statuses:?}", self.status, self.text);
        Ok(self.json())
    }

    /// The status, and the `code` of a problem document; empty for an answer that is none.
    pub fn refusal(&self) -> (u16, String) {
        let problem = if self.status < 400 { Value::Null } else { self.json() };
        (self.status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    /// A header as text; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
