use domain::{Message, MessageId, MessageType, Rev, RoomId, RoomKind, Seq, Timestamp, UserId};
use serde::Serialize;
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
    #[schema(value_type = Option<String>)]
    pub reply_to: Option<MessageId>,
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
    #[schema(value_type = Option<String>, format = DateTime)]
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
    pub count: u32,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            room_id: message.room.id,
            room_type: message.room.kind,
            user_id: message.user,
            content: message.content,
            message_type: message.message_type,
            reply_to: message.reply_to,
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
