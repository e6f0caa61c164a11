//! S3: our stand-in and, where one runs, `LocalStack` answer the product's own client and those who have its links alike.

mod edge;
mod refusals;
mod roles;
mod stand_in;
mod working;

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use boot::{FileSettings, Settings};
use domain::{Timestamp, UploadId};
use files::{Files, Request};
use s3s::crypto::{Checksum as _, Sha256};

use crate::Local;

/// The smallest part that is not the last one.
const PART: usize = 5 * 1024 * 1024;

/// Two buckets, and the client that the product has for them.
struct Site {
    files: Files,
    folder: tempfile::TempDir,
}

impl Site {
    async fn local() -> (Local, Self) {
        let local = Local::start().await;
        let site = Self::at(&local.gateway.urls().s3, ["local", "local"], ["local-uploadsbucket", "local-filesbucket"]);
        (local, site)
    }

    /// Both kinds, each with a name to tell them apart; the stand-in goes with the second of a pair.
    async fn every() -> Vec<(&'static str, Self, Option<Local>)> {
        let (local, site) = Self::local().await;
        let mut sites = vec![("the stand-in", site, Some(local))];
        match std::env::var("TEST_LOCALSTACK_URL") {
            Ok(url) => sites.push(("LocalStack", Self::of_localstack(&url).await, None)),
            Err(_) => println!("NOT CHECKED: TEST_LOCALSTACK_URL names no LocalStack"),
        }
        sites
    }

    /// Two new buckets there.
    async fn of_localstack(url: &str) -> Self {
        use aws_sdk_s3::{
            Client, Config,
            config::{BehaviorVersion, Credentials, Region},
        };
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .region(Region::new("us-east-1"))
            .endpoint_url(url);
        let client = Client::from_conf(config.build());
        let names = ["uploads", "files"].map(|kind| format!("{kind}-{:016x}", rand::random::<u64>()));
        for name in &names {
            client.create_bucket().bucket(name).send().await.unwrap();
        }
        Self::at(url, ["test", "test"], [&names[0], &names[1]])
    }

    fn at(url: &str, keys: [&str; 2], buckets: [&str; 2]) -> Self {
        Self::of(&Self::settings(url, keys, buckets))
    }

    fn of(settings: &FileSettings) -> Self {
        Self { files: Files::connect(settings), folder: tempfile::tempdir().unwrap() }
    }

    fn settings(url: &str, [id, key]: [&str; 2], [uploads, files]: [&str; 2]) -> FileSettings {
        let variables = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", key),
            ("S3_URL", url),
            ("UPLOADS_BUCKET", uploads),
            ("FILES_BUCKET", files),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::without_secrets(variables.into()).files().unwrap()
    }

    /// A request that brings this content.
    async fn put_link(&self, id: UploadId, content: &[u8]) -> Request {
        self.files.put_link(id, content.len() as u64, &sha256(content), now()).await.unwrap()
    }

    async fn upload(&self, id: UploadId, content: &[u8]) {
        let request = self.put_link(id, content).await;
        assert_eq!(send(&request, content).await, 200);
    }

    /// The content of an upload that has arrived.
    async fn content(&self, id: UploadId) -> Option<Vec<u8>> {
        let stored = self.files.arrived(id).await.unwrap()?;
        let path = self.path("fetched");
        assert!(self.files.fetch(id, &stored.etag, &path).await.unwrap());
        Some(std::fs::read(path).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file on this machine.
    fn file(&self, content: &[u8]) -> PathBuf {
        let path = self.path("kept");
        std::fs::write(&path, content).unwrap();
        path
    }
}

fn now() -> Timestamp {
    boot::clock().now()
}

fn any_id() -> UploadId {
    UploadId(rand::random())
}

fn sha256(content: &[u8]) -> String {
    STANDARD.encode(Sha256::checksum(content))
}

/// What a client sends that was handed a request: its status.
async fn send(request: &Request, content: &[u8]) -> u16 {
    answer(request, content).await.0
}

/// The status, and the code of the refusal.
async fn answer(request: &Request, content: &[u8]) -> (u16, String) {
    let mut sent = reqwest::Client::new().put(&request.url).body(content.to_vec());
    // The length comes with the body, as in browsers.
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "content-length") {
        sent = sent.header(name, value);
    }
    let answer = sent.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    (status, code.map(|(code, _)| code.to_owned()).unwrap_or_default())
}
