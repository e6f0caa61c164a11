use crate::{NewAttachment, NewMessage, reaction::parse_emoji};
use domain::{Content, Emoji, Fault, MessageId, MessageType, Rev, RoomKey, Seq};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strum::{EnumDiscriminants, EnumIter, EnumString, VariantNames};
use utoipa::ToSchema;

/// What a client may ask for over a WebSocket, with the details in `d`.
#[derive(Serialize, ToSchema, EnumDiscriminants)]
#[serde(tag = "action", content = "d", rename_all = "lowercase")]
#[strum_discriminants(name(Action), vis(pub(crate)), derive(Deserialize, EnumIter, EnumString, VariantNames))]
#[strum_discriminants(serde(rename_all = "lowercase"), strum(serialize_all = "lowercase"))]
pub enum ClientFrame {
    /// The first frame: says which changes the client has, and asks which rooms have more.
    Hello(HelloFrame),
    /// Sends a message, once per `client_id`.
    Send(SendFrame),
    /// Replaces the text of the user's own message.
    Edit(EditFrame),
    /// Deletes the user's own message. The deleted message keeps its `seq`.
    Delete(DeleteFrame),
    /// Reacts to a message, or takes the reaction back.
    React(ReactFrame),
    /// Marks messages as read. The cursor never moves back.
    Read(ReadFrame),
    /// Says that the messages of a private room have arrived. The cursor never moves back; in a group nothing happens.
    Delivered(DeliveredFrame),
    /// Says that the user types in a room or stopped. In rooms of more than 50 members nobody is told.
    Typing(TypingFrame),
    /// Says whether somebody is there to see the app, and which room is open.
    State(StateFrame),
    /// Asks for the changes of a room after a cursor.
    Sync(SyncFrame),
    /// Keeps the connection open, and asks which of the client's rooms have more than it has.
    Ping(PingFrame),
}

/// The first frame of a connection.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HelloFrame {
    /// The version of the protocol: 1.
    #[schema(example = 1)]
    pub v: u32,
    /// The language of texts for people, `ko` or `en`.
    #[schema(example = "ko")]
    pub lang: Option<String>,
    /// The client's cursor in each room: the latest `rev` that it has.
    #[serde(default)]
    pub cursors: BTreeMap<RoomKey, Rev>,
    /// Whether somebody is there to see the app; true unless given.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// A message to send.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendFrame {
    /// The room.
    pub room: RoomKey,
    /// 1 to 64 visible ASCII characters. A retry with the same id is the same message.
    #[schema(example = "01J9ZQ4Z7Y")]
    pub client_id: String,
    /// 1 to 5,000 characters of which one is visible, at most 16 KiB as JSON. Every line end becomes LF. Beside attachments at most
    /// 4 KiB as JSON, and it may be empty; with `voice` it must be.
    #[schema(example = "안녕")]
    pub content: String,
    /// The type of the message; `text` unless given. It must be given beside attachments. `system` is refused.
    pub message_type: Option<MessageType>,
    /// The files: 1 to 10 with `image` and `file`, one with `voice` and `video`, none with `text`. All must be of the kind that
    /// `message_type` says.
    #[serde(default)]
    #[schema(required = false, max_items = 10)]
    pub attachments: Vec<NewAttachment>,
    /// The message of the same room that this one replies to.
    pub reply_to: Option<MessageId>,
    /// The newest message of the room that the user has read: whoever answers needs no `read` beside it.
    pub read_seq: Option<Seq>,
}

/// A new text for the user's own message.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditFrame {
    /// The message's id.
    pub id: MessageId,
    /// 1 to 5,000 characters of which one is visible, at most 16 KiB as JSON. Every line end becomes LF. Beside attachments at most
    /// 4 KiB as JSON, and it may be empty. A `voice` message has no text.
    pub content: String,
}

/// A message to delete.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteFrame {
    /// The message's id.
    pub id: MessageId,
}

/// A reaction to a message.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReactFrame {
    /// The message's id.
    pub id: MessageId,
    /// One emoji; with or without its variation selectors it is the same one.
    #[schema(example = "👍")]
    pub emoji: String,
    /// Whether to take the reaction back; false unless given.
    #[serde(default)]
    pub remove: bool,
}

/// How far the user has read.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadFrame {
    /// The room.
    pub room: RoomKey,
    /// The newest read message. A number that is too high means the room's newest message.
    pub seq: Seq,
}

/// How far a private room's messages have arrived.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveredFrame {
    /// The room.
    pub room: RoomKey,
    /// The newest message that arrived. A number that is too high means the room's newest message.
    pub seq: Seq,
}

/// What the user does in a room's text field.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypingFrame {
    /// The room.
    pub room: RoomKey,
    /// True while the user types, at most once per 3 s and room; false once the text is empty again.
    pub on: bool,
}

/// Whether somebody is there, and what they see.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateFrame {
    /// Whether the app is in front of somebody: true counts for 150 s.
    pub active: bool,
    /// The room that is open; null or left out if none is.
    pub room: Option<RoomKey>,
}

/// A request for a room's changes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncFrame {
    /// The room.
    pub room: RoomKey,
    /// The client's cursor: the latest change that it has.
    pub after_rev: Rev,
    /// The number of items, 1 to 100; 10 unless given. Fewer are answered where their bytes do not fit.
    pub limit: Option<i64>,
}

/// What the client has, all of it optional: the answer says what it misses.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PingFrame {
    /// The client's cursor in each of at most 50 rooms, those with the newest activity: the latest `rev` that it has.
    #[serde(default)]
    pub cursors: BTreeMap<RoomKey, Rev>,
    /// The highest `user_rev` that it has seen.
    #[schema(example = 5)]
    pub user_rev: Option<i64>,
}

/// The most rooms whose cursors a `ping` may name.
pub const MOST_PINGED: usize = 50;

/// The same message over HTTP.
impl From<SendFrame> for NewMessage {
    fn from(frame: SendFrame) -> Self {
        let SendFrame { room, client_id, content, message_type, attachments, reply_to, read_seq: _ } = frame;
        let client_id = Some(client_id);
        Self { room_id: room.id, room_type: room.kind, content, message_type, attachments, reply_to, client_id }
    }
}

impl EditFrame {
    /// The new text, or why no message may have it.
    pub fn parse(&self) -> Result<Content, Fault> {
        Content::parse_optional(&self.content).map_err(|reason| Fault::field("content", reason))
    }
}

impl ReactFrame {
    /// The emoji, or why it is refused.
    pub fn parse(&self) -> Result<Emoji, Fault> {
        parse_emoji(&self.emoji)
    }
}
