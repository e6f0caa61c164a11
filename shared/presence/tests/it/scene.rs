use announce::Announcer;
use background::Background;
use domain::{Clock, ConnectionId, Locale, Person, PresenceVisibility, Privacy, SessionId, Timestamp, UserId};
use mongo::{ACTIVE_FOR, Connection, Mongo};
use presence::{Patience, Watcher};
use queue::{Job, PresenceJob};
use std::{sync::Arc, time::Duration};
use testkit::{NOON, RecordedQueue, Stores, person};

pub(crate) const ANNA: UserId = UserId(1);
pub(crate) const BORA: UserId = UserId(2);
pub(crate) const CHO: UserId = UserId(3);
pub(crate) const EVE: UserId = UserId(9);

/// Long enough for what changed at noon to be no flapping.
pub(crate) const LATER: Timestamp = Timestamp::from_millis(NOON.millis() + 400_000);
/// When a connection of noon is over.
pub(crate) const OVER: Timestamp = Timestamp::from_millis(NOON.millis() + 660_000);

/// Anna, Bora and Cho are friends; Eve knows nobody.
pub(crate) struct Scene {
    pub(crate) stores: Stores,
    pub(crate) queue: Arc<RecordedQueue>,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let scene = Self { stores: Stores::without_mysql().await, queue: Arc::default() };
        for (user, friends) in
            [(ANNA, vec![BORA, CHO]), (BORA, vec![ANNA, CHO]), (CHO, vec![ANNA, BORA]), (EVE, vec![])]
        {
            scene.know(user, 1, friends, PresenceVisibility::Friends).await;
        }
        scene
    }

    pub(crate) fn mongo(&self) -> &Mongo {
        self.stores.mongo()
    }

    /// What is known of somebody as of a version.
    pub(crate) async fn know(&self, id: UserId, version: i64, friends: Vec<UserId>, visibility: PresenceVisibility) {
        let privacy = Privacy { presence_visibility: visibility, read_receipts: true };
        let known = Person { version, privacy, friends, ..person(id, &format!("name{id}")) };
        self.mongo().people().project(&known).await.unwrap();
    }

    /// Opens a connection where somebody is until a while later, and says hello.
    pub(crate) async fn come(&self, user: UserId, name: &str, at: Timestamp) -> bool {
        let (id, session) = (ConnectionId(name.to_owned()), SessionId(format!("session of {name}")));
        let (active_until, viewing) = (at.plus(ACTIVE_FOR), None);
        let connection = Connection { id, user, session, locale: Locale::En, connected_at: at, active_until, viewing };
        self.mongo().connections().insert(&connection).await.unwrap();
        self.mongo().presence().greet(user, at).await.unwrap()
    }

    /// Closes a connection half a minute before noon.
    pub(crate) async fn go(&self, name: &str) {
        self.leave(name, NOON.minus(PresenceJob::GRACE)).await;
    }

    /// Closes a connection at a time.
    pub(crate) async fn leave(&self, name: &str, at: Timestamp) {
        self.mongo().connections().leave(&ConnectionId(name.to_owned()), at).await.unwrap();
    }

    /// Somebody who looks at a time, with a queue.
    pub(crate) fn watcher(&self, clock: Clock) -> Watcher {
        let watcher = self.watcher_alone(clock);
        let announcer = watcher.announcer.with_presence(Some(self.queue.clone()));
        Watcher { announcer, ..watcher }
    }

    /// The same without a queue.
    pub(crate) fn watcher_alone(&self, clock: Clock) -> Watcher {
        let mongo = self.mongo().clone();
        let announcer = Announcer::new(mongo.clone(), self.stores.pushes.clone(), clock, Background::inline());
        Watcher { mongo, announcer, clock }
    }

    /// Looks at people at noon, and tells at once.
    pub(crate) async fn look(&self, users: &[UserId]) -> Vec<UserId> {
        self.watcher(Clock(|| NOON)).reconcile(users, Patience::Tell).await.unwrap().told
    }

    /// Who of the people is told to be online.
    pub(crate) async fn online(&self) -> Vec<UserId> {
        let rows = self.mongo().presence().list(&[ANNA, BORA, CHO, EVE]).await.unwrap();
        let mut online: Vec<_> = rows.iter().filter(|row| row.announced).map(|row| row.user).collect();
        online.sort_unstable();
        online
    }

    /// What was told on which connection: of whom, and whether they are online.
    pub(crate) fn told(&self) -> Vec<(String, Vec<(i64, bool)>)> {
        let each = self.stores.pushes.all().into_iter().map(|(name, frame)| {
            assert_eq!(frame["t"], "presence.changed", "{frame}");
            let people = frame["d"]["people"].as_array().unwrap().iter();
            let mut people: Vec<_> = people
                .map(|person| (person["user_id"].as_i64().unwrap(), person["online"].as_bool().unwrap()))
                .collect();
            people.sort_unstable();
            (name, people)
        });
        let mut told: Vec<_> = each.collect();
        told.sort();
        told
    }

    /// What is queued, and for when.
    pub(crate) fn jobs(&self) -> Vec<(PresenceJob, Duration)> {
        let read = |Job { body, delay, .. }: Job| (PresenceJob::parse(&body).unwrap(), delay);
        self.queue.all().into_iter().map(read).collect()
    }
}

pub(crate) fn job(users: &[UserId], again: u32) -> PresenceJob {
    PresenceJob { users: users.to_vec(), again, ..PresenceJob::default() }
}
