use domain::{
    FriendshipId, FriendshipWith, Message, MessageId, MessageType, Profile, Quote, Rev, RoomId, RoomKind, Seq,
    Timestamp, UserId,
};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// A message as clients see it, over HTTP and in frames, whole and as of its `rev`.
#[derive(Clone, Serialize, ToSchema)]
pub struct MessageView {
    /// 24 hex digits.
    #[schema(value_type = String, pattern = "^[0-9a-f]{24}$", example = "66f0c3d2a1b2c3d4e5f60718")]
    pub id: MessageId,
    /// The room's number.
    #[schema(value_type = i32, example = 12)]
    pub room_id: RoomId,
    /// Which numbering `room_id` belongs to.
    #[schema(value_type = String, example = "private")]
    pub room_type: RoomKind,
    /// Its author.
    #[schema(value_type = i32, example = 3)]
    pub user_id: UserId,
    /// The text in NFC, empty once deleted.
    #[schema(example = "안녕하세요")]
    pub content: String,
    /// What it is.
    #[schema(value_type = String, example = "text")]
    pub message_type: MessageType,
    /// The message that it answers.
    #[schema(value_type = Option<String>, required = true, example = "66f0c3d2a1b2c3d4e5f60717")]
    pub reply_to: Option<MessageId>,
    /// The beginning of the message that it answers, as that one is now: it changes without this one's `rev`.
    #[schema(required = true)]
    pub quote: Option<QuoteView>,
    /// Its place in the room: never changes, may skip.
    #[schema(value_type = i64, example = 418)]
    pub seq: Seq,
    /// The place of its latest change among the room's changes.
    #[schema(value_type = i64, example = 813)]
    pub rev: Rev,
    /// Its author's name for it.
    #[schema(example = "01J9ZQ4Z7Y")]
    pub client_id: String,
    /// Whether its author has changed it.
    pub is_edited: bool,
    /// When that was last.
    #[schema(value_type = Option<String>, required = true, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// Whether it is a tombstone.
    pub is_deleted: bool,
    /// What people reacted with; empty where nobody did.
    pub reactions: Vec<ReactionView>,
    /// When it was sent.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// How many people reacted to a message with one emoji.
#[derive(Clone, Serialize, ToSchema)]
pub struct ReactionView {
    /// The emoji.
    #[schema(example = "👍")]
    pub emoji: String,
    /// How many.
    #[schema(example = 2)]
    pub count: u32,
}

/// What a reply shows of the message that it answers.
#[derive(Clone, Serialize, ToSchema)]
pub struct QuoteView {
    /// Its author.
    #[schema(value_type = i32, example = 4)]
    pub user_id: UserId,
    /// Its first 100 characters, empty once it is deleted.
    #[schema(example = "안녕하세요")]
    pub content: String,
    /// Whether it is a tombstone.
    pub is_deleted: bool,
}

/// What everyone may see of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProfileView {
    /// The person's number.
    #[schema(value_type = i32, example = 3)]
    pub id: UserId,
    /// The unique name.
    #[schema(example = "gildong")]
    pub username: String,
    /// The shown name, where one was chosen.
    #[schema(required = true, example = "홍길동")]
    pub display_name: Option<String>,
    /// The line about themselves, where there is one.
    #[schema(required = true, example = "오늘도 화이팅")]
    pub status_message: Option<String>,
}

/// A friend, or a request to be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FriendView {
    /// The friendship's number; another one when somebody asks anew.
    #[schema(value_type = i32, example = 7)]
    pub id: FriendshipId,
    /// The other one.
    pub user: ProfileView,
    /// When it was accepted, or asked.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

impl MessageView {
    /// A message with the beginning of the one that it answers, if it is among `quotes`.
    pub fn of(message: Message, quotes: &HashMap<MessageId, Quote>) -> Self {
        let quote = message.reply_to.and_then(|id| quotes.get(&id)).map(|quote| QuoteView {
            user_id: quote.user,
            content: quote.beginning.clone(),
            is_deleted: quote.is_deleted,
        });
        Self {
            id: message.id,
            room_id: message.room.id,
            room_type: message.room.kind,
            user_id: message.user,
            content: message.content,
            message_type: message.message_type,
            reply_to: message.reply_to,
            quote,
            seq: message.seq,
            rev: message.rev,
            client_id: message.client_id,
            is_edited: message.edited_at.is_some(),
            edited_at: message.edited_at,
            is_deleted: message.deleted_at.is_some(),
            reactions: Vec::new(),
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }
}

impl From<Profile> for ProfileView {
    fn from(profile: Profile) -> Self {
        let Profile { id, username, display_name, status_message } = profile;
        Self { id, username, display_name, status_message }
    }
}

impl From<FriendshipWith> for FriendView {
    fn from(friendship: FriendshipWith) -> Self {
        Self { id: friendship.id, user: friendship.user.into(), since: friendship.since }
    }
}
