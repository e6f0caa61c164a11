use crate::{Causal, Mongo, fault::store_fault, limits::refilled, schema::CONNECTIONS, w1};
use domain::{ConnectionId, Fault, Limit, Locale, SessionId, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection,
    bson::{DateTime, Document, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a connection counts as alive after its last frame: API Gateway's 10 idle minutes and one more.
const ALIVE_FOR: Duration = Duration::from_mins(11);

/// How many frames beyond its limit a connection is remembered for.
const DEEPEST_DEBT: f64 = 60.0;

/// An open WebSocket and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Which.
    pub id: ConnectionId,
    /// Whose.
    pub user: UserId,
    /// By which login.
    pub session: SessionId,
    /// The language of its texts.
    pub locale: Locale,
    /// When it was opened.
    pub connected_at: Timestamp,
}

/// A connection that sent a frame.
#[derive(Debug, Clone)]
pub struct Touched {
    /// Which.
    pub connection: Connection,
    /// How many frames more it may send at once; below zero once it has sent too many.
    pub tokens: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConnectionDocument {
    #[serde(rename = "_id")]
    id: ConnectionId,
    user_id: UserId,
    session_id: SessionId,
    locale: Locale,
    connected_at: DateTime,
    expires_at: DateTime,
    /// The bucket of frames that it may send, and when that was last counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<DateTime>,
}

impl From<ConnectionDocument> for Connection {
    fn from(row: ConnectionDocument) -> Self {
        let connected_at = Timestamp::from_millis(row.connected_at.timestamp_millis());
        Self { id: row.id, user: row.user_id, session: row.session_id, locale: row.locale, connected_at }
    }
}

/// The repository of `connections`.
#[derive(Debug, Clone, Copy)]
pub struct Connections<'a>(pub(crate) &'a Mongo);

impl Connections<'_> {
    fn collection(self) -> Collection<ConnectionDocument> {
        self.0.collection(CONNECTIONS)
    }

    /// Stores a connection. Repeating it is harmless.
    pub async fn insert(self, connection: &Connection) -> Result<(), Fault> {
        let row = ConnectionDocument {
            id: connection.id.clone(),
            user_id: connection.user,
            session_id: connection.session.clone(),
            locale: connection.locale,
            connected_at: DateTime::from_millis(connection.connected_at.millis()),
            expires_at: DateTime::from_millis(connection.connected_at.plus(ALIVE_FOR).millis()),
            tokens: None,
            at: None,
        };
        let this = doc! { "_id": &connection.id.0 };
        self.collection().replace_one(this, row).upsert(true).await.map_err(store_fault)?;
        Ok(())
    }

    /// Notes a frame of a connection and answers whose it is, and how many more it may send.
    ///
    /// `w: 1`: a note lost in a failover is written again by the next ping.
    pub async fn touch(
        self,
        id: &ConnectionId,
        locale: Option<Locale>,
        now: Timestamp,
        limit: Limit,
    ) -> Result<Option<Touched>, Fault> {
        let mut set = doc! {
            "expires_at": DateTime::from_millis(now.plus(ALIVE_FOR).millis()),
            // A debt has an end, or whoever was once too fast would wait for hours.
            "tokens": { "$max": [{ "$subtract": [refilled(limit, "$tokens", "$at"), 1] }, -DEEPEST_DEBT] },
            "at": "$$NOW",
        };
        if let Some(locale) = locale {
            set.insert("locale", locale.as_str());
        }
        let touched = self
            .collection()
            .find_one_and_update(doc! { "_id": &id.0 }, vec![doc! { "$set": set }])
            .return_document(ReturnDocument::After)
            .write_concern(w1())
            .await
            .map_err(store_fault)?;
        Ok(touched.map(|row| Touched { tokens: row.tokens.unwrap_or_default(), connection: row.into() }))
    }

    /// The live connections of people, as a majority knows them.
    pub async fn list_of_people(self, users: &[UserId], now: Timestamp) -> Result<Vec<Connection>, Fault> {
        self.list(live(users, now)).await
    }

    /// The same, including what was written in the session.
    pub async fn list_of_people_in(
        self,
        Causal(session): &mut Causal,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<Connection>, Fault> {
        let rows: Vec<_> = async {
            let mut cursor = self.collection().find(live(users, now)).session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(rows.into_iter().map(Connection::from).collect())
    }

    /// Every connection of some sessions, as a majority knows them.
    pub async fn list_of_sessions(self, sessions: &[SessionId]) -> Result<Vec<Connection>, Fault> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        self.list(of_sessions(sessions)).await
    }

    /// Those of some connections that are live and belong to one of some people, as a majority knows them.
    pub async fn list_live(
        self,
        ids: &[ConnectionId],
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<Connection>, Fault> {
        let mut filter = live(users, now);
        filter.insert("_id", doc! { "$in": ids.iter().map(|id| id.0.as_str()).collect::<Vec<_>>() });
        self.list(filter).await
    }

    async fn list(self, filter: Document) -> Result<Vec<Connection>, Fault> {
        let rows: Vec<_> =
            async { self.collection().find(filter).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(Connection::from).collect())
    }

    /// Removes the connections of some sessions.
    pub async fn remove_of_sessions(self, sessions: &[SessionId]) -> Result<(), Fault> {
        if sessions.is_empty() {
            return Ok(());
        }
        self.collection().delete_many(of_sessions(sessions)).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes a connection; one that is not there is removed already.
    pub async fn remove(self, id: &ConnectionId) -> Result<(), Fault> {
        self.collection().delete_one(doc! { "_id": &id.0 }).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes connections that answered 410, unless their ids were given out anew.
    pub async fn remove_gone(self, gone: &[Connection]) -> Result<(), Fault> {
        if gone.is_empty() {
            return Ok(());
        }
        let each = gone.iter().map(|connection| {
            doc! { "_id": &connection.id.0, "connected_at": DateTime::from_millis(connection.connected_at.millis()) }
        });
        let any = doc! { "$or": each.collect::<Vec<_>>() };
        self.collection().delete_many(any).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }
}

fn live(users: &[UserId], now: Timestamp) -> Document {
    let users: Vec<i32> = users.iter().map(|user| user.0).collect();
    doc! { "user_id": { "$in": users }, "expires_at": { "$gt": DateTime::from_millis(now.millis()) } }
}

fn of_sessions(sessions: &[SessionId]) -> Document {
    doc! { "session_id": { "$in": sessions.iter().map(|session| session.0.as_str()).collect::<Vec<_>>() } }
}
