//! Random interleavings of what happens to a person's connections, step by step on a real store, with deaths at each step.

use crate::{
    PUT_OFF, Patience, Watcher,
    look::{Look, Told},
};
use announce::Announcer;
use background::Background;
use domain::{Clock, ConnectionId, Locale, Person, PresenceVisibility, Privacy, SessionId, Timestamp, UserId};
use mongo::{Connection, Mongo};
use queue::PresenceJob;
use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};
use testkit::{mongo::Database, person, pushing::Recorder};
use tokio::task::JoinSet;

/// How many runs there are unless `PRESENCE_INTERLEAVINGS` says otherwise.
const RUNS: u64 = 200;
const WORKERS: u64 = 8;
const STEPS: usize = 45;
const DEVICES: usize = 3;
const BEGIN: Timestamp = Timestamp::from_millis(4_000_000_000_000);
/// Long after every connection that nobody uses is over.
const END: Timestamp = Timestamp::from_millis(BEGIN.millis() + 3_600_000);

/// A job in the queue.
#[derive(Clone, Copy)]
struct Job {
    /// How often it was put off.
    again: u32,
    /// Who left later is told by another one.
    gone_by: Timestamp,
}

impl Job {
    fn new(again: u32, delay: Duration, now: Timestamp) -> Self {
        Self { again, gone_by: now.plus(delay).minus(PresenceJob::GRACE) }
    }
}

/// Something that has begun and goes on a step at a time.
enum Actor<'m> {
    /// The frame `hello` arrives.
    Hello,
    /// Hello was noted, and the person is to be queued.
    Greeted,
    /// A connection was closed.
    Closed(ConnectionId),
    /// The person was queued, and the row goes; their job comes long after.
    Queued(ConnectionId, Job),
    /// The queue refused the person, and the row is to expire.
    Refused(ConnectionId),
    /// A job begins.
    Job(Job),
    /// It has read what was told.
    Begun(Look<'m>, Job),
    /// It has read what is so.
    Read(Look<'m>, Job),
    /// It has written what changed, and tells the friend.
    Written(Vec<Told>),
    /// A setting was changed and projected.
    Projected,
    /// A sweep has queued the person.
    Swept,
}

/// One person whom a friend watches, and what is under way.
struct World<'m> {
    mongo: &'m Mongo,
    user: UserId,
    friend: UserId,
    pushes: Arc<Recorder>,
    /// What the friend was told so far.
    revs: BTreeSet<i64>,
    now: Timestamp,
    version: i64,
    hides: bool,
    devices: [Option<ConnectionId>; DEVICES],
    jobs: Vec<Job>,
    actors: Vec<Actor<'m>>,
    /// Whether something died or was lost, which only the sweep repairs.
    is_harmed: bool,
    /// Whether a hello or a change of a setting died: its person does it again.
    is_unsaid: bool,
    random: u64,
    story: String,
}

impl<'m> World<'m> {
    fn new(mongo: &'m Mongo, seed: u64) -> Self {
        let user = 1 + i32::try_from(seed).unwrap();
        Self {
            mongo,
            user: UserId(user),
            friend: UserId(-user),
            pushes: Arc::default(),
            revs: BTreeSet::new(),
            now: BEGIN,
            version: 0,
            hides: false,
            devices: [const { None }; DEVICES],
            jobs: Vec::new(),
            actors: Vec::new(),
            is_harmed: false,
            is_unsaid: false,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            story: format!("seed {seed}"),
        }
    }

    /// A number below another one (xorshift64*).
    fn below(&mut self, n: usize) -> usize {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let high = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % n
    }

    fn tell(&mut self, what: &str) {
        write!(self.story, ", {what}").unwrap();
    }

    async fn project(&mut self) {
        self.version += 1;
        let presence_visibility = if self.hides { PresenceVisibility::Nobody } else { PresenceVisibility::Friends };
        let (version, privacy) = (self.version, Privacy { presence_visibility, read_receipts: true });
        let person = Person { version, privacy, friends: vec![self.friend], ..person(self.user, "name") };
        self.mongo.people().project(&person).await.unwrap();
    }

    /// The friend is there all the time.
    async fn watch(&self) {
        let friend = Person { friends: vec![self.user], ..person(self.friend, "friend") };
        self.mongo.people().project(&friend).await.unwrap();
        let id = ConnectionId(format!("friend {}", self.friend));
        let watching = Connection { user: self.friend, active_until: END, ..self.connection(&id) };
        self.mongo.connections().insert(&watching).await.unwrap();
    }

    fn connection(&self, id: &ConnectionId) -> Connection {
        Connection {
            id: id.clone(),
            user: self.user,
            session: SessionId("session".to_owned()),
            locale: Locale::En,
            connected_at: self.now,
            active_until: self.now,
            viewing: None,
        }
    }

    async fn connect(&self, id: &ConnectionId) {
        self.mongo.connections().insert(&self.connection(id)).await.unwrap();
    }

