//! A MongoDB database of a test's own, with its indexes.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test without a database ends here, and says why"
)]

use crate::{drop_later, random_name};
use domain::Timestamp;
use mongo::Mongo;
use mongodb::bson::{Document, doc};

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
        database.mongo.ensure_schema().await.expect("TEST_MONGO_URL names a server that takes indexes");
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
pub async fn expires_at(url: &str, collection: &str, id: &str) -> Option<Timestamp> {
    let client = mongodb::Client::with_uri_str(url).await.expect("a URL of a running server");
    let documents = client.default_database().expect("the URL names a database").collection::<Document>(collection);
    let found = documents.find_one(doc! { "_id": id }).await.expect("a running server")?;
    Some(Timestamp::from_millis(found.get_datetime("expires_at").ok()?.timestamp_millis()))
}

/// Lets the server refuse every write of a document, as it does with one that is too large.
pub async fn refuse(url: &str, collection: &str, id: i32) {
    let client = mongodb::Client::with_uri_str(url).await.expect("a URL of a running server");
    let database = client.default_database().expect("the URL names a database");
    let command = doc! { "collMod": collection, "validator": { "_id": { "$ne": id } } };
    database.run_command(command).await.expect("the collection is there");
}

impl Drop for Database {
    fn drop(&mut self) {
        let url = self.url.clone();
        drop_later(async move {
            let client = mongodb::Client::with_uri_str(&url).await?;
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
