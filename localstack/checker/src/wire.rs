//! Requests and answers in the wire format.

use client::{Method, group_name};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::history::{
    Answer, GROUPS, Message, Page, Push, Request, RoomId, Signal, SignalKind, SyncPage, System, Window,
};

/// The fields of a message that the checker looks at.
#[derive(Deserialize)]
struct MessageRow {
    id: String,
    room_id: u64,
    room_type: Kind,
    seq: u64,
    rev: u64,
    user_id: u64,
    client_id: Option<String>,
    content: String,
    is_deleted: bool,
    pinned_at: Option<String>,
    #[serde(default)]
    mentions: Vec<u64>,
    forwarded_from: Option<ForwardedRow>,
    #[serde(default)]
    reactions: Vec<ReactionRow>,
    system: Option<SystemRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Private,
    Group,
}

#[derive(Deserialize)]
struct ForwardedRow {
    user_id: u64,
}

#[derive(Deserialize)]
struct InviteRow {
    id: u64,
    code: String,
}

#[derive(Deserialize)]
struct ReactionRow {
    emoji: String,
    count: u64,
}

#[derive(Deserialize)]
struct SystemRow {
    kind: String,
    user_id: Option<u64>,
    by: u64,
}

#[derive(Deserialize)]
struct PageRow {
    items: Vec<MessageRow>,
    has_before: bool,
    has_after: bool,
    cursor: u64,
}

#[derive(Deserialize)]
struct FoundRow {
    items: Vec<HitRow>,
    next_cursor: Option<String>,
    incomplete: bool,
}

#[derive(Deserialize)]
struct HitRow {
    message: MessageRow,
}

#[derive(Deserialize)]
struct SyncRow {
    items: Vec<MessageRow>,
    cursor: u64,
    head: u64,
    more: bool,
}

#[derive(Deserialize)]
struct ListRow<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct UnreadRow {
    room_id: u64,
    room_type: String,
    unread_count: u64,
    read_seq: u64,
}

#[derive(Deserialize)]
struct TotalRow {
    messages: u64,
    badge: u64,
}

#[derive(Deserialize)]
struct FriendRow {
    user: PersonRow,
    is_online: bool,
}

#[derive(Deserialize)]
struct PersonRow {
    id: u64,
}

#[derive(Deserialize)]
struct ReadRow {
    read_seq: u64,
    unread_count: u64,
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
            room: match row.room_type {
                Kind::Private => row.room_id,
                Kind::Group => GROUPS + row.room_id,
            },
            seq: row.seq,
            rev: row.rev,
            author: row.user_id,
            client_id: row.client_id.map(Into::into),
            content: row.content.into(),
            deleted: row.is_deleted,
            pinned: row.pinned_at.is_some(),
            mentions: row.mentions.into(),
            forwarded_from: row.forwarded_from.map(|row| row.user_id),
            reactions: row.reactions.into_iter().map(|row| (row.emoji.into(), row.count)).collect(),
            system: row.system.map(|row| Box::new(System { kind: row.kind.into(), of: row.user_id, by: row.by })),
        }
    }
}

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
    let (name, id) = frame["room"].as_str()?.split_once(':')?;
    let id: u64 = id.parse().ok()?;
    let room = if name == "group" { GROUPS + id } else { id };
    Some(Push::Signal(Signal { kind, room, of: frame["d"]["user_id"].as_u64()? }))
}

fn message(body: Value) -> Option<Message> {
    MessageRow::deserialize(body).ok().map(Message::from)
}