    fn watcher(&self, clock: Clock) -> Watcher {
        let mongo = self.mongo.clone();
        let announcer = Announcer::new(mongo.clone(), self.pushes.clone(), clock, Background::inline());
        Watcher { mongo, announcer, clock }
    }

    /// Something new happens.
    async fn begin(&mut self) {
        let device = self.below(DEVICES);
        match (self.devices[device].take(), self.below(10)) {
            (other, 0) => {
                self.devices[device] = other;
                self.hides = !self.hides;
                self.tell("set");
                self.project().await;
                self.actors.push(Actor::Projected);
            }
            (other, 1) => {
                self.devices[device] = other;
                self.tell("sweep");
                let job = Job::new(0, Duration::ZERO, self.now);
                self.jobs.extend(self.found().await.then_some(job));
                self.actors.push(Actor::Swept);
            }
            (None, _) => {
                let id = ConnectionId(format!("{}-{}", self.user, self.story.len()));
                self.tell("connect");
                self.connect(&id).await;
                self.devices[device] = Some(id);
                self.actors.push(Actor::Hello);
            }
            (Some(_), 2) => {
                // The network went away without a close event.
                self.tell("lose");
                self.is_harmed = true;
            }
            (Some(id), _) => {
                self.tell("close");
                self.actors.push(Actor::Closed(id));
            }
        }
    }

    /// Whether a sweep finds the person.
    async fn found(&self) -> bool {
        let ghosts = self.mongo.connections().list_ghosts(self.now, 10).await.unwrap();
        let due = self.mongo.presence().list_due(self.now, 10).await.unwrap();
        ghosts.contains(&self.user) || due.contains(&self.user)
    }

    /// Something that has begun goes on, or dies.
    async fn go_on(&mut self) {
        if self.actors.is_empty() {
            return;
        }
        let which = self.below(self.actors.len());
        let actor = self.actors.swap_remove(which);
        if self.below(12) == 0 {
            self.tell("die");
            self.is_harmed = true;
            self.is_unsaid |= matches!(actor, Actor::Hello | Actor::Projected);
            // A job that died is usually delivered again, and one that was queued is there.
            let (Actor::Job(job) | Actor::Begun(_, job) | Actor::Read(_, job) | Actor::Queued(_, job)) = &actor else {
                return;
            };
            let is_queued = matches!(actor, Actor::Queued(..));
            if is_queued || self.below(4) > 0 {
                self.jobs.push(*job);
            }
            return;
        }
        let (mongo, now) = (self.mongo, self.now);
        match actor {
            Actor::Hello => {
                self.tell("hello");
                if !mongo.presence().greet(self.user, now).await.unwrap() {
                    self.actors.push(Actor::Greeted);
                }
            }
            Actor::Greeted => self.jobs.push(Job::new(0, Duration::from_secs(1), now)),
            Actor::Closed(id) => {
                let is_queued = self.below(6) > 0;
                self.tell(if is_queued { "queue" } else { "refuse" });
                self.is_harmed |= !is_queued;
                let job = Job::new(0, PresenceJob::GRACE, now);
                self.actors.push(if is_queued { Actor::Queued(id, job) } else { Actor::Refused(id) });
            }
            Actor::Queued(id, job) => {
                self.tell("leave");
                mongo.connections().leave(&id, job.gone_by).await.unwrap();
                self.jobs.push(job);
            }
            Actor::Refused(id) => {
                self.tell("expire");
                mongo.connections().expire(&id, now).await.unwrap();
            }
            Actor::Job(job) => {
                self.tell("look");
                let look = Look::begin(mongo, &[(self.user, job.gone_by)]).await.unwrap();
                self.actors.push(Actor::Begun(look, job));
            }
            Actor::Begun(mut look, job) => {
                self.tell("read");
                look.read(now).await.unwrap();
                self.actors.push(Actor::Read(look, job));
            }
            Actor::Read(look, job) => {
                let patience = if job.again == 0 { Patience::Wait } else { Patience::Tell };
                let (written, outcome) = look.write(now, patience).await;
                outcome.unwrap();
                self.tell(&format!("write {written:?}"));
                self.jobs.extend(written.moved.iter().map(|_| Job::new(job.again, PresenceJob::GRACE, now)));
                self.jobs.extend(written.put_off.iter().map(|_| Job::new(1, PUT_OFF, now)));
                if !written.told.is_empty() {
                    self.actors.push(Actor::Written(written.told));
                }
            }
            Actor::Written(told) => {
                // Told at the time of the begin, when no news is too old.
                self.watcher(Clock(|| BEGIN)).tell(told).await;
                self.hear();
            }
            Actor::Projected => {
                mongo.presence().stir(&[self.user]).await.unwrap();
                self.actors.push(Actor::Job(Job::new(1, Duration::ZERO, now)));
            }
            Actor::Swept => mongo.connections().remove_expired(&[self.user], now).await.unwrap(),
        }
    }

