use super::{
    MessageDocument, Messages, Stored, date,
    document::{AttachmentDocument, FanoutDocument},
    history::history_with_current,
    not_deleted, object_id,
    owed::Fanout,
};
use crate::{
    Causal, Reservation,
    fault::{is_duplicate_key, store_fault},
};
use domain::{
    Attachment, ClientId, Content, Fault, Mentions, MentionsAll, Message, MessageDraft, MessageId, MessageType, Rev,
    RoomEvent, RoomKey, RoomKind, Timestamp, UserId, message_search::grams,
};
use mongodb::{
    bson::{Binary, Bson, Document, doc, spec::BinarySubtype},
    options::{ReturnDocument, UpdateModifications},
};

/// A message that is about to be inserted.
#[derive(Debug)]
pub struct NewMessage<'a> {
    /// Its id, the same for every attempt of one request.
    pub id: MessageId,
    /// What was asked for.
    pub draft: &'a MessageDraft,
    /// Whom it mentions.
    pub mentions: Mentions,
    /// Its files, those that the draft asks for.
    pub attachments: &'a [Attachment],
    /// The hash of what was asked for.
    pub fingerprint: &'a [u8],
    /// When it was asked for.
    pub at: Timestamp,
}

/// The text of an edit.
#[derive(Debug, Clone, Copy)]
pub struct NewText<'a> {
    /// Whose message it is.
    pub author: UserId,
    /// Of what type the message is.
    pub message_type: MessageType,
    /// The text.
    pub content: &'a Content,
    /// Whom it mentions.
    pub mentions: &'a Mentions,
}

/// What became of an insertion.
#[derive(Debug)]
pub enum Inserted {
    /// It is there.
    Done(Box<Message>),
    /// Another message has this `seq` or `rev`, or the author has used this `client_id` in this room.
    Taken,
}

