use crate::{Answer, Api, Socket};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use client::{Live, message};
use serde_json::{Value, json};
use std::{
    hash::{BuildHasher as _, RandomState},
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// Everyone's password.
pub const PASSWORD: &str = "correct horse battery";

/// How long a reader may lag: stale in-flight entries expire after 5 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two pages of a reader that lags.
const PAUSE: Duration = Duration::from_millis(50);

/// Someone with an account, logged in on one device.
#[derive(Debug, Clone)]
pub struct Person {
    person: client::Person,
    /// The HTTP API as this device uses it.
    pub api: Api,
}

impl From<client::Person> for Person {
    fn from(person: client::Person) -> Self {
        Self { api: Api(person.api.clone()), person }
    }
}

impl Deref for Person {
    type Target = client::Person;

    fn deref(&self) -> &client::Person {
        &self.person
    }
}

impl Person {
    pub(crate) async fn register(api: &Api, name: &str) -> Self {
        let (email, username) = (format!("{}@example.com", unique("someone")), unique(name));
        client::Person::register(&api.0, &email, &username, PASSWORD).await.expect("an account").into()
    }

    /// The same person, logged in on another device.
    pub async fn login(&self) -> Self {
        self.person.login().await.expect("a login").into()
    }

    /// The room with someone else, created if it is missing.
    pub async fn room_with(&self, other: &Self) -> i64 {
        self.person.room_with(other.id).await.expect("a room")
    }

    /// The session's id, from the access token.
    pub fn session(&self) -> String {
        let payload = self.token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
        let claims: Value = serde_json::from_slice(&payload.expect("a token of three parts")).expect("claims");
        claims["sid"].as_str().expect("a session").to_owned()
    }

    /// Logs this device out.
    pub async fn logout(&self) {
        self.api.call("POST", "/auth/logout", None).await.with(204);
    }

    /// Sends a friend request; returns the friendship's id.
    pub async fn befriend(&self, other: &Self) -> i64 {
        let answer = self.api.post("/friends/request", &json!({"user_id": other.id})).await;
        answer.json()["id"].as_i64().unwrap_or_else(|| unreachable!("no request: {}", answer.text))
    }

    /// Becomes a friend of someone.
    pub async fn make_friends(&self, other: &Self) {
        let request = self.befriend(other).await;
        other.api.call("PUT", &format!("/friends/{request}/accept"), None).await.with(200);
    }

    /// A new group with some friends; returns its id.
    pub async fn make_group(&self, body: &Value) -> i64 {
        self.api.post("/group-rooms", body).await.with(201)["id"].as_i64().expect("a room has an id")
    }

    /// A new invite to a group; returns its id and its code.
    pub async fn invite_to(&self, group: i64) -> (i64, String) {
        let invite = self.api.post(&format!("/group-rooms/{group}/invites"), &json!({})).await.with(201);
        let code = invite["code"].as_str().expect("a new invite shows its code").to_owned();
        (invite["id"].as_i64().expect("an invite has an id"), code)
    }

    /// Blocks someone.
    pub async fn block(&self, other: &Self) {
        self.api.post("/blocks", &json!({"user_id": other.id})).await.with(201);
    }

    /// Unblocks someone.
    pub async fn unblock(&self, other: &Self) {
        self.api.delete(&format!("/blocks/{}", other.id)).await.with(204);
    }

    /// Sends a message over HTTP.
    pub async fn say(&self, room: i64, text: &str) -> Value {
        self.api.post("/messages", &message(room, text)).await.with(201)
    }

    /// Sends a message over HTTP with a `client_id`.
    pub async fn say_as(&self, room: i64, client_id: &str, text: &str) -> Answer {
        let mut body = message(room, text);
        body["client_id"] = client_id.into();
        self.api.post("/messages", &body).await
    }

    /// The first 100 messages of a room.
    pub async fn list(&self, room: i64) -> Value {
        self.api.get(&format!("/messages/{room}?after=0&limit=100")).await.with(200)
    }

    /// Every change of a room after a cursor, each message once, and the client's cursor afterwards.
    ///
    /// Repeats `sync` until the cursor reaches the head, because readers may lag behind acknowledgements.
    pub async fn catch_up(&self, room: i64, after: i64) -> (Vec<Value>, i64) {
        let (mut items, mut cursor) = (Vec::<Value>::new(), after);
        let catching_up = async {
            loop {
                let page = self.sync(room, cursor).await;
                for item in page["items"].as_array().expect("items") {
                    items.retain(|earlier| earlier["id"] != item["id"]);
                    items.push(item.clone());
                }
                cursor = page["cursor"].as_i64().expect("a cursor");
                if page["cursor"] == page["head"] {
                    break;
                }
                // A client in a hurry would use up its reads.
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, catching_up).await.expect("a feed that gets to its head");
        (items, cursor)
    }

    /// The first 100 changes of a room after a cursor.
    pub async fn sync(&self, room: i64, after: i64) -> Value {
        self.api.get(&format!("/messages/sync?room_id={room}&after_rev={after}&limit=100")).await.with(200)
    }

    /// The URL of the WebSocket API, and a ticket for it.
    pub async fn ticket(&self) -> (String, String) {
        self.person.ticket().await.expect("a ticket")
    }

    /// A device that keeps to the rules of a client by itself; `seed` decides its jitter.
    pub fn live(&self, seed: u64) -> Live {
        Live::new(self.person.clone(), seed)
    }

    /// A connection that said hello with these cursors, and what it was greeted with.
    pub async fn hello(&self, cursors: Value) -> (Socket, Value) {
        let (socket, ready) = self.person.connect(cursors).await.expect("a connection");
        (Socket(socket), ready["d"].clone())
    }

    /// A connection that said hello without cursors, in English.
    pub async fn socket(&self) -> Socket {
        Socket(self.person.connect(json!({})).await.expect("a connection").0)
    }
}

/// A name that is unique in all runs.
pub(crate) fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let random = RandomState::new().hash_one(NEXT.fetch_add(1, Ordering::Relaxed));
    format!("{name}.{:08x}", random & 0xffff_ffff)
}
