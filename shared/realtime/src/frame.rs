use crate::{FriendView, MessageView};
use domain::{Code, Fault, Invalid, Locale, MessageId, News, Notice, Rev, RoomKey, Seq, SessionId, UserId};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A frame to a client: `{t, re?, room?, rev?, d?}`.
#[derive(Serialize, ToSchema)]
pub struct Frame<'a> {
    /// The `id` of the frame that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub re: Option<&'a str>,
    /// The room that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "private:12")]
    pub room: Option<RoomKey>,
    /// The place of the change that it tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub rev: Option<Rev>,
    /// What it says.
    #[serde(flatten)]
    pub payload: FramePayload,
}

/// What a frame says: `t`, and `d` where there is more to say.
#[derive(Serialize, ToSchema)]
#[serde(tag = "t", content = "d")]
pub enum FramePayload {
    /// Answers `hello`.
    #[serde(rename = "ready")]
    Ready(Ready),
    /// Answers `send`, `edit` and `delete`.
    #[serde(rename = "ack")]
    Ack(Box<Acknowledged>),
    /// Answers `read`.
    #[serde(rename = "ack")]
    ReadAck(ReadCursor),
    /// Answers `sync`.
    #[serde(rename = "sync")]
    Sync(SyncPage),
    /// Answers `ping`.
    #[serde(rename = "pong")]
    Pong,
    /// A refusal or failure.
    #[serde(rename = "error")]
    Error(ErrorBody),
    /// A message was sent.
    #[serde(rename = "message.created")]
    MessageCreated(Box<MessageView>),
    /// A message was changed.
    #[serde(rename = "message.updated")]
    MessageUpdated(Box<MessageView>),
    /// A message was deleted.
    #[serde(rename = "message.deleted")]
    MessageDeleted(Box<MessageView>),
    /// A member has read up to a message.
    #[serde(rename = "receipt.read")]
    ReceiptRead(Receipt),
    /// Somebody asks to be friends.
    #[serde(rename = "friend.requested")]
    FriendRequested(FriendNews),
    /// Two are friends.
    #[serde(rename = "friend.accepted")]
    FriendAccepted(FriendNews),
    /// A request or a friendship is over.
    #[serde(rename = "friend.removed")]
    FriendRemoved(FriendNews),
    /// The login of this connection has ended; the connection ends with it.
    #[serde(rename = "session.revoked")]
    SessionRevoked(SessionNews),
}

impl FramePayload {
    /// Every `t` that answers a frame or is pushed.
    pub const TAGS: [&'static str; 13] = [
        "ready",
        "ack",
        "sync",
        "pong",
        "error",
        "message.created",
        "message.updated",
        "message.deleted",
        "receipt.read",
        "friend.requested",
        "friend.accepted",
        "friend.removed",
        "session.revoked",
    ];
}

/// The answer to `hello`.
#[derive(Serialize, ToSchema)]
pub struct Ready {
    /// Who is connected.
    #[schema(value_type = i32)]
    pub user: UserId,
    /// By which login.
    #[schema(value_type = String)]
    pub session: SessionId,
    /// When to connect anew, before API Gateway's two hours are over; Unix seconds.
    pub reconnect_at: i64,
    /// How often to send `ping`, in seconds.
    pub ping_s: u32,
    /// Rooms that have changes after the cursor given for them, 200 at the most.
    #[schema(value_type = Vec<String>)]
    pub gaps: Vec<RoomKey>,
    /// Whether there are more such rooms: sync these, then say `hello` again.
    pub more: bool,
    /// How many messages of each room are not read, for the first 100 rooms by name that have any; 100 means 99 and more.
    #[schema(value_type = BTreeMap<String, i32>)]
    pub unread: BTreeMap<RoomKey, i32>,
    /// Counts what concerns the person and no room; ahead of the last one seen, friends and requests are to be loaded anew.
    pub user_rev: i64,
}

/// The answer to a change.
#[derive(Serialize, ToSchema)]
pub struct Acknowledged {
    /// The message.
    #[schema(value_type = String)]
    pub id: MessageId,
    /// Its place in the room.
    #[schema(value_type = i64)]
    pub seq: Seq,
    /// The place of the change.
    #[schema(value_type = i64)]
    pub rev: Rev,
    /// Whether it was there already under this `client_id`.
    pub dup: bool,
    /// The message as of `rev`.
    pub message: MessageView,
}

