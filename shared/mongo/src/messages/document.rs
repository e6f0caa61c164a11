use super::{
    date, object_id,
    owed::{Fanout, WRITER_HAS},
};
use crate::{Reservation, reactions::counted_reactions, schema::MESSAGES};
use domain::{
    Attachment, ConnectionId, LatestChange, Media, Mentions, MentionsAll, Message, MessageId, MessageType, Pin, Poster,
    Quote, QuotedAttachment, Reaction, Rev, Role, RoomId, RoomKey, RoomKind, Seq, System, SystemKind, Timestamp,
    UploadId, UploadKind, UserId,
};
use mongodb::bson::{Binary, Bson, DateTime, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};

/// The fields of [`MessageDocument`] that leave the store as they are.
const MESSAGE_FIELDS: [&str; 23] = [
    "user_id",
    "room_id",
    "room_type",
    "content",
    "message_type",
    "attachments",
    "system",
    "reply_to",
    "mentions",
    "mentions_all",
    "forwarded_from",
    "is_edited",
    "edited_at",
    "created_at",
    "updated_at",
    "seq",
    "rev",
    "client_id",
    "fingerprint",
    "deleted_at",
    "fanout",
    "pinned",
    "change",
];

/// The document of the collection `messages`. Not `Debug`: a message's text never reaches a log.
#[derive(Serialize, Deserialize)]
pub(crate) struct MessageDocument {
    #[serde(rename = "_id")]
    pub(super) id: ObjectId,
    pub(super) user_id: UserId,
    pub(super) room_id: RoomId,
    pub(super) room_type: RoomKind,
    pub(super) content: String,
    pub(super) message_type: MessageType,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<AttachmentDocument>,
    /// The uploads that its files are, posters too, which no read loads: a unique key, so that no two messages have one.
    #[serde(default, skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    pub(super) uploads: Vec<UploadId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<SystemDocument>,
    pub(super) reply_to: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mentions: Vec<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mentions_all: Option<MentionsAll>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) forwarded_from: Option<UserId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) hidden_for: Vec<UserId>,
    pub(super) is_edited: bool,
    pub(super) edited_at: Option<DateTime>,
    pub(super) created_at: DateTime,
    pub(super) updated_at: DateTime,
    pub(super) seq: Seq,
    pub(super) rev: Rev,
    pub(super) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fingerprint: Option<Binary>,
    pub(super) deleted_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fanout: Option<FanoutDocument>,
    /// As [`message_fields`] reads them; who reacted stays in the store.
    #[serde(default, skip_serializing)]
    pub(super) reactions: Vec<ReactionDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pinned: Option<PinDocument>,
    /// What the latest change was, where the other fields do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) change: Option<LatestChange>,
    /// What it is found by, which no read loads; none of a notice of the room.
    #[serde(rename = "g", default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub(super) grams: Option<Vec<i32>>,
}

/// A file of a message.
#[derive(Serialize, Deserialize)]
pub(crate) struct AttachmentDocument {
    id: UploadId,
    kind: UploadKind,
    name: String,
    media: Media,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    poster: Option<PosterDocument>,
}

/// The picture that stands for a video.
#[derive(Serialize, Deserialize)]
struct PosterDocument {
    id: UploadId,
    media: Media,
}

/// How many people reacted with an emoji.
#[derive(Deserialize)]
pub(super) struct ReactionDocument {
    emoji: String,
    count: u32,
    #[serde(default)]
    mine: Option<bool>,
}

/// That a message is pinned.
#[derive(Serialize, Deserialize)]
pub(super) struct PinDocument {
    at: DateTime,
    by: UserId,
}

/// What a system message says.
#[derive(Serialize, Deserialize)]
pub(super) struct SystemDocument {
    kind: SystemKind,
    user_id: Option<UserId>,
    by: UserId,
    role: Option<Role>,
    name: Option<String>,
}

/// The delivery that is still owed: the message is its own outbox.
#[derive(Serialize, Deserialize)]
pub(super) struct FanoutDocument {
    pending: bool,
    at: DateTime,
    #[serde(default)]
    tries: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    released: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<Vec<ConnectionId>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    news: bool,
}

/// What a reply shows of the message that it answers.
#[derive(Deserialize)]
pub(crate) struct QuoteDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: UserId,
    message_type: MessageType,
    content: String,
    /// The first file, if there is one.
    #[serde(default)]
    attachments: Vec<QuotedAttachmentDocument>,
    deleted_at: Option<DateTime>,
}

#[derive(Deserialize)]
struct QuotedAttachmentDocument {
    id: UploadId,
    kind: UploadKind,
    name: String,
    #[serde(default)]
    thumbhash: Option<String>,
}

/// A message as it lies in the store.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The message.
    pub message: Message,
    /// The hash of the request as it was first sent; gone with the text of a deleted message.
    pub fingerprint: Option<Vec<u8>>,
    /// The delivery that is owed, if it is.
    pub fanout: Option<Fanout>,
}

impl MessageDocument {
    /// A new row at its reserved position, without anything that only some messages have.
    pub(super) fn empty(
        id: MessageId,
        room: RoomKey,
        author: UserId,
        reservation: &Reservation,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id: object_id(id),
            user_id: author,
            room_id: room.id,
            room_type: room.kind,
            content: String::new(),
            message_type: MessageType::Text,
            attachments: Vec::new(),
            uploads: Vec::new(),
            system: None,
            reply_to: None,
            mentions: Vec::new(),
            mentions_all: None,
            forwarded_from: None,
            hidden_for: Vec::new(),
            is_edited: false,
            edited_at: None,
            created_at: date(created_at),
            updated_at: date(created_at),
            seq: reservation.seq,
            rev: reservation.rev,
            client_id: String::new(),
            fingerprint: None,
            deleted_at: None,
            fanout: None,
            reactions: Vec::new(),
            pinned: None,
            change: None,
            grams: None,
        }
    }
}

