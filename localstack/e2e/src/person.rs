use crate::{Api, Socket};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::time::timeout;

/// Everybody's.
pub const PASSWORD: &str = "correct horse battery";

/// How long a reader may lag. What was never finished is passed after 5 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// Someone with an account, logged in on one device.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account's number.
    pub id: i64,
    /// The account as it was registered.
    pub account: Value,
    /// The access token of this device.
    pub token: String,
    /// The first refresh token of this device.
    pub refresh_token: String,
    /// The HTTP API as this device uses it.
    pub api: Api,
}

impl Person {
    pub(crate) async fn register(api: Api, name: &str) -> Self {
        let (email, username) = (format!("{}@example.com", unique("someone")), unique(name));
        let body = json!({"email": email, "username": username, "password": PASSWORD});
        let account = api.post("/auth/register", &body).await.with(201);
        Self {
            id: account["id"].as_i64().expect("an id"),
            account,
            token: String::new(),
            refresh_token: String::new(),
            api,
        }
        .login()
        .await
    }

    /// The same person on another device.
    pub async fn login(&self) -> Self {
        let body = json!({"email": self.account["email"], "password": PASSWORD});
        let tokens = self.api.post("/auth/login", &body).await.with(200);
        let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        let (token, refresh_token) = (text("access_token"), text("refresh_token"));
        Self { api: self.api.with_token(&token), token, refresh_token, ..self.clone() }
    }

    /// The room with someone else, new or not.
    pub async fn room_with(&self, other: &Self) -> i64 {
        let answer = self.api.post("/chat-rooms", &json!({"participant_id": other.id})).await;
        answer.json()["id"].as_i64().unwrap_or_else(|| unreachable!("no room: {}", answer.text))
    }

    /// The number of a login's session, as its access token has it.
    pub fn session(&self) -> String {
        let payload = self.token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
        let claims: Value = serde_json::from_slice(&payload.expect("a token of three parts")).expect("claims");
        claims["sid"].as_str().expect("a session").to_owned()
    }

    /// Ends this device's login.
    pub async fn logout(&self) {
        let answer = self.api.call("POST", "/auth/logout", None).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    /// Asks someone to be friends; answers the friendship's number.
    pub async fn befriend(&self, other: &Self) -> i64 {
        let answer = self.api.post("/friends/request", &json!({"user_id": other.id})).await;
        answer.json()["id"].as_i64().unwrap_or_else(|| unreachable!("no request: {}", answer.text))
    }

    /// Blocks someone.
    pub async fn block(&self, other: &Self) {
        self.api.post("/blocks", &json!({"user_id": other.id})).await.with(201);
    }

    /// Unblocks someone.
    pub async fn unblock(&self, other: &Self) {
        let answer = self.api.delete(&format!("/blocks/{}", other.id)).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    /// Sends a message over HTTP.
    pub async fn say(&self, room: i64, text: &str) -> Value {
        self.api.post("/messages", &message(room, text)).await.with(201)
    }

    /// Sends a message over HTTP under a name for it.
    pub async fn say_as(&self, room: i64, client_id: &str, text: &str) -> crate::Answer {
        let mut body = message(room, text);
        body["client_id"] = client_id.into();
        self.api.post("/messages", &body).await
    }

    /// The first 100 messages of a room.
    pub async fn list(&self, room: i64) -> Value {
        self.api.get(&format!("/messages/{room}?after=0&limit=100")).await.with(200)
    }

    /// Every change of a room after a cursor, each message once, and the cursor that a client then has.
    ///
    /// Asks as clients do, until the cursor is at the head: readers may lag behind what is acknowledged.
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
            }
        };
        timeout(PATIENCE, catching_up).await.expect("a feed that gets to its head");
        (items, cursor)
    }

    /// The first 100 changes of a room after a cursor.
    pub async fn sync(&self, room: i64, after: i64) -> Value {
        self.api.get(&format!("/messages/sync?room_id={room}&after_rev={after}&limit=100")).await.with(200)
    }

    /// A ticket, and where to use it.
    pub async fn ticket(&self) -> (String, String) {
        let answer = self.api.call("POST", "/auth/ticket", None).await.with(201);
        let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
        (text("url"), text("ticket"))
    }

    /// A connection that said hello without cursors, in English.
    pub async fn socket(&self) -> Socket {
        let (url, ticket) = self.ticket().await;
        let mut socket = Socket::connect(&url, &ticket).await;
        let ready = socket.ask("hello", json!({"v": 1, "lang": "en"})).await;
        assert_eq!(ready["t"], "ready", "{ready}");
        socket
    }
}

/// The name of a private room in frames.
pub fn room_name(room: i64) -> String {
    format!("private:{room}")
}

fn message(room: i64, text: &str) -> Value {
    json!({"room_id": room, "room_type": "private", "content": text})
}

/// A name that nobody had in this or another run.
fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let random = RandomState::new().hash_one(NEXT.fetch_add(1, Ordering::Relaxed));
    format!("{name}.{:08x}", random & 0xffff_ffff)
}
