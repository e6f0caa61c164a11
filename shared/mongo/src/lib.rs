#![doc = include_str!("../README.md")]

mod atlas;
mod backfill;
mod claims;
mod connections;
mod crowd;
mod devices;
mod fault;
mod feed;
mod gates;
mod limits;
mod messages;
mod migration;
mod notification_settings;
mod order;
mod people;
mod pins;
mod presence;
mod provider_tokens;
mod push_answers;
mod quota;
mod reactions;
mod read_states;
mod room_lists;
mod rooms;
mod schema;
mod search;
mod tickets;
mod tls;
mod unread_total;
mod updates;
mod uploads;
mod wide_mentions;

pub use atlas::{AtlasHit, AtlasSearch};
pub use backfill::Backfilled;
pub use claims::{Claim, ReadState};
pub use connections::{
    ACTIVE_FOR, Arrival, Attendance, Connection, Connections, Effect, MOST_CONNECTIONS, Recipients, Touched,
};
pub use crowd::Crowd;
pub use devices::{Devices, Registered};
pub use feed::{Anchor, Feed, FeedSize, Window};
pub use gates::{Bucket, Gates, Passage};
pub use limits::Limits;
pub use messages::{
    AuthorKey, Fanout, Inserted, MessageFiles, Messages, NewMessage, NewText, OwedNotification, Stored,
};
pub use notification_settings::Notifications;
pub use order::{Placement, Reservation};
pub use people::{NamedPerson, People};
pub use pins::{PinKey, PinPlaces, PinnedPage};
pub use presence::{OnlineFriends, Onlookers, Presence, Presences};
pub use provider_tokens::ProviderTokens;
pub use push_answers::PushAnswers;
pub use quota::{Quota, with_quotas};
pub use reactions::ReactorKey;
pub use read_states::{MOST_HIDDEN, MOST_TOLD, Marked, Outlook, Progress, ReadStates, Readers, Receipt, RoomReceipts};
pub use room_lists::{ActivityKey, MOST_UNREAD, RoomPage, RoomSummary, UnreadRoom};
pub use rooms::{EndedRoom, GroupRights, KnownRoom, NamedRoom, Rooms};
pub use schema::{Schema, SchemaVersion};
pub use search::{Reading, ReadingEnd, SearchArea, Span, WalkedMessage};
pub use tickets::Tickets;
pub use unread_total::Unread;
pub use uploads::{
    AuditedUpload, Candidate, Claimed, ClaimedPicture, Due, Ended, FilesAudit, Inspection, Lease, Leased, NewUpload,
    PictureOf, Purge, Recounted, Refusal, UploadClaim, Uploads, Usages,
};

use domain::{Fault, Usage};
use fault::{is_connection_lost, is_duplicate_key, store_fault};
use mongodb::{
    Client, ClientSession, Collection, Database,
    bson::{Bson, Document, doc},
    event::{EventHandler, command::CommandEvent},
    options::{Acknowledgment, ClientOptions, ReadConcern, ReadPreference, WriteConcern},
};
use serde::Deserialize;
use std::time::Duration;

/// How many connections an environment opens: an operation has at most two commands under way at once.
const CONNECTIONS: usize = 2;

/// How long a write may wait for its majority.
const W_TIMEOUT: Duration = Duration::from_secs(5);

/// The database, shared by all requests of an environment. One repository per aggregate: `mongo.rooms()`.
#[derive(Debug, Clone)]
pub struct Mongo {
    client: Client,
    database: Database,
}

/// A causally consistent session: what is read in it includes what was written in it.
#[derive(Debug)]
pub struct Causal(ClientSession);

impl Mongo {
    /// Prepares a client; nothing is connected before [`Mongo::warm_up`] or the first request. The URL must name the database.
    pub async fn connect(url: &str) -> Result<Self, Fault> {
        // The driver's words would quote parts of the URL, which may be parts of the password.
        let parsed = ClientOptions::parse(url).await;
        let mut options = parsed.map_err(|_| Fault::internal("MONGO_URL is no connection string of MongoDB"))?;
        tls::require_tls(&options)?;
        let majority = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(W_TIMEOUT).build();
        options.app_name = Some("bigtech-chat".to_owned());
        options.write_concern = Some(majority);
        options.read_concern = Some(ReadConcern::majority());
        options.selection_criteria = Some(ReadPreference::Primary.into());
        // A write repeated on the next primary would carry a `rev` that only the old one had given out.
        options.retry_writes = Some(false);
        // An environment serves one request at a time.
        options.max_pool_size = Some(u32::try_from(CONNECTIONS).unwrap_or(u32::MAX));
        options.max_connecting = Some(1);
        options.max_idle_time = Some(Duration::from_mins(1));
        options.connect_timeout = Some(Duration::from_secs(2));
        options.server_selection_timeout = Some(Duration::from_secs(3));
        if tracing::enabled!(tracing::Level::DEBUG) {
            options.command_event_handler = Some(EventHandler::callback(|event| {
                if matches!(event, CommandEvent::Started(_)) {
                    Usage::count_store_operation();
                }
            }));
        }
        let client = Client::with_options(options).map_err(store_fault)?;
        let database = client.default_database().ok_or_else(|| Fault::internal("MONGO_URL names no database"))?;
        Ok(Self { client, database })
    }