/// Where a member has read to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadCursor {
    /// The newest message read; it never moves back.
    #[schema(value_type = i64, example = 418)]
    pub read_seq: Seq,
    /// How many messages after it are neither one's own nor deleted; 100 means 99 and more.
    #[schema(example = 0)]
    pub unread_count: i32,
}

/// A member has read up to a message.
#[derive(Serialize, ToSchema)]
pub struct Receipt {
    /// Who.
    #[schema(value_type = i32)]
    pub user_id: UserId,
    /// The newest message read.
    #[schema(value_type = i64)]
    pub read_seq: Seq,
}

/// What happened between oneself and somebody else.
#[derive(Serialize, ToSchema)]
pub struct FriendNews {
    /// The friendship or request, with the other one.
    #[serde(flatten)]
    pub friend: FriendView,
    /// Whose act it was: one's own, on another device, or the other one's.
    #[schema(value_type = i32)]
    pub by: UserId,
    /// As of which state of one's friends and requests.
    pub user_rev: i64,
}

/// A login has ended.
#[derive(Serialize, ToSchema)]
pub struct SessionNews {
    /// Which.
    #[schema(value_type = String)]
    pub session: SessionId,
}

/// What changed in a room since a cursor.
#[derive(Serialize, ToSchema)]
pub struct SyncPage {
    /// Each message that changed, whole and as of now, in order of `rev`.
    pub items: Vec<MessageView>,
    /// Where to go on; a client keeps the higher of this and its own.
    #[schema(value_type = i64, example = 813)]
    pub cursor: Rev,
    /// The newest change given a place: ask again while `cursor < head`.
    #[schema(value_type = i64, example = 813)]
    pub head: Rev,
    /// Whether items were left out for space: ask again at once.
    pub more: bool,
}

/// A refusal or failure, told to a connection.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody {
    /// The stable word for it.
    #[schema(value_type = String, example = "room_not_found")]
    pub code: Code,
    /// A sentence for a person, in the connection's language.
    pub message: &'static str,
    /// When trying again may help, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
    /// Whether the connection is of no more use.
    pub fatal: bool,
    /// What to quote to whoever runs the service.
    pub request_id: String,
    /// Which fields were refused, with `invalid_fields`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// A field that was refused.
#[derive(Serialize, ToSchema)]
pub struct FieldError {
    /// Its path below `d`.
    pub field: String,
    /// The stable word for why.
    #[schema(value_type = String, example = "too_long")]
    pub code: Invalid,
    /// A sentence for a person.
    pub detail: &'static str,
}

impl ErrorBody {
    /// What a client learns of a fault that leaves the connection as it is.
    pub fn of(fault: &Fault, locale: Locale, request_id: &str) -> Self {
        let errors = fault.fields.iter().map(|refused| FieldError {
            field: refused.field.to_string(),
            code: refused.reason,
            detail: refused.reason.text(locale),
        });
        Self {
            code: fault.code,
            message: fault.code.text(locale),
            retry_after_ms: fault.retry_after.map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)),
            fatal: false,
            request_id: request_id.to_owned(),
            errors: errors.collect(),
        }
    }
}

impl Frame<'_> {
    /// The frame that tells a room's members of a message's latest state.
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

    /// The frame that tells one of two people what happened between them, as of their `user_rev`.
    pub fn of_notice(notice: Notice, user_rev: i64) -> Self {
        let news = FriendNews { friend: notice.with.into(), by: notice.by, user_rev };
        let payload = match notice.news {
            News::Requested => FramePayload::FriendRequested(news),
            News::Accepted => FramePayload::FriendAccepted(news),
            News::Removed => FramePayload::FriendRemoved(news),
        };
        Self { re: None, room: None, rev: None, payload }
    }

    /// The frame that tells a room's members how far one of them has read.
    pub fn of_receipt(room: RoomKey, user_id: UserId, read_seq: Seq) -> Self {
        let payload = FramePayload::ReceiptRead(Receipt { user_id, read_seq });
        Self { re: None, room: Some(room), rev: None, payload }
    }

    /// The frame that tells a connection that its login has ended.
    pub fn of_revoked(session: SessionId) -> Self {
        Self { re: None, room: None, rev: None, payload: FramePayload::SessionRevoked(SessionNews { session }) }
    }

    /// The frame as JSON text.
    pub fn to_text(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::internal)
    }
}