impl Messages<'_> {
    /// Inserts a message at its reserved position.
    ///
    /// An error means that the outcome is unknown: look it up by its `client_id`.
    pub async fn insert(
        self,
        causal: &mut Causal,
        new: &NewMessage<'_>,
        reservation: &Reservation,
    ) -> Result<Inserted, Fault> {
        let NewMessage { id, draft, mentions, attachments, fingerprint, at } = new;
        let row = MessageDocument {
            content: draft.content.as_str().to_owned(),
            message_type: draft.message_type,
            attachments: attachments.iter().cloned().map(AttachmentDocument::from).collect(),
            uploads: attachments.iter().flat_map(Attachment::ids).collect(),
            reply_to: draft.reply_to.map(object_id),
            mentions: mentions.people.clone(),
            mentions_all: mentions.all,
            forwarded_from: draft.forwarded_from,
            client_id: draft.client_id.as_str().to_owned(),
            fingerprint: Some(Binary { subtype: BinarySubtype::Generic, bytes: fingerprint.to_vec() }),
            fanout: Some(FanoutDocument::new(*at)),
            grams: Some(grams_of(draft.user, draft.content.as_str(), draft.message_type, &mentions.people)),
            ..MessageDocument::empty(*id, draft.room, draft.user, reservation, *at)
        };
        self.insert_row(causal, row).await
    }

    /// Inserts the system message of a change of a group at its reserved position, once for each change.
    ///
    /// An error means that the outcome is unknown, as in [`Messages::insert`].
    pub async fn insert_event(
        self,
        causal: &mut Causal,
        id: MessageId,
        event: &RoomEvent,
        reservation: &Reservation,
        now: Timestamp,
    ) -> Result<Inserted, Fault> {
        let room = RoomKey { kind: RoomKind::Group, id: event.room };
        let row = MessageDocument {
            message_type: MessageType::System,
            system: Some(event.system.clone().into()),
            client_id: ClientId::of_event(event.id).as_str().to_owned(),
            fanout: Some(FanoutDocument::new(now)),
            ..MessageDocument::empty(id, room, event.system.by, reservation, event.at)
        };
        self.insert_row(causal, row).await
    }

    async fn insert_row(self, Causal(session): &mut Causal, row: MessageDocument) -> Result<Inserted, Fault> {
        let Err(error) = self.collection().insert_one(&row).session(session).await else {
            return Ok(Inserted::Done(Box::new(Stored::from(row).message)));
        };
        if is_duplicate_key(&error) { Ok(Inserted::Taken) } else { Err(store_fault(error)) }
    }

    /// Replaces a message's text at its reserved position and returns it as of then. The text that it had goes to the history in
    /// the same write.
    ///
    /// `None`: it is gone, deleted, or has a higher `rev`, or another message has this one. An error means that the outcome is
    /// unknown.
    pub async fn edit(
        self,
        causal: &mut Causal,
        id: MessageId,
        text: &NewText<'_>,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Stored>, Fault> {
        let NewText { author, message_type, content, mentions } = *text;
        let people: Vec<i32> = mentions.people.iter().map(|user| user.0).collect();
        let set = doc! {
            "history": history_with_current(),
            "content": { "$literal": content.as_str() },
            "mentions": people,
            "mentions_all": mentions.all.map(MentionsAll::as_str),
            "is_edited": true,
            "edited_at": date(at),
            "updated_at": date(at),
            "g": grams_of(author, content.as_str(), message_type, &mentions.people),
        };
        let change = vec![doc! { "$set": set }, doc! { "$unset": ["change", "forwarded_from"] }];
        // The new text is no longer the forwarded one.
        self.change(causal, not_deleted(id), change, reservation, Fanout::new(at, 0)).await
    }

    /// Empties a message at its reserved position and returns the tombstone; nothing by which its text could be guessed stays. Its
    /// uploads are left to be purged.
    ///
    /// `None`: it is gone, deleted, or has a higher `rev`, or another message has this one. An error means that the outcome is
    /// unknown.
    pub async fn delete(
        self,
        causal: &mut Causal,
        id: MessageId,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Stored>, Fault> {
        let change = doc! {
            "$set": { "content": "", "deleted_at": date(at), "updated_at": date(at) },
            "$rename": { "uploads": "purge" },
            "$unset": left_out_of_tombstones(),
        };
        self.change(causal, not_deleted(id), change, reservation, Fanout::new(at, 0)).await
    }

    /// Moves a message that still is as it was read to a reserved position, so that no reader can have passed it. A message that
    /// was withdrawn has another `client_id`.
    ///
    /// `None`: it is gone, withdrawn, or has another `rev`, or another message has the reserved one.
    pub async fn stamp(
        self,
        causal: &mut Causal,
        message: &Message,
        reservation: &Reservation,
        fanout: Fanout,
    ) -> Result<Option<Stored>, Fault> {
        let unchanged = doc! { "$eq": message.rev.0, "$lt": reservation.rev.0 };
        let filter = doc! { "_id": object_id(message.id), "client_id": &message.client_id, "rev": unchanged };
        self.change(causal, filter, Document::new(), reservation, fanout).await
    }

    pub(crate) async fn change(
        self,
        Causal(session): &mut Causal,
        mut filter: Document,
        change: impl Into<UpdateModifications>,
        reservation: &Reservation,
        fanout: Fanout,
    ) -> Result<Option<Stored>, Fault> {
        if !filter.contains_key("rev") {
            filter.insert("rev", doc! { "$lt": reservation.rev.0 });
        }
        // `fanout.news` stays: nobody may have told devices yet that the message is there.
        let placed = doc! {
            "rev": reservation.rev.0,
            "fanout.pending": true, "fanout.at": date(fanout.at), "fanout.tries": i64::from(fanout.tries),
        };
        let outdated = ["fanout.released", "fanout.failed"];
        let mut change = change.into();
        match &mut change {
            UpdateModifications::Document(change) => {
                let [mut set, mut unset] =
                    ["$set", "$unset"].map(|name| change.get_document(name).cloned().unwrap_or_default());
                set.extend(placed);
                unset.extend(outdated.map(|field| (field.to_owned(), Bson::from(""))));
                change.extend(doc! { "$set": set, "$unset": unset });
            }
            UpdateModifications::Pipeline(stages) => {
                stages.extend([doc! { "$set": placed }, doc! { "$unset": outdated.to_vec() }]);
            }
            _ => return Err(Fault::internal("a kind of update that nobody makes")),
        }
        let changed = self
            .collection()
            .find_one_and_update(filter, change)
            .projection(self.fields())
            .return_document(ReturnDocument::After)
            .session(session)
            .await;
        match changed {
            Ok(row) => Ok(row.map(Stored::from)),
            Err(error) if is_duplicate_key(&error) => Ok(None),
            Err(error) => Err(store_fault(error)),
        }
    }

    /// Makes a message that nobody was told of a tombstone at a reserved position, if it still has the `rev` that its writer
    /// gave it. Its `client_id` and its uploads are free again.
    ///
    /// `Taken`: another message has the position. `None`: somebody else moved it.
    pub async fn withdraw(
        self,
        id: MessageId,
        rev: Rev,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Inserted>, Fault> {
        let mine = doc! { "_id": object_id(id), "rev": rev.0 };
        let mut unset = left_out_of_tombstones();
        unset.insert("uploads", "");
        let tombstone = doc! {
            "$set": {
                "rev": reservation.rev.0, "content": "", "deleted_at": date(at), "updated_at": date(at),
                "client_id": format!("withdrawn:{}", reservation.op),
                "fanout": { "pending": true, "at": date(at), "tries": 0 },
            },
            "$unset": unset,
        };
        let changed = self
            .collection()
            .find_one_and_update(mine, tombstone)
            .projection(self.fields())
            .return_document(ReturnDocument::After)
            .await;
        match changed {
            Ok(row) => Ok(row.map(|row| Inserted::Done(Box::new(Stored::from(row).message)))),
            Err(error) if is_duplicate_key(&error) => Ok(Some(Inserted::Taken)),
            Err(error) => Err(store_fault(error)),
        }
    }
}

/// What a tombstone has nothing of.
fn left_out_of_tombstones() -> Document {
    doc! { "fingerprint": "", "reactions": "", "pinned": "", "change": "", "history": "", "mentions": "", "mentions_all": "", "forwarded_from": "", "notify_at": "", "attachments": "", "g": "" }
}

/// What a message is found by, as it lies in the store.
pub(crate) fn grams_of(author: UserId, content: &str, message_type: MessageType, mentions: &[UserId]) -> Vec<i32> {
    grams(author, content, message_type, mentions).into_iter().map(|gram| gram.0).collect()
}
