//! Answers, of frames and over HTTP.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    parts,
    rows::{
        AckRow, ErrorRow, FoundRow, FriendRow, InviteRow, LinkRow, ListRow, MessageRow, PageRow, ReadRow, SyncRow,
        TotalRow, UnreadRow,
    },
};
use crate::history::{Answer, Message, Page, Request, SyncPage};

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
            "client_id_reused" | "too_many_reactions" | "upload_taken" | "upload_not_ready" => {
                Answer::Refused { status: 409, code: error.code }
            }
            "invalid_fields" => Answer::Refused { status: 422, code: error.code },
            "rate_limited" => Answer::Refused { status: 429, code: error.code },
            "unauthenticated" => Answer::Refused { status: 401, code: error.code },
            "recipient_unavailable" | "not_permitted" => Answer::Refused { status: 403, code: error.code },
            "message_not_found" | "room_not_found" => Answer::Refused { status: 404, code: error.code },
            _ => Answer::Refused { status: 400, code: error.code },
        }),
        _ => Answer::Unknown(format!("an unexpected frame: {frame}")),
    }
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
        (200, Request::Link { .. }) => {
            read(body, |rows: ListRow<LinkRow>| Answer::Linked(rows.items.first().is_some_and(|row| row.url.is_some())))
        }
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
        | (200 | 201, Request::Block { .. } | Request::Add { .. } | Request::Register { .. })
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
