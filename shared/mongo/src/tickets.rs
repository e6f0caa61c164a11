use crate::{Mongo, fault::store_fault, schema::TICKETS, write_once_more};
use domain::{Fault, SessionId, Timestamp, UserId};
use mongodb::{
    Collection,
    bson::{DateTime, doc},
};
use serde::{Deserialize, Serialize};

/// The repository of `tickets`, by the hash of their text; the text itself is nowhere stored.
#[derive(Debug, Clone, Copy)]
pub struct Tickets<'a>(pub(crate) &'a Mongo);

#[derive(Debug, Serialize, Deserialize)]
struct TicketDocument {
    #[serde(rename = "_id")]
    hash: String,
    user_id: UserId,
    session_id: SessionId,
    expires_at: DateTime,
}

impl Tickets<'_> {
    /// Stores a ticket under the hash of its text.
    pub async fn insert(
        self,
        hash: &str,
        user: UserId,
        session: &SessionId,
        expires_at: Timestamp,
    ) -> Result<(), Fault> {
        let row = TicketDocument {
            hash: hash.to_owned(),
            user_id: user,
            session_id: session.clone(),
            expires_at: DateTime::from_millis(expires_at.millis()),
        };
        self.collection().insert_one(row).await.map_err(store_fault)?;
        Ok(())
    }

    /// Takes a ticket away and answers whose it was; `None` for one that is unknown, used or expired.
    pub async fn burn(self, hash: &str, now: Timestamp) -> Result<Option<(UserId, SessionId)>, Fault> {
        let tickets = self.collection();
        // Whose first answer was lost is told that it is used, and takes another one.
        let burn = || async { tickets.find_one_and_delete(doc! { "_id": hash }).await };
        let burnt = write_once_more(burn).await.map_err(store_fault)?;
        let fresh = burnt.filter(|ticket| ticket.expires_at.timestamp_millis() > now.millis());
        Ok(fresh.map(|ticket| (ticket.user_id, ticket.session_id)))
    }

    fn collection(self) -> Collection<TicketDocument> {
        self.0.collection(TICKETS)
    }
}
