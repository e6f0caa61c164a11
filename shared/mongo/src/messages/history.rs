use super::{Messages, object_id};
use crate::{fault::store_fault, schema::MESSAGES};
use domain::{Fault, MessageId, MessageVersion, Rev, RoomId, RoomKey, RoomKind, Timestamp};
use mongodb::bson::{DateTime, Document, doc};
use serde::Deserialize;

/// How many earlier texts a message keeps, and how many bytes of them.
const MOST_VERSIONS: i32 = 20;
const MOST_HISTORY_BYTES: i32 = 64 * 1024;

/// A text that an edit replaced.
#[derive(Deserialize)]
struct VersionDocument {
    content: String,
    edited_at: Option<DateTime>,
    rev: Rev,
}

#[derive(Deserialize)]
struct HistoryDocument {
    room_id: RoomId,
    room_type: RoomKind,
    #[serde(default)]
    history: Vec<VersionDocument>,
}

impl From<VersionDocument> for MessageVersion {
    fn from(row: VersionDocument) -> Self {
        let edited_at = row.edited_at.map(|at| Timestamp::from_millis(at.timestamp_millis()));
        Self { content: row.content, edited_at, rev: row.rev }
    }
}

impl Messages<'_> {
    /// The room of a message and its earlier texts, the newest first.
    pub async fn find_history(self, id: MessageId) -> Result<Option<(RoomKey, Vec<MessageVersion>)>, Fault> {
        let histories = self.mongo.collection::<HistoryDocument>(MESSAGES);
        let fields = doc! { "room_type": 1, "room_id": 1, "history": 1 };
        let found = histories.find_one(doc! { "_id": object_id(id) }).projection(fields).await.map_err(store_fault)?;
        Ok(found.map(|HistoryDocument { room_id, room_type, history }| {
            let room = RoomKey { kind: room_type, id: room_id };
            (room, history.into_iter().map(MessageVersion::from).collect())
        }))
    }
}

/// The history with the text that an edit replaces, the newest first: at most so many texts and so many bytes.
pub(super) fn history_with_current() -> Document {
    let current = doc! { "content": "$content", "edited_at": "$edited_at", "rev": "$rev" };
    let all = doc! { "$concatArrays": [[current], { "$ifNull": ["$history", []] }] };
    let newest = doc! { "$slice": [all, MOST_VERSIONS] };
    // Once the bytes are over, so they are with each older text.
    let bytes = doc! { "$add": ["$$value.bytes", { "$strLenBytes": "$$this.content" }] };
    let longer = doc! { "$concatArrays": ["$$value.texts", ["$$this"]] };
    let texts = doc! { "$cond": [{ "$lte": ["$$bytes", MOST_HISTORY_BYTES] }, longer, "$$value.texts"] };
    let next = doc! { "$let": { "vars": { "bytes": bytes }, "in": { "texts": texts, "bytes": "$$bytes" } } };
    let fitting = doc! { "$reduce": { "input": newest, "initialValue": { "texts": [], "bytes": 0 }, "in": next } };
    doc! { "$getField": { "field": "texts", "input": fitting } }
}
