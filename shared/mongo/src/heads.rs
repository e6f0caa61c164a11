use crate::{
    Mongo,
    fault::store_fault,
    schema::{HEADS, ROOMS},
    w1,
};
use domain::{Fault, Rev, RoomKey, Seq, UserId};
use mongodb::{
    ClientSession,
    bson::{Bson, Document, deserialize_from_document, doc, oid::ObjectId},
    options::ReturnDocument,
};
use serde::Deserialize;

/// After how many milliseconds an entry in flight counts as its writer's death.
const IN_FLIGHT_MILLIS: i64 = 5_000;

/// A place in a room's order that one write may take.
#[derive(Debug, Clone, Copy)]
pub struct Reservation {
    /// The place of the change.
    pub rev: Rev,
    /// The room's newest message number: the new message's own, where one was asked for.
    pub seq: Seq,
    /// Names this attempt and no other, so that a release can't pull another's entry.
    op: ObjectId,
}

/// What a reservation numbers.
#[derive(Debug, Clone, Copy)]
pub enum Numbered {
    /// A new message: raises `seq` and `rev`.
    Message,
    /// A change of a message: raises `rev`.
    Change,
}

/// The order of a room at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// The newest place given out.
    pub rev: Rev,
    /// The newest place below which nothing is being written.
    pub safe: Rev,
}

impl Mongo {
    /// Takes the next place in a room, unless its rights changed after `access`. One round trip.
    ///
    /// `w: 1`, since a reservation lost in a failover is found missing at its release.
    pub async fn reserve(&self, room: RoomKey, access: i64, numbered: Numbered) -> Result<Option<Reservation>, Fault> {
        let seq = match numbered {
            Numbered::Message => doc! { "$add": ["$seq", 1_i64] },
            Numbered::Change => doc! { "$add": ["$seq", 0_i64] },
        };
        let filter = doc! { "_id": room.to_string(), "access": { "$lte": access } };
        self.enter(filter, doc! { "$add": ["$rev", 1_i64] }, seq).await
    }

    /// Takes a place above a row that was written without its entry; lifts a head that a failover set back. One round trip.
    pub async fn reserve_above(&self, room: RoomKey, rev: Rev, seq: Seq) -> Result<Option<Reservation>, Fault> {
        let above = doc! { "$add": [{ "$max": ["$rev", rev.0] }, 1_i64] };
        self.enter(doc! { "_id": room.to_string() }, above, doc! { "$max": ["$seq", seq.0] }).await
    }

    async fn enter(&self, filter: Document, rev: Document, seq: Document) -> Result<Option<Reservation>, Fault> {
        #[derive(Deserialize)]
        struct Numbers {
            rev: Rev,
            seq: Seq,
        }
        let op = ObjectId::new();
        let entry = doc! { "rev": rev.clone(), "op": op, "at": "$$NOW" };
        let update = vec![doc! { "$set": {
            "rev": rev,
            "seq": seq,
            "last_at": "$$NOW",
            "inflight": { "$concatArrays": [still_in_flight(), [entry]] },
        } }];
        let found = self
            .documents(HEADS)
            .find_one_and_update(filter, update)
            .projection(doc! { "rev": 1, "seq": 1 })
            .return_document(ReturnDocument::After)
            .write_concern(w1())
            .await
            .map_err(store_fault)?;
        let Some(found) = found else { return Ok(None) };
        let Numbers { rev, seq } = deserialize_from_document(found).map_err(Fault::internal)?;
        Ok(Some(Reservation { rev, seq, op }))
    }

    /// Gives a place back and tells whether it was still held. One round trip, `w: 1`.
    ///
    /// `false` means that the entry was dropped as too old or lost in a failover: readers may have passed its `rev`.
    pub async fn release(&self, room: RoomKey, reservation: Reservation) -> Result<bool, Fault> {
        let held = doc! { "_id": room.to_string(), "inflight.op": reservation.op };
        let pull = doc! { "$pull": { "inflight": { "op": reservation.op } } };
        let updated = self.documents(HEADS).update_one(held, pull).write_concern(w1()).await.map_err(store_fault)?;
        Ok(updated.modified_count == 1)
    }

    /// The head as a majority has it, for one of the room's members, after dropping the entries of the dead.
    ///
    /// One round trip, three when there are dead.
    pub(crate) async fn head_in(
        &self,
        session: &mut ClientSession,
        room: RoomKey,
        user: UserId,
    ) -> Result<Option<Head>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            rev: Rev,
            lowest: Option<Rev>,
            overdue: bool,
        }
        let heads = self.documents(HEADS);
        let filter = doc! { "_id": room.to_string() };
        loop {
            let pipeline = [
                doc! { "$match": filter.clone() },
                doc! { "$lookup": { "from": ROOMS, "localField": "_id", "foreignField": "_id", "as": "room" } },
                // A stranger's request goes no further, so that it neither writes nor takes time.
                doc! { "$match": { "room.members.user_id": user.0 } },
                doc! { "$project": {
                    "rev": 1,
                    "lowest": { "$min": "$inflight.rev" },
                    "overdue": { "$lt": [{ "$size": still_in_flight() }, { "$size": "$inflight" }] },
                } },
            ];
            let mut found = heads.aggregate(pipeline).session(&mut *session).await.map_err(store_fault)?;
            let Some(row) = found.next(&mut *session).await else { return Ok(None) };
            let row: Row = deserialize_from_document(row.map_err(store_fault)?).map_err(Fault::internal)?;
            if !row.overdue {
                let safe = row.lowest.map_or(row.rev, |lowest| Rev(lowest.0 - 1));
                return Ok(Some(Head { rev: row.rev, safe }));
            }
            // Only a write removes an entry: a writer that is merely slow must find at its release that it was dropped.
            let drop_overdue = vec![doc! { "$set": { "inflight": still_in_flight() } }];
            heads.update_one(filter.clone(), drop_overdue).session(&mut *session).await.map_err(store_fault)?;
        }
    }
}

/// The entries of `inflight` that are young enough to wait for, by the server's clock.
fn still_in_flight() -> Bson {
    let young = doc! { "$gt": ["$$entry.at", { "$subtract": ["$$NOW", IN_FLIGHT_MILLIS] }] };
    Bson::from(doc! { "$filter": { "input": "$inflight", "as": "entry", "cond": young } })
}
