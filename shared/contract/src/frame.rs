use crate::{FieldProblem, FriendView, MessageView, ReadCursor, SyncPage};
use domain::{Code, Fault, Locale, MessageId, News, Notice, Rev, RoomKey, Seq, SessionId, UserId};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A frame to a client: `{t, re?, room?, rev?, d?}`.
#[derive(Serialize)]
pub struct Frame<'a> {
    /// The `id` of the frame that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub re: Option<&'a str>,
    /// The room of a pushed change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomKey>,
    /// The number of a pushed change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rev: Option<Rev>,
    /// `t` and `d`.
    #[serde(flatten)]
    pub payload: FramePayload,
}

/// The type of a frame and its details.
#[derive(Serialize, ToSchema)]
#[serde(tag = "t", content = "d")]
pub enum FramePayload {
    /// Answers `hello`.
    #[serde(rename = "ready")]
    Ready(Ready),
    /// Answers `send`, `edit`, `delete` and `read`.
    #[serde(rename = "ack")]
    Ack(Ack),
    /// Answers `sync`. It has at most 30 KB.
    #[serde(rename = "sync")]
    Sync(SyncPage),
    /// Answers `ping`.
    #[serde(rename = "pong")]
    Pong(Pong),
    /// Answers a frame that was refused or failed. The connection stays open unless `fatal` is true.
    #[serde(rename = "error")]
    Error(ErrorBody),
    /// A message was sent to one of the user's rooms.
    #[serde(rename = "message.created")]
    MessageCreated(Box<MessageView>),
    /// A message in one of the user's rooms was edited.
    #[serde(rename = "message.updated")]
    MessageUpdated(Box<MessageView>),
    /// A message in one of the user's rooms was deleted.
    #[serde(rename = "message.deleted")]
    MessageDeleted(Box<MessageView>),
    /// A member of one of the user's rooms has read messages.
    #[serde(rename = "receipt.read")]
    ReceiptRead(Receipt),
    /// A friend request was sent to the user, or by the user on another device.
    #[serde(rename = "friend.requested")]
    FriendRequested(FriendNews),
    /// A friend request was accepted.
    #[serde(rename = "friend.accepted")]
    FriendAccepted(FriendNews),
    /// A friend request was rejected or withdrawn, or a friendship ended.
    #[serde(rename = "friend.removed")]
    FriendRemoved(FriendNews),
    /// The session of this connection has ended. The connection is closed.
    #[serde(rename = "session.revoked")]
    SessionRevoked(SessionNews),
}

impl FramePayload {
    /// The `t` of the frames that answer one; all others are pushed.
    pub(crate) const ANSWERS: [&'static str; 5] = ["ready", "ack", "sync", "pong", "error"];
}

/// The answer to a change.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Ack {
    /// Answers `send`, `edit` and `delete`.
    Message(Box<Acknowledged>),
    /// Answers `read`.
    Read(ReadCursor),
}

/// The answer to `hello`.
#[derive(Serialize, ToSchema)]
pub struct Ready {
    /// The user of this connection.
    pub user: UserId,
    /// The session of this connection.
    pub session: SessionId,
    /// When to connect again, before the connection reaches its two-hour limit; Unix time in seconds.
    #[schema(example = 1_790_000_000)]
    pub reconnect_at: i64,
    /// How often to send `ping`, in seconds.
    #[schema(example = 270)]
    pub ping_s: u32,
    /// Rooms with changes after the given cursor, at most 200.
    pub gaps: Vec<RoomKey>,
    /// Whether there are more such rooms: sync these, then send `hello` again.
    pub more: bool,
    /// The unread messages of each room, for the first 100 rooms by name that have any; 100 means more than 99.
    pub unread: BTreeMap<RoomKey, i32>,
    /// The version of the user's friends and requests: load them again if it is higher than the last one seen.
    #[schema(example = 5)]
    pub user_rev: i64,
}

/// The answer to `ping`.
#[derive(Default, Serialize, ToSchema)]
pub struct Pong {
    /// Rooms with changes after the given cursor, at most 200: sync them.
    pub gaps: Vec<RoomKey>,
    /// Whether there are more such rooms: sync these, then send `ping` again.
    pub more: bool,
    /// The version of the user's friends and requests, if it is higher than the given one: load them again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5)]
    pub user_rev: Option<i64>,
}

