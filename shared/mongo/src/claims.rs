use crate::{
    ReadStates,
    fault::store_fault,
    messages::date,
    notification_settings::{RoomSettingsRow, room_settings},
    one_batch,
    read_states::state_id,
    schema::READ_STATES,
};
use domain::{Fault, RoomKey, Seq, Timestamp, UserId, notification::RoomSettings};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
    error::ErrorKind,
};
use serde::Deserialize;
use std::{ops::RangeInclusive, time::Duration};

/// The lifetime of a claim.
const CLAIM_HOLDS: Duration = Duration::from_secs(90);

/// How far a member of a room has read, and was notified on their devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadState {
    /// Whose.
    pub user: UserId,
    /// The newest message read.
    pub read: Seq,
    /// The newest message that they were notified of.
    pub notified: Seq,
    /// The message of which they are being notified, or of which somebody began to notify them and died.
    pub claimed: Option<Seq>,
    /// When they were last notified of a message of this room.
    pub notified_at: Option<Timestamp>,
    /// What they want to be notified of in this room, where it is not as everywhere.
    pub settings: RoomSettings,
}

/// Members of a room whom only the holder of this claim notifies of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    room: RoomKey,
    seq: Seq,
    op: ObjectId,
    /// Who.
    pub users: Vec<UserId>,
}

#[derive(Deserialize)]
struct StateRow {
    #[serde(rename = "_id")]
    id: StateId,
    #[serde(default)]
    read_seq: Seq,
    #[serde(default)]
    notified_seq: Seq,
    #[serde(default)]
    lease: Option<Lease>,
    #[serde(default)]
    notified_at: Option<DateTime>,
    #[serde(flatten)]
    settings: RoomSettingsRow,
}

/// The part of a claim in a read state that says of which message.
#[derive(Deserialize)]
pub(crate) struct Lease {
    pub(crate) seq: Seq,
}

#[derive(Deserialize)]
struct StateId {
    user: UserId,
}

impl From<StateRow> for ReadState {
    fn from(row: StateRow) -> Self {
        let notified_at = row.notified_at.map(|at| Timestamp::from_millis(at.timestamp_millis()));
        let StateRow { id, read_seq: read, notified_seq: notified, lease, settings, .. } = row;
        let claimed = lease.map(|lease| lease.seq);
        Self { user: id.user, read, notified, claimed, notified_at, settings: settings.into() }
    }
}

impl ReadStates<'_> {
    /// How far each of a range of people has read in a room and was notified; people with neither are left out.
    pub async fn list(self, room: RoomKey, users: RangeInclusive<UserId>) -> Result<Vec<ReadState>, Fault> {
        let range = doc! { "$gte": state_id(room, *users.start()), "$lte": state_id(room, *users.end()) };
        let mut fields = doc! { "read_seq": 1, "notified_seq": 1, "lease.seq": 1, "notified_at": 1 };
        fields.extend(room_settings());
        let states = self.0.collection::<StateRow>(READ_STATES);
        // In a room are at most 1,000 people.
        let found = states.find(doc! { "_id": range }).projection(fields).batch_size(one_batch(1_000));
        let rows: Vec<_> = async { found.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(ReadState::from).collect())
    }

    /// Claims members who have not read a message, were not notified of it or a later one, and are not claimed. The write itself checks
    /// these conditions.
    ///
    /// `unknown` are those of the members who have no state yet. An unfinished claim expires after 90 s.
    pub async fn claim(
        self,
        room: RoomKey,
        seq: Seq,
        users: &[UserId],
        unknown: &[UserId],
        now: Timestamp,
    ) -> Result<Claim, Fault> {
        self.insert_missing(room, unknown).await?;
        let op = ObjectId::new();
        let mut claim = Claim { room, seq, op, users: users.to_vec() };
        if users.is_empty() {
            return Ok(claim);
        }
        let mut free = claim.theirs();
        free.extend(doc! {
            "read_seq": { "$not": { "$gte": seq.0 } },
            "notified_seq": { "$not": { "$gte": seq.0 } },
            "$or": [
                { "lease": { "$exists": false } },
                { "lease.until": { "$lte": date(now) } },
                { "lease.seq": { "$lt": seq.0 } },
            ],
        });
        let lease = doc! { "seq": seq.0, "op": op, "until": date(now.plus(CLAIM_HOLDS)) };
        let states = self.0.documents(READ_STATES);
        let taken = states.update_many(free, doc! { "$set": { "lease": lease } }).await.map_err(store_fault)?;
        if usize::try_from(taken.matched_count) != Ok(users.len()) {
            claim.users = self.list_claimed(&claim).await?;
        }
        Ok(claim)
    }

    /// Notes that the members of a claim were notified, and ends the claim.
    pub async fn finish(self, claim: &Claim, now: Timestamp) -> Result<(), Fault> {
        if claim.users.is_empty() {
            return Ok(());
        }
        let is_mine = doc! { "$eq": ["$lease.op", claim.op] };
        let done = vec![doc! { "$set": {
            "notified_seq": { "$max": ["$notified_seq", claim.seq.0] },
            "notified_at": { "$max": ["$notified_at", date(now)] },
            "lease": { "$cond": [is_mine, "$$REMOVE", "$lease"] },
        } }];
        self.0.documents(READ_STATES).update_many(claim.theirs(), done).await.map_err(store_fault)?;
        Ok(())
    }

    async fn insert_missing(self, room: RoomKey, users: &[UserId]) -> Result<(), Fault> {
        if users.is_empty() {
            return Ok(());
        }
        let empty = users.iter().map(|user| doc! { "_id": state_id(room, *user), "read_seq": 0_i64 });
        let states = self.0.documents(READ_STATES);
        match states.insert_many(empty.collect::<Vec<_>>()).ordered(false).await {
            // Rows that another request inserted meanwhile exist as well.
            Err(error) if matches!(error.kind.as_ref(), ErrorKind::InsertMany(many) if many.write_concern_error.is_none()) => {
                Ok(())
            }
            outcome => outcome.map(drop).map_err(store_fault),
        }
    }

    async fn list_claimed(self, claim: &Claim) -> Result<Vec<UserId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: StateId,
        }
        let mut mine = claim.theirs();
        mine.insert("lease.op", claim.op);
        let states = self.0.collection::<Row>(READ_STATES);
        let found = states.find(mine).projection(doc! { "_id": 1 }).batch_size(one_batch(claim.users.len()));
        let rows: Vec<_> = async { found.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.id.user).collect())
    }
}

impl Claim {
    fn theirs(&self) -> Document {
        let ids = self.users.iter().map(|user| Bson::from(state_id(self.room, *user)));
        doc! { "_id": { "$in": ids.collect::<Vec<_>>() } }
    }
}
