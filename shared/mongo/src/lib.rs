#![doc = include_str!("../README.md")]

mod connections;
mod credentials;
mod fault;
mod feed;
mod heads;
mod limits;
mod messages;
mod people;
mod reading;
mod rooms;
mod schema;

pub use connections::{Connection, Touched};
pub use feed::{Anchor, Feed, Window};
pub use heads::{Numbered, Reservation};
pub use messages::{Inserted, NewMessage, Stored};
pub use reading::{ActivityKey, MOST_UNREAD, Marked, RoomSummary};
pub use schema::SchemaVersion;

use domain::Fault;
use fault::store_fault;
use mongodb::{
    Client, Collection, Database,
    bson::{Document, doc},
    options::{Acknowledgment, ClientOptions, ReadConcern, ReadPreference, WriteConcern},
};
use std::time::Duration;

/// The database, shared by all requests of an environment.
#[derive(Debug, Clone)]
pub struct Mongo {
    client: Client,
    database: Database,
}

impl Mongo {
    /// Prepares a client; nothing is connected before the first request. The URL must name the database.
    pub async fn connect(url: &str) -> Result<Self, Fault> {
        // The driver's words would quote parts of the URL, which may be parts of the password.
        let parsed = ClientOptions::parse(url).await;
        let mut options = parsed.map_err(|_| Fault::internal("MONGO_URL is no connection string of MongoDB"))?;
        let majority = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(W_TIMEOUT).build();
        options.app_name = Some("bigtech-chat".to_owned());
        options.write_concern = Some(majority);
        options.read_concern = Some(ReadConcern::majority());
        options.selection_criteria = Some(ReadPreference::Primary.into());
        // A write repeated on the next primary would carry a place that only the old one had given out.
        options.retry_writes = Some(false);
        // An environment serves one request at a time.
        options.max_pool_size = Some(2);
        options.max_connecting = Some(1);
        options.max_idle_time = Some(Duration::from_mins(1));
        options.connect_timeout = Some(Duration::from_secs(2));
        options.server_selection_timeout = Some(Duration::from_secs(3));
        let client = Client::with_options(options).map_err(store_fault)?;
        let database = client.default_database().ok_or_else(|| Fault::internal("MONGO_URL names no database"))?;
        Ok(Self { client, database })
    }

    /// Whether the primary answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.database.run_command(doc! { "ping": 1 }).await.map_err(store_fault)?;
        Ok(())
    }

    fn documents(&self, name: &str) -> Collection<Document> {
        self.database.collection(name)
    }
}

/// How long a write may wait for its majority.
const W_TIMEOUT: Duration = Duration::from_secs(5);

/// For writes whose loss in a failover is noticed and mended, or does not matter.
fn w1() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Nodes(1)).build()
}
