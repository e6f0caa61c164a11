use crate::{AttachmentView, QuotedAttachmentView, ReactionView};
use domain::{
    LatestChange, Locale, MentionsAll, Message, MessageId, MessageType, MessageVersion, Quote, Rev, Role, RoomId,
    RoomKind, Seq, System, SystemKind, Timestamp, UserId,
};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// A message, whole and as of its `rev`.
#[derive(Clone, Serialize, ToSchema)]
pub struct MessageView {
    /// The message's id.
    pub id: MessageId,
    /// The room's id.
    pub room_id: RoomId,
    /// The room's kind.
    pub room_type: RoomKind,
    /// The author.
    pub user_id: UserId,
    /// The text in Unicode NFC; empty if the message is deleted, in a `voice` and a `system` message, and perhaps beside attachments.
    #[schema(example = "안녕하세요")]
    pub content: String,
    /// The type of the message.
    pub message_type: MessageType,
    /// The files of the message, all of the kind that `message_type` says; empty in a `text` and a `system` message, and if the message
    /// is deleted. They never change.
    pub attachments: Vec<AttachmentView>,
    /// What a `system` message says: what happened to the room. Null in every other message.
    #[schema(required = true)]
    pub system: Option<SystemView>,
    /// The message that this one replies to; null if it is no reply.
    #[schema(required = true)]
    pub reply_to: Option<MessageId>,
    /// The beginning of the message that this one replies to, as of now: it can change without a new `rev` of this message.
    #[schema(required = true)]
    pub quote: Option<QuoteView>,
    /// The members whom the text mentions by `@username`, in the order of the text.
    pub mentions: Vec<UserId>,
    /// The word by which the text mentions all members of a group at once; null if it does not.
    #[schema(required = true)]
    pub mentions_all: Option<MentionsAll>,
    /// Where the text comes from; null if the message was not forwarded.
    #[schema(required = true)]
    pub forwarded_from: Option<ForwardedView>,
    /// The message's number in the room, which never changes.
    pub seq: Seq,
    /// The number of the message's latest change in the room.
    pub rev: Rev,
    /// The id that the client chose for the message. That of a `system` message has a space.
    #[schema(example = "01J9ZQ4Z7Y")]
    pub client_id: String,
    /// Whether the author has edited the message.
    pub is_edited: bool,
    /// The time of the latest edit; null if there was none.
    #[schema(required = true)]
    pub edited_at: Option<Timestamp>,
    /// Whether the message is deleted.
    pub is_deleted: bool,
    /// The reactions, by the time of the first one with each emoji; empty if there are none.
    pub reactions: Vec<ReactionView>,
    /// The time when the message was pinned; null if it is not pinned.
    #[schema(required = true)]
    pub pinned_at: Option<Timestamp>,
    /// Who pinned the message; null if it is not pinned.
    #[schema(required = true)]
    pub pinned_by: Option<UserId>,
    /// The time when the message was sent.
    pub created_at: Timestamp,
    /// The time of the latest change.
    pub updated_at: Timestamp,
    #[serde(skip)]
    pub(crate) latest_change: Option<LatestChange>,
}

/// A change of a group. It is in the room's order like every message, has no text of its own, can't be edited or deleted, and does
/// not count as unread.
#[derive(Clone, Serialize, ToSchema)]
pub struct SystemView {
    /// What happened.
    pub kind: SystemKind,
    /// The person it happened to; null if it concerns the group itself.
    #[schema(required = true)]
    pub user_id: Option<UserId>,
    /// The person who did it.
    pub by: UserId,
    /// The person's role since then, with `role_changed` and `owner_changed`; otherwise null.
    #[schema(required = true)]
    pub role: Option<Role>,
    /// The group's name since then, with `room_created` and `room_updated`; otherwise null.
    #[schema(required = true, example = "등산 모임")]
    pub name: Option<String>,
    /// A sentence for clients that show nothing else. It names nobody.
    pub text: SystemText,
}

/// A sentence in both languages.
#[derive(Clone, Serialize, ToSchema)]
pub struct SystemText {
    /// Korean.
    #[schema(example = "새 멤버가 들어왔습니다.")]
    pub ko: &'static str,
    /// English.
    #[schema(example = "A member joined.")]
    pub en: &'static str,
}

/// Where the text of a forwarded message comes from. It names no room.
#[derive(Clone, Serialize, ToSchema)]
pub struct ForwardedView {
    /// The person who wrote the text.
    pub user_id: UserId,
}

