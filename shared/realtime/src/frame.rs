use crate::MessageView;
use domain::{Code, Fault, Invalid, Locale, MessageId, Rev, RoomKey, Seq, SessionId, UserId};
use serde::Serialize;
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
    /// Answers `send` and `edit`.
    #[serde(rename = "ack")]
    Ack(Box<Acknowledged>),
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
}

/// Every `t` there is.
pub type Tag = &'static str;

impl FramePayload {
    /// Every `t` that answers a frame or is pushed.
    pub const TAGS: [Tag; 7] = ["ready", "ack", "sync", "pong", "error", "message.created", "message.updated"];
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

/// What changed in a room since a cursor.
#[derive(Serialize, ToSchema)]
pub struct SyncPage {
    /// Each message that changed, whole and as of now, in order of `rev`.
    pub items: Vec<MessageView>,
    /// Where to go on; a client keeps the higher of this and its own.
    #[schema(value_type = i64)]
    pub cursor: Rev,
    /// The newest change given a place: ask again while `cursor < head`.
    #[schema(value_type = i64)]
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
    /// What a client learns of a fault.
    pub fn of(fault: &Fault, locale: Locale, request_id: &str) -> Self {
        let errors = fault.fields.iter().map(|refused| FieldError {
            field: refused.field.to_string(),
            code: refused.reason,
            detail: refused.reason.text(locale),
        });
        Self {
            code: fault.code,
            message: fault.code.text(locale),
            retry_after_ms: fault.code.retry_after().map(|seconds| seconds * 1_000),
            fatal: fault.code == Code::ConnectionUnknown,
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
        let edited = view.is_edited;
        let view = Box::new(view);
        let payload = if edited { FramePayload::MessageUpdated(view) } else { FramePayload::MessageCreated(view) };
        Self { re: None, room: Some(room), rev: Some(rev), payload }
    }

    /// The frame as JSON text.
    pub fn to_text(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::internal)
    }
}
