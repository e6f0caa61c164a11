use announce::Announcer;
use background::Background;
use domain::{
    ClientId, Clock, ConnectionId, FileName, Locale, MalwareScan, MediaType, Purpose, SessionId, Sha256, Timestamp,
    Upload, UploadDraft, UploadId, UploadKind, UserId,
};
use inspect::{Inspection, Report};
use media::{Inspector, Limits};
use mongo::{Connection, NewUpload};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
    time::Duration,
};
use testkit::{NOON, mongo::Database, pushing::Recorder, s3::S3Server};

pub(crate) const ANNA: UserId = UserId(1);
const BORA: UserId = UserId(2);

const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

pub(crate) const PICTURE: &[u8] = include_bytes!("../../../../shared/media/fixtures/progressive.jpg");

/// A database, buckets, and two people who are connected: Anna uploads.
pub(crate) struct Scene {
    pub(crate) database: Database,
    pub(crate) s3: S3Server,
    pub(crate) inspection: Inspection,
    pub(crate) pushed: Arc<Recorder>,
}

pub(crate) async fn scene() -> Scene {
    let (database, s3, pushed) = (Database::new().await, S3Server::start().await, Arc::new(Recorder::default()));
    let (mongo, clock) = (database.mongo.clone(), Clock(|| NOON));
    for (user, name) in [(ANNA, "anna's"), (ANNA, "anna's other"), (BORA, "bora's")] {
        let connection = Connection {
            id: ConnectionId(name.to_owned()),
            user,
            session: SessionId::from_bytes([1; 16]),
            locale: Locale::Ko,
            connected_at: NOON,
            active_until: NOON,
            viewing: None,
        };
        mongo.connections().insert(&connection).await.unwrap();
    }
    let (voice, video) = (Duration::from_mins(15), Duration::from_hours(1));
    let limits = Limits { image_pixels: 100_000_000, picture_pixels: 40_000_000, voice, video };
    let inspection = Inspection {
        files: s3.client(),
        inspector: Inspector::new(env!("CARGO_BIN_EXE_inspect"), limits),
        scan: MalwareScan::None,
        announcer: Announcer::new(mongo.clone(), pushed.clone(), clock, Background::inline()),
        mongo,
        clock,
    };
    Scene { database, s3, inspection, pushed }
}

/// The same, where uploads are scanned for malware.
pub(crate) async fn scanned_scene() -> Scene {
    let mut scene = scene().await;
    scene.inspection.scan = MalwareScan::GuardDuty;
    scene
}

/// The event of a scan of what an event of the bucket names.
pub(crate) fn scanned(arrived: &Value, status: &str) -> Value {
    let object = &arrived["detail"]["object"];
    json!({ "detail": {
        "s3ObjectDetails": { "bucketName": "uploads", "objectKey": object["key"], "eTag": object["etag"] },
        "scanResultDetails": { "scanResultStatus": status, "threats": null },
    } })
}

impl Scene {
    /// An upload of Anna's whose bytes are awaited.
    pub(crate) async fn create(&self, kind: UploadKind, purpose: Purpose, name: &str, bytes: &[u8]) -> UploadId {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let id = UploadId([NEXT.fetch_add(1, Ordering::Relaxed); 16]);
        let draft = UploadDraft {
            kind,
            purpose,
            name: FileName::parse(name).unwrap(),
            size: u64::try_from(bytes.len()).unwrap(),
            media_type: MediaType::parse("application/octet-stream").unwrap(),
            sha256: Some(Sha256::parse(HASH).unwrap()),
            client_id: ClientId::parse(&id.to_string()).unwrap(),
        };
        let new = NewUpload { id, owner: ANNA, draft: &draft, at: NOON };
        self.inspection.mongo.uploads().insert(&new).await.unwrap().unwrap();
        id
    }

    /// The same, whose bytes have arrived, and the bucket's event.
    pub(crate) async fn upload(
        &self,
        kind: UploadKind,
        purpose: Purpose,
        name: &str,
        bytes: &[u8],
    ) -> (UploadId, Value) {
        let id = self.create(kind, purpose, name, bytes).await;
        let etag = self.s3.put(id, bytes);
        (id, json!({ "detail": { "object": { "key": id.to_string(), "size": bytes.len(), "etag": etag } } }))
    }

    /// Uploads and inspects.
    pub(crate) async fn inspect(&self, kind: UploadKind, purpose: Purpose, name: &str, bytes: &[u8]) -> Upload {
        let (id, event) = self.upload(kind, purpose, name, bytes).await;
        assert_eq!(self.answer(&event).await, 1);
        self.find(id).await
    }

    /// How many uploads an event has inspected.
    pub(crate) async fn answer(&self, event: &Value) -> u16 {
        let Report { inspected } =
            self.inspection.answer(&serde_json::from_value(event.clone()).unwrap()).await.unwrap();
        inspected
    }

    pub(crate) async fn find(&self, id: UploadId) -> Upload {
        self.inspection.mongo.uploads().find(id).await.unwrap().unwrap()
    }
}

/// The same scene at a later time. Only one test may move it.
pub(crate) fn later(seconds: i64) -> Clock {
    static SECONDS: AtomicI64 = AtomicI64::new(0);
    SECONDS.store(seconds, Ordering::Relaxed);
    Clock(|| Timestamp::from_millis(NOON.millis() + 1_000 * SECONDS.load(Ordering::Relaxed)))
}
