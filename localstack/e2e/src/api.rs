use crate::person::unique;
use client::{File, HeaderMap, Method, RequestBuilder};
use serde_json::{Value, json};
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

    /// Uploads a file of up to 16 MiB and waits until it may be attached; returns its id.
    pub async fn upload(&self, file: &File<'_>) -> String {
        self.0.upload_ready(file, &unique("upload")).await.expect("a file that is taken")
    }

    /// Uploads a file of up to 16 MiB and waits for its inspection.
    pub async fn try_upload(&self, file: &File<'_>) -> Value {
        let upload = self.0.upload(file, &unique("upload")).await.expect("an upload");
        self.0.inspected(upload["id"].as_str().expect("an upload has an id")).await.expect("an inspection")
    }

    /// Sends bytes with a request that the API signed.
    pub async fn put_bytes(&self, signed: &Value, bytes: &[u8]) -> Answer {
        Answer(self.0.put_bytes(signed, bytes).await.expect("the store answers"))
    }

    /// The URL behind each of these items, null where there is none for the caller.
    pub async fn links(&self, items: &Value) -> Vec<Value> {
        let links = self.post("/files/links", &json!({ "items": items })).await.with(200);
        links["items"].as_array().expect("items").iter().map(|item| item["url"].clone()).collect()
    }

    /// What is behind a link.
    pub async fn download(&self, url: &Value) -> (HeaderMap, Vec<u8>) {
        self.0.download(url.as_str().expect("a link")).await.expect("the link leads to a file")
    }

    /// What a link answers to a request with these headers.
    pub async fn fetch(&self, url: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        self.0.fetch(url, headers).await.expect("the link leads to a server")
    }

    /// Whether a link still leads to something.
    pub async fn is_there(&self, url: &Value) -> bool {
        self.0.download(url.as_str().expect("a link")).await.is_ok()
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
