use crate::{Mongo, fault::store_fault, schema::CONNECTIONS, w1};
use domain::{ConnectionId, Fault, Locale, SessionId, Timestamp, UserId};
use mongodb::{
    Collection,
    bson::{DateTime, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a connection counts as alive after its last frame: API Gateway's 10 idle minutes and one more.
const ALIVE_FOR: Duration = Duration::from_mins(11);

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

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConnectionDocument {
    #[serde(rename = "_id")]
    id: ConnectionId,
    user_id: UserId,
    session_id: SessionId,
    locale: Locale,
    connected_at: DateTime,
    expires_at: DateTime,
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
        };
        let this = doc! { "_id": &connection.id.0 };
        self.connections().replace_one(this, row).upsert(true).await.map_err(store_fault)?;
        Ok(())
    }

    /// Notes a frame of a connection and tells whose it is. One round trip.
    ///
    /// `w: 1`: a note lost in a failover is written again by the next ping.
    pub async fn touch_connection(
        &self,
        id: &ConnectionId,
        locale: Option<Locale>,
        now: Timestamp,
    ) -> Result<Option<Connection>, Fault> {
        let mut set = doc! { "expires_at": DateTime::from_millis(now.plus(ALIVE_FOR).millis()) };
        if let Some(locale) = locale {
            set.insert("locale", locale.as_str());
        }
        let touched = self
            .connections()
            .find_one_and_update(doc! { "_id": &id.0 }, doc! { "$set": set })
            .return_document(ReturnDocument::After)
            .write_concern(w1())
            .await
            .map_err(store_fault)?;
        Ok(touched.map(Connection::from))
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
