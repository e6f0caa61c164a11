mod answers;
mod pushes;

pub use answers::{Ack, Acknowledged, Done, ErrorBody, Missed, OnlineFriends, Pong, Ready, StateTaken};
pub use pushes::{
    CreatedMessage, DeliveryReceipt, FriendNews, GapsNews, HiddenMessage, MemberChanged, Packed, PersonPresence,
    PresenceChange, Receipt, RoomAdded, RoomRemoved, RoomUpdated, SessionNews, TypingNews,
};

use crate::{MessageView, SyncPage, UploadView};
use domain::{
    Code, Fault, LatestChange, Locale, Message, MessageId, News, Notice, Rev, Role, RoomKey, RoomKind, RoomNews,
    RoomNotice, Seq, SessionId, SystemKind, UploadState, UserId,
};
use serde::Serialize;
use serde_json::value::RawValue;
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
    /// An upload of the user's was inspected and may be attached. Who hears nothing for 5 s asks for the upload.
    #[serde(rename = "upload.ready")]
    UploadReady(Box<UploadView>),
    /// An upload of the user's was inspected and refused.
    #[serde(rename = "upload.rejected")]
    UploadRejected(Box<UploadView>),
    /// The session of this connection has ended. The connection is closed.
    #[serde(rename = "session.revoked")]
    SessionRevoked(SessionNews),
}

impl FramePayload {
    /// The `t` of the frames that answer one; all others are pushed.
    pub(crate) const ANSWERS: [&'static str; 5] = ["ready", "ack", "sync", "pong", "error"];
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

    /// Tells the owner of an upload what inspection came to.
    pub fn of_upload(upload: UploadView) -> Self {
        let payload = match upload.state {
            UploadState::Rejected => FramePayload::UploadRejected(Box::new(upload)),
            _ => FramePayload::UploadReady(Box::new(upload)),
        };
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
