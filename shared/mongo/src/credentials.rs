use crate::{
    Mongo,
    fault::store_fault,
    rooms::collided,
    schema::{REVOCATIONS, TICKETS},
};
use domain::{Fault, SessionId, Timestamp, UserId};
use futures_util::future::try_join_all;
use mongodb::bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

/// A ticket by the hash of its text; the text itself is nowhere stored.
#[derive(Debug, Serialize, Deserialize)]
struct TicketDocument {
    #[serde(rename = "_id")]
    hash: String,
    user_id: UserId,
    session_id: SessionId,
    expires_at: DateTime,
}

impl Mongo {
    /// Stores a ticket under the hash of its text. One round trip.
    pub async fn insert_ticket(
        &self,
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
        self.database.collection::<TicketDocument>(TICKETS).insert_one(row).await.map_err(store_fault)?;
        Ok(())
    }

    /// Takes a ticket away and tells whose it was; `None` for one that is unknown, used or late. One round trip.
    pub async fn burn_ticket(&self, hash: &str, now: Timestamp) -> Result<Option<(UserId, SessionId)>, Fault> {
        let tickets = self.database.collection::<TicketDocument>(TICKETS);
        let burnt = tickets.find_one_and_delete(doc! { "_id": hash }).await.map_err(store_fault)?;
        let fresh = burnt.filter(|ticket| ticket.expires_at.timestamp_millis() > now.millis());
        Ok(fresh.map(|ticket| (ticket.user_id, ticket.session_id)))
    }

    /// Whether a session was ended before its tokens expire. One round trip.
    pub async fn is_revoked(&self, session: &SessionId) -> Result<bool, Fault> {
        let found =
            self.documents(REVOCATIONS).find_one(doc! { "_id": &session.0 }).projection(doc! { "_id": 1 }).await;
        Ok(found.map_err(store_fault)?.is_some())
    }

    /// Refuses the access tokens of sessions from now on; `until` is when the last of them expires. A round trip for each.
    pub async fn insert_revocations(&self, sessions: &[SessionId], until: Timestamp) -> Result<(), Fault> {
        let revocations = self.documents(REVOCATIONS);
        let raise = doc! { "$max": { "expires_at": DateTime::from_millis(until.millis()) } };
        try_join_all(sessions.iter().map(async |session| {
            let write =
                || async { revocations.update_one(doc! { "_id": &session.0 }, raise.clone()).upsert(true).await };
            if collided(write().await)? {
                write().await.map_err(store_fault)?;
            }
            Ok(())
        }))
        .await
        .map(drop)
    }
}
