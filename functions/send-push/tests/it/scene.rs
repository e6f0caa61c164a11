use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Access, Clock, ConnectionId, Fault, Locale, Member, Mentions, MessageId, Person, Role, RoomId, RoomKey, RoomKind,
    Seq, SessionId, Timestamp, UserId, WideMentions,
    notification::{Address, Device, NotificationSettings, PushHost, RoomSettings, Subscription},
};
use mongo::{Connection, GroupRights, Inserted, Messages, Mongo, NewMessage, Placement};
use mongodb::{
    Client, Collection,
    bson::{Document, doc},
};
use providers::{Keys, Providers, Record};
use queue::{PushJob, PushKind};
use send_push::App;
use serde_json::Value;
use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};
use testkit::{RecordedQueue, draft, mongo::Database, proxy::Proxy};
use worker::Batch;

/// No job must come again.
pub(crate) const NONE: [usize; 0] = [];

pub(crate) const ROOM: RoomKey = RoomKey::private(RoomId(1));
pub(crate) const GROUP: RoomKey = RoomKey::group(RoomId(7));
pub(crate) const ANNA: UserId = UserId(1);
pub(crate) const BORA: UserId = UserId(2);
pub(crate) const EVE: UserId = UserId(3);

/// So late that nothing expires by the store's own clock: 22:20 in Seoul, 15:20 in Berlin.
const NOON: Timestamp = Timestamp::from_millis(2_100_000_000_000);

/// One pair for all: a key of RSA takes a while.
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::generate().unwrap());

