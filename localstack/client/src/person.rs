use crate::{Answer, Api, Socket};
use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt::Display;

/// Someone with an account, logged in on one device.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account's id.
    pub id: i64,
    /// The account as its owner sees it.
    pub account: Value,
    /// The access token of this device.
    pub token: String,
    /// The first refresh token of this device.
    pub refresh_token: String,
    /// The HTTP API as this device uses it.
    pub api: Api,
    password: String,
}

impl Person {
    /// Registers an account and logs in.
    pub async fn register(api: &Api, email: &str, username: &str, password: &str) -> Result<Self> {
        let body = json!({ "email": email, "username": username, "password": password });
        let account = api.post("/auth/register", &body).await?.expect(&[201])?;
        let (token, refresh_token) = log_in(api, email, password).await?;
        Self::new(api, account, token, refresh_token, password)
    }

    /// Registers `<username>@example.com` if the account is missing.
    pub async fn ensure(api: &Api, username: &str, password: &str) -> Result<()> {
        let body = json!({ "email": address(username), "username": username, "password": password });
        api.post("/auth/register", &body).await?.expect(&[201, 409]).map(drop)
    }

    /// Logs in as `<username>@example.com`, registering the account first if it is missing.
    pub async fn enter(api: &Api, username: &str, password: &str) -> Result<Self> {
        Self::ensure(api, username, password).await?;
        Self::log_in(api, &address(username), password).await
    }

    /// Logs in with an account that is there.
    pub async fn log_in(api: &Api, email: &str, password: &str) -> Result<Self> {
        let (token, refresh_token) = log_in(api, email, password).await?;
        let account = api.with_token(&token).get("/users/me").await?.expect(&[200])?;
        Self::new(api, account, token, refresh_token, password)
    }

    fn new(api: &Api, account: Value, token: String, refresh_token: String, password: &str) -> Result<Self> {
        let id = account["id"].as_i64().context("an account has an id")?;
        Ok(Self { id, account, api: api.with_token(&token), token, refresh_token, password: password.to_owned() })
    }

    /// The account's address.
    pub fn email(&self) -> &str {
        self.account["email"].as_str().unwrap_or_default()
    }

    /// The same person, logged in on another device.
    pub async fn login(&self) -> Result<Self> {
        let (token, refresh_token) = log_in(&self.api, self.email(), &self.password).await?;
        Ok(Self { api: self.api.with_token(&token), token, refresh_token, ..self.clone() })
    }

    /// The private room with someone, which is created if it is missing.
    pub async fn room_with(&self, other: i64) -> Result<i64> {
        let answer = self.api.post("/chat-rooms", &json!({ "participant_id": other })).await?;
        answer.expect(&[200, 201])?["id"].as_i64().context("a room has an id")
    }

    /// Becomes a friend of somebody.
    pub async fn befriend(&self, other: &Self) -> Result<()> {
        let request = self.api.post("/friends/request", &json!({ "user_id": other.id })).await?.expect(&[201])?;
        let path = format!("/friends/{}/accept", request["id"]);
        other.api.call(Method::PUT, &path, None).await?.expect(&[200]).map(drop)
    }

    /// A new group of the caller's with some friends of theirs.
    pub async fn make_group(&self, name: &str, members: &[i64]) -> Result<i64> {
        let answer = self.api.post("/group-rooms", &json!({ "name": name, "members": members })).await?;
        answer.expect(&[201])?["id"].as_i64().context("a room has an id")
    }

    /// The first of the caller's groups of a name.
    pub async fn find_group(&self, name: &str) -> Result<Option<i64>> {
        let groups = self.api.get("/group-rooms?limit=100").await?.expect(&[200])?;
        let groups = groups["items"].as_array().context("a list has items")?;
        Ok(groups.iter().find(|group| group["name"] == name).and_then(|group| group["id"].as_i64()))
    }

    /// Sends a message to a private room.
    pub async fn send(&self, room: i64, content: &str) -> Result<Answer> {
        self.api.post("/messages", &message(room, content)).await
    }

    /// A WebSocket ticket, and the URL that takes it.
    pub async fn ticket(&self) -> Result<(String, String)> {
        let answer = self.api.call(Method::POST, "/auth/ticket", None).await?.expect(&[201])?;
        Ok((text(&answer, "url")?, text(&answer, "ticket")?))
    }

    /// Opens a socket and says hello with these cursors; returns the answer `ready` too.
    pub async fn connect(&self, cursors: Value) -> Result<(Socket, Value)> {
        let (url, ticket) = self.ticket().await?;
        let socket = Socket::connect(&with_ticket(&url, &ticket)).await?;
        let ready = socket.ask("hello", json!({ "v": 1, "lang": "en", "cursors": cursors })).await?;
        ensure!(ready["t"] == "ready", "hello was answered {ready}");
        Ok((socket, ready))
    }
}

/// The name of a private room in frames.
pub fn room_name(room: impl Display) -> String {
    format!("private:{room}")
}

/// The body of a new message in a private room.
pub fn message(room: i64, content: &str) -> Value {
    json!({ "room_id": room, "room_type": "private", "content": content })
}

/// The body of a new message in a private room: files without a text.
pub fn file_message(room: i64, message_type: &str, uploads: &[impl AsRef<str>]) -> Value {
    let attachments: Vec<_> = uploads.iter().map(|upload| json!({ "upload_id": upload.as_ref() })).collect();
    json!({
        "room_id": room, "room_type": "private", "content": "", "message_type": message_type, "attachments": attachments,
    })
}

/// The name of a group in frames.
pub fn group_name(room: impl Display) -> String {
    format!("group:{room}")
}

/// The body of a new message in a group.
pub fn group_message(room: i64, content: &str) -> Value {
    json!({ "room_id": room, "room_type": "group", "content": content })
}

/// The URL that opens a socket.
pub fn with_ticket(url: &str, ticket: &str) -> String {
    format!("{url}?ticket={ticket}")
}

fn address(username: &str) -> String {
    format!("{username}@example.com")
}

async fn log_in(api: &Api, email: &str, password: &str) -> Result<(String, String)> {
    let body = json!({ "email": email, "password": password });
    let tokens = api.post("/auth/login", &body).await?.expect(&[200])?;
    Ok((text(&tokens, "access_token")?, text(&tokens, "refresh_token")?))
}

fn text(answer: &Value, name: &str) -> Result<String> {
    Ok(answer[name].as_str().with_context(|| format!("no {name} in {answer}"))?.to_owned())
}
