use crate::{Answer, Api};
use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{
    Method,
    header::{CONTENT_LENGTH, HeaderMap},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a client waits for the inspection of a file.
const PATIENCE: Duration = Duration::from_mins(1);

/// A file on a client's device.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// `image`, `file`, `voice` or `video`.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its media type, as the device guesses it.
    pub media_type: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

impl File<'_> {
    /// The body that asks for an upload of it.
    pub fn request(&self, client_id: &str) -> Value {
        json!({
            "kind": self.kind, "name": self.name, "type": self.media_type, "size": self.bytes.len(),
            "sha256": sha256(self.bytes), "client_id": client_id,
        })
    }
}

/// The SHA-256 of bytes, as the API and S3 write it.
pub fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, bytes))
}

impl Api {
    /// Uploads a file of up to 16 MiB; returns the upload as it was created.
    pub async fn upload(&self, file: &File<'_>, client_id: &str) -> Result<Value> {
        let upload = self.post("/uploads", &file.request(client_id)).await?.expect(&[200, 201])?;
        // A repeated request may find it further.
        if upload["state"] == "pending" {
            let answer = self.put_bytes(&upload["put"], file.bytes).await?;
            // 412: the bytes of an earlier try are there.
            ensure!([200, 412].contains(&answer.status), "S3 answered {}: {}", answer.status, answer.text);
        }
        Ok(upload)
    }

    /// Sends bytes with a request that the API signed: `put` of an upload, or one of its parts.
    pub async fn put_bytes(&self, signed: &Value, bytes: &[u8]) -> Result<Answer> {
        let url = signed["url"].as_str().context("a signed request has a URL")?;
        let method = Method::from_bytes(signed["method"].as_str().context("it has a method")?.as_bytes())?;
        let mut request = self.anonymous(method, url).body(bytes.to_owned());
        for (name, value) in signed["headers"].as_object().context("it has headers")? {
            // The client itself says how long the body is.
            if name != CONTENT_LENGTH.as_str() {
                request = request.header(name, value.as_str().context("a header is a text")?);
            }
        }
        Self::send(request).await
    }

    /// The upload once its inspection is over, asked for with growing pauses.
    pub async fn inspected(&self, upload: &str) -> Result<Value> {
        let (until, mut pause) = (Instant::now() + PATIENCE, Duration::from_millis(50));
        while Instant::now() < until {
            let shown = self.get(&format!("/uploads/{upload}")).await?.expect(&[200])?;
            if !["pending", "uploaded"].contains(&shown["state"].as_str().unwrap_or_default()) {
                return Ok(shown);
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(2));
        }
        bail!("upload {upload} is not inspected")
    }

    /// Uploads a file and waits until it may be attached; returns its id.
    pub async fn upload_ready(&self, file: &File<'_>, client_id: &str) -> Result<String> {
        let upload = self.upload(file, client_id).await?;
        let id = upload["id"].as_str().context("an upload has an id")?;
        let shown = self.inspected(id).await?;
        ensure!(["ready", "attached"].contains(&shown["state"].as_str().unwrap_or_default()), "{shown}");
        Ok(id.to_owned())
    }

    /// What is behind a link, and its headers.
    pub async fn download(&self, url: &str) -> Result<(HeaderMap, Vec<u8>)> {
        let (status, headers, bytes) = self.fetch(url, &[]).await?;
        ensure!((200..300).contains(&status), "the link answers {status}");
        Ok((headers, bytes))
    }

    /// What a link answers to a request with these headers.
    pub async fn fetch(&self, url: &str, headers: &[(&str, &str)]) -> Result<(u16, HeaderMap, Vec<u8>)> {
        let request = self.anonymous(Method::GET, url);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok((status, headers, answer.bytes().await?.to_vec()))
    }
}