thread_local! {
    /// How far the test has gone on, in seconds. Each test has a thread of its own.
    static LATER: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn now() -> Timestamp {
    NOON.plus(Duration::from_secs(LATER.get()))
}

/// The test goes on by a while, and what was counted stays.
pub(crate) fn go_on(seconds: u64) {
    LATER.set(LATER.get() + seconds);
}

/// Two people with a room, the services of devices, and a queue.
pub(crate) struct Scene {
    pub(crate) database: Database,
    pub(crate) services: Providers,
    pub(crate) queue: Arc<RecordedQueue>,
    pub(crate) app: App,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        LATER.set(0);
        let database = Database::new().await;
        let services = Providers::start(&KEYS, Clock(now)).await.unwrap();
        let queue: Arc<RecordedQueue> = Arc::default();
        let app = app(&database.mongo, &services, &queue);
        let scene = Self { database, services, queue, app };
        for (user, name) in [(ANNA, "anna"), (BORA, "bora"), (EVE, "eve")] {
            scene.know(person(user, name)).await;
        }
        scene.open(ROOM, 1, &[ANNA, BORA]).await;
        scene
    }

    pub(crate) fn mongo(&self) -> &Mongo {
        &self.database.mongo
    }

    /// The same with clients of its own, as another environment has.
    pub(crate) async fn environment(&self) -> App {
        self.environment_at(&self.database.url).await
    }

    /// The same with its store at another address.
    pub(crate) async fn environment_at(&self, url: &str) -> App {
        app(&Mongo::connect(url).await.unwrap(), &self.services, &self.queue)
    }

    /// Does a job while `meanwhile` happens: `seconds` after the store has answered these words, and before it is asked for more.
    pub(crate) async fn work_while(
        &self,
        job: &PushJob,
        words: &'static str,
        seconds: u64,
        meanwhile: impl Future<Output = ()>,
    ) {
        let (proxy, url) = Proxy::before(&self.database.url).await;
        let (app, silence) = (self.environment_at(&format!("{url}&directConnection=true")).await, proxy.silencer());
        proxy.once_answered(words, move || {
            go_on(seconds);
            silence();
        });
        let waiting = async {
            while !proxy.has_fired() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let meanwhile = async {
            tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
            meanwhile.await;
            proxy.restore();
        };
        let (failed, ()) = tokio::join!(work(&app, std::slice::from_ref(job)), meanwhile);
        assert_eq!(failed.unwrap(), NONE);
    }

    pub(crate) async fn know(&self, person: Person) {
        self.mongo().people().project(&person).await.unwrap();
    }

    pub(crate) async fn open(&self, room: RoomKey, version: i64, users: &[UserId]) {
        let members = users.iter().map(|user| Member { user: *user, role: Role::Member }).collect();
        let access = Access { room, version, members, blocked: false };
        match room.kind {
            RoomKind::Private => self.mongo().rooms().project(&access, now()).await.unwrap(),
            RoomKind::Group => {
                let wide_mentions = WideMentions::Admins;
                let group =
                    GroupRights { access: &access, name: "등산", wide_mentions, is_public: false, picture: None };
                self.mongo().rooms().project_group(group, now()).await.unwrap()
            }
        };
    }

    /// A collection as it lies in the store.
    pub(crate) async fn collection(&self, name: &str) -> Collection<Document> {
        Client::with_uri_str(&self.database.url).await.unwrap().default_database().unwrap().collection(name)
    }

    /// The test goes on by a while, and limits with it, which go by the store's own clock.
    pub(crate) async fn pass(&self, seconds: u64) {
        go_on(seconds);
        let limits = self.collection("limits").await;
        let millis = i64::try_from(seconds * 1_000).unwrap();
        let earlier = vec![doc! { "$set": { "at": { "$subtract": ["$at", millis] } } }];
        limits.update_many(doc! { "at": { "$exists": true } }, earlier).await.unwrap();
        limits.delete_many(doc! { "at": { "$exists": false } }).await.unwrap();
    }

    pub(crate) async fn register(&self, device: &Device) {
        let mut causal = self.mongo().causal().await.unwrap();
        self.mongo().devices().register_in(&mut causal, device, device.address.token()).await.unwrap();
        self.mongo().devices().confirm(device).await.unwrap();
    }

    /// A phone of somebody's; its token is its name.
    pub(crate) async fn phone(&self, user: UserId, name: &str) -> Device {
        let device = device(user, Address::Fcm(name.to_owned()));
        self.register(&device).await;
        device
    }

    pub(crate) async fn iphone(&self, user: UserId) -> Device {
        let device = device(user, Address::Apns(self.services.apns_device(false), PushHost::Production));
        self.register(&device).await;
        device
    }

    pub(crate) async fn browser(&self, user: UserId) -> Device {
        let browser = self.services.browser().unwrap();
        let [p256dh, auth] = [browser.keys.p256dh, browser.keys.auth].map(|key| URL_SAFE_NO_PAD.decode(key).unwrap());
        let device = device(user, Address::Webpush(Subscription { endpoint: browser.endpoint, p256dh, auth }));
        self.register(&device).await;
        device
    }

    /// Whether somebody's device is still there.
    pub(crate) async fn find(&self, device: &Device) -> Option<Device> {
        self.mongo().devices().find(device.user, &device.installation).await.unwrap()
    }

    /// Waits until a device was told last, or was not: a majority knows of a note a moment later.
    pub(crate) async fn is_noted(&self, device: &Device, is_told: bool) {
        let noted = async {
            loop {
                let known = self.find(device).await.unwrap();
                let outcome = (known.last_push_at.is_some(), known.last_error.is_none());
                if outcome == (is_told, is_told) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), noted).await.unwrap();
    }

    /// Somebody is there for so many seconds, and sends frames.
    pub(crate) async fn connect(&self, user: UserId, seconds: u64) {
        let connection = Connection {
            id: ConnectionId(format!("c{user}")),
            user,
            session: SessionId("s".to_owned()),
            locale: Locale::En,
            connected_at: now().plus(Duration::from_secs(seconds)),
            active_until: now().plus(Duration::from_secs(seconds)),
            viewing: None,
        };
        self.mongo().connections().insert(&connection).await.unwrap();
    }

    pub(crate) async fn set(&self, user: UserId, settings: NotificationSettings) {
        self.mongo().notifications().replace(user, &settings).await.unwrap();
    }

    pub(crate) async fn set_in(&self, room: RoomKey, user: UserId, settings: RoomSettings) {
        self.mongo().notifications().replace_of_room(room, user, settings).await.unwrap();
    }

    /// A message in the private room, and the job that its writer queues.
    pub(crate) async fn say(&self, author: UserId, text: &str) -> PushJob {
        self.say_in(ROOM, author, text, Mentions::default()).await
    }

    pub(crate) async fn say_in(&self, room: RoomKey, author: UserId, text: &str, mentions: Mentions) -> PushJob {
        let (mongo, id) = (self.mongo(), Messages::new_id());
        let draft = draft(room, author, &id.to_string(), text);
        let position = mongo.rooms().reserve(room, None, Placement::New(id)).await.unwrap().unwrap();
        let new = NewMessage { id, draft: &draft, mentions, attachments: &[], fingerprint: b"f", at: now() };
        let inserted = mongo.messages().insert(&mut mongo.causal().await.unwrap(), &new, &position).await.unwrap();
        assert!(matches!(inserted, Inserted::Done(_)));
        mongo.rooms().release(room, &position).await.unwrap();
        job(PushKind::Message, room, Some(id), Some(position.seq))
    }

    pub(crate) async fn delete(&self, id: MessageId) {
        let mongo = self.mongo();
        let room = mongo.messages().find(id).await.unwrap().unwrap().message.room;
        let position = mongo.rooms().reserve(room, None, Placement::Deletion(id)).await.unwrap().unwrap();
        let mut causal = mongo.causal().await.unwrap();
        mongo.messages().delete(&mut causal, id, &position, now()).await.unwrap().unwrap();
        mongo.rooms().release(room, &position).await.unwrap();
    }

    pub(crate) async fn read(&self, room: RoomKey, user: UserId, seq: Seq) {
        testkit::mongo::mark(self.mongo(), room, user, seq).await.unwrap();
    }

    /// Does a batch of jobs; answers which of them must come again.
    pub(crate) async fn work(&self, jobs: &[PushJob]) -> Vec<usize> {
        work(&self.app, jobs).await.unwrap()
    }

    /// Does a job, and all that it leads to in so many seconds. Jobs that fail come again after 360 s.
    pub(crate) async fn run(&self, job: PushJob, delay: u64, seconds: u64) {
        let begun = LATER.get();
        let mut waiting = BTreeMap::from([((begun + delay, 0), job)]);
        let mut number = 0;
        while let Some(entry) = waiting.first_entry() {
            let (due, _) = *entry.key();
            if due > begun + seconds {
                break;
            }
            let job = entry.remove();
            self.pass(due.saturating_sub(LATER.get())).await;
            let mut next: Vec<_> =
                self.work(std::slice::from_ref(&job)).await.iter().map(|_| (360, job.clone())).collect();
            next.extend(self.queued().into_iter().map(|(job, delay)| (delay, job)));
            for (delay, job) in next {
                number += 1;
                waiting.insert((due + delay, number), job);
            }
        }
        self.pass((begun + seconds).saturating_sub(LATER.get())).await;
    }

    /// The jobs that were queued since the last look, with their delays.
    pub(crate) fn queued(&self) -> Vec<(PushJob, u64)> {
        let jobs = self.queue.all();
        jobs.iter().map(|job| (PushJob::parse(&job.body).unwrap(), job.delay.as_secs())).collect()
    }

    /// What services were sent, without tokens.
    pub(crate) fn sent(&self) -> Vec<Record> {
        self.services.records(0).into_iter().filter(|record| record.provider != "token").collect()
    }

    /// The devices that services took something for, by token, sorted.
    pub(crate) fn told(&self) -> Vec<String> {
        let mut told: Vec<_> = self.sent().into_iter().filter(Record::is_taken).map(|record| record.target).collect();
        told.sort();
        told
    }
}

pub(crate) async fn work(app: &App, jobs: &[PushJob]) -> Result<Vec<usize>, Fault> {
    send_push::handle(app, Batch { jobs: jobs.to_vec(), time_left: Duration::from_mins(1) }).await
}

fn app(mongo: &Mongo, services: &Providers, queue: &Arc<RecordedQueue>) -> App {
    let (random, clock) = (boot::random(), Clock(now));
    let settings = boot::Settings::without_secrets(services.environment()).push().unwrap().unwrap();
    App {
        mongo: mongo.clone(),
        queue: queue.clone(),
        providers: push::Providers::new(&settings, Some(mongo), clock, random).unwrap(),
        clock,
        random,
    }
}

pub(crate) fn person(id: UserId, name: &str) -> Person {
    Person { locale: Locale::En, ..testkit::person(id, name) }
}

pub(crate) fn device(user: UserId, address: Address) -> Device {
    let number = u128::from_be_bytes(boot::random().bytes());
    let digits = format!("{number:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Device {
        user,
        installation: parts.join("-").parse().unwrap(),
        session: SessionId("s".to_owned()),
        address,
        locale: Locale::En,
        time_zone: None,
        app_version: None,
        created_at: now(),
        seen_at: now(),
        last_push_at: None,
        last_error: None,
    }
}

pub(crate) fn job(kind: PushKind, room: RoomKey, id: Option<MessageId>, seq: Option<Seq>) -> PushJob {
    PushJob { kind, room: Some(room), id, seq, tries: 0, at: now(), from: None, to: None, devices: Vec::new() }
}

pub(crate) fn check() -> PushJob {
    job(PushKind::Check, ROOM, None, None)
}

/// What FCM was asked to show.
pub(crate) fn shown(record: &Record) -> (&str, &str) {
    let notification = &record.body["message"]["notification"];
    (text(&notification["title"]), text(&notification["body"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
