//! Requests and answers in the wire format.

mod answers;
mod requests;
mod rows;

use std::collections::BTreeMap;

use client::group_name;
use serde::Deserialize;
use serde_json::Value;

use self::rows::MessageRow;
pub(crate) use self::{
    answers::{from_frame, from_http},
    requests::{frame, http},
};
use crate::history::{GROUPS, Message, Notice, Push, RoomId, Signal, SignalKind};

/// The room's kind and id.
fn parts(room: RoomId) -> (&'static str, u64) {
    if room < GROUPS { ("private", room) } else { ("group", room - GROUPS) }
}

/// The name of a room in frames.
pub(crate) fn room_name(room: RoomId) -> String {
    match parts(room) {
        ("group", id) => group_name(id),
        (_, id) => client::room_name(id),
    }
}

/// What a pushed frame brings, if the checker looks at it.
pub(crate) fn push(mut frame: Value) -> Option<Push> {
    let kind = match frame["t"].as_str()? {
        "message.created" | "message.updated" | "message.deleted" | "reaction.changed" => {
            return message(frame["d"].take()).map(Push::Message);
        }
        "typing" => SignalKind::Typing,
        "receipt.read" | "receipt.delivered" => SignalKind::Receipt,
        _ => return None,
    };
    let room = named(&frame["room"])?;
    Some(Push::Signal(Signal { kind, room, of: frame["d"]["user_id"].as_u64()? }))
}

/// The room that has this name.
fn named(name: &Value) -> Option<RoomId> {
    let (name, id) = name.as_str()?.split_once(':')?;
    let id: u64 = id.parse().ok()?;
    Some(if name == "group" { GROUPS + id } else { id })
}

/// What APNs was sent for a device, if it is about a room.
pub(crate) fn notice(device: &str, headers: &BTreeMap<String, String>, body: &Value) -> Option<Notice> {
    Some(Notice {
        device: device.into(),
        room: named(&body["room"])?,
        message: body["id"].as_str().map(Into::into),
        is_alert: body["kind"] != "clear",
        badge: body["aps"]["badge"].as_u64(),
        collapse_id: headers.get("apns-collapse-id").map(String::as_str).unwrap_or_default().into(),
    })
}

fn message(body: Value) -> Option<Message> {
    MessageRow::deserialize(body).ok().map(Message::from)
}

#[cfg(test)]
mod tests {
    use client::Method;
    use serde_json::json;

    use super::*;
    use crate::history::{Answer, Request, System};

    const ROOM: RoomId = 4;

    fn delete() -> Request {
        Request::Delete { room: ROOM, message: "66f0".into() }
    }

    fn tombstone() -> Value {
        json!({
            "id": "66f0", "room_id": ROOM, "room_type": "private", "seq": 1, "rev": 2, "user_id": 7, "client_id": "a", "content": "", "is_deleted": true
        })
    }

    #[test]
    fn delete_is_the_same_over_http_and_socket() {
        let (method, path, body) = http(&delete(), 9).unwrap_or_default();
        assert_eq!((method, &*path, body), (Method::DELETE, "/messages/66f0", None));
        let deleted = Answer::Ack { message: message(tombstone()).unwrap_or_else(|| unreachable!()), dup: None };
        assert_eq!(from_http(&delete(), 200, tombstone()), deleted);
        let ack = json!({ "t": "ack", "re": "1", "d": { "id": "66f0", "seq": 1, "rev": 2, "dup": false, "message": tombstone() } });
        assert_eq!(from_frame(&delete(), ack), deleted);
    }

    #[test]
    fn files_are_sent_and_shown_the_same_over_http_and_socket() {
        let (client_id, content) = ("a".into(), "b".into());
        let request = Request::Send { room: ROOM, client_id, content, file: Some("9f2c".into()) };
        let (_, _, over_http) = http(&request, 9).unwrap_or_default();
        for body in [over_http, frame(&request).map(|(_, body)| body)].map(Option::unwrap_or_default) {
            let sent = (&body["message_type"], &body["attachments"]);
            assert_eq!(sent, (&json!("file"), &json!([{ "upload_id": "9f2c" }])));
        }
        let mut row = tombstone();
        row["attachments"] = json!([{ "id": "9f2c", "kind": "file", "name": "a", "size": 1, "type": "text/plain" }]);
        assert!(message(row).is_some_and(|message| message.files.iter().map(|file| &**file).eq(["9f2c"])));
    }

