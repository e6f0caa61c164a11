use crate::{
    Rooms,
    fault::store_fault,
    pins::{has_place_for, pins_before, with_pin},
    schema::ROOMS,
    w1,
    wide_mentions::{may_call, with_call, without_call},
};
use domain::{Act, Fault, MentionsAll, MessageId, Rev, Role, RoomKey, RoomKind, Seq, UserId};
use mongodb::{
    bson::{Bson, Document, doc, oid::ObjectId},
    options::{ReturnDocument, UpdateModifications},
};
use serde::Deserialize;

/// After how many milliseconds an entry in flight counts as abandoned by its writer.
pub(crate) const IN_FLIGHT_MILLIS: i64 = 5_000;

/// A position in a room's order that one write may use.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// The number of the change.
    pub rev: Rev,
    /// The room's newest message number: the new message's own, where one was asked for.
    pub seq: Seq,
    /// The people in the room as of this reservation.
    pub members: Vec<UserId>,
    /// Names this attempt and no other, so that a release can't pull another's entry.
    pub(crate) op: ObjectId,
    /// The message whose place among the pinned ones is free once the write is there.
    unpins: Option<MessageId>,
    /// Who took one of the tokens for `@channel` that the group's members share, if it needs one.
    call: Option<ObjectId>,
}

impl Reservation {
    /// Leaves the token for `@channel` with the message, which an earlier attempt has written.
    pub fn keep_call(&mut self) {
        self.call = None;
    }
}

/// What is to be placed in a room's order.
#[derive(Debug, Clone, Copy)]
pub enum Placement {
    /// A new message: raises `seq` and `rev`, and the room in the lists of its members. Its entry names its `seq`.
    New(MessageId),
    /// An edit or a reaction: raises `rev`. A majority has it: unlike a new message it can't be withdrawn.
    Change,
    /// A reaction that is taken back: as an edit, also where the room is blocked.
    Retraction,
    /// A deletion of one's own message: the same.
    Deletion(MessageId),
    /// A deletion of somebody else's message: by those alone whose role allows it.
    Moderation(MessageId),
    /// A pin: the same of two people, or of a group's staff; it takes one of the room's places for pinned messages.
    Pin(MessageId),
    /// The end of a pin.
    Unpin(MessageId),
    /// A new message or an edit that mentions everybody in a group: by those alone who may, and within the limit of `@channel`.
    WideMention {
        /// The message, if it is new.
        new: Option<MessageId>,
        /// The word that it mentions them by.
        word: MentionsAll,
    },
    /// A message that is there: above its own `rev` and all others; lifts numbers that a failover set back.
    Above {
        /// Which message.
        id: MessageId,
        /// Its `rev`.
        rev: Rev,
        /// Its `seq`.
        seq: Seq,
    },
}

impl Rooms<'_> {
    /// Takes the next position in a room; `None` if the room is unknown or a given writer has no right to the placement.
    ///
    /// `w: 1` except for edits and deletions: the release notices a reservation that a failover lost. An error means that the outcome
    /// is unknown; an entry without an owner expires.
    pub async fn reserve(
        self,
        room: RoomKey,
        writer: Option<UserId>,
        placement: Placement,
    ) -> Result<Option<Reservation>, Fault> {
        #[derive(Deserialize)]
        struct Numbers {
            rev: Rev,
            seq: Seq,
            members: Vec<UserId>,
        }
        let op = ObjectId::new();
        // A message that is reserved again takes no second token, unless another one took one meanwhile. An edit is not reserved again.
        let caller = placement.new_message().map_or(op, |id| ObjectId::from_bytes(id.0));
        let mut filter = doc! { "_id": room.to_string() };
        if let Some(writer) = writer {
            filter.insert("members", writer.0);
            if placement.act().needs_open_room() {
                filter.insert("blocked", false);
            }
            if let Placement::WideMention { word, .. } = placement {
                filter.insert("$expr", may_call(writer, word, caller));
            }
            if let Some(roles) = placement.roles(room.kind) {
                filter.insert("staff", doc! { "$elemMatch": { "user_id": writer.0, "role": { "$in": roles } } });
            }
        }
        let (rev, mut set) = placement.numbers();
        let mut entry = doc! { "rev": &rev, "op": op, "at": "$$NOW" };
        if let (Some(_), Some(seq)) = (placement.new_message(), set.get("seq")) {
            entry.insert("seq", seq.clone());
        }
        set.extend(doc! {
            "rev": &rev,
            "inflight": { "$concatArrays": [young_entries(), [entry]] },
        });
        if let Placement::Pin(id) = placement {
            filter.insert("$expr", has_place_for(id));
            set.insert("pins", with_pin(id, &rev, op));
        }
        let call = placement.calls().then_some(caller);
        if let Some(caller) = call {
            set.insert("channel", with_call(caller));
        }
        let numbers = self.0.collection::<Numbers>(ROOMS);
        let mut change = numbers
            .find_one_and_update(filter, vec![doc! { "$set": set }])
            .projection(doc! { "_id": 0, "rev": 1, "seq": 1, "members": 1 })
            .return_document(ReturnDocument::After);
        if !placement.is_final() {
            change = change.write_concern(w1());
        }
        let found = change.await.map_err(store_fault)?;
        let unpins = placement.unpins();
        Ok(found.map(|Numbers { rev, seq, members }| Reservation { rev, seq, members, op, unpins, call }))
    }

    /// Releases the position of a finished write and answers whether it was still held. `w: 1`.
    ///
    /// `false` means that the entry was dropped as too old or lost in a failover: readers may have passed its `rev`.
    pub async fn release(self, room: RoomKey, reservation: &Reservation) -> Result<bool, Fault> {
        let held = doc! { "_id": room.to_string(), "inflight.op": reservation.op };
        let mut pull = doc! { "inflight": { "op": reservation.op } };
        if let Some(id) = reservation.unpins {
            pull.insert("pins", pins_before(id, reservation.rev));
        }
        let pull = doc! { "$pull": pull };
        let updated = self.0.documents(ROOMS).update_one(held, pull).write_concern(w1()).await.map_err(store_fault)?;
        Ok(updated.modified_count == 1)
    }

    /// Releases a position to which nothing was written, with what it took. `w: 1`.
    pub async fn give_back(self, room: RoomKey, reservation: &Reservation) -> Result<(), Fault> {
        let (mut this, op) = (doc! { "_id": room.to_string() }, reservation.op);
        let change: UpdateModifications = if let Some(caller) = reservation.call {
            // Only while the entry is there: where a failover lost it, it lost the call as well.
            this.insert("inflight.op", op);
            let others =
                doc! { "$filter": { "input": "$inflight", "as": "entry", "cond": { "$ne": ["$$entry.op", op] } } };
            vec![doc! { "$set": { "inflight": others, "channel": without_call(caller) } }].into()
        } else {
            doc! { "$pull": { "inflight": { "op": op }, "pins": { "op": op } } }.into()
        };
        self.0.documents(ROOMS).update_one(this, change).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// Drops entries whose writers are overdue. Only a write removes an entry: a writer that is merely slow finds at its release
    /// that it was dropped.
    pub(crate) async fn drop_overdue(self, room: RoomKey) -> Result<(), Fault> {
        let drop_overdue = vec![doc! { "$set": { "inflight": young_entries() } }];
        let this = doc! { "_id": room.to_string() };
        self.0.documents(ROOMS).update_one(this, drop_overdue).await.map_err(store_fault)?;
        Ok(())
    }
}

