mod onlookers;

pub use onlookers::Onlookers;

use crate::{
    Mongo,
    fault::store_fault,
    one_batch,
    schema::{PEOPLE, PRESENCE},
    updates::Updated,
    w1, write_once_more,
};
use domain::{Fault, PresenceVisibility, Seen, Timestamp, UserId, shown_last_seen};
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection,
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
    options::{ReadConcern, ReturnDocument},
};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

/// How long a person who is shown as online is not checked again.
const BELIEVED_FOR: Duration = Duration::from_mins(10);

/// The time of the last check for a person who must be checked again.
const NEVER: DateTime = DateTime::from_millis(0);

/// The presence of a person as their friends were last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Whose.
    pub user: UserId,
    /// Counts events that may change it; a decision from an earlier epoch is stale.
    pub epoch: i64,
    /// Whether friends were last told that the person is online.
    pub announced: bool,
    /// Counts what was told.
    pub rev: i64,
    /// When something was last told.
    pub changed_at: Timestamp,
    /// When they were last online, if they ever went.
    pub last_seen_at: Option<Timestamp>,
}

/// Which of a person's friends are online.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnlineFriends {
    /// They, in no order.
    pub online: Vec<UserId>,
    /// Whether there are more.
    pub more: bool,
    /// Whether the person may be told about: their account is active and they don't hide.
    pub is_shown: bool,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    user: UserId,
    epoch: i64,
    announced: bool,
    rev: i64,
    changed_at: DateTime,
    last_seen_at: Option<DateTime>,
}

#[derive(Deserialize)]
struct Id {
    #[serde(rename = "_id")]
    user: UserId,
}

/// The repository of `presence`: what friends were last told. Whether a person is online follows from their connections.
#[derive(Debug, Clone, Copy)]
pub struct Presences<'a>(pub(crate) &'a Mongo);

