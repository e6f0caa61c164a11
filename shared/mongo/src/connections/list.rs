//! Reading the connections of people.

use super::{Attendance, Connection, Connections, OwnerRow, PersonRow, Recipients, date, of_people};
use crate::{
    Causal, Crowd,
    fault::store_fault,
    one_batch,
    read_states::MOST_TOLD,
    schema::{ROOMS, SOCKETS},
};
use domain::{ConnectionId, Fault, RoomKey, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Document, doc},
    options::ReadConcern,
};
use serde::Deserialize;
use std::collections::HashMap;

impl Connections<'_> {
    /// The live connections of people, as a majority knows them.
    pub async fn list_of_people(self, users: &[UserId], now: Timestamp) -> Result<Vec<Connection>, Fault> {
        Ok(live(self.list(of_people(users), users.len(), ReadConcern::majority()).await?, now))
    }

    /// Who of people is connected, and when others left, as a majority knows it; nothing of who left unseen or never came.
    pub async fn list_attendance(self, users: &[UserId], now: Timestamp) -> Result<HashMap<UserId, Attendance>, Fault> {
        let rows = self.list(of_people(users), users.len(), ReadConcern::majority()).await?;
        let each = rows.into_iter().filter_map(|row| {
            let (user, left_at) = (row.user, row.left_at);
            let left = left_at.map(|at| Attendance::Left(Timestamp::from_millis(at.timestamp_millis())));
            let attendance = if row.live(now).is_empty() { left } else { Some(Attendance::Connected) };
            attendance.map(|attendance| (user, attendance))
        });
        Ok(each.collect())
    }

    /// The live connections of people for signals, read from the primary: a touch is `w: 1`, and a majority may learn late that a
    /// person is active again.
    /// Nothing durable may depend on it, since a failover may undo a touch.
    pub async fn list_for_signal(self, users: &[UserId], now: Timestamp) -> Result<Vec<Connection>, Fault> {
        Ok(live(self.list(of_people(users), users.len(), ReadConcern::local()).await?, now))
    }

    /// The same, including what was written in the session.
    pub async fn list_of_people_in(
        self,
        Causal(session): &mut Causal,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<Connection>, Fault> {
        let rows: Vec<_> = async {
            let people = self.collection();
            let open = people.find(of_people(users)).projection(doc! { "open": 1 }).batch_size(one_batch(users.len()));
            let mut cursor = open.session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(live(rows, now))
    }

    /// The live connections of people, as a majority knows them, if there are at most so many; no more are read.
    pub async fn list_recipients(self, users: &[UserId], most: usize, now: Timestamp) -> Result<Recipients, Fault> {
        let (people, limit) = (self.collection(), one_batch(most));
        let open = people.find(connected(users, now)).projection(doc! { "open": 1 }).limit(i64::from(limit));
        let open = open.batch_size(limit.saturating_add(1));
        let rows: Vec<_> = async { open.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(Recipients::of(live(rows, now), most, || Crowd::of(users)))
    }

    /// The same, including what was written in the session.
    pub async fn list_recipients_in(
        self,
        causal: &mut Causal,
        users: &[UserId],
        most: usize,
        now: Timestamp,
    ) -> Result<Recipients, Fault> {
        let Causal(session) = causal;
        let rows: Vec<_> = async {
            let (people, limit) = (self.collection(), one_batch(most));
            let open = people.find(connected(users, now)).projection(doc! { "open": 1 }).limit(i64::from(limit));
            let mut cursor = open.batch_size(limit.saturating_add(1)).session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(Recipients::of(live(rows, now), most, || Crowd::in_session(users, causal)))
    }

    /// The connections of a small room's other members that get its signals; for signals only, as [`Connections::list_for_signal`].
    /// Empty for a person who is not in the room, across a block and in a large room.
    pub async fn list_onlookers(self, room: RoomKey, user: UserId, now: Timestamp) -> Result<Vec<Connection>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            people: Vec<PersonRow>,
        }
        let others = doc! { "_id": { "$ne": user.0 }, "open.active_until": { "$gt": date(now) } };
        let pipeline = [
            doc! { "$match": {
                "_id": room.to_string(), "members": user.0, "blocked": false,
                format!("members.{MOST_TOLD}"): { "$exists": false },
            } },
            doc! { "$lookup": {
                "from": SOCKETS, "localField": "members", "foreignField": "_id", "as": "people",
                "pipeline": [{ "$match": others }, { "$project": { "open": 1 } }],
            } },
            doc! { "$project": { "_id": 0, "people": 1 } },
        ];
        let rooms = self.0.documents(ROOMS);
        let found = async {
            let aggregate = rooms.aggregate(pipeline).read_concern(ReadConcern::local());
            aggregate.with_type::<Row>().await?.try_next().await
        };
        let people = found.await.map_err(store_fault)?.map(|row| row.people).unwrap_or_default();
        let mut onlookers = live(people, now);
        onlookers.retain(|connection| connection.sees(room, now));
        Ok(onlookers)
    }

    /// Those of some connections that are live and belong to one of some people, as a majority knows them.
    pub async fn list_live(
        self,
        ids: &[ConnectionId],
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<Connection>, Fault> {
        let mut filter = of_people(users);
        filter.insert("open.id", doc! { "$in": names(ids) });
        let mut all = live(self.list(filter, users.len(), ReadConcern::majority()).await?, now);
        all.retain(|connection| ids.contains(&connection.id));
        Ok(all)
    }

    async fn list(self, filter: Document, most: usize, concern: ReadConcern) -> Result<Vec<PersonRow>, Fault> {
        let people = self.collection();
        let open = doc! { "open": 1, "left_at": 1 };
        let open = people.find(filter).projection(open).batch_size(one_batch(most)).read_concern(concern);
        async { open.await?.try_collect().await }.await.map_err(store_fault)
    }

    /// Whose connection it is.
    pub async fn find_owner(self, ConnectionId(id): &ConnectionId) -> Result<Option<UserId>, Fault> {
        let people = self.0.collection::<OwnerRow>(SOCKETS);
        let owner = people.find_one(doc! { "open.id": id }).projection(doc! { "_id": 1 });
        Ok(owner.await.map_err(store_fault)?.map(|row| row.user))
    }

    /// Some of the people whose connections have all expired without a close event.
    pub async fn list_ghosts(self, now: Timestamp, most: i64) -> Result<Vec<UserId>, Fault> {
        let ghosts = doc! { "expires_at": { "$lte": date(now) }, "open.id": { "$exists": true } };
        let (people, batch) = (self.0.collection::<OwnerRow>(SOCKETS), usize::try_from(most).unwrap_or_default());
        let people = people.find(ghosts).sort(doc! { "expires_at": 1 }).limit(most).projection(doc! { "_id": 1 });
        let rows: Vec<_> =
            async { people.batch_size(one_batch(batch)).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.user).collect())
    }
}

impl Recipients {
    fn of(connections: Vec<Connection>, most: usize, crowd: impl FnOnce() -> Crowd) -> Self {
        if connections.len() > most { Self::TooMany(crowd()) } else { Self::All(connections) }
    }
}

fn live(people: Vec<PersonRow>, now: Timestamp) -> Vec<Connection> {
    people.into_iter().flat_map(|person| person.live(now)).collect()
}

/// Those of some people who have a live connection.
fn connected(users: &[UserId], now: Timestamp) -> Document {
    let mut filter = of_people(users);
    filter.insert("open.expires_at", doc! { "$gt": date(now) });
    filter
}

fn names(ids: &[ConnectionId]) -> Vec<&str> {
    ids.iter().map(|id| id.0.as_str()).collect()
}
