//! The rows of open connections, as the sweep of those finds them whose end nobody told.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use mongodb::{
    Client, Collection,
    bson::{DateTime, Document, doc},
};

use crate::Stack;

/// What stands of connections when all of them are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// Rows of connections that are past their time.
    pub connections: u64,
    /// People who are told to be online.
    pub online: u64,
}

impl Stack {
    /// Lets the rows of all connections be so much older. Answers how many people have any.
    pub async fn age_connections(&self, by: Duration) -> Result<u64> {
        let by = i64::try_from(by.as_millis())?;
        let older =
            doc! { "$mergeObjects": ["$$socket", { "expires_at": { "$subtract": ["$$socket.expires_at", by] } }] };
        let open = doc! { "$map": { "input": "$open", "as": "socket", "in": older } };
        let older = doc! { "$set": { "open": open, "expires_at": { "$subtract": ["$expires_at", by] } } };
        let sockets = self.collection("sockets").await?;
        Ok(sockets.update_many(doc! { "open.id": { "$exists": true } }, vec![older]).await?.modified_count)
    }

    /// Lets it be so much longer ago that somebody came or went, and that it was looked whether those are there who are told to be.
    pub async fn age_presence(&self, by: Duration) -> Result<()> {
        let by = i64::try_from(by.as_millis())?;
        let presence = self.collection("presence").await?;
        let older = doc! { "$set": { "changed_at": { "$subtract": ["$changed_at", by] } } };
        presence.update_many(doc! {}, vec![older]).await?;
        let older = doc! { "$set": { "checked_at": { "$subtract": ["$checked_at", by] } } };
        presence.update_many(doc! { "announced": true }, vec![older]).await?;
        Ok(())
    }

    /// What stands of connections that are over.
    pub async fn remains(&self) -> Result<Remains> {
        let over = DateTime::from_system_time(SystemTime::now());
        let sockets = self.collection("sockets").await?;
        let mut connections = 0;
        let mut people = sockets.find(doc! { "open.expires_at": { "$lte": over } }).await?;
        while people.advance().await? {
            let person = people.deserialize_current()?;
            let open = person.get_array("open")?.iter().filter_map(|socket| socket.as_document());
            let is_over = |socket: &&Document| socket.get_datetime("expires_at").is_ok_and(|at| *at <= over);
            connections += u64::try_from(open.filter(is_over).count())?;
        }
        let online = self.collection("presence").await?.count_documents(doc! { "announced": true }).await?;
        Ok(Remains { connections, online })
    }

    async fn collection(&self, name: &str) -> Result<Collection<Document>> {
        let client = Client::with_uri_str(self.mongo_url()).await?;
        Ok(client.default_database().context("the URL names a database")?.collection(name))
    }
}