impl Stored {
    /// Whether its writer must have died between its write and its release.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        self.fanout.as_ref().is_some_and(|fanout| !fanout.released && fanout.at.plus(WRITER_HAS) < now)
    }
}

impl From<MessageDocument> for Stored {
    fn from(row: MessageDocument) -> Self {
        let at = |date: DateTime| Timestamp::from_millis(date.timestamp_millis());
        let fanout = row.fanout.filter(|fanout| fanout.pending).map(|fanout| {
            let FanoutDocument { at: since, tries, released, failed, news, .. } = fanout;
            Fanout { at: at(since), tries, released, failed, news }
        });
        let files = row.attachments.into_iter().map(Attachment::from);
        Self {
            message: Message {
                id: MessageId(row.id.bytes()),
                room: RoomKey { kind: row.room_type, id: row.room_id },
                user: row.user_id,
                content: row.content,
                message_type: row.message_type,
                // A tombstone that a version without files wrote still has some.
                attachments: files.filter(|_| row.deleted_at.is_none()).collect(),
                system: row.system.map(System::from),
                reply_to: row.reply_to.map(|id| MessageId(id.bytes())),
                mentions: Mentions { people: row.mentions, all: row.mentions_all },
                forwarded_from: row.forwarded_from,
                hidden_for: row.hidden_for,
                seq: row.seq,
                rev: row.rev,
                client_id: row.client_id,
                edited_at: row.edited_at.map(at),
                deleted_at: row.deleted_at.map(at),
                reactions: row.reactions.into_iter().map(Reaction::from).collect(),
                pin: row.pinned.map(|pin| Pin { at: at(pin.at), by: pin.by }),
                latest_change: row.change,
                created_at: at(row.created_at),
                updated_at: at(row.updated_at),
            },
            fingerprint: row.fingerprint.map(|hash| hash.bytes),
            fanout,
        }
    }
}

impl From<AttachmentDocument> for Attachment {
    fn from(row: AttachmentDocument) -> Self {
        let AttachmentDocument { id, kind, name, media, poster } = row;
        let poster = poster.map(|PosterDocument { id, media }| Poster { id, media });
        Self { id, kind, name, media, poster }
    }
}

impl From<Attachment> for AttachmentDocument {
    fn from(Attachment { id, kind, name, media, poster }: Attachment) -> Self {
        let poster = poster.map(|Poster { id, media }| PosterDocument { id, media });
        Self { id, kind, name, media, poster }
    }
}

impl From<SystemDocument> for System {
    fn from(SystemDocument { kind, user_id: user, by, role, name }: SystemDocument) -> Self {
        Self { kind, user, by, role, name }
    }
}

impl From<System> for SystemDocument {
    fn from(System { kind, user: user_id, by, role, name }: System) -> Self {
        Self { kind, user_id, by, role, name }
    }
}

impl From<ReactionDocument> for Reaction {
    fn from(row: ReactionDocument) -> Self {
        let ReactionDocument { emoji, count, mine } = row;
        Self { emoji, count, mine }
    }
}

impl From<QuoteDocument> for Quote {
    fn from(row: QuoteDocument) -> Self {
        let first = row.attachments.into_iter().next().filter(|_| row.deleted_at.is_none());
        Self {
            id: MessageId(row.id.bytes()),
            user: row.user_id,
            message_type: row.message_type,
            beginning: Self::beginning_of(&row.content),
            attachment: first.map(QuotedAttachment::from),
            is_deleted: row.deleted_at.is_some(),
        }
    }
}

impl From<QuotedAttachmentDocument> for QuotedAttachment {
    fn from(row: QuotedAttachmentDocument) -> Self {
        let QuotedAttachmentDocument { id, kind, name, thumbhash } = row;
        Self { id, kind, name, thumbhash }
    }
}

impl FanoutDocument {
    /// Of a new message.
    pub(super) fn new(at: Timestamp) -> Self {
        Self { pending: true, at: date(at), tries: 0, released: false, failed: None, news: true }
    }
}

/// The fields of [`MessageDocument`] as they leave the store: how many people reacted, not who, and whether `viewer` did.
pub(crate) fn message_fields(viewer: Option<UserId>) -> Document {
    let mut fields: Document = MESSAGE_FIELDS.iter().map(|field| ((*field).to_owned(), Bson::Int32(1))).collect();
    fields.insert("reactions", counted_reactions(viewer));
    fields
}

/// The fields of [`QuoteDocument`]: no more of a text than its beginning leaves the store, and no more of files than what is shown of
/// the first one.
pub(super) fn quote_fields() -> Document {
    let most = i64::try_from(Quote::MAX_CODE_POINTS + 1).unwrap_or(i64::MAX);
    let first = doc! { "$slice": [{ "$ifNull": ["$attachments", []] }, 1] };
    let thumbhash = doc! { "$ifNull": ["$$this.media.thumbhash", "$$this.poster.media.thumbhash"] };
    let shown = doc! { "id": "$$this.id", "kind": "$$this.kind", "name": "$$this.name", "thumbhash": thumbhash };
    doc! {
        "user_id": 1, "message_type": 1, "deleted_at": 1,
        "content": { "$substrCP": ["$content", 0, most] },
        "attachments": { "$map": { "input": first, "in": shown } },
    }
}

/// The stage that adds what some messages answer as `quotes`.
pub(crate) fn lookup_quotes(answered: &str) -> Document {
    doc! { "$lookup": {
        "from": MESSAGES, "localField": answered, "foreignField": "_id", "as": "quotes",
        "pipeline": [{ "$project": quote_fields() }],
    } }
}
