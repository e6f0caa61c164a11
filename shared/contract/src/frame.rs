use crate::{FieldProblem, FriendView, MessageView, ReadCursor, SyncPage};
use domain::{
    Code, Fault, LatestChange, Locale, Message, MessageId, News, Notice, Removal, Rev, Role, RoomId, RoomKey, RoomKind,
    RoomNews, RoomNotice, Seq, SessionId, SystemKind, Timestamp, UserId,
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ArrayBuilder, Schema},
    },
};

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
    /// Answers every other action; `d` depends on which.
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
    MessageCreated(Box<CreatedMessage>),
    /// A message in one of the user's rooms was edited, pinned or unpinned.
    #[serde(rename = "message.updated")]
    MessageUpdated(Box<MessageView>),
    /// A message in one of the user's rooms was deleted.
    #[serde(rename = "message.deleted")]
    MessageDeleted(Box<MessageView>),
    /// A reaction to a message in one of the user's rooms came or went. The frame says how many people reacted, not who.
    #[serde(rename = "reaction.changed")]
    ReactionChanged(Box<MessageView>),
    /// The user has hidden a message on another device. Frames about it are not sent any more.
    #[serde(rename = "message.hidden")]
    MessageHidden(HiddenMessage),
    /// A member of one of the user's rooms has read messages.
    #[serde(rename = "receipt.read")]
    ReceiptRead(Receipt),
    /// Messages have arrived at the other person of a private room.
    #[serde(rename = "receipt.delivered")]
    ReceiptDelivered(DeliveryReceipt),
    /// A member of one of the user's rooms types or stopped. Forget it after 7 s, and when a message of that member arrives.
    #[serde(rename = "typing")]
    Typing(TypingNews),
    /// Friends came online or went offline. Of two frames about one person the higher `rev` counts.
    #[serde(rename = "presence.changed")]
    PresenceChanged(PresenceChange),
    /// What the user misses of what a `ping` without `id` said that they have.
    #[serde(rename = "gaps")]
    Gaps(GapsNews),
    /// Several pushed frames in one, in the order in which they would have come; at most 30 KB.
    #[serde(rename = "batch")]
    Batch(Packed),
    /// The user is a member of a group from now on.
    #[serde(rename = "room.added")]
    RoomAdded(RoomAdded),
    /// The user is in a group no more: its messages and its cursor can be forgotten.
    #[serde(rename = "room.removed")]
    RoomRemoved(RoomRemoved),
    /// One of the user's groups has another name, description, visibility or size. A `system` message says so too.
    #[serde(rename = "room.updated")]
    RoomUpdated(RoomUpdated),
    /// A member of one of the user's groups came, left, was removed or has another role. A `system` message says so too.
    #[serde(rename = "member.changed")]
    MemberChanged(MemberChanged),
    /// A friend request was sent to the user, or by the user on another device.
    #[serde(rename = "friend.requested")]
    FriendRequested(FriendNews),
    /// A friend request was accepted.
    #[serde(rename = "friend.accepted")]
    FriendAccepted(FriendNews),
    /// A friend request was rejected or withdrawn, or a friendship ended. If the other account was deleted, the names of its user
    /// are empty.
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

/// What a `ping` without `id` has found.
#[derive(Default, Serialize, ToSchema)]
pub struct GapsNews {
    /// Rooms with changes after the given cursor: sync them.
    pub rooms: Vec<RoomKey>,
    /// Rooms with a given cursor that the user is not in, or not any more: forget them.
    pub gone: Vec<RoomKey>,
    /// Whether there are more rooms of either sort: sync and forget these, then send `ping` again.
    pub more: bool,
    /// The version of the user's friends, requests and groups, if it is higher than the given one: load them again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5)]
    pub user_rev: Option<i64>,
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
    /// Tells a room's members about a message's latest state, all of them the same.
    pub fn of_message(view: MessageView) -> Self {
        let room = RoomKey { kind: view.room_type, id: view.room_id };
        let (rev, view) = (view.rev, Box::new(view.for_everyone()));
        let payload = match (view.is_deleted, view.latest_change, view.is_edited) {
            (true, ..) => FramePayload::MessageDeleted(view),
            (false, Some(LatestChange::Reaction), _) => FramePayload::ReactionChanged(view),
            (false, Some(LatestChange::Pin), _) | (false, None, true) => FramePayload::MessageUpdated(view),
            (false, None, false) => {
                FramePayload::MessageCreated(Box::new(CreatedMessage { message: *view, read_seq: None }))
            }
        };
        Self { re: None, room: Some(room), rev: Some(rev), payload }
    }

