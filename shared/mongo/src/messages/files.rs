use super::{Messages, document::AttachmentDocument, object_id, visible_to};
use crate::{Causal, fault::store_fault, one_batch, schema::MESSAGES};
use domain::{Attachment, Fault, MessageId, RoomId, RoomKey, RoomKind, UserId};
use futures_util::TryStreamExt as _;
use mongodb::bson::{doc, oid::ObjectId};
use serde::Deserialize;
use std::collections::HashMap;

/// The files of a message.
#[derive(Debug)]
pub struct MessageFiles {
    /// In which room it is.
    pub room: RoomKey,
    /// The files.
    pub attachments: Vec<Attachment>,
}

#[derive(Deserialize)]
struct FilesRow {
    #[serde(rename = "_id")]
    id: ObjectId,
    room_id: RoomId,
    room_type: RoomKind,
    attachments: Vec<AttachmentDocument>,
}

impl Messages<'_> {
    /// The files of those of some messages that have any and that a person has not hidden.
    pub async fn list_files(
        self,
        Causal(session): &mut Causal,
        ids: &[MessageId],
        reader: UserId,
    ) -> Result<HashMap<MessageId, MessageFiles>, Fault> {
        let mut these = doc! { "_id": { "$in": ids.iter().copied().map(object_id).collect::<Vec<_>>() } };
        these.extend(doc! { "attachments": { "$exists": true }, "deleted_at": null });
        these.extend(visible_to(reader));
        let fields = doc! { "room_id": 1, "room_type": 1, "attachments": 1 };
        let messages = self.mongo.collection::<FilesRow>(MESSAGES);
        let find = messages.find(these).projection(fields).batch_size(one_batch(ids.len()));
        let rows: Vec<_> = async {
            let mut cursor = find.session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        let files = |row: FilesRow| {
            let room = RoomKey { kind: row.room_type, id: row.room_id };
            let attachments = row.attachments.into_iter().map(Attachment::from).collect();
            (MessageId(row.id.bytes()), MessageFiles { room, attachments })
        };
        Ok(rows.into_iter().map(files).collect())
    }
}
