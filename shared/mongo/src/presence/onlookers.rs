//! Whose connections are told that people come or go.

use super::{Presences, date, of, shown};
use crate::{
    Connection,
    connections::PersonRow,
    fault::store_fault,
    one_batch,
    schema::{PEOPLE, SOCKETS},
};
use domain::{Fault, PresenceVisibility, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeSet, HashMap};

/// Of how many friends the connections are asked for at once, unless one person has more.
const FRIENDS_AT_ONCE: usize = 5_000;

/// The connections of those friends of a person who are told about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onlookers {
    /// About whom.
    pub of: UserId,
    /// Whether they may be told about: their account is active and they don't hide.
    pub is_shown: bool,
    /// Where.
    pub connections: Vec<Connection>,
}

#[derive(Deserialize)]
struct Person {
    #[serde(rename = "_id")]
    user: UserId,
    is_shown: bool,
    friends: Vec<UserId>,
}

/// A friend who may be told.
#[derive(Deserialize)]
struct Friend {
    #[serde(rename = "_id")]
    user: UserId,
    /// About whom.
    knows: Vec<UserId>,
}

impl Presences<'_> {
    /// The active connections of those friends of people who don't hide and know them as friends, of at most so many friends each.
    /// Three reads for up to 5,000 friends, whoever has them: friends of friends are asked for once.
    pub async fn list_onlookers(self, users: &[UserId], most: usize, now: Timestamp) -> Result<Vec<Onlookers>, Fault> {
        let mut people = self.list_friends(users).await?;
        let mut onlookers = Vec::new();
        while !people.is_empty() {
            let mut friends = 0;
            let fits = |person: &Person| {
                friends += person.friends.len();
                friends <= FRIENDS_AT_ONCE
            };
            let count = people.iter().map(fits).take_while(|fits| *fits).count().max(1);
            let some = people.drain(..count).collect();
            onlookers.extend(self.list_onlookers_of(some, most, now).await?);
        }
        Ok(onlookers)
    }

    async fn list_onlookers_of(
        self,
        people: Vec<Person>,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<Onlookers>, Fault> {
        let friends: BTreeSet<_> = people.iter().flat_map(|person| &person.friends).copied().collect();
        let friends: Vec<_> = friends.into_iter().collect();
        let there: HashMap<_, _> = self.list_there(&friends, now).await?.into_iter().collect();
        let friends: Vec<_> = there.keys().copied().collect();
        let users: Vec<_> = people.iter().map(|person| person.user).collect();
        let know: HashMap<_, _> = self.list_knowing(&friends, &users).await?.into_iter().collect();
        let each = people.into_iter().map(|Person { user: of, is_shown, friends }| {
            let told = friends.iter().filter(|friend| know.get(friend).is_some_and(|knows| knows.contains(&of)));
            let connections = told.take(most).filter_map(|friend| there.get(friend)).flatten().cloned().collect();
            Onlookers { of, is_shown, connections }
        });
        Ok(each.collect())
    }

    async fn list_friends(self, users: &[UserId]) -> Result<Vec<Person>, Fault> {
        let visibility = doc! { "$ifNull": ["$presence_visibility", PresenceVisibility::Friends.as_str()] };
        let is_shown = doc! { "$and": [
            { "$eq": ["$is_active", true] }, { "$eq": [visibility, PresenceVisibility::Friends.as_str()] },
        ] };
        self.list_all(PEOPLE, of(users), doc! { "friends": 1, "is_shown": is_shown }, users.len()).await
    }

    /// The active connections of those of people who have any.
    async fn list_there(self, users: &[UserId], now: Timestamp) -> Result<Vec<(UserId, Vec<Connection>)>, Fault> {
        let mut active = of(users);
        active.insert("open.active_until", doc! { "$gt": date(now) });
        let is_active = doc! { "$gt": ["$$socket.active_until", date(now)] };
        let open = doc! { "open": { "$filter": { "input": "$open", "as": "socket", "cond": is_active } } };
        let rows: Vec<PersonRow> = self.list_all(SOCKETS, active, open, users.len()).await?;
        Ok(rows.into_iter().map(|row| (row.user, row.live(now))).collect())
    }

    /// Whom of some people each of others has as a friend and did not block, without those who hide.
    async fn list_knowing(self, friends: &[UserId], users: &[UserId]) -> Result<Vec<(UserId, Vec<UserId>)>, Fault> {
        let users: Vec<_> = users.iter().map(|user| user.0).collect();
        let knows = doc! { "$setDifference": [{ "$setIntersection": ["$friends", users] }, "$blocked"] };
        let rows: Vec<Friend> =
            self.list_all(PEOPLE, shown(of(friends)), doc! { "knows": knows }, friends.len()).await?;
        Ok(rows.into_iter().map(|Friend { user, knows }| (user, knows)).collect())
    }

    async fn list_all<T: DeserializeOwned + Send + Sync + Unpin>(
        self,
        collection: &str,
        filter: Document,
        fields: Document,
        most: usize,
    ) -> Result<Vec<T>, Fault> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let rows = self.0.collection::<T>(collection);
        let rows = rows.find(filter).projection(fields).batch_size(one_batch(most));
        async { rows.await?.try_collect().await }.await.map_err(store_fault)
    }
}