    /// Opens every connection of the pool, so that no request waits for a TLS handshake.
    pub async fn warm_up(&self) -> Result<(), Fault> {
        // As many commands at once as connections: each needs one of its own.
        futures_util::future::try_join_all((0..CONNECTIONS).map(|_| self.ping())).await.map(drop)
    }

    /// Whether the primary answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.database.run_command(doc! { "ping": 1 }).await.map_err(store_fault)?;
        Ok(())
    }

    /// A session of one request.
    pub async fn causal(&self) -> Result<Causal, Fault> {
        self.client.start_session().causal_consistency(true).await.map(Causal).map_err(store_fault)
    }

    /// Open WebSockets.
    pub fn connections(&self) -> Connections<'_> {
        Connections(self)
    }

    /// Where notifications go.
    pub fn devices(&self) -> Devices<'_> {
        Devices(self)
    }

    /// What lets a person pass: live sessions and token buckets.
    pub fn gates(&self) -> Gates<'_> {
        Gates(self)
    }

    /// Limits of those who are not logged in.
    pub fn limits(&self) -> Limits<'_> {
        Limits(self)
    }

    /// Messages.
    pub fn messages(&self) -> Messages<'_> {
        Messages { mongo: self, viewer: None }
    }

    /// What people are notified of.
    pub fn notifications(&self) -> Notifications<'_> {
        Notifications(self)
    }

    /// Projections of people.
    pub fn people(&self) -> People<'_> {
        People(self)
    }

    /// What was told of people's presence.
    pub fn presence(&self) -> Presences<'_> {
        Presences(self)
    }

    /// What push services take for a while.
    pub fn provider_tokens(&self) -> ProviderTokens<'_> {
        ProviderTokens(self)
    }

    /// How push services have answered.
    pub fn push_answers(&self) -> PushAnswers<'_> {
        PushAnswers(self)
    }

    /// How far members have read.
    pub fn read_states(&self) -> ReadStates<'_> {
        ReadStates(self)
    }

    /// Rooms: who is in them, and the order of what happens there.
    pub fn rooms(&self) -> Rooms<'_> {
        Rooms(self)
    }

    /// Collections and indexes.
    pub fn schema(&self) -> Schema<'_> {
        Schema(self)
    }

    /// Tickets for WebSockets.
    pub fn tickets(&self) -> Tickets<'_> {
        Tickets(self)
    }

    /// Files on their way to messages, profiles and groups.
    pub fn uploads(&self) -> Uploads<'_> {
        Uploads(self)
    }

    /// How many open uploads and bytes each person has.
    pub fn usages(&self) -> Usages<'_> {
        Usages(self)
    }

    /// Changes the document of an aggregate in MySQL, unless it has a newer version, and returns the version that is there.
    async fn project(&self, name: &str, id: impl Into<Bson>, version: i64, change: Document) -> Result<i64, Fault> {
        #[derive(Deserialize)]
        struct Row {
            version: i64,
        }
        let (documents, id) = (self.documents(name), id.into());
        // The upsert collides with any document that the filter passes over: at first perhaps with an older one that another
        // request has just inserted, the second time only with a newer one.
        let older = doc! { "_id": &id, "version": { "$lte": version } };
        let write = || async { documents.update_one(older.clone(), change.clone()).upsert(true).await };
        match write_once_more(write).await {
            Ok(_) => Ok(version),
            Err(error) if is_duplicate_key(&error) => {
                let rows = self.collection::<Row>(name);
                let newer = rows.find_one(doc! { "_id": id }).projection(doc! { "version": 1 }).await;
                Ok(newer.map_err(store_fault)?.map_or(version, |row| row.version.max(version)))
            }
            Err(error) => Err(store_fault(error)),
        }
    }

    fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.database.collection(name)
    }

    fn documents(&self, name: &str) -> Collection<Document> {
        self.collection(name)
    }
}

/// The batch size with which a read of at most so many documents is one command; the server's own first batch has 101.
fn one_batch(most: usize) -> u32 {
    // One more than there can be, or the server keeps the cursor open.
    u32::try_from(most).unwrap_or(u32::MAX - 1).saturating_add(1)
}

/// Runs a write that may happen twice; once more if it collided with another one that inserted the document, or if its
/// connection was dead, which an environment's first write after a freeze finds out.
async fn write_once_more<T, W: Future<Output = mongodb::error::Result<T>>>(
    write: impl Fn() -> W,
) -> mongodb::error::Result<T> {
    match write().await {
        Err(error) if is_duplicate_key(&error) || is_connection_lost(&error) => write().await,
        outcome => outcome,
    }
}

/// For writes whose loss in a failover is noticed and repaired, or does not matter.
fn w1() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Nodes(1)).build()
}
