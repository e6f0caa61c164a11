//! Requests as frames and over HTTP.

use client::Method;
use serde_json::{Value, json};

use super::{parts, room_name};
use crate::history::{Request, Window};

/// Action and body of a request as a frame; some have none.
pub(crate) fn frame(request: &Request) -> Option<(&'static str, Value)> {
    Some(match request {
        Request::Send { room, client_id, content, file } => {
            let body = json!({ "room": room_name(*room), "client_id": &**client_id, "content": &**content });
            ("send", with_file(body, file.as_deref()))
        }
        Request::Edit { message, content, .. } => ("edit", json!({ "id": &**message, "content": &**content })),
        Request::Sync { room, after, limit } => {
            ("sync", json!({ "room": room_name(*room), "after_rev": after, "limit": limit }))
        }
        Request::React { message, emoji, takes_back, .. } => {
            ("react", json!({ "id": &**message, "emoji": &**emoji, "remove": takes_back }))
        }
        Request::Delete { message, .. } => ("delete", json!({ "id": &**message })),
        Request::Read { room, seq } => ("read", json!({ "room": room_name(*room), "seq": seq })),
        Request::Delivered { room, seq } => ("delivered", json!({ "room": room_name(*room), "seq": seq })),
        Request::Typing { room } => ("typing", json!({ "room": room_name(*room), "on": true })),
        Request::Unread { .. }
        | Request::Total { .. }
        | Request::Friends { .. }
        | Request::List { .. }
        | Request::Search { .. }
        | Request::Link { .. }
        | Request::Block { .. }
        | Request::Unblock { .. }
        | Request::Kick { .. }
        | Request::Add { .. }
        | Request::Leave { .. }
        | Request::Join { .. }
        | Request::Pin { .. }
        | Request::Forward { .. }
        | Request::SetRole { .. }
        | Request::Transfer { .. }
        | Request::Ban { .. }
        | Request::Unban { .. }
        | Request::Invite { .. }
        | Request::Revoke { .. }
        | Request::JoinBy { .. }
        | Request::Refresh { .. }
        | Request::Register { .. }
        | Request::Logout { .. }
        | Request::Connect { .. } => return None,
    })
}

