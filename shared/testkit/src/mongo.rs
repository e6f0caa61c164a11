//! A MongoDB database of a test's own, with its indexes.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test without a database ends here, and says why"
)]

use crate::{drop_later, random_name};
use domain::{
    ClientId, Code, Fault, FileName, MalwareScan, Media, MediaType, Purpose, Rejection, RoomKey, Seq, Timestamp,
    UploadDraft, UploadId, UploadKind, UploadLimits, UploadState, UserId, Variant, VariantName,
};
use mongo::{Inspection, Leased, Marked, Mongo, NewUpload, Progress};
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
    let documents = self::collection(url, collection).await;
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

/// How many open uploads and bytes are counted of a person, if anything is.
pub async fn usage(url: &str, user: UserId) -> Option<(i64, i64)> {
    let found = collection(url, "usages").await.find_one(doc! { "_id": user.0 }).await.expect("a running server")?;
    Some((found.get_i64("open").ok()?, found.get_i64("bytes").ok()?))
}

/// Sets fields of a document, as a process that died or a store that failed leaves them.
pub async fn set(url: &str, name: &str, id: impl Into<Bson>, fields: Document) {
    let changed = collection(url, name).await.update_one(doc! { "_id": id.into() }, doc! { "$set": fields }).await;
    assert_eq!(changed.expect("a running server").matched_count, 1, "the document is there");
}

async fn collection(url: &str, name: &str) -> mongodb::Collection<Document> {
    let client = Client::with_uri_str(url).await.expect("a URL of a running server");
    client.default_database().expect("the URL names a database").collection(name)
}

/// Moves a member's read cursor forward to a message, as a request to read does.
pub async fn mark(mongo: &Mongo, room: RoomKey, user: UserId, seq: Seq) -> Result<Marked, Fault> {
    let states = mongo.read_states();
    let outlook = states.look(room, user).await?.ok_or(Code::RoomNotFound)?;
    states.advance(room, user, Progress::Read, seq, outlook.newest).await
}

/// An upload of somebody's, as a test needs it.
#[derive(Debug, Clone, Copy)]
pub struct Uploaded {
    /// Whose it is.
    pub owner: UserId,
    /// Of which its id and `client_id` are made.
    pub number: u8,
    /// What it is meant to be.
    pub kind: UploadKind,
    /// What it is for.
    pub purpose: Purpose,
    /// How far it is: `Pending`, `Uploaded`, `Ready` or `Rejected`.
    pub state: UploadState,
}

impl Uploaded {
    /// A picture for a message, which is ready.
    pub fn by(owner: UserId, number: u8) -> Self {
        Self { owner, number, kind: UploadKind::Image, purpose: Purpose::Message, state: UploadState::Ready }
    }

    /// Takes every step up to its state.
    pub async fn make(self, mongo: &Mongo, now: Timestamp) -> UploadId {
        const SIZE: u64 = 1_000;
        let Self { owner, number, kind, purpose, state } = self;
        let (id, uploads) = (UploadId([number; 16]), mongo.uploads());
        let draft = UploadDraft {
            kind,
            purpose,
            name: FileName::parse(&format!("{number}.bin")).expect("a name"),
            size: SIZE,
            media_type: MediaType::parse("application/octet-stream").expect("a media type"),
            sha256: None,
            client_id: ClientId::parse(&format!("{owner}-{number}")).expect("a name"),
        };
        let reserved = mongo.usages().reserve(owner, SIZE, &UploadLimits::default(), now).await;
        assert!(reserved.expect("MongoDB is there"), "nobody has so many uploads");
        let new = NewUpload { id, owner, draft: &draft, at: now };
        uploads.insert(&new).await.expect("MongoDB is there").expect("the client_id is new");
        if state == UploadState::Pending {
            return id;
        }
        uploads.arrive(id, SIZE, "etag", now).await.expect("MongoDB is there").expect("its bytes are awaited");
        if state == UploadState::Uploaded {
            return id;
        }
        let Leased::Mine(lease) = uploads.lease(id, MalwareScan::None, now).await.expect("MongoDB is there") else {
            unreachable!("nobody else inspects it")
        };
        let inspection = match state {
            UploadState::Rejected => Inspection::Rejected(Rejection::Damaged),
            _ => Inspection::Ready { media: media_of(kind, SIZE), objects: id.keys().into() },
        };
        uploads.finish(&lease, &inspection, now).await.expect("MongoDB is there").expect("the lease lives");
        id
    }
}

/// What inspection may find in a file of a kind.
fn media_of(kind: UploadKind, size: u64) -> Media {
    let text = |text: &str| Some(text.to_owned());
    let variant = |name| Variant { name, width: 320, height: 240, media_type: "image/jpeg".to_owned(), size: 100 };
    let file = Media { media_type: "application/octet-stream".to_owned(), size, ..Media::default() };
    match kind {
        UploadKind::File => file,
        UploadKind::Image => Media {
            media_type: "image/jpeg".to_owned(),
            width: Some(4_000),
            height: Some(3_000),
            animated: Some(false),
            thumbhash: text("3OcRJYB4d3h/iIeHeEh3eIhw+j2w"),
            variants: [VariantName::Small, VariantName::Large].map(variant).into(),
            ..file
        },
        UploadKind::Voice => {
            Media { media_type: "audio/ogg".to_owned(), duration_ms: Some(7_340), waveform: text("AAEC"), ..file }
        }
        UploadKind::Video => Media {
            media_type: "video/mp4".to_owned(),
            width: Some(1_280),
            height: Some(720),
            duration_ms: Some(61_000),
            codecs: text("avc1.640028,mp4a.40.2"),
            ..file
        },
    }
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
