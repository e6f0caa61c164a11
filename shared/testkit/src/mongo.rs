//! A MongoDB database of a test's own, with its indexes.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test without a database ends here, and says why"
)]

use crate::{drop_later, random_name};
use mongo::Mongo;

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