    /// The same frame of a new message, with what its author has read.
    #[must_use]
    pub fn with_read(mut self, seq: Option<Seq>) -> Self {
        if let FramePayload::MessageCreated(created) = &mut self.payload {
            created.read_seq = seq;
        }
        self
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

    /// Tells a person about their own place in a group, as of their `user_rev` where it is known.
    pub fn of_room_notice(notice: RoomNotice, user_rev: Option<i64>) -> Self {
        let RoomNotice { to, room, by, news } = notice;
        let payload = match news {
            RoomNews::Added { name, role } => {
                let room_type = RoomKind::Group;
                FramePayload::RoomAdded(RoomAdded { id: room, room_type, name, my_role: role, by, user_rev })
            }
            RoomNews::Removed(reason) => FramePayload::RoomRemoved(RoomRemoved { reason, by, user_rev }),
            RoomNews::RoleChanged(role) => {
                FramePayload::MemberChanged(MemberChanged { user_id: to, role: Some(role), by, user_rev })
            }
        };
        Self { re: None, room: Some(RoomKey::group(room)), rev: None, payload }
    }

    /// What a group's members are told beside a system message, each with the person whom it concerns, who is told apart.
    pub fn beside(message: &Message) -> Vec<(Option<UserId>, Self)> {
        let Some(system) = &message.system else { return Vec::new() };
        let by = system.by;
        let frame = |payload| Self { re: None, room: Some(message.room), rev: None, payload };
        let changed = |user_id: UserId, role| {
            let changed = MemberChanged { user_id, role, by, user_rev: None };
            (Some(user_id), frame(FramePayload::MemberChanged(changed)))
        };
        let of_user = |role| system.user.map(|user| changed(user, role)).into_iter().collect();
        match system.kind {
            SystemKind::RoomCreated => Vec::new(),
            SystemKind::RoomUpdated => {
                vec![(None, frame(FramePayload::RoomUpdated(RoomUpdated { name: system.name.clone(), by })))]
            }
            SystemKind::MemberJoined | SystemKind::MemberAdded => of_user(Some(system.role.unwrap_or(Role::Member))),
            SystemKind::MemberLeft | SystemKind::MemberKicked | SystemKind::MemberBanned => of_user(None),
            SystemKind::RoleChanged => of_user(system.role),
            SystemKind::OwnerChanged => {
                let owner = system.user.map(|user| changed(user, Some(Role::Owner)));
                owner.into_iter().chain([changed(by, Some(Role::Admin))]).collect()
            }
        }
    }

    /// Tells a person's devices that they have hidden a message.
    pub fn of_hidden(room: RoomKey, id: MessageId, seq: Seq) -> Self {
        let payload = FramePayload::MessageHidden(HiddenMessage { id, seq });
        Self { re: None, room: Some(room), rev: None, payload }
    }

    /// Tells a room's members how far one of them has read.
    pub fn of_receipt(room: RoomKey, user_id: UserId, read_seq: Seq) -> Self {
        let payload = FramePayload::ReceiptRead(Receipt { user_id, read_seq });
        Self { re: None, room: Some(room), rev: None, payload }
    }

    /// Tells one of two people how far messages have arrived at the other one.
    pub fn of_delivery(room: RoomKey, user_id: UserId, delivered_seq: Seq) -> Self {
        let payload = FramePayload::ReceiptDelivered(DeliveryReceipt { user_id, delivered_seq });
        Self { re: None, room: Some(room), rev: None, payload }
    }

    /// Tells a room's members that one of them types or stopped.
    pub fn of_typing(room: RoomKey, user_id: UserId, on: bool) -> Self {
        Self { re: None, room: Some(room), rev: None, payload: FramePayload::Typing(TypingNews { user_id, on }) }
    }

    /// Tells a person which of their friends came or went.
    pub fn of_presence(people: Vec<PersonPresence>) -> Self {
        let payload = FramePayload::PresenceChanged(PresenceChange { people });
        Self { re: None, room: None, rev: None, payload }
    }

    /// Several frames in one.
    pub fn of_batch(frames: Vec<Box<RawValue>>) -> Self {
        Self { re: None, room: None, rev: None, payload: FramePayload::Batch(Packed(frames)) }
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
