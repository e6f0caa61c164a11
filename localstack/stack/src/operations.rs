//! What MongoDB is asked, by its own notes.

use anyhow::{Context, Result};
use mongodb::{
    Client, Database,
    bson::{Document, doc},
};

use crate::Stack;

/// The notes are kept in a ring of this size, in bytes: of a few hundred thousand commands.
const SIZE: u64 = 256 * 1024 * 1024;

/// Counts the commands that functions send to MongoDB.
#[derive(Debug)]
pub struct Operations {
    database: Database,
}

impl Stack {
    /// Counts from now on, once for each stack: it slows MongoDB down.
    pub async fn count_operations(&self) -> Result<Operations> {
        let client = Client::with_uri_str(self.mongo_url()).await?;
        let database = client.default_database().context("the URL names a database")?;
        database.create_collection("system.profile").capped(true).size(SIZE).await?;
        database.run_command(doc! { "profile": 2 }).await?;
        Ok(Operations { database })
    }
}

impl Operations {
    /// How many there were so far.
    pub async fn total(&self) -> Result<u64> {
        // Commands of the database itself are none of a function.
        let own = doc! { "$regex": r"\.(\$cmd|system\.)" };
        let notes = self.database.collection::<Document>("system.profile");
        Ok(notes.count_documents(doc! { "ns": { "$not": own } }).await?)
    }
}