    #[test]
    fn link_that_is_null_is_none() {
        let request = Request::Link { room: ROOM, message: "66f0".into(), file: "9f2c".into() };
        let (_, path, body) = http(&request, 9).unwrap_or_default();
        let asked = json!({ "items": [{ "message_id": "66f0", "id": "9f2c" }] });
        assert_eq!((&*path, body), ("/files/links", Some(asked)));
        for (url, given) in [(Value::Null, false), (json!("http://127.0.0.1/a"), true)] {
            let links = json!({ "items": [{ "id": "9f2c", "variant": "original", "url": url, "expires_at": null }] });
            assert_eq!(from_http(&request, 200, links), Answer::Linked(given));
        }
    }

    #[test]
    fn read_is_the_same_over_http_and_socket() {
        let request = Request::Read { room: ROOM, seq: 5 };
        assert_eq!(frame(&request), Some(("read", json!({ "room": "private:4", "seq": 5 }))));
        let read = Answer::Read { read_seq: 5, unread: 2 };
        assert_eq!(from_http(&request, 200, json!({ "read_seq": 5, "unread_count": 2 })), read);
        let answer = json!({ "t": "ack", "re": "1", "d": { "read_seq": 5, "unread_count": 2 } });
        assert_eq!(from_frame(&request, answer), read);
    }

    #[test]
    fn people_are_blocked_by_their_ids() {
        let (_, path, body) = http(&Request::Block { room: ROOM }, 9).unwrap_or_default();
        assert_eq!((&*path, body), ("/blocks", Some(json!({ "user_id": 9 }))));
        let (_, path, body) = http(&Request::Unblock { room: ROOM }, 9).unwrap_or_default();
        assert_eq!((&*path, body), ("/blocks/9", None));
        assert_eq!(from_http(&Request::Block { room: ROOM }, 201, Value::Null), Answer::Done);
        assert_eq!(from_http(&Request::Unblock { room: ROOM }, 204, Value::Null), Answer::Done);
        assert_eq!(from_http(&Request::Logout { room: ROOM }, 204, Value::Null), Answer::Done);
    }

    #[test]
    fn groups_are_told_from_rooms_of_two() {
        let request = Request::Read { room: GROUPS + 4, seq: 5 };
        assert_eq!(frame(&request), Some(("read", json!({ "room": "group:4", "seq": 5 }))));
        let mut row = tombstone();
        row["room_type"] = json!("group");
        row["system"] = json!({ "kind": "member_added", "user_id": 9, "by": 7 });
        let message = message(row).unwrap_or_else(|| unreachable!());
        let system = System { kind: "member_added".into(), of: Some(9), by: 7 };
        assert_eq!((message.room, message.system), (GROUPS + 4, Some(Box::new(system))));
    }

    #[test]
    fn members_are_added_and_removed_by_their_ids() {
        let (room, of) = (GROUPS + 4, 1);
        let (method, path, _) = http(&Request::Kick { room, of }, 9).unwrap_or_default();
        assert_eq!((method, &*path), (Method::DELETE, "/group-rooms/4/members/9"));
        let (_, path, body) = http(&Request::Add { room, of }, 9).unwrap_or_default();
        assert_eq!((&*path, body), ("/group-rooms/4/members", Some(json!({ "user_id": 9 }))));
        assert_eq!(from_http(&Request::Kick { room, of }, 204, Value::Null), Answer::Done);
        assert_eq!(from_http(&Request::Add { room, of }, 201, Value::Null), Answer::Done);
        assert_eq!(from_http(&Request::Leave { room }, 204, Value::Null), Answer::Done);
        assert_eq!(from_http(&Request::Join { room }, 200, Value::Null), Answer::Done);
    }

