//! Every route, over a database of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod changing;
mod forwarding;
mod hiding;
mod lists;
mod pinning;
mod reacting;
mod reading;
mod searching;
mod sending;

use axum::http::Method;
use domain::{RoomKey, SessionId, UserId};
use messages::App;
use messaging::Searcher;
use serde_json::{Value, json};
use std::{
    ops::Deref,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use testkit::{Answer, Door, Stores, limits_of};

pub(crate) const MINJI: UserId = UserId(1);
pub(crate) const JUNHO: UserId = UserId(2);
pub(crate) const STRANGER: UserId = UserId(3);

/// The function's routes and a room of Minji and Junho.
pub(crate) struct Room {
    door: Door<App>,
    pub(crate) key: RoomKey,
    sent: AtomicUsize,
}

impl Deref for Room {
    type Target = Door<App>;

    fn deref(&self) -> &Door<App> {
        &self.door
    }
}

impl Room {
    pub(crate) async fn new() -> Self {
        let stores = Stores::without_mysql().await;
        let key = stores.project_room([MINJI, JUNHO]).await;
        let app = App {
            messenger: stores.messenger(),
            tokens: stores.tokens(),
            fingerprints: stores.fingerprints(),
            searcher: Searcher::default(),
            limits: limits_of(1_000, 1_000),
            random: boot::random(),
        };
        Self { door: Door::over(stores, messages::routes, app), key, sent: AtomicUsize::new(0) }
    }

    /// The same with limits of so many at once.
    pub(crate) fn limited_to(self, burst: u32) -> Self {
        Self { door: self.door.with(|app| app.limits = limits_of(burst, 1)), ..self }
    }

    /// A message in the room, as a request.
    pub(crate) fn message(&self, client_id: &str, content: &str) -> Value {
        json!({ "room_id": self.key.id, "room_type": "private", "client_id": client_id, "content": content })
    }

    pub(crate) async fn post(&self, user: UserId, message: &Value) -> Answer {
        self.call(user, Method::POST, "/messages", message).await
    }

    /// Sends a message and answers it.
    pub(crate) async fn send(&self, user: UserId, content: &str) -> Value {
        let name = self.sent.fetch_add(1, Ordering::Relaxed).to_string();
        let answer = self.post(user, &self.message(&name, content)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// Waits until a majority knows that a message was delivered.
    pub(crate) async fn is_delivered(&self, message: &Value) {
        let id = message["id"].as_str().unwrap().parse().unwrap();
        let messages = self.app().messenger.mongo.messages();
        while messages.find(id).await.unwrap().unwrap().fanout.is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Connects one device of each of the two.
    pub(crate) async fn connect_both(&self) {
        for (user, name) in [(MINJI, "minji"), (JUNHO, "junho")] {
            self.connect(user, SessionId::from_bytes([1; 16]), name).await;
        }
    }
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub(crate) fn contents(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_route_needs_a_token() {
    let room = Room::new().await;
    for (method, path) in [
        (Method::POST, "/messages"),
        (Method::GET, "/messages/1"),
        (Method::GET, "/messages/sync?room_id=1&after_rev=0"),
        (Method::PUT, "/messages/665f1f77bcf86cd799439011"),
        (Method::DELETE, "/messages/665f1f77bcf86cd799439011"),
        (Method::POST, "/messages/665f1f77bcf86cd799439011/forward"),
        (Method::PUT, "/messages/665f1f77bcf86cd799439011/hidden"),
        (Method::GET, "/messages/665f1f77bcf86cd799439011/history"),
        (Method::GET, "/messages/665f1f77bcf86cd799439011/replies"),
        (Method::POST, "/messages/read"),
        (Method::GET, "/messages/unread"),
        (Method::GET, "/messages/unread/total"),
        (Method::PUT, "/messages/665f1f77bcf86cd799439011/reactions"),
        (Method::GET, "/messages/665f1f77bcf86cd799439011/reactions"),
        (Method::DELETE, "/messages/665f1f77bcf86cd799439011/reactions?emoji=%F0%9F%91%8D"),
        (Method::PUT, "/messages/665f1f77bcf86cd799439011/pin"),
        (Method::DELETE, "/messages/665f1f77bcf86cd799439011/pin"),
        (Method::GET, "/messages/pins?room_id=1"),
        (Method::GET, "/messages/search?q=%ED%9A%8C%EC%9D%98"),
    ] {
        let answer = room.ask(method, path, None, &Value::Null).await;
        assert_eq!(answer.refusal(), refused(401, "unauthenticated"), "{path}");
    }
}