impl Presences<'_> {
    fn collection(self) -> Collection<Row> {
        self.0.collection(PRESENCE)
    }

    /// Notes a hello and answers whether friends were told before that the person is online. If not, the sweep checks them soon.
    ///
    /// `w: 1`: if a failover loses the note, the queued check still runs and the next hello notes it again. Only a person's first
    /// hello ever is then announced late, after their next hello.
    pub async fn greet(self, user: UserId, at: Timestamp) -> Result<bool, Fault> {
        #[derive(Deserialize)]
        struct Before {
            announced: bool,
        }
        let or = |field: &str, first: i64| doc! { "$ifNull": [format!("${field}"), first] };
        let update = vec![doc! { "$set": {
            "epoch": { "$add": [or("epoch", 0), 1_i64] },
            "announced": { "$ifNull": ["$announced", false] },
            "rev": or("rev", 0),
            "changed_at": { "$ifNull": ["$changed_at", date(at)] },
            "checked_at": { "$cond": [{ "$eq": ["$announced", true] }, "$checked_at", NEVER] },
        } }];
        let rows = self.0.collection::<Before>(PRESENCE);
        let greet = || async {
            rows.find_one_and_update(doc! { "_id": user.0 }, update.clone())
                .upsert(true)
                .projection(doc! { "announced": 1 })
                .return_document(ReturnDocument::Before)
                .write_concern(w1())
                .await
        };
        let before = write_once_more(greet).await.map_err(store_fault)?;
        Ok(before.is_some_and(|before| before.announced))
    }

    /// Marks earlier reads of people's connections and settings as stale: a concurrent check reads again, and the sweep checks those
    /// who are shown as online. Call it after the change.
    pub async fn stir(self, users: &[UserId]) -> Result<(), Fault> {
        if users.is_empty() {
            return Ok(());
        }
        let again = doc! { "$inc": { "epoch": 1_i64 }, "$set": { "checked_at": NEVER } };
        self.0.documents(PRESENCE).update_many(of(users), again).await.map_err(store_fault)?;
        Ok(())
    }

    /// The told presence of people; nothing for a person who never said hello.
    pub async fn list(self, users: &[UserId]) -> Result<Vec<Presence>, Fault> {
        let rows = self.collection();
        // As the primary has it: a decision by an older state would only be made again.
        let rows = rows.find(of(users)).batch_size(one_batch(users.len())).read_concern(ReadConcern::local());
        let rows: Vec<_> = async { rows.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(Presence::from).collect())
    }

    /// Notes of people that friends are told the opposite of what they were told before. Answers of whom that is written: not of
    /// those of whom `seen` is stale, nor, after an error, of those whose write failed.
    pub async fn announce(self, seen: &[Presence], at: Timestamp) -> (Vec<UserId>, Result<(), Fault>) {
        if seen.is_empty() {
            return (Vec::new(), Ok(()));
        }
        let users: Vec<_> = seen.iter().map(|seen| seen.user).collect();
        let teller = ObjectId::new();
        let updates = seen.iter().map(|before| {
            let is_online = !before.announced;
            let mut told =
                doc! { "announced": is_online, "changed_at": date(at), "checked_at": date(at), "teller": teller };
            if !is_online {
                told.insert("last_seen_at", date(at));
            }
            doc! { "q": unchanged(before), "u": { "$set": told, "$inc": { "rev": 1_i64 } } }
        });
        let outcome = match self.0.update_each(PRESENCE, updates.collect()).await {
            Ok(Updated { matched, .. }) if matched == users.len() => return (users, Ok(())),
            Ok(Updated { refused, .. }) => refused.map_or(Ok(()), Err),
            Err(fault) => Err(fault),
        };
        // The counts don't say whose, and nothing says it after a lost answer.
        match self.list_told_by(teller, &users).await {
            Ok(told) => (told, outcome),
            Err(fault) => (Vec::new(), outcome.and(Err(fault))),
        }
    }

    async fn list_told_by(self, teller: ObjectId, users: &[UserId]) -> Result<Vec<UserId>, Fault> {
        let mut theirs = of(users);
        theirs.insert("teller", teller);
        let rows = self.0.collection::<Id>(PRESENCE);
        let rows = rows.find(theirs).projection(doc! { "_id": 1 }).batch_size(one_batch(users.len()));
        let rows: Vec<_> = async { rows.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.user).collect())
    }

    /// Notes that the told presence of people is right; `false` if what was read of one of them is stale.
    ///
    /// It raises the epoch, so that a concurrent check with older reads must read again.
    pub async fn confirm(self, seen: &[Presence], at: Timestamp) -> Result<bool, Fault> {
        if seen.is_empty() {
            return Ok(true);
        }
        // With the ids by themselves, one walk of their index finds all: the planner would plan each alternative.
        let mut these = of(&seen.iter().map(|seen| seen.user).collect::<Vec<_>>());
        these.insert("$or", seen.iter().map(unchanged).collect::<Vec<_>>());
        let confirm = doc! { "$set": { "checked_at": date(at) }, "$inc": { "epoch": 1_i64 } };
        let rows = self.0.documents(PRESENCE);
        let outcome = rows.update_many(these, confirm).write_concern(w1()).await.map_err(store_fault)?;
        Ok(usize::try_from(outcome.matched_count).is_ok_and(|matched| matched == seen.len()))
    }

    /// People to check: those who are shown as online with the oldest checks, and those who said hello and may not have been checked
    /// since; at most `most` of each.
    pub async fn list_due(self, now: Timestamp, most: i64) -> Result<Vec<UserId>, Fault> {
        let old = doc! { "announced": true, "checked_at": { "$lte": date(now.minus(BELIEVED_FOR)) } };
        let new = doc! { "announced": false, "checked_at": NEVER };
        let (old, new) = futures_util::try_join!(self.list_ids(old, most), self.list_ids(new, most))?;
        Ok(old.into_iter().chain(new).collect())
    }

    async fn list_ids(self, filter: Document, most: i64) -> Result<Vec<UserId>, Fault> {
        let rows = self.0.collection::<Id>(PRESENCE);
        let batch = one_batch(usize::try_from(most).unwrap_or_default());
        // A hello that no majority knows yet is one.
        let found = rows.find(filter).read_concern(ReadConcern::local()).sort(doc! { "checked_at": 1 });
        let found = found.limit(most).projection(doc! { "_id": 1 });
        let found: Vec<_> = async { found.batch_size(batch).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(found.into_iter().map(|row| row.user).collect())
    }

    /// Those of a person's friends who are shown as online, at most `most`. Hiding one's presence hides that of others as well.
    pub async fn list_online_friends(self, user: UserId, most: usize) -> Result<OnlineFriends, Fault> {
        #[derive(Deserialize)]
        struct Friends {
            shown: Vec<Id>,
        }
        let limit = i64::from(one_batch(most));
        let knows = shown(doc! { "friends": user.0, "blocked": { "$ne": user.0 } });
        let pipeline = [
            doc! { "$match": shown(doc! { "_id": user.0 }) },
            doc! { "$lookup": {
                "from": PRESENCE, "localField": "friends", "foreignField": "_id", "as": "online",
                "pipeline": [{ "$match": { "announced": true } }, { "$project": { "_id": 1 } }],
            } },
            doc! { "$lookup": {
                "from": PEOPLE, "localField": "online._id", "foreignField": "_id", "as": "shown",
                "pipeline": [{ "$match": knows }, { "$limit": limit }, { "$project": { "_id": 1 } }],
            } },
            doc! { "$project": { "shown": 1 } },
        ];
        let people = self.0.documents(PEOPLE);
        let found: Option<Friends> =
            async { people.aggregate(pipeline).with_type::<Friends>().await?.try_next().await }
                .await
                .map_err(store_fault)?;
        let is_shown = found.is_some();
        let mut online: Vec<_> =
            found.map(|found| found.shown).unwrap_or_default().into_iter().map(|friend| friend.user).collect();
        let more = online.len() > most;
        online.truncate(most);
        Ok(OnlineFriends { online, more, is_shown })
    }

    /// The presence of some friends as a person may see it. Hiding one's presence hides that of others as well.
    pub async fn list_seen(
        self,
        viewer: UserId,
        friends: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Seen>, Fault> {
        #[derive(Deserialize)]
        struct Found {
            presence: Vec<Row>,
        }
        if friends.is_empty() {
            return Ok(HashMap::new());
        }
        let mut theirs = shown(of(friends));
        theirs.insert("friends", viewer.0);
        let pipeline = [
            doc! { "$match": shown(doc! { "_id": viewer.0 }) },
            doc! { "$lookup": {
                "from": PEOPLE, "as": "shown", "pipeline": [{ "$match": theirs }, { "$project": { "_id": 1 } }],
            } },
            doc! { "$lookup": { "from": PRESENCE, "localField": "shown._id", "foreignField": "_id", "as": "presence" } },
            doc! { "$project": { "presence": 1 } },
        ];
        let people = self.0.documents(PEOPLE);
        let found: Option<Found> = async { people.aggregate(pipeline).with_type::<Found>().await?.try_next().await }
            .await
            .map_err(store_fault)?;
        let rows = found.map(|found| found.presence).unwrap_or_default().into_iter().map(Presence::from);
        Ok(rows.map(|row| (row.user, row.seen(now))).collect())
    }

    /// Who of people may be told about: their accounts are active and they don't hide, as a majority knows it.
    pub async fn list_shown(self, users: &[UserId]) -> Result<Vec<UserId>, Fault> {
        let people = self.0.collection::<Id>(PEOPLE);
        let people = people.find(shown(of(users))).projection(doc! { "_id": 1 }).batch_size(one_batch(users.len()));
        let rows: Vec<_> = async { people.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.user).collect())
    }

    /// Removes the presence of a person.
    pub async fn remove(self, user: UserId) -> Result<(), Fault> {
        self.0.documents(PRESENCE).delete_one(doc! { "_id": user.0 }).await.map_err(store_fault)?;
        Ok(())
    }
}

