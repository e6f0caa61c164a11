//! Removing connections.

use super::{Connections, OwnerRow, date, filter_open, is_alive, last_expiry, left, of_people};
use crate::{fault::store_fault, schema::SOCKETS};
use domain::{ConnectionId, Fault, SessionId, Timestamp, UserId};
use mongodb::bson::{Document, doc};
use std::collections::BTreeSet;

/// How many closed connections are removed at once.
const MOST_GONE: usize = 200;

impl Connections<'_> {
    /// Removes the connections of some sessions, and notes that their people left at a time.
    pub async fn remove_of_sessions(self, sessions: &[SessionId], at: Timestamp) -> Result<(), Fault> {
        if sessions.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = sessions.iter().map(|session| session.0.as_str()).collect();
        let rest = filter_open(&doc! { "$not": { "$in": ["$$socket.session_id", ids] } });
        let pull = vec![doc! { "$set": { "open": rest } }, last_expiry(), left(at)];
        self.collection().update_many(of_sessions(sessions), pull).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes a connection that nobody has used and answers whose it was; `None` if it does not exist.
    pub async fn remove(self, ConnectionId(id): &ConnectionId) -> Result<Option<UserId>, Fault> {
        self.update_of(id, vec![without(id), last_expiry()]).await
    }

    /// Removes a closed connection, notes that its person left at a time, and answers whose it was; `None` if it does not exist.
    ///
    /// Who calls it must have the person looked at, by a job of that time or later: other looks leave it to that one.
    pub async fn leave(self, ConnectionId(id): &ConnectionId, at: Timestamp) -> Result<Option<UserId>, Fault> {
        self.update_of(id, vec![without(id), last_expiry(), left(at)]).await
    }

    /// Makes a connection expire at a time at the latest, so that the sweep finds its person; see [`Connections::list_ghosts`].
    pub async fn expire(self, ConnectionId(id): &ConnectionId, at: Timestamp) -> Result<(), Fault> {
        let over =
            doc! { "$mergeObjects": ["$$socket", { "expires_at": { "$min": ["$$socket.expires_at", date(at)] } }] };
        let over = doc! { "$cond": [{ "$eq": ["$$socket.id", id] }, over, "$$socket"] };
        let open = doc! { "$map": { "input": "$open", "as": "socket", "in": over } };
        self.update_of(id, vec![doc! { "$set": { "open": open } }, last_expiry()]).await.map(drop)
    }

    async fn update_of(self, id: &str, update: Vec<Document>) -> Result<Option<UserId>, Fault> {
        let people = self.0.collection::<OwnerRow>(SOCKETS);
        let update = people.find_one_and_update(doc! { "open.id": id }, update).projection(doc! { "_id": 1 });
        Ok(update.await.map_err(store_fault)?.map(|row| row.user))
    }

    /// Removes the expired connections of people.
    pub async fn remove_expired(self, users: &[UserId], now: Timestamp) -> Result<(), Fault> {
        if users.is_empty() {
            return Ok(());
        }
        let rest = vec![doc! { "$set": { "open": filter_open(&is_alive(now)) } }];
        self.collection().update_many(of_people(users), rest).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes connections that answered 410, unless their ids are in use again, and notes that their people left at a time. In
    /// batches, since each connection of a person is compared with the whole batch. The presence check that follows sees the removal.
    pub async fn remove_gone<'a>(
        self,
        gone: impl IntoIterator<Item = (&'a ConnectionId, Timestamp)>,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let gone: BTreeSet<_> = gone.into_iter().map(|(ConnectionId(id), connected_at)| (id, connected_at)).collect();
        let gone: Vec<_> = gone.into_iter().collect();
        for gone in gone.chunks(MOST_GONE) {
            self.remove_some_gone(gone, at).await?;
        }
        Ok(())
    }

    async fn remove_some_gone(self, gone: &[(&String, Timestamp)], at: Timestamp) -> Result<(), Fault> {
        let each = gone.iter().map(|(id, connected_at)| {
            doc! { "$and": [
                { "$eq": ["$$socket.id", *id] }, { "$eq": ["$$socket.connected_at", date(*connected_at)] },
            ] }
        });
        let rest = filter_open(&doc! { "$not": { "$or": each.collect::<Vec<_>>() } });
        let pull = vec![doc! { "$set": { "open": rest } }, last_expiry(), left(at)];
        let theirs = doc! { "open.id": { "$in": gone.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>() } };
        self.collection().update_many(theirs, pull).await.map_err(store_fault)?;
        Ok(())
    }
}

fn without(id: &str) -> Document {
    doc! { "$set": { "open": filter_open(&doc! { "$ne": ["$$socket.id", id] }) } }
}

fn of_sessions(sessions: &[SessionId]) -> Document {
    doc! { "open.session_id": { "$in": sessions.iter().map(|session| session.0.as_str()).collect::<Vec<_>>() } }
}