/// The beginning of a message that another one replies to.
#[derive(Clone, Serialize, ToSchema)]
pub struct QuoteView {
    /// The author.
    pub user_id: UserId,
    /// The type of the message.
    pub message_type: MessageType,
    /// The first 100 characters; empty if the message is deleted or has no text.
    #[schema(example = "안녕하세요")]
    pub content: String,
    /// The message's first file; null if it has none or is deleted.
    #[schema(required = true)]
    pub attachment: Option<QuotedAttachmentView>,
    /// Whether the message is deleted.
    pub is_deleted: bool,
}

/// A text that a message had before an edit.
#[derive(Serialize, ToSchema)]
pub struct MessageVersionView {
    /// The text.
    #[schema(example = "안뇽하세요")]
    pub content: String,
    /// When an edit wrote this text; null for the text as it was sent.
    #[schema(required = true)]
    pub edited_at: Option<Timestamp>,
}

/// A page of a room's messages, by `seq`.
#[derive(Serialize, ToSchema)]
pub struct MessagePage {
    /// The messages, the oldest first.
    pub items: Vec<MessageView>,
    /// Whether the room has older messages.
    pub has_before: bool,
    /// Whether the room has newer messages.
    pub has_after: bool,
    /// The first `after_rev` for `sync`: `sync` brings every change that this page may miss.
    pub cursor: Rev,
}

/// The changes of a room after a cursor.
#[derive(Serialize, ToSchema)]
pub struct SyncPage {
    /// Each changed message once, whole and as of now, by `rev`.
    pub items: Vec<MessageView>,
    /// The next `after_rev`; keep your own cursor if it is higher.
    pub cursor: Rev,
    /// The room's latest change: ask again while `cursor < head`.
    pub head: Rev,
    /// Whether items were left out for size: ask again at once.
    pub more: bool,
}

/// How far a member has read in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadCursor {
    /// The newest read message. It never moves back. It is lower than what was asked for while a message before that is still
    /// being sent: mark it again when that message arrives.
    pub read_seq: Seq,
    /// How many later messages there are, except the member's own, deleted and system ones; 100 means more than 99.
    #[schema(example = 0)]
    pub unread_count: i32,
}

/// A room with unread messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadView {
    /// The room's id.
    pub room_id: RoomId,
    /// The room's kind.
    pub room_type: RoomKind,
    /// How many messages the caller has not read, except their own, deleted and system ones; 100 means more than 99.
    #[schema(example = 2)]
    pub unread_count: i32,
    /// The newest read message.
    pub read_seq: Seq,
}

impl MessageView {
    /// A message with its quote, if it replies to one of `quotes`.
    pub fn of(message: Message, quotes: &HashMap<MessageId, Quote>) -> Self {
        let quote = message.reply_to.and_then(|id| quotes.get(&id)).map(|quote| QuoteView {
            user_id: quote.user,
            message_type: quote.message_type,
            content: quote.beginning.clone(),
            attachment: quote.attachment.as_ref().map(QuotedAttachmentView::from),
            is_deleted: quote.is_deleted,
        });
        Self {
            id: message.id,
            room_id: message.room.id,
            room_type: message.room.kind,
            user_id: message.user,
            content: message.content,
            message_type: message.message_type,
            attachments: message.attachments.into_iter().map(AttachmentView::from).collect(),
            system: message.system.map(SystemView::from),
            reply_to: message.reply_to,
            quote,
            mentions: message.mentions.people,
            mentions_all: message.mentions.all,
            forwarded_from: message.forwarded_from.map(|user_id| ForwardedView { user_id }),
            seq: message.seq,
            rev: message.rev,
            client_id: message.client_id,
            is_edited: message.edited_at.is_some(),
            edited_at: message.edited_at,
            is_deleted: message.deleted_at.is_some(),
            reactions: message.reactions.into_iter().map(ReactionView::from).collect(),
            pinned_at: message.pin.map(|pin| pin.at),
            pinned_by: message.pin.map(|pin| pin.by),
            created_at: message.created_at,
            updated_at: message.updated_at,
            latest_change: message.latest_change,
        }
    }

    /// The same without what one person alone may learn from it.
    #[must_use]
    pub fn for_everyone(mut self) -> Self {
        for reaction in &mut self.reactions {
            reaction.mine = None;
        }
        self
    }
}

impl From<System> for SystemView {
    fn from(System { kind, user: user_id, by, role, name }: System) -> Self {
        let text = SystemText { ko: kind.text(Locale::Ko), en: kind.text(Locale::En) };
        Self { kind, user_id, by, role, name, text }
    }
}

impl From<MessageVersion> for MessageVersionView {
    fn from(version: MessageVersion) -> Self {
        Self { content: version.content, edited_at: version.edited_at }
    }
}