/// Method, path and query, and body of a request over HTTP; `other` is the id of the other person whom it concerns.
pub(crate) fn http(request: &Request, other: i64) -> Option<(Method, String, Option<Value>)> {
    let (kind, id) = parts(request.room());
    Some(match request {
        Request::Send { client_id, content, file, .. } => {
            let body = json!({ "room_id": id, "room_type": kind, "client_id": &**client_id, "content": &**content });
            (Method::POST, "/messages".to_owned(), Some(with_file(body, file.as_deref())))
        }
        Request::Edit { message, content, .. } => {
            (Method::PUT, format!("/messages/{message}"), Some(json!({ "content": &**content })))
        }
        Request::List { window, limit, .. } => {
            let window = match window {
                Window::Newest => String::new(),
                Window::Before(seq) => format!("&before={seq}"),
                Window::After(seq) => format!("&after={seq}"),
                Window::Around(seq) => format!("&around={seq}"),
            };
            (Method::GET, format!("/messages/{id}?room_type={kind}&limit={limit}{window}"), None)
        }
        Request::Sync { after, limit, .. } => {
            let path = format!("/messages/sync?room_id={id}&room_type={kind}&after_rev={after}&limit={limit}");
            (Method::GET, path, None)
        }
        Request::Delete { message, .. } => (Method::DELETE, format!("/messages/{message}"), None),
        Request::Read { seq, .. } => {
            let body = json!({ "room_id": id, "room_type": kind, "seq": seq });
            (Method::POST, "/messages/read".to_owned(), Some(body))
        }
        Request::Unread { .. } => (Method::GET, "/messages/unread".to_owned(), None),
        Request::Search { text, .. } => {
            let q = percent_encoded(&format!("\"{text}\""));
            let path = format!("/messages/search?q={q}&room_id={id}&room_type={kind}&limit=100");
            (Method::GET, path, None)
        }
        Request::Link { message, file, .. } => {
            let body = json!({ "items": [{ "message_id": &**message, "id": &**file }] });
            (Method::POST, "/files/links".to_owned(), Some(body))
        }
        Request::Total { .. } => (Method::GET, "/messages/unread/total".to_owned(), None),
        Request::Friends { .. } => (Method::GET, "/friends?limit=100".to_owned(), None),
        Request::Block { .. } => (Method::POST, "/blocks".to_owned(), Some(json!({ "user_id": other }))),
        Request::Unblock { .. } => (Method::DELETE, format!("/blocks/{other}"), None),
        Request::Kick { .. } => (Method::DELETE, format!("/group-rooms/{id}/members/{other}"), None),
        Request::Add { .. } => (Method::POST, format!("/group-rooms/{id}/members"), Some(json!({ "user_id": other }))),
        Request::Pin { message, takes_back, .. } => {
            let method = if *takes_back { Method::DELETE } else { Method::PUT };
            (method, format!("/messages/{message}/pin"), None)
        }
        Request::SetRole { admin, .. } => {
            let role = if *admin { "admin" } else { "member" };
            (Method::PUT, format!("/group-rooms/{id}/members/{other}"), Some(json!({ "role": role })))
        }
        Request::Forward { message, client_id, .. } => {
            let body = json!({ "room_id": id, "room_type": kind, "client_id": &**client_id });
            (Method::POST, format!("/messages/{message}/forward"), Some(body))
        }
        Request::Transfer { .. } => {
            (Method::POST, format!("/group-rooms/{id}/transfer"), Some(json!({ "user_id": other })))
        }
        Request::Ban { .. } => (Method::PUT, format!("/group-rooms/{id}/bans/{other}"), None),
        Request::Unban { .. } => (Method::DELETE, format!("/group-rooms/{id}/bans/{other}"), None),
        Request::Invite { .. } => (Method::POST, format!("/group-rooms/{id}/invites"), Some(json!({ "max_uses": 1 }))),
        Request::Revoke { invite, .. } => (Method::DELETE, format!("/group-rooms/{id}/invites/{invite}"), None),
        Request::JoinBy { code, .. } => (Method::POST, format!("/invites/{code}/join"), None),
        Request::React { message, emoji, takes_back: false, .. } => {
            (Method::PUT, format!("/messages/{message}/reactions"), Some(json!({ "emoji": &**emoji })))
        }
        Request::React { message, emoji, takes_back: true, .. } => {
            (Method::DELETE, format!("/messages/{message}/reactions?emoji={}", percent_encoded(emoji)), None)
        }
        Request::Leave { .. } => (Method::POST, format!("/group-rooms/{id}/leave"), None),
        Request::Join { .. } => (Method::POST, format!("/group-rooms/{id}/join"), None),
        Request::Register { device, .. } => {
            let path = format!("/notifications/devices/{}", installation(device));
            (Method::PUT, path, Some(json!({ "platform": "apns", "token": &**device })))
        }
        Request::Logout { .. } => (Method::POST, "/auth/logout".to_owned(), None),
        // Signals are frames, and a token is known where the session is.
        Request::Delivered { .. } | Request::Typing { .. } | Request::Refresh { .. } | Request::Connect { .. } => {
            return None;
        }
    })
}

/// A message with a file, if there is one.
fn with_file(mut message: Value, file: Option<&str>) -> Value {
    if let Some(file) = file {
        message["message_type"] = json!("file");
        message["attachments"] = json!([{ "upload_id": file }]);
    }
    message
}

/// The id of the app on a device: a UUID of the ends of the two numbers in its token.
fn installation(device: &str) -> String {
    let digits = |range| device.get(range).unwrap_or_default();
    format!("{}-0000-4000-8000-{}", digits(24..32), digits(52..64))
}

fn percent_encoded(text: &str) -> String {
    text.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).map(char::from).collect()
}
