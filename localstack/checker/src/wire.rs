//! Requests and answers as the protocol writes them.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::history::{Answer, Message, Page, Request, RoomId, SyncPage, Window};

/// The fields of a message that the checker looks at.
#[derive(Deserialize)]
struct MessageRow {
    id: String,
    room_id: RoomId,
    seq: u64,
    rev: u64,
    user_id: u64,
    client_id: Option<String>,
    content: String,
}

#[derive(Deserialize)]
struct PageRow {
    items: Vec<MessageRow>,
    has_before: bool,
    has_after: bool,
    cursor: u64,
}

#[derive(Deserialize)]
struct SyncRow {
    items: Vec<MessageRow>,
    cursor: u64,
    head: u64,
    more: bool,
}

#[derive(Deserialize)]
struct AckRow {
    dup: Option<bool>,
    message: MessageRow,
}

#[derive(Deserialize)]
struct ErrorRow {
    code: String,
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.id.into(),
            room: row.room_id,
            seq: row.seq,
            rev: row.rev,
            author: row.user_id,
            client_id: row.client_id.map(Into::into),
            content: row.content.into(),
        }
    }
}

/// The message of a `message.*` frame.
pub(crate) fn message(body: Value) -> Option<Message> {
    MessageRow::deserialize(body).ok().map(Message::from)
}

/// The name of a private room.
pub(crate) fn room_name(room: RoomId) -> String {
    format!("private:{room}")
}

/// The frame for a request; a list has none.
pub(crate) fn frame(request: &Request, id: &str) -> Option<Value> {
    let (action, body) = match request {
        Request::Send { room, client_id, content } => {
            ("send", json!({ "room": room_name(*room), "client_id": &**client_id, "content": &**content }))
        }
        Request::Edit { message, content, .. } => ("edit", json!({ "id": &**message, "content": &**content })),
        Request::Sync { room, after, limit } => {
            ("sync", json!({ "room": room_name(*room), "after_rev": after, "limit": limit }))
        }
        Request::List { .. } => return None,
    };
    Some(json!({ "action": action, "id": id, "d": body }))
}

/// What an answer frame says to a request.
pub(crate) fn from_frame(request: &Request, mut frame: Value) -> Answer {
    let body = frame.get_mut("d").map(Value::take).unwrap_or_default();
    match (frame.get("t").and_then(Value::as_str), request) {
        (Some("ack"), Request::Send { .. }) => {
            read(body, |ack: AckRow| Answer::Ack { message: ack.message.into(), dup: ack.dup })
        }
        (Some("ack"), _) => read(body, |ack: AckRow| Answer::Ack { message: ack.message.into(), dup: None }),
        (Some("sync"), _) => read(body, synced),
        (Some("error"), _) => read(body, |error: ErrorRow| match &*error.code {
            "unavailable" | "internal" | "connection_unknown" => Answer::Unknown(error.code),
            "client_id_reused" => Answer::Refused { status: 409, code: error.code },
            "rate_limited" => Answer::Refused { status: 429, code: error.code },
            _ => Answer::Refused { status: 400, code: error.code },
        }),
        _ => Answer::Unknown(format!("an unexpected frame: {frame}")),
    }
}

/// Method, path and query, and body of a request over HTTP.
pub(crate) fn http(request: &Request) -> (reqwest::Method, String, Option<Value>) {
    match request {
        Request::Send { room, client_id, content } => {
            let body =
                json!({ "room_id": room, "room_type": "private", "client_id": &**client_id, "content": &**content });
            (reqwest::Method::POST, "/messages".to_owned(), Some(body))
        }
        Request::Edit { message, content, .. } => {
            (reqwest::Method::PUT, format!("/messages/{message}"), Some(json!({ "content": &**content })))
        }
        Request::List { room, window, limit } => {
            let window = match window {
                Window::Newest => String::new(),
                Window::Before(seq) => format!("&before={seq}"),
                Window::After(seq) => format!("&after={seq}"),
                Window::Around(seq) => format!("&around={seq}"),
            };
            (reqwest::Method::GET, format!("/messages/{room}?room_type=private&limit={limit}{window}"), None)
        }
        Request::Sync { room, after, limit } => {
            let path = format!("/messages/sync?room_id={room}&room_type=private&after_rev={after}&limit={limit}");
            (reqwest::Method::GET, path, None)
        }
    }
}

/// What an HTTP answer says to a request.
pub(crate) fn from_http(request: &Request, status: u16, body: Value) -> Answer {
    match (status, request) {
        (200 | 201, Request::Send { .. }) => {
            read(body, |row: MessageRow| Answer::Ack { message: row.into(), dup: Some(status == 200) })
        }
        (200, Request::Edit { .. }) => read(body, |row: MessageRow| Answer::Ack { message: row.into(), dup: None }),
        (200, Request::List { .. }) => read(body, |page: PageRow| {
            let items = page.items.into_iter().map(Message::from).collect();
            Answer::Page(Page { items, has_before: page.has_before, has_after: page.has_after, cursor: page.cursor })
        }),
        (200, Request::Sync { .. }) => read(body, synced),
        (400..500, _) => {
            let code = body.get("code").and_then(Value::as_str).map_or_else(|| body.to_string(), str::to_owned);
            Answer::Refused { status, code }
        }
        _ => {
            let code = body.get("code").and_then(Value::as_str).unwrap_or("from the gateway");
            Answer::Unknown(format!("{status} {code}"))
        }
    }
}

fn synced(page: SyncRow) -> Answer {
    let items = page.items.into_iter().map(Message::from).collect();
    Answer::Synced(SyncPage { items, cursor: page.cursor, head: page.head, more: page.more })
}

fn read<T: DeserializeOwned>(body: Value, answer: impl FnOnce(T) -> Answer) -> Answer {
    T::deserialize(body).map_or_else(
        |error| Answer::Refused { status: 0, code: format!("an answer that can't be read: {error}") },
        answer,
    )
}
