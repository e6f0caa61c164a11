use crate::Answer;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// The HTTP API, as one caller uses it.
#[derive(Debug, Clone)]
pub struct Api {
    url: String,
    client: Client,
    token: Option<String>,
}

impl Api {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), client: Client::new(), token: None }
    }

    /// The same with another access token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// A request with the caller's token, to be changed before it is sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Any method, with a JSON body if there is one.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method.parse().expect("a method"), path);
        Self::send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
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

    /// A body that is sent as it is, and called JSON.
    pub async fn raw(&self, method: &str, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(method.parse().expect("a method"), path);
        Self::send(request.header("content-type", "application/json").body(body)).await
    }

    /// Sends a request and reads the answer.
    pub async fn send(request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("the gateway answers")).await
    }
}