/// Action and body of a request as a frame; some have none.
pub(crate) fn frame(request: &Request) -> Option<(&'static str, Value)> {
    Some(match request {
        Request::Send { room, client_id, content } => {
            ("send", json!({ "room": room_name(*room), "client_id": &**client_id, "content": &**content }))
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
        | Request::Logout { .. }
        | Request::Connect { .. } => return None,
    })
}

/// The answer of a frame to a request.
pub(crate) fn from_frame(request: &Request, mut frame: Value) -> Answer {
    let body = frame.get_mut("d").map(Value::take).unwrap_or_default();
    match (frame.get("t").and_then(Value::as_str), request) {
        (Some("ack"), Request::Send { .. }) => {
            read(body, |ack: AckRow| Answer::Ack { message: ack.message.into(), dup: ack.dup })
        }
        (Some("ack"), Request::Read { .. }) => {
            read(body, |row: ReadRow| Answer::Read { read_seq: row.read_seq, unread: row.unread_count })
        }
        (Some("ack"), Request::Delivered { .. } | Request::Typing { .. }) => Answer::Done,
        (Some("ack"), _) => read(body, |ack: AckRow| Answer::Ack { message: ack.message.into(), dup: None }),
        (Some("sync"), _) => read(body, synced),
        (Some("error"), _) => read(body, |error: ErrorRow| match &*error.code {
            "unavailable" | "internal" | "connection_unknown" => Answer::Unknown(error.code),
            "client_id_reused" | "too_many_reactions" => Answer::Refused { status: 409, code: error.code },
            "rate_limited" => Answer::Refused { status: 429, code: error.code },
            "unauthenticated" => Answer::Refused { status: 401, code: error.code },
            "recipient_unavailable" | "not_permitted" => Answer::Refused { status: 403, code: error.code },
            "message_not_found" | "room_not_found" => Answer::Refused { status: 404, code: error.code },
            _ => Answer::Refused { status: 400, code: error.code },
        }),
        _ => Answer::Unknown(format!("an unexpected frame: {frame}")),
    }
}

/// Method, path and query, and body of a request over HTTP; `other` is the id of the other person whom it concerns.
pub(crate) fn http(request: &Request, other: i64) -> Option<(Method, String, Option<Value>)> {
    let (kind, id) = parts(request.room());
    Some(match request {
        Request::Send { client_id, content, .. } => {
            let body = json!({ "room_id": id, "room_type": kind, "client_id": &**client_id, "content": &**content });
            (Method::POST, "/messages".to_owned(), Some(body))
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
        Request::Logout { .. } => (Method::POST, "/auth/logout".to_owned(), None),
        // Signals are frames, and a token is known where the session is.
        Request::Delivered { .. } | Request::Typing { .. } | Request::Refresh { .. } | Request::Connect { .. } => {
            return None;
        }
    })
}

/// The answer of an HTTP response to a request.
pub(crate) fn from_http(request: &Request, status: u16, body: Value) -> Answer {
    match (status, request) {
        (200 | 201, Request::Send { .. } | Request::Forward { .. }) => {
            read(body, |row: MessageRow| Answer::Ack { message: row.into(), dup: Some(status == 200) })
        }
        (200, Request::Edit { .. } | Request::Delete { .. } | Request::Pin { .. }) => {
            read(body, |row: MessageRow| Answer::Ack { message: row.into(), dup: None })
        }
        (200, Request::List { .. }) => read(body, |page: PageRow| {
            let items = page.items.into_iter().map(Message::from).collect();
            Answer::Page(Page { items, has_before: page.has_before, has_after: page.has_after, cursor: page.cursor })
        }),
        (200, Request::Search { .. }) => read(body, |page: FoundRow| Answer::Found {
            items: page.items.into_iter().map(|hit| hit.message.into()).collect(),
            whole: page.next_cursor.is_none() && !page.incomplete,
        }),
        (200, Request::Sync { .. }) => read(body, synced),
        (200, Request::Read { .. }) => {
            read(body, |row: ReadRow| Answer::Read { read_seq: row.read_seq, unread: row.unread_count })
        }
        (200, Request::Unread { room }) => read(body, |rows: ListRow<UnreadRow>| {
            let name = parts(*room);
            let row = rows.items.into_iter().find(|row| (&*row.room_type, row.room_id) == name);
            row.map_or(Answer::Read { read_seq: 0, unread: 0 }, |row| Answer::Read {
                read_seq: row.read_seq,
                unread: row.unread_count,
            })
        }),
        (200, Request::Total { .. }) => {
            read(body, |row: TotalRow| Answer::Total { messages: row.messages, badge: row.badge })
        }
        (200, Request::Friends { .. }) => read(body, |rows: ListRow<FriendRow>| {
            let online = rows.items.into_iter().filter(|row| row.is_online);
            Answer::Online(online.map(|row| row.user.id).collect())
        }),
        (201, Request::Invite { .. }) => {
            read(body, |row: InviteRow| Answer::Invited { invite: row.id, code: row.code.into() })
        }
        (
            200,
            Request::Refresh { .. }
            | Request::Join { .. }
            | Request::JoinBy { .. }
            | Request::React { .. }
            | Request::SetRole { .. }
            | Request::Transfer { .. },
        )
        | (200 | 201, Request::Block { .. } | Request::Add { .. })
        | (
            204,
            Request::Unblock { .. }
            | Request::Kick { .. }
            | Request::Ban { .. }
            | Request::Unban { .. }
            | Request::Revoke { .. }
            | Request::Leave { .. }
            | Request::Logout { .. },
        ) => Answer::Done,
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

fn percent_encoded(text: &str) -> String {
    text.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).map(char::from).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

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