    #[test]
    fn reactions_are_the_same_over_http_and_socket() {
        let request =
            |takes_back| Request::React { room: GROUPS + 4, message: "66f0".into(), emoji: "👍".into(), takes_back };
        let (method, path, body) = http(&request(false), 9).unwrap_or_default();
        let put = (Method::PUT, "/messages/66f0/reactions", Some(json!({ "emoji": "👍" })));
        assert_eq!((method, &*path, body), put);
        let (method, path, _) = http(&request(true), 9).unwrap_or_default();
        assert_eq!((method, &*path), (Method::DELETE, "/messages/66f0/reactions?emoji=%F0%9F%91%8D"));
        assert_eq!(frame(&request(true)), Some(("react", json!({ "id": "66f0", "emoji": "👍", "remove": true }))));
        assert_eq!(from_http(&request(true), 200, json!({ "rev": 3, "reactions": [] })), Answer::Done);
        let mut row = tombstone();
        row["reactions"] = json!([{ "emoji": "👍", "count": 2, "mine": true }]);
        let message = message(row).unwrap_or_else(|| unreachable!());
        assert_eq!(*message.reactions, [("👍".into(), 2)]);
    }

    #[test]
    fn devices_are_registered_and_notified_by_their_tokens() {
        let device = format!("{:032x}{:032x}", 3, 65_000);
        let (method, path, body) =
            http(&Request::Register { room: ROOM, device: device.as_str().into() }, 9).unwrap_or_default();
        let put = (Method::PUT, "/notifications/devices/00000003-0000-4000-8000-00000000fde8");
        assert_eq!((method, &*path), put);
        assert_eq!(body, Some(json!({ "platform": "apns", "token": device })));
        let headers = BTreeMap::from([("apns-collapse-id".to_owned(), "66f0".to_owned())]);
        let sent = json!({ "kind": "mention", "room": "group:4", "id": "66f0", "seq": "5", "aps": { "badge": 2 } });
        let (message, collapse_id) = (Some("66f0".into()), "66f0".into());
        let told = Notice {
            device: (&*device).into(),
            room: GROUPS + 4,
            message,
            is_alert: true,
            badge: Some(2),
            collapse_id,
        };
        assert_eq!(notice(&device, &headers, &sent), Some(told));
        let clear = json!({ "kind": "clear", "room": "private:4", "read_seq": "5", "aps": { "badge": 0 } });
        assert!(notice(&device, &headers, &clear).is_some_and(|told| !told.is_alert && told.room == ROOM));
        assert_eq!(notice(&device, &headers, &json!({ "kind": "friend", "aps": {} })), None);
    }

    #[test]
    fn pins_and_roles_are_changed_over_http() {
        let (room, message) = (GROUPS + 4, "66f0".into());
        let (method, path, body) = http(&Request::Pin { room, message, takes_back: false }, 9).unwrap_or_default();
        assert_eq!((method, &*path, body), (Method::PUT, "/messages/66f0/pin", None));
        let (method, path, body) = http(&Request::SetRole { room, of: 1, admin: true }, 9).unwrap_or_default();
        let put = (Method::PUT, "/group-rooms/4/members/9", Some(json!({ "role": "admin" })));
        assert_eq!((method, &*path, body), put);
        let mut row = tombstone();
        row["pinned_at"] = json!("2026-01-01T00:00:00.000Z");
        assert!(super::message(row).is_some_and(|message| message.pinned));
    }

    #[test]
    fn refusals_are_the_same_over_http_and_socket() {
        for (status, code) in [(401, "unauthenticated"), (403, "recipient_unavailable"), (404, "message_not_found")] {
            let refused = Answer::Refused { status, code: code.to_owned() };
            assert_eq!(from_http(&delete(), status, json!({ "code": code })), refused);
            assert_eq!(from_frame(&delete(), json!({ "t": "error", "re": "1", "d": { "code": code } })), refused);
        }
    }

    #[test]
    fn undecided_answers_are_unknown_outcomes() {
        assert!(matches!(from_http(&delete(), 503, json!({ "code": "unavailable" })), Answer::Unknown(_)));
        let error = json!({ "t": "error", "re": "1", "d": { "code": "connection_unknown", "fatal": true } });
        assert!(matches!(from_frame(&delete(), error), Answer::Unknown(_)));
    }
}