impl Placement {
    /// What it is for.
    pub const fn act(self) -> Act {
        match self {
            Self::New(_) | Self::Change | Self::WideMention { .. } | Self::Above { .. } => Act::Write,
            Self::Retraction | Self::Deletion(_) => Act::Delete,
            Self::Moderation(_) => Act::Moderate,
            Self::Pin(_) | Self::Unpin(_) => Act::Pin,
        }
    }

    /// The roles of which a writer needs one; `None` where every member may. Two people have none.
    fn roles(self, kind: RoomKind) -> Option<Vec<&'static str>> {
        let act = self.act();
        let least = match kind {
            RoomKind::Private if act != Act::Moderate => return None,
            RoomKind::Private | RoomKind::Group => act.in_group().least(),
        };
        let roles = [Role::Admin, Role::Owner].into_iter().filter(|role| *role >= least);
        (least > Role::Member).then(|| roles.map(Role::as_str).collect())
    }

    /// Whether it takes one of the tokens for `@channel`.
    const fn calls(self) -> bool {
        matches!(self, Self::WideMention { word: MentionsAll::Channel, .. })
    }

    /// The message that is not pinned any more once it is written.
    const fn unpins(self) -> Option<MessageId> {
        match self {
            Self::Deletion(id) | Self::Moderation(id) | Self::Unpin(id) => Some(id),
            Self::New(_)
            | Self::Change
            | Self::Retraction
            | Self::Pin(_)
            | Self::WideMention { .. }
            | Self::Above { .. } => None,
        }
    }

    /// Whether what is written there can't be withdrawn.
    pub const fn is_final(self) -> bool {
        self.new_message().is_none() && !matches!(self, Self::Above { .. })
    }

    /// The message that begins to be there.
    const fn new_message(self) -> Option<MessageId> {
        match self {
            Self::New(id) => Some(id),
            Self::WideMention { new, .. } => new,
            Self::Change
            | Self::Retraction
            | Self::Deletion(_)
            | Self::Moderation(_)
            | Self::Pin(_)
            | Self::Unpin(_)
            | Self::Above { .. } => None,
        }
    }

    /// The expression of the new `rev`, and the other numbers to set.
    fn numbers(self) -> (Document, Document) {
        match self {
            Self::New(id) | Self::WideMention { new: Some(id), .. } => (
                doc! { "$add": ["$rev", 1_i64] },
                doc! {
                    "seq": { "$add": ["$seq", 1_i64] }, "last_id": ObjectId::from_bytes(id.0), "last_at": "$$NOW",
                },
            ),
            Self::Change
            | Self::Retraction
            | Self::Deletion(_)
            | Self::Moderation(_)
            | Self::Pin(_)
            | Self::Unpin(_)
            | Self::WideMention { new: None, .. } => (doc! { "$add": ["$rev", 1_i64] }, Document::new()),
            Self::Above { id, rev, seq } => (
                doc! { "$add": [{ "$max": ["$rev", rev.0] }, 1_i64] },
                doc! {
                    "seq": { "$max": ["$seq", seq.0] },
                    "last_id": { "$cond": [{ "$gte": [seq.0, "$seq"] }, ObjectId::from_bytes(id.0), "$last_id"] },
                    // Of a message that the room forgot in a failover; any other one has lifted it already.
                    "last_at": { "$cond": [{ "$gt": [seq.0, "$seq"] }, "$$NOW", "$last_at"] },
                },
            ),
        }
    }
}

/// The entries of `inflight` that are young enough to wait for, by the server's clock.
pub(crate) fn young_entries() -> Bson {
    let young = doc! { "$gt": ["$$entry.at", { "$subtract": ["$$NOW", IN_FLIGHT_MILLIS] }] };
    Bson::from(doc! { "$filter": { "input": "$inflight", "as": "entry", "cond": young } })
}
