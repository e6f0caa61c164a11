use domain::{
    ClientId, FileName, MalwareScan, Media, MediaType, MessageId, Purpose, RoomId, RoomKey, Sha256, Timestamp, Upload,
    UploadDraft, UploadId, UploadKind, UploadLimits, UserId,
};
use mongo::{Inspection, Leased, Mongo, NewUpload};
use mongodb::{
    Client, Collection,
    bson::{DateTime, Document, doc, oid::ObjectId},
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use sweep_files::{Report, Sweeper};
use testkit::{NOON, Stores, s3::S3Server};

pub(crate) const MINJI: UserId = UserId(1);
pub(crate) const SIZE: u64 = 1_000;

const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// Both stores.
pub(crate) struct Yard {
    pub(crate) stores: Stores,
    pub(crate) s3: S3Server,
}

impl Yard {
    pub(crate) async fn new() -> Self {
        Self { stores: Stores::without_mysql().await, s3: S3Server::start().await }
    }

    pub(crate) fn mongo(&self) -> &Mongo {
        self.stores.mongo()
    }

    /// A run, so long after noon.
    pub(crate) async fn run<const SECONDS: i64>(&self) -> Report {
        self.sweeper::<SECONDS>().await.run().await.unwrap()
    }

    /// An environment of its own, whose clock stands so long after noon.
    pub(crate) async fn sweeper<const SECONDS: i64>(&self) -> Sweeper {
        let clock = domain::Clock(|| Timestamp::from_millis(NOON.millis() + 1_000 * SECONDS));
        let mongo = Mongo::connect(self.stores.mongo_url()).await.unwrap();
        Sweeper { mongo, files: self.s3.client(), clock }
    }

    /// An upload of Minji's whose bytes are awaited.
    pub(crate) async fn pending(&self) -> Upload {
        assert!(self.mongo().usages().reserve(MINJI, SIZE, &UploadLimits::default(), NOON).await.unwrap());
        self.insert(NOON).await
    }

    /// The same, whose place in the quota is reserved.
    pub(crate) async fn insert(&self, at: Timestamp) -> Upload {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mut id = [0x77; 16];
        id[12..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let id = UploadId(id);
        let draft = UploadDraft {
            kind: UploadKind::Image,
            purpose: Purpose::Message,
            name: FileName::parse("사진.jpg").unwrap(),
            size: SIZE,
            media_type: MediaType::parse("image/jpeg").unwrap(),
            sha256: Some(Sha256::parse(HASH).unwrap()),
            client_id: ClientId::parse(&id.to_string()).unwrap(),
        };
        let new = NewUpload { id, owner: MINJI, draft: &draft, at };
        self.mongo().uploads().insert(&new).await.unwrap().unwrap()
    }

    /// One whose bytes have arrived.
    pub(crate) async fn uploaded(&self) -> UploadId {
        let id = self.pending().await.id;
        self.s3.upload(id, SIZE);
        self.mongo().uploads().arrive(id, SIZE, "whole", NOON).await.unwrap().unwrap();
        id
    }

    /// One that was inspected, with all objects.
    pub(crate) async fn ready(&self) -> UploadId {
        let id = self.uploaded().await;
        let Leased::Mine(lease) = self.mongo().uploads().lease(id, MalwareScan::None, NOON).await.unwrap() else {
            unreachable!("nobody inspects it")
        };
        for key in id.keys() {
            self.s3.keep(key, NOON);
        }
        let media = Media { media_type: "image/jpeg".to_owned(), size: 990, ..Media::default() };
        let found = Inspection::Ready { media, objects: id.keys().to_vec() };
        self.mongo().uploads().finish(&lease, &found, NOON).await.unwrap().unwrap();
        id
    }

    /// One that a message has.
    pub(crate) async fn attached(&self) -> UploadId {
        let id = self.ready().await;
        let uploads = self.collection("uploads").await;
        let attached = doc! { "$set": { "state": "attached", "holder": "m" }, "$unset": { "due_at": "" } };
        uploads.update_one(doc! { "_id": id.to_string() }, attached).await.unwrap();
        self.mongo().usages().close(MINJI, 1).await.unwrap();
        id
    }

    /// Somebody is about to send a message with it, and has ten minutes.
    pub(crate) async fn claim(&self, id: UploadId) {
        let at = DateTime::from_millis(NOON.plus(Duration::from_mins(10)).millis());
        let claim = doc! { "key": "private:1 1 c", "op": ObjectId::new(), "at": at };
        self.set_upload(id, doc! { "claim": claim, "due_at": at }).await;
    }

    /// A message of Minji's with these fields.
    pub(crate) async fn message(&self, fields: Document) -> MessageId {
        let room = RoomKey::private(RoomId(1));
        let number = self.collection("messages").await.count_documents(doc! {}).await.unwrap();
        let number = i64::try_from(number).unwrap() + 1;
        let id = ObjectId::new();
        let mut row = doc! {
            "_id": id, "user_id": MINJI.0, "room_id": room.id.0, "room_type": room.kind.as_str(), "seq": number,
            "rev": number, "client_id": number.to_string(), "created_at": DateTime::from_millis(NOON.millis()),
        };
        row.extend(fields);
        self.collection("messages").await.insert_one(row).await.unwrap();
        MessageId(id.bytes())
    }

    pub(crate) async fn set_upload(&self, id: UploadId, fields: Document) {
        testkit::mongo::set(self.stores.mongo_url(), "uploads", id.to_string(), fields).await;
    }

    /// The word of an upload's state; none once its row is gone.
    pub(crate) async fn state(&self, id: UploadId) -> Option<&'static str> {
        self.mongo().uploads().find(id).await.unwrap().map(|upload| upload.state.as_str())
    }

    /// How many open uploads and bytes are counted of Minji.
    pub(crate) async fn counted(&self) -> Option<(i64, i64)> {
        testkit::mongo::usage(self.stores.mongo_url(), MINJI).await
    }

    pub(crate) async fn collection(&self, name: &str) -> Collection<Document> {
        let client = Client::with_uri_str(self.stores.mongo_url()).await.unwrap();
        client.default_database().unwrap().collection(name)
    }
}
