use crate::{Mongo, fault::store_fault, limits::refilled, schema::CONNECTIONS, w1};
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

impl Mongo {
    fn connections(&self) -> Collection<ConnectionDocument> {
        self.database.collection(CONNECTIONS)
    }

    /// Remembers a connection. One round trip; repeating it is harmless.
    pub async fn insert_connection(&self, connection: &Connection) -> Result<(), Fault> {
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
        self.connections().replace_one(this, row).upsert(true).await.map_err(store_fault)?;
        Ok(())
    }

    /// Notes a frame of a connection and tells whose it is, and how many more it may send. One round trip.
    ///
    /// `w: 1`: a note lost in a failover is written again by the next ping.
    pub async fn touch_connection(
        &self,
        id: &ConnectionId,
        locale: Option<Locale>,
        now: Timestamp,
        limit: Limit,
    ) -> Result<Option<Touched>, Fault> {
        let mut set = doc! {
            "expires_at": DateTime::from_millis(now.plus(ALIVE_FOR).millis()),
            // A debt has an end, or whoever was once too fast would wait for hours.
            "tokens": { "$max": [{ "$subtract": [refilled(limit), 1] }, -DEEPEST_DEBT] },
            "at": "$$NOW",
        };
        if let Some(locale) = locale {
            set.insert("locale", locale.as_str());
        }
        let touched = self
            .connections()
            .find_one_and_update(doc! { "_id": &id.0 }, vec![doc! { "$set": set }])
            .return_document(ReturnDocument::After)
            .write_concern(w1())
            .await
            .map_err(store_fault)?;
        Ok(touched.map(|row| Touched { tokens: row.tokens.unwrap_or_default(), connection: row.into() }))
    }

    /// The live connections of people, as a majority knows them. One round trip.
    pub async fn list_user_connections(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Connection>, Fault> {
        let users: Vec<i32> = users.iter().map(|user| user.0).collect();
        let live = DateTime::from_millis(now.millis());
        self.list_connections(doc! { "user_id": { "$in": users }, "expires_at": { "$gt": live } }).await
    }

    /// Every connection of some sessions, as a majority knows them. One round trip; none for no sessions.
    pub async fn list_session_connections(&self, sessions: &[SessionId]) -> Result<Vec<Connection>, Fault> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let sessions: Vec<&str> = sessions.iter().map(|session| session.0.as_str()).collect();
        self.list_connections(doc! { "session_id": { "$in": sessions } }).await
    }

    async fn list_connections(&self, filter: Document) -> Result<Vec<Connection>, Fault> {
        let rows: Vec<_> =
            async { self.connections().find(filter).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(Connection::from).collect())
    }

    /// Forgets the connections of some sessions. One round trip; none for no sessions.
    pub async fn remove_session_connections(&self, sessions: &[SessionId]) -> Result<(), Fault> {
        if sessions.is_empty() {
            return Ok(());
        }
        let sessions: Vec<&str> = sessions.iter().map(|session| session.0.as_str()).collect();
        let these = doc! { "session_id": { "$in": sessions } };
        self.connections().delete_many(these).await.map_err(store_fault)?;
        Ok(())
    }

    /// Forgets a connection. One round trip; one that is not there is forgotten already.
    pub async fn remove_connection(&self, id: &ConnectionId) -> Result<(), Fault> {
        self.connections().delete_one(doc! { "_id": &id.0 }).await.map_err(store_fault)?;
        Ok(())
    }

    /// Forgets connections that answered 410, unless their ids were given out anew. One round trip.
    pub async fn remove_gone_connections(&self, gone: &[Connection]) -> Result<(), Fault> {
        let each = gone.iter().map(|connection| {
            doc! { "_id": &connection.id.0, "connected_at": DateTime::from_millis(connection.connected_at.millis()) }
        });
        let any = doc! { "$or": each.collect::<Vec<_>>() };
        self.connections().delete_many(any).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }
}
