//! A MongoDB database of a test's own, with its indexes.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test without a database ends here, and says why"
)]

use crate::{drop_later, random_name};
use domain::{Code, Fault, RoomKey, Seq, Timestamp, UserId};
use mongo::{Marked, Mongo, Progress};
use mongodb::{
    Client,
    bson::{Bson, Document, doc},
};

/// A database with a random name; dropped with this value, as far as the server lets it.
#[derive(Debug)]
pub struct Database {
    /// The store.
    pub mongo: Mongo,
    /// Its URL.
    pub url: String,
}

impl Database {
    /// A fresh database with every index.
    pub async fn new() -> Self {
        let database = Self::empty().await;
        database.mongo.schema().ensure().await.expect("TEST_MONGO_URL names a server that takes indexes");
        database
    }

    /// A fresh database without a collection.
    pub async fn empty() -> Self {
        let url = url_of(&random_name());
        let mongo = Mongo::connect(&url).await.expect("TEST_MONGO_URL is a URL");
        Self { mongo, url }
    }
}

/// When the server forgets a document by itself; `None` if it is not there or stays.
pub async fn expires_at(url: &str, collection: &str, id: impl Into<Bson>) -> Option<Timestamp> {
    let client = Client::with_uri_str(url).await.expect("a URL of a running server");
    let documents = client.default_database().expect("the URL names a database").collection::<Document>(collection);
    let found = documents.find_one(doc! { "_id": id.into() }).await.expect("a running server")?;
    Some(Timestamp::from_millis(found.get_datetime("expires_at").ok()?.timestamp_millis()))
}

/// Lets the server refuse every write of a document, as it does with one that is too large.
pub async fn refuse(url: &str, collection: &str, id: i32) {
    let client = Client::with_uri_str(url).await.expect("a URL of a running server");
    let database = client.default_database().expect("the URL names a database");
    let command = doc! { "collMod": collection, "validator": { "_id": { "$ne": id } } };
    database.run_command(command).await.expect("the collection is there");
}

/// Moves a member's read cursor forward to a message, as a request to read does.
pub async fn mark(mongo: &Mongo, room: RoomKey, user: UserId, seq: Seq) -> Result<Marked, Fault> {
    let states = mongo.read_states();
    let outlook = states.look(room, user).await?.ok_or(Code::RoomNotFound)?;
    states.advance(room, user, Progress::Read, seq, outlook.newest).await
}

/// The server's own notes of the commands that a database was asked.
#[derive(Debug)]
pub struct Profile {
    store: mongodb::Database,
    seen: usize,
}

impl Profile {
    /// Notes every command from now on.
    pub async fn of(database: &Database) -> Self {
        let client = Client::with_uri_str(&database.url).await.expect("a URL of a running server");
        let store = client.default_database().expect("the URL names a database");
        store.run_command(doc! { "profile": 2 }).await.expect("a server that takes notes");
        let mut profile = Self { store, seen: 0 };
        profile.fresh().await;
        profile
    }

    /// The database, through a client of its own.
    pub fn store(&self) -> &mongodb::Database {
        &self.store
    }

    /// What was noted since the last look, in order.
    pub async fn fresh(&mut self) -> Vec<Document> {
        let notes = self.store.collection::<Document>("system.profile");
        let mut cursor = notes.find(doc! {}).await.expect("the server has notes");
        let mut all = Vec::new();
        while cursor.advance().await.expect("the server has notes") {
            all.push(cursor.deserialize_current().expect("a note is a document"));
        }
        let fresh = all.split_off(self.seen);
        self.seen += fresh.len();
        let is_of_a_collection = |note: &Document| {
            let name = note.get_str("ns").ok().and_then(|name| name.split_once('.')).map(|(_, name)| name);
            name.is_some_and(|name| name != "$cmd" && !name.starts_with("system."))
        };
        fresh.into_iter().filter(is_of_a_collection).collect()
    }

    /// How many commands were noted since the last look.
    pub async fn count(&mut self) -> usize {
        self.fresh().await.len()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let url = self.url.clone();
        drop_later(async move {
            let client = Client::with_uri_str(&url).await?;
            if let Some(database) = client.default_database() {
                database.drop().await?;
            }
            Ok(())
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "tests find their servers in the environment")]
fn url_of(database: &str) -> String {
    let server = std::env::var("TEST_MONGO_URL").expect("TEST_MONGO_URL is not set: run `cargo local test`");
    let (server, options) = server.split_once('?').unwrap_or((&server, ""));
    format!("{}/{database}?{options}", server.trim_end_matches('/'))
}
