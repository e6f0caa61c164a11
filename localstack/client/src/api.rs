use crate::{Answer, tls};
use anyhow::{Context as _, Result};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// API Gateway answers within 30 s.
const TIMEOUT: Duration = Duration::from_secs(31);

/// The HTTP API as one caller uses it. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Api {
    url: Arc<str>,
    client: Client,
    token: Option<Arc<str>>,
}

impl Api {
    /// The API at this URL, without an access token.
    pub fn new(url: &str) -> Self {
        let client = tls::config().map(|tls| Client::builder().tls_backend_preconfigured((*tls).clone()).build());
        let client = client.and_then(Result::ok);
        Self { url: url.into(), client: client.unwrap_or_default(), token: None }
    }

    /// The same API with another access token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// A request with the caller's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url)).timeout(TIMEOUT);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A request of nobody to any server.
    pub(crate) fn anonymous(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url).timeout(TIMEOUT)
    }

    /// Sends a request and reads its answer.
    pub async fn send(request: RequestBuilder) -> Result<Answer> {
        Answer::read(request.send().await?).await
    }

    /// Calls a route, with a JSON body if there is one.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let request = self.request(method.clone(), path);
        let request = body.into_iter().fold(request, RequestBuilder::json);
        Self::send(request).await.with_context(|| format!("{method} {path}"))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, None).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        self.call(Method::PUT, path, Some(body)).await
    }
}
