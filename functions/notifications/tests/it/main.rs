//! Every route, over a database of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod devices;
mod settings;

use axum::http::Method;
use domain::{RoomKey, SessionId, UserId, notification::Platform};
use notifications::App;
use push::Hosts;
use serde_json::{Value, json};
use std::{ops::Deref, sync::Arc};
use testkit::{Answer, Door, RecordedQueue, Stores, limits_of};

pub(crate) const MINJI: UserId = UserId(1);
pub(crate) const JUNHO: UserId = UserId(2);
pub(crate) const STRANGER: UserId = UserId(3);

pub(crate) const PHONE: &str = "/notifications/devices/5f0c9d1e-7a3b-4c2d-9e8f-000000000001";
pub(crate) const TABLET: &str = "/notifications/devices/5f0c9d1e-7a3b-4c2d-9e8f-000000000002";
/// What browsers subscribe with.
pub(crate) const KEY: &str = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

/// The function's routes, and a room of Minji and Junho.
pub(crate) struct Desk {
    door: Door<App>,
    pub(crate) room: RoomKey,
    pub(crate) queue: Arc<RecordedQueue>,
}

impl Deref for Desk {
    type Target = Door<App>;

    fn deref(&self) -> &Door<App> {
        &self.door
    }
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let stores = Stores::without_mysql().await;
        let room = stores.project_room([MINJI, JUNHO]).await;
        let queue = Arc::new(RecordedQueue::default());
        let app = App {
            mongo: stores.mongo().clone(),
            tokens: stores.tokens(),
            limits: limits_of(1_000, 1_000),
            clock: stores.clock(),
            random: boot::random(),
            jobs: Some(queue.clone()),
            platforms: vec![Platform::Fcm, Platform::Apns, Platform::Webpush],
            hosts: Hosts::new(&["push.example.com".to_owned()]),
            vapid_public_key: Some(KEY.to_owned()),
        };
        Self { door: Door::over(stores, notifications::routes, app), room, queue }
    }

    /// The same with another app.
    pub(crate) fn with(self, change: impl FnOnce(&mut App)) -> Self {
        Self { door: self.door.with(change), ..self }
    }

    pub(crate) async fn put(&self, user: UserId, path: &str, body: &Value) -> Answer {
        self.call(user, Method::PUT, path, body).await
    }

    pub(crate) async fn delete(&self, user: UserId, path: &str) -> Answer {
        self.call(user, Method::DELETE, path, &Value::Null).await
    }

    /// The room's settings.
    pub(crate) fn in_room(&self) -> String {
        format!("/notifications/rooms/private/{}", self.room.id)
    }

    /// The ids of a person's devices.
    pub(crate) async fn devices(&self, user: UserId) -> Vec<String> {
        let page = self.get(user, "/notifications/devices").await.json();
        page["items"].as_array().unwrap().iter().map(|device| device["id"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn end_session(&self, user: UserId) {
        let (session, until) = (SessionId::from_bytes([1; 16]), testkit::NOON.plus(testkit::LIFETIME));
        self.app().mongo.gates().end_sessions(user, &[session], until).await.unwrap();
    }
}

pub(crate) fn fcm(token: &str) -> Value {
    json!({ "platform": "fcm", "token": token })
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Which field was refused, and why.
pub(crate) fn field(answer: &Answer) -> (String, String) {
    assert_eq!(answer.refusal(), refused(422, "invalid_fields"), "{}", answer.text);
    let errors = answer.json()["errors"].clone();
    let text = |name: &str| errors[0][name].as_str().unwrap().to_owned();
    (text("field"), text("code"))
}

#[tokio::test]
async fn every_route_needs_a_token() {
    let desk = Desk::new().await;
    let room = desk.in_room();
    for (method, path) in [
        (Method::GET, "/notifications/settings"),
        (Method::PUT, "/notifications/settings"),
        (Method::GET, "/notifications/rooms"),
        (Method::GET, room.as_str()),
        (Method::PUT, room.as_str()),
        (Method::DELETE, room.as_str()),
        (Method::GET, "/notifications/devices"),
        (Method::PUT, PHONE),
        (Method::DELETE, PHONE),
        (Method::GET, "/notifications/webpush"),
        (Method::POST, "/notifications/test"),
    ] {
        let answer = desk.ask(method, path, None, &Value::Null).await;
        assert_eq!(answer.refusal(), refused(401, "unauthenticated"), "{path}");
    }
}
