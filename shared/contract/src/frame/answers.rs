use crate::{FieldProblem, MessageView, ReadCursor};
use domain::{Code, Fault, Locale, MessageId, Rev, RoomKey, Seq, SessionId, UserId};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The answer to an action that is neither `hello`, `sync` nor `ping`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Ack {
    /// Answers `send`, `edit`, `delete` and `react`.
    Message(Box<Acknowledged>),
    /// Answers `read`.
    Read(ReadCursor),
    /// Answers `state`.
    State(StateTaken),
    /// Answers `delivered` and `typing`.
    Done(Done),
}

/// The answer to `state`.
#[derive(Serialize, ToSchema)]
pub struct StateTaken {
    /// Which friends are online: what was told while nobody was there was missed.
    pub presence: OnlineFriends,
}

/// The answer to what nothing more is to be said about.
#[derive(Serialize, ToSchema)]
pub struct Done {}

/// Which of the user's friends are online.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OnlineFriends {
    /// The friends who are online, at most 500.
    #[schema(max_items = 500)]
    pub online: Vec<UserId>,
    /// Whether there are more: list friends to see them all.
    pub more: bool,
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
    /// After how many seconds without a frame of its own the client sends `ping`.
    #[schema(example = 540)]
    pub ping_s: u32,
    /// After how many seconds of use without another acting frame the client says `state` again.
    #[schema(example = 120)]
    pub active_s: u32,
    /// Whether `typing` is of use; if false, don't send it.
    pub typing: bool,
    /// Rooms with changes after the given cursor, at most 200.
    pub gaps: Vec<RoomKey>,
    /// Rooms with a given cursor that the user is not in, or not any more, at most 200: forget them.
    pub gone: Vec<RoomKey>,
    /// Whether there are more rooms of either sort: sync and forget these, then send `hello` again.
    pub more: bool,
    /// The unread messages of each room, for the first 100 rooms by name that have any; 100 means more than 99.
    pub unread: BTreeMap<RoomKey, i32>,
    /// The version of the user's friends, requests and groups: load them again if it is higher than the last one seen.
    #[schema(example = 5)]
    pub user_rev: i64,
    /// Which of the user's friends are online.
    pub presence: OnlineFriends,
    /// The number for the app's icon: how many unread messages there are that the user wants to hear of.
    #[schema(example = 2)]
    pub badge: i32,
}

/// The answer to `ping`.
#[derive(Default, Serialize, ToSchema)]
pub struct Pong {
    /// Rooms with changes after the given cursor: sync them.
    pub gaps: Vec<RoomKey>,
    /// What else the user misses.
    #[serde(flatten)]
    pub missed: Missed,
}

/// What a `ping` has found beside rooms with changes.
#[derive(Default, Serialize, ToSchema)]
pub struct Missed {
    /// Rooms with a given cursor that the user is not in, or not any more: forget them.
    pub gone: Vec<RoomKey>,
    /// Whether there are more rooms of either sort: sync and forget these, then send `ping` again.
    pub more: bool,
    /// The version of the user's friends, requests and groups, if it is higher than the given one: load them again.
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