    /// The friend hears each change once, and of who hides nothing but that they are offline.
    fn hear(&mut self) {
        for (_, frame) in self.pushes.all() {
            let person = &frame["d"]["people"][0];
            assert!(self.revs.insert(person["rev"].as_i64().unwrap()), "{frame} again: {}", self.story);
            let says_more = person["online"] == true || !person["last_seen_at"].is_null();
            assert!(!(self.hides && says_more), "{frame}: {}", self.story);
        }
    }

    /// A job arrives, perhaps twice, or is lost.
    fn deliver(&mut self) {
        if self.jobs.is_empty() {
            return;
        }
        let which = self.below(self.jobs.len());
        let job = self.jobs[which];
        match self.below(12) {
            0 => {
                self.tell("lose a job");
                self.jobs.swap_remove(which);
                self.is_harmed = true;
            }
            1 => self.actors.push(Actor::Job(job)),
            _ => {
                self.jobs.swap_remove(which);
                self.actors.push(Actor::Job(job));
            }
        }
    }

    /// Nothing new happens, and what has begun ends.
    async fn calm_down(&mut self) {
        while !self.actors.is_empty() || !self.jobs.is_empty() {
            self.jobs.drain(..).for_each(|job| self.actors.push(Actor::Job(job)));
            self.now = self.now.plus(Duration::from_secs(10));
            while !self.actors.is_empty() {
                self.go_on().await;
            }
        }
    }

    async fn announced(&self) -> bool {
        let rows = self.mongo.presence().list(&[self.user]).await.unwrap();
        rows.first().is_some_and(|row| row.announced)
    }

    async fn run(mut self) {
        self.project().await;
        self.watch().await;
        for _ in 0..STEPS {
            match self.below(8) {
                0 | 1 => self.begin().await,
                2 => self.deliver(),
                _ => self.go_on().await,
            }
            let seconds = u64::try_from(self.below(10)).unwrap();
            self.now = self.now.plus(Duration::from_secs(seconds));
        }
        self.calm_down().await;
        if !self.is_harmed {
            let live = self.mongo.connections().list_of_people(&[self.user], self.now).await.unwrap();
            let want = !self.hides && !live.is_empty();
            assert_eq!(self.announced().await, want, "without harm: {}", self.story);
        }
        // Lost connections have expired by now, and live ones are renewed.
        assert!(self.now.plus(Duration::from_mins(20)) < END);
        self.now = END;
        let there: Vec<_> = self.devices.iter().flatten().cloned().collect();
        for id in &there {
            self.connect(id).await;
        }
        if self.is_unsaid {
            self.mongo.presence().greet(self.user, self.now).await.unwrap();
        }
        self.watcher(Clock(|| END)).sweep().await.unwrap();
        assert_eq!(self.announced().await, !self.hides && !there.is_empty(), "{}", self.story);
        for id in &there {
            self.mongo.connections().remove(id).await.unwrap();
        }
        self.mongo.presence().remove(self.user).await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the test says how long it goes on")]
fn runs() -> u64 {
    std::env::var("PRESENCE_INTERLEAVINGS").map_or(RUNS, |runs| runs.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn once_it_is_quiet_what_was_told_is_so() {
    let (runs, mut workers) = (runs(), JoinSet::new());
    for worker in 0..WORKERS {
        workers.spawn(async move {
            let database = Database::new().await;
            for seed in (worker..runs).step_by(usize::try_from(WORKERS).unwrap()) {
                World::new(&database.mongo, seed).run().await;
            }
        });
    }
    workers.join_all().await;
}

#[tokio::test]
async fn look_under_way_shows_nobody_whose_wish_to_hide_was_answered() {
    for (seed, has_written) in [(0, false), (1, true)] {
        let database = Database::new().await;
        let mut world = World::new(&database.mongo, seed);
        world.project().await;
        world.watch().await;
        world.connect(&ConnectionId("phone".to_owned())).await;
        database.mongo.presence().greet(world.user, BEGIN).await.unwrap();
        let mut look = Look::begin(&database.mongo, &[(world.user, BEGIN)]).await.unwrap();
        look.read(BEGIN).await.unwrap();
        let write = async |look: Look<'_>| look.write(BEGIN, Patience::Tell).await.0;
        let (mut look, mut written) = (Some(look), None);
        if has_written && let Some(look) = look.take() {
            written = Some(write(look).await);
        }

        world.hides = true;
        world.project().await;
        database.mongo.presence().stir(&[world.user]).await.unwrap();
        let watcher = world.watcher(Clock(|| BEGIN));
        watcher.reconcile(&[world.user], Patience::Tell).await.unwrap();
        if let Some(look) = look {
            written = Some(write(look).await);
        }
        watcher.tell(written.unwrap().told).await;

        world.hear();
        assert!(!world.announced().await);
    }
}
