//! Pinned messages. A message says itself that it is pinned; `rooms.pins` holds the places of those that are, or are about to be:
//! the reservation takes one, so that there are never more than allowed. A place is given back with the position if nothing was
//! written, and by the release of what unpins the message. Places whose writers died are found where they are missed.

use crate::{
    Causal, Messages, Reservation, Rooms, Stored,
    fault::store_fault,
    feed::by_id,
    messages::{
        Fanout, MessageDocument, QuoteDocument, date, lookup_quotes, message_fields, not_deleted, object_id, visible_to,
    },
    order::IN_FLIGHT_MILLIS,
    schema::{MESSAGES, ROOMS},
};
use domain::{Fault, MOST_PINS, Message, MessageId, Page, PageSize, Quote, Rev, RoomKey, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use serde::Deserialize;
use std::collections::HashMap;

/// Where a page of pinned messages ended: when it was pinned, and which.
pub type PinKey = (i64, MessageId);

/// The pinned messages of a room, the newest pin first.
#[derive(Debug)]
pub struct PinnedPage {
    /// A page of them.
    pub messages: Page<Message, PinKey>,
    /// What the replies among them answer.
    pub quotes: HashMap<MessageId, Quote>,
}

/// The places for pinned messages of a room.
#[derive(Debug)]
pub struct PinPlaces {
    /// How many are taken.
    pub taken: usize,
    /// The messages that have one for over 5 s and are not pinned: their writers died, or are very late.
    pub stale: Vec<Stored>,
}

impl Messages<'_> {
    /// Pins a message at a reserved position and returns it as of then.
    ///
    /// `None`: it is gone, deleted, pinned, or has a higher `rev`, or another message has this one. An error means that the outcome
    /// is unknown.
    pub async fn pin(
        self,
        causal: &mut Causal,
        id: MessageId,
        by: UserId,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Stored>, Fault> {
        let mut filter = not_deleted(id);
        filter.insert("pinned", Bson::Null);
        let pinned = doc! { "at": date(at), "by": by.0 };
        let change = doc! { "$set": { "pinned": pinned, "change": "pin", "updated_at": date(at) } };
        self.change(causal, filter, change, reservation, Fanout::new(at, 0)).await
    }

    /// Unpins a message at a reserved position and returns it as of then.
    ///
    /// `None`: it is gone, deleted, not pinned, or has a higher `rev`, or another message has this one. An error means that the
    /// outcome is unknown.
    pub async fn unpin(
        self,
        causal: &mut Causal,
        id: MessageId,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Stored>, Fault> {
        let mut filter = not_deleted(id);
        filter.insert("pinned", doc! { "$ne": Bson::Null });
        let change = doc! { "$set": { "change": "pin", "updated_at": date(at) }, "$unset": { "pinned": "" } };
        self.change(causal, filter, change, reservation, Fanout::new(at, 0)).await
    }
}

impl Rooms<'_> {
    /// The pinned messages of a room for one of its members; `None` for anyone else.
    pub async fn list_pinned(
        self,
        room: RoomKey,
        user: UserId,
        after: Option<&PinKey>,
        size: PageSize,
    ) -> Result<Option<PinnedPage>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            pinned: Vec<MessageDocument>,
            quotes: Vec<QuoteDocument>,
        }
        let mut pinned = doc! { "pinned": { "$ne": Bson::Null } };
        pinned.extend(visible_to(user));
        if let Some((millis, id)) = after {
            let (at, id) = (DateTime::from_millis(*millis), object_id(*id));
            pinned.insert(
                "$or",
                [doc! { "pinned.at": { "$lt": at } }, doc! { "pinned.at": at, "_id": { "$lt": id } }].to_vec(),
            );
        }
        let pipeline = [
            doc! { "$match": { "_id": room.to_string(), "members": user.0 } },
            doc! { "$project": { "_id": 0, "pins": { "$ifNull": ["$pins.id", []] } } },
            doc! { "$lookup": {
                "from": MESSAGES, "localField": "pins", "foreignField": "_id", "as": "pinned",
                "pipeline": [
                    { "$match": pinned },
                    { "$sort": { "pinned.at": -1, "_id": -1 } },
                    { "$limit": size.and_one() },
                    { "$project": message_fields(Some(user)) },
                ],
            } },
            doc! { "$set": { "answered": "$pinned.reply_to" } },
            lookup_quotes("answered"),
            doc! { "$unset": "answered" },
        ];
        let rooms = self.0.documents(ROOMS);
        let found = async { rooms.aggregate(pipeline).with_type::<Row>().await?.try_next().await }.await;
        let Some(Row { pinned, quotes }) = found.map_err(store_fault)? else { return Ok(None) };
        let messages: Vec<_> = pinned.into_iter().map(|row| Stored::from(row).message).collect();
        let key = |message: &Message| (message.pin.map_or(0, |pin| pin.at.millis()), message.id);
        Ok(Some(PinnedPage { messages: Page::cut(messages, size, key), quotes: by_id(quotes) }))
    }

    /// How many places for pinned messages are taken, and which of them by nobody who could still need them.
    pub async fn find_pin_places(self, room: RoomKey) -> Result<PinPlaces, Fault> {
        #[derive(Deserialize)]
        struct Row {
            taken: usize,
            stale: Vec<MessageDocument>,
        }
        let pins = doc! { "$ifNull": ["$pins", []] };
        let is_young = doc! { "$gt": ["$$pin.at", { "$subtract": ["$$NOW", IN_FLIGHT_MILLIS] }] };
        let young = doc! { "$filter": { "input": &pins, "as": "pin", "cond": is_young } };
        let ids = |pins: Document| doc! { "$map": { "input": pins, "as": "pin", "in": "$$pin.id" } };
        let pipeline = [
            doc! { "$match": { "_id": room.to_string() } },
            doc! { "$project": { "_id": 0, "ids": { "$setUnion": [ids(pins), []] }, "young": ids(young) } },
            doc! { "$project": { "taken": { "$size": "$ids" }, "old": { "$setDifference": ["$ids", "$young"] } } },
            doc! { "$lookup": {
                "from": MESSAGES, "localField": "old", "foreignField": "_id", "as": "stale",
                "pipeline": [{ "$match": { "pinned": Bson::Null } }, { "$project": message_fields(None) }],
            } },
        ];
        let rooms = self.0.documents(ROOMS);
        let found = async { rooms.aggregate(pipeline).with_type::<Row>().await?.try_next().await }.await;
        let (taken, stale) = found.map_err(store_fault)?.map_or((0, Vec::new()), |row| (row.taken, row.stale));
        Ok(PinPlaces { taken, stale: stale.into_iter().map(Stored::from).collect() })
    }

    /// Gives the place of a message back that is not pinned as of a `rev`: whoever took it before that finds a higher `rev` and
    /// can't pin it any more.
    pub async fn free_pin_place(self, room: RoomKey, id: MessageId, rev: Rev) -> Result<(), Fault> {
        let this = doc! { "_id": room.to_string() };
        let pull = doc! { "$pull": { "pins": pins_before(id, rev) } };
        self.0.documents(ROOMS).update_one(this, pull).await.map_err(store_fault)?;
        Ok(())
    }
}

/// Whether a message has a place among the pinned ones, or there is one left.
pub(crate) fn has_place_for(id: MessageId) -> Document {
    let ids = doc! { "$ifNull": ["$pins.id", []] };
    let most = i64::try_from(MOST_PINS).unwrap_or(i64::MAX);
    doc! { "$or": [
        { "$in": [object_id(id), &ids] },
        { "$lt": [{ "$size": { "$setUnion": [&ids, []] } }, most] },
    ] }
}

/// The places with one more. A message may have several: each pin that is about to be written takes its own.
pub(crate) fn with_pin(id: MessageId, rev: &Document, op: ObjectId) -> Document {
    let place = doc! { "id": object_id(id), "rev": rev, "op": op, "at": "$$NOW" };
    doc! { "$concatArrays": [{ "$ifNull": ["$pins", []] }, [place]] }
}

/// The places that pins of a message took before a `rev`, for `$pull`.
pub(crate) fn pins_before(id: MessageId, rev: Rev) -> Document {
    doc! { "id": object_id(id), "rev": { "$lt": rev.0 } }
}
