//! Every route, over a database of its own and an S3.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod creating;
mod ending;
mod linking;
mod parts;
mod pictures;

use axum::http::Method;
use domain::{UploadId, UploadLimits, UserId};
use serde_json::{Value, json};
use std::{ops::Deref, sync::Arc};
use testkit::{Answer, Door, Stores, limits_of, s3::S3Server};
use uploads::App;

pub(crate) const MINJI: UserId = UserId(1);
pub(crate) const STRANGER: UserId = UserId(3);

pub(crate) const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
pub(crate) const MIB: u64 = 1024 * 1024;

/// The function's routes, and the store of the bytes.
#[derive(Clone)]
pub(crate) struct Desk {
    door: Door<App>,
    pub(crate) s3: Arc<S3Server>,
}

impl Deref for Desk {
    type Target = Door<App>;

    fn deref(&self) -> &Door<App> {
        &self.door
    }
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let (stores, s3) = (Stores::without_mysql().await, Arc::new(S3Server::start().await));
        let app = App {
            mongo: stores.mongo().clone(),
            files: s3.client(),
            tokens: stores.tokens(),
            limits: limits_of(1_000, 1_000),
            upload_limits: UploadLimits::default(),
            clock: stores.clock(),
            random: boot::random(),
        };
        Self { door: Door::over(stores, uploads::routes, app), s3 }
    }

    /// The same with another app.
    pub(crate) fn with(&self, change: impl FnOnce(&mut App)) -> Self {
        Self { door: self.door.with(change), s3: Arc::clone(&self.s3) }
    }

    /// The answers to the same request of Minji's, sent so often at once.
    pub(crate) async fn at_once(&self, number: usize, path: String, body: impl Fn(usize) -> Value) -> Vec<Answer> {
        let bodies: Arc<[Value]> = (0..number).map(body).collect();
        let ask = move |door: Door<App>, n: usize| {
            let (path, bodies) = (path.clone(), Arc::clone(&bodies));
            async move { door.call(MINJI, Method::POST, path, &bodies[n]).await }
        };
        self.door.at_once(number, ask).await.into_iter().map(|(_, answer)| answer).collect()
    }

    pub(crate) async fn post(&self, user: UserId, path: impl AsRef<str>, body: &Value) -> Answer {
        self.call(user, Method::POST, path, body).await
    }

    pub(crate) async fn create(&self, user: UserId, body: &Value) -> Answer {
        self.post(user, "/uploads", body).await
    }

    /// A new upload of Minji's.
    pub(crate) async fn begin(&self, body: &Value) -> UploadId {
        let made = self.create(MINJI, body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        id_of(&made)
    }

    pub(crate) async fn complete(&self, user: UserId, id: UploadId) -> Answer {
        self.post(user, format!("/uploads/{id}/complete"), &Value::Null).await
    }

    pub(crate) async fn show(&self, user: UserId, id: UploadId) -> Answer {
        self.get(user, format!("/uploads/{id}")).await
    }

    pub(crate) async fn delete(&self, user: UserId, id: UploadId) -> Answer {
        self.call(user, Method::DELETE, format!("/uploads/{id}"), &Value::Null).await
    }

    /// How many open uploads and bytes are counted of Minji.
    pub(crate) async fn counted(&self) -> Option<(i64, i64)> {
        testkit::mongo::usage(self.mongo_url(), MINJI).await
    }
}

pub(crate) fn picture(client_id: &str) -> Value {
    json!({
        "kind": "image", "name": "사진.jpg", "size": 1_000, "type": "image/jpeg", "sha256": HASH, "client_id": client_id,
    })
}

pub(crate) fn video(client_id: &str) -> Value {
    json!({ "kind": "video", "name": "a.mp4", "size": 17 * MIB, "type": "video/mp4", "client_id": client_id })
}

pub(crate) fn id_of(answer: &Answer) -> UploadId {
    answer.json()["id"].as_str().unwrap().parse().unwrap()
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn every_route_needs_a_token() {
    let desk = Desk::new().await;
    let id = UploadId([1; 16]);
    for (method, path) in [
        (Method::POST, "/uploads".to_owned()),
        (Method::GET, format!("/uploads/{id}")),
        (Method::DELETE, format!("/uploads/{id}")),
        (Method::POST, format!("/uploads/{id}/parts")),
        (Method::POST, format!("/uploads/{id}/complete")),
        (Method::POST, "/files/links".to_owned()),
    ] {
        let answer = desk.ask(method, &path, None, &Value::Null).await;
        assert_eq!(answer.refusal(), refused(401, "unauthenticated"), "{path}");
    }
}

#[tokio::test]
async fn upload_of_another_user_looks_unknown() {
    let desk = Desk::new().await;
    let theirs = desk.begin(&video("c")).await;
    let parts = json!({ "parts": [{ "number": 1, "sha256": HASH }] });
    let unknown = UploadId([1; 16]);
    for (method, end, body) in [
        (Method::GET, "", &Value::Null),
        (Method::DELETE, "", &Value::Null),
        (Method::POST, "/parts", &parts),
        (Method::POST, "/complete", &Value::Null),
    ] {
        let answer_of = async |id: String| {
            let answer = desk.call(STRANGER, method.clone(), format!("/uploads/{id}{end}"), body).await;
            let mut problem = answer.json();
            problem["request_id"].take();
            (answer.status, problem)
        };
        let expected = answer_of(unknown.to_string()).await;
        assert_eq!((expected.0, &expected.1["code"]), (404, &json!("upload_not_found")));
        for id in [theirs.to_string(), "nothing".to_owned(), "A".repeat(32)] {
            assert_eq!(answer_of(id.clone()).await, expected, "{method} {id}");
        }
    }
    assert_eq!(desk.show(MINJI, theirs).await.status, 200);
}
