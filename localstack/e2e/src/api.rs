use client::{Method, RequestBuilder};
use serde_json::Value;
use std::ops::Deref;

/// The HTTP API as one caller uses it. A call without an answer fails the journey.
#[derive(Debug, Clone)]
pub struct Api(pub(crate) client::Api);

impl Api {
    /// The same API with another access token.
    #[must_use]
    pub fn with_token(&self, token: impl AsRef<str>) -> Self {
        Self(self.0.with_token(token.as_ref()))
    }

    /// A request with the caller's token.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.0.request(method.parse().expect("a method"), path)
    }

    /// Sends a request and reads the answer.
    pub async fn send(request: RequestBuilder) -> Answer {
        Answer(client::Api::send(request).await.expect("the gateway answers"))
    }

    /// Any method, with a JSON body if there is one.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let method: Method = method.parse().expect("a method");
        Answer(self.0.call(method, path, body).await.expect("the gateway answers"))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None).await
    }

    /// Any body, with the content type of JSON.
    pub async fn raw(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref().to_vec();
        Self::send(self.request(method, path).header("content-type", "application/json").body(body)).await
    }
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer(pub(crate) client::Answer);

impl Answer {
    /// The body as JSON. Another status fails the journey.
    pub fn with(&self, status: u16) -> Value {
        self.expect(&[status]).expect("the expected status")
    }
}

impl Deref for Answer {
    type Target = client::Answer;

    fn deref(&self) -> &client::Answer {
        &self.0
    }
}