/// The answer to a change of a message.
#[derive(Serialize, ToSchema)]
pub struct Acknowledged {
    /// The message's id.
    pub id: MessageId,
    /// The message's number in the room.
    pub seq: Seq,
    /// The number of the change.
    pub rev: Rev,
    /// Whether an earlier `send` with the same `client_id` sent the message.
    pub dup: bool,
    /// The message as of `rev`.
    pub message: MessageView,
}

/// How far a member has read.
#[derive(Serialize, ToSchema)]
pub struct Receipt {
    /// The member.
    pub user_id: UserId,
    /// The newest read message.
    pub read_seq: Seq,
}

/// A change between the user and another person.
#[derive(Serialize, ToSchema)]
pub struct FriendNews {
    /// The friendship or request.
    #[serde(flatten)]
    pub friend: FriendView,
    /// The person who made the change: the other one, or the user on another device.
    pub by: UserId,
    /// The version of the user's friends and requests.
    #[schema(example = 5)]
    pub user_rev: i64,
}

/// The end of a session.
#[derive(Serialize, ToSchema)]
pub struct SessionNews {
    /// The session that has ended.
    pub session: SessionId,
}

/// A refusal or failure of a frame.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub code: Code,
    /// A sentence for people, in the connection's language.
    #[schema(example = "The room was not found.")]
    pub message: &'static str,
    /// After how many milliseconds to try again, if that may help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
    /// Whether the connection is closed.
    pub fatal: bool,
    /// Identifies the frame; quote it to support.
    #[schema(example = "Kx1yVhFpoAMEPRQ=")]
    pub request_id: String,
    /// The refused fields, with `invalid_fields`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldProblem>,
}

impl ErrorBody {
    /// The answer for a fault that leaves the connection open.
    pub fn of(fault: &Fault, locale: Locale, request_id: &str) -> Self {
        Self {
            code: fault.code,
            message: fault.code.text(locale),
            retry_after_ms: fault.retry_after.map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)),
            fatal: false,
            request_id: request_id.to_owned(),
            errors: FieldProblem::list(fault, locale),
        }
    }
}

impl Frame<'_> {
    /// Tells a room's members about a message's latest state.
    pub fn of_message(view: MessageView) -> Self {
        let room = RoomKey { kind: view.room_type, id: view.room_id };
        let rev = view.rev;
        let payload = match (view.is_deleted, view.is_edited) {
            (true, _) => FramePayload::MessageDeleted(Box::new(view)),
            (false, true) => FramePayload::MessageUpdated(Box::new(view)),
            (false, false) => FramePayload::MessageCreated(Box::new(view)),
        };
        Self { re: None, room: Some(room), rev: Some(rev), payload }
    }

    /// Tells one of two people about a change between them, as of the person's `user_rev`.
    pub fn of_notice(notice: Notice, user_rev: i64) -> Self {
        let news = FriendNews { friend: notice.with.into(), by: notice.by, user_rev };
        let payload = match notice.news {
            News::Requested => FramePayload::FriendRequested(news),
            News::Accepted => FramePayload::FriendAccepted(news),
            News::Removed => FramePayload::FriendRemoved(news),
        };
        Self { re: None, room: None, rev: None, payload }
    }

    /// Tells a room's members how far one of them has read.
    pub fn of_receipt(room: RoomKey, user_id: UserId, read_seq: Seq) -> Self {
        let payload = FramePayload::ReceiptRead(Receipt { user_id, read_seq });
        Self { re: None, room: Some(room), rev: None, payload }
    }

    /// Tells a connection that its session has ended.
    pub fn of_revoked(session: SessionId) -> Self {
        Self { re: None, room: None, rev: None, payload: FramePayload::SessionRevoked(SessionNews { session }) }
    }

    /// Tells a connection that it is closed, and why.
    pub fn of_end(why: Code, locale: Locale, request_id: &str) -> Self {
        let body = ErrorBody { fatal: true, ..ErrorBody::of(&why.into(), locale, request_id) };
        Self { re: None, room: None, rev: None, payload: FramePayload::Error(body) }
    }

    /// The frame as JSON text.
    pub fn to_text(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::internal)
    }
}
