use super::Missed;
use crate::{FriendView, MessageView};
use domain::{MessageId, Removal, Role, RoomId, RoomKey, RoomKind, Seq, SessionId, Timestamp, UserId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ArrayBuilder, Schema},
    },
};

/// What a `ping` without `id` has found.
#[derive(Default, Serialize, ToSchema)]
pub struct GapsNews {
    /// Rooms with changes after the given cursor: sync them.
    pub rooms: Vec<RoomKey>,
    /// What else the user misses.
    #[serde(flatten)]
    pub missed: Missed,
}

/// A new message, and how far its author has read.
#[derive(Serialize, ToSchema)]
pub struct CreatedMessage {
    /// The message.
    #[serde(flatten)]
    pub message: MessageView,
    /// The newest message that its author has read, in a private room: as a `receipt.read` of theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_seq: Option<Seq>,
}

/// A message that the user has hidden from themselves.
#[derive(Serialize, ToSchema)]
pub struct HiddenMessage {
    /// The message's id.
    pub id: MessageId,
    /// The message's number in the room.
    pub seq: Seq,
}

/// How far a member has read.
#[derive(Serialize, ToSchema)]
pub struct Receipt {
    /// The member.
    pub user_id: UserId,
    /// The newest read message.
    pub read_seq: Seq,
}

/// How far the messages of a private room have arrived.
#[derive(Serialize, ToSchema)]
pub struct DeliveryReceipt {
    /// The person at whom they arrived.
    pub user_id: UserId,
    /// The newest message that arrived.
    pub delivered_seq: Seq,
}

/// Who types.
#[derive(Serialize, ToSchema)]
pub struct TypingNews {
    /// The member.
    pub user_id: UserId,
    /// Whether they type; false when they stopped.
    pub on: bool,
}

/// Friends who came or went.
#[derive(Serialize, ToSchema)]
pub struct PresenceChange {
    /// Each of them.
    #[schema(min_items = 1)]
    pub people: Vec<PersonPresence>,
}

/// Whether a friend is online.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonPresence {
    /// The friend.
    pub user_id: UserId,
    /// Whether they are online.
    pub online: bool,
    /// When they were last online, roughly; null while they are online, and after 30 days.
    #[schema(required = true)]
    pub last_seen_at: Option<Timestamp>,
    /// The number of this change: the higher one of a person counts.
    #[schema(example = 42)]
    pub rev: i64,
}

/// Pushed frames, each as its text.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Packed(pub Vec<Box<RawValue>>);

/// An array; the document of frames says of which.
impl PartialSchema for Packed {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().min_items(Some(1)).build().into()
    }
}

impl ToSchema for Packed {}

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

/// A group that the user is in from now on.
#[derive(Serialize, ToSchema)]
pub struct RoomAdded {
    /// The group's id.
    pub id: RoomId,
    /// The room's kind.
    pub room_type: RoomKind,
    /// The group's name.
    #[schema(example = "등산 모임")]
    pub name: String,
    /// The user's role.
    pub my_role: Role,
    /// The person who made the change: the user, if they joined or made the group on another device.
    pub by: UserId,
    /// The version of the user's friends, requests and groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5)]
    pub user_rev: Option<i64>,
}

/// Why the user is in a group no more.
#[derive(Serialize, ToSchema)]
pub struct RoomRemoved {
    /// What happened.
    pub reason: Removal,
    /// The person who made the change: the user, if they left on another device.
    pub by: UserId,
    /// The version of the user's friends, requests and groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5)]
    pub user_rev: Option<i64>,
}

/// A change of a group itself: load the group for the rest.
#[derive(Serialize, ToSchema)]
pub struct RoomUpdated {
    /// The group's name since then.
    #[schema(required = true, example = "등산 모임")]
    pub name: Option<String>,
    /// The person who made the change.
    pub by: UserId,
}

/// A change of a group's member.
#[derive(Serialize, ToSchema)]
pub struct MemberChanged {
    /// The person who has another place in the group.
    pub user_id: UserId,
    /// Their role since then; null if they are no member any more.
    #[schema(required = true)]
    pub role: Option<Role>,
    /// The person who made the change.
    pub by: UserId,
    /// The version of the user's friends, requests and groups, where the change concerns the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5)]
    pub user_rev: Option<i64>,
}

/// The end of a session.
#[derive(Serialize, ToSchema)]
pub struct SessionNews {
    /// The session that has ended.
    pub session: SessionId,
}