impl Presence {
    /// What a friend sees of it.
    pub fn seen(&self, now: Timestamp) -> Seen {
        let last_seen_at = self.last_seen_at.filter(|_| !self.announced).and_then(|at| shown_last_seen(at, now));
        Seen { is_online: self.announced, last_seen_at }
    }
}

impl From<Row> for Presence {
    fn from(row: Row) -> Self {
        let Row { user, epoch, announced, rev, changed_at, last_seen_at } = row;
        let at = |at: DateTime| Timestamp::from_millis(at.timestamp_millis());
        Self { user, epoch, announced, rev, changed_at: at(changed_at), last_seen_at: last_seen_at.map(at) }
    }
}

/// Those of some people whose accounts are active and who don't hide.
fn shown(mut people: Document) -> Document {
    people.insert("is_active", true);
    // Documents of versions before 7 have no such setting.
    people.insert("presence_visibility", doc! { "$in": [PresenceVisibility::Friends.as_str(), Bson::Null] });
    people
}

fn of(users: &[UserId]) -> Document {
    doc! { "_id": { "$in": users.iter().map(|user| user.0).collect::<Vec<_>>() } }
}

/// A row of which nothing was told and whose epoch has not moved since it was read.
fn unchanged(seen: &Presence) -> Document {
    doc! { "_id": seen.user.0, "epoch": seen.epoch, "rev": seen.rev }
}

fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.millis())
}
