#![doc = include_str!("../README.md")]

mod chunks;
mod deliver;
mod notify;
#[cfg(test)]
mod scene;

use background::Background;
use chunks::{Addressed, chunks};
use contract::Frame;
use deliver::{CONCURRENCY, Outcome, deliver, deliver_each, hang_up};
use domain::{Clock, Code, ConnectionId, Fault, OrLog as _, RoomKey, UserId};
use futures_util::{
    future::join,
    stream::{self, StreamExt as _, TryStreamExt as _},
};
use mongo::{Connection, Crowd, Mongo, Recipients};
use notify::Notifier;
use queue::{Jobs, PresenceJob, Queue};
use realtime::{PushError, Pusher};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};
use tracing::{debug, field::display, info, warn};

/// How long the pushes of one event may take.
const PUSH_TIME: Duration = Duration::from_secs(2);

/// How long the pushes of signals may take, which are worthless soon.
const WHISPER_TIME: Duration = Duration::from_millis(300);

/// To how many connections an event is pushed unless said otherwise. With a seventh of a processor, as 256 MB have, pushing to 100 takes
/// about as long as the queue does; beyond that the queue is faster.
const INLINE_CONNECTIONS: usize = 100;

/// How long after it is queued a frame may be pushed. Whoever lost the right to it may be told of what was under way for 15 s after
/// the answer: 5 s may pass in the background before it is queued, and 4 s until a push that has begun arrives.
const WORTH: Duration = Duration::from_secs(15 - 5 - 4);

/// How many pages of a crowd are read and queued at once.
const PAGES: usize = 2;

/// Tells clients; see the crate's documentation.
#[derive(Debug, Clone)]
pub struct Announcer {
    mongo: Mongo,
    pusher: Pusher,
    clock: Clock,
    background: Background,
    inline_connections: usize,
    fanout: Option<Jobs>,
    notifier: Option<Notifier>,
    presence: Option<Jobs>,
}

/// A durable change that is no message in a room.
pub struct Event {
    /// Whom it concerns.
    pub audience: Audience,
    /// What they are told.
    pub frame: Frame<'static>,
}

/// What a person does in a room at the moment, such as typing; it is never stored.
pub struct Signal {
    /// In which room.
    pub room: RoomKey,
    /// Who does it: all of their connections are told.
    pub by: UserId,
    /// Who is told: connections of active people; in a group only those that have the room open.
    pub audience: Audience,
    /// What they are told.
    pub frame: Frame<'static>,
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// These people, on all their connections.
    pub people: Vec<UserId>,
    /// But for this connection, which caused it.
    pub except: Option<ConnectionId>,
}

/// What became of frames for a crowd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// All of them are queued.
    All,
    /// Some or all of them were refused.
    Refused,
    /// There is no queue: clients find the changes by `sync`.
    Nowhere,
}

/// What became of a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// How many connections took it.
    pub sent: usize,
    /// The connections that were not reached, and are not known to be closed.
    pub failed: Vec<ConnectionId>,
}

impl Announcer {
    /// An announcer of an environment.
    pub fn new(mongo: Mongo, pusher: Pusher, clock: Clock, background: Background) -> Self {
        Self {
            mongo,
            pusher,
            clock,
            background,
            inline_connections: INLINE_CONNECTIONS,
            fanout: None,
            notifier: None,
            presence: None,
        }
    }

    /// The same with another limit of direct pushes; an event for more connections is queued.
    #[must_use]
    pub fn with_inline_connections(self, inline_connections: usize) -> Self {
        Self { inline_connections, ..self }
    }

    /// The same with a queue for events of many connections; without one these are left to `sync`.
    #[must_use]
    pub fn with_fanout(self, fanout: Option<Jobs>) -> Self {
        Self { fanout, ..self }
    }

    /// The same with a queue of people whose presence may have changed. Without one the sweep finds them.
    #[must_use]
    pub fn with_presence(self, presence: Option<Jobs>) -> Self {
        Self { presence, ..self }
    }

    /// Queues a delayed check whether people are online, with the number of earlier delays; `false` if there is no queue or it refuses.
    pub async fn look_at(&self, people: &[UserId], again: u32, delay: Duration) -> bool {
        match &self.presence {
            Some(queue) => PresenceJob::send(&**queue, people, again, delay, self.clock.now()).await,
            None => people.is_empty(),
        }
    }

    /// The same, best effort: if it can't be queued, the sweep checks the people who are shown as online.
    pub async fn look_at_or_leave(&self, people: &[UserId], again: u32, delay: Duration) {
        let is_queued = self.look_at(people, again, delay).await;
        self.leave_unless(is_queued, people).await;
    }

    async fn leave_unless(&self, is_queued: bool, people: &[UserId]) {
        if !is_queued {
            self.mongo.presence().stir(people).await.or_log("leave people to the sweep");
        }
    }

    /// Removes connections of people. Their presence checks are queued first, so that a crash in between leaves nobody shown as online.
    async fn forget(&self, people: &[UserId], removal: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
        let is_queued = self.look_at(people, 0, PresenceJob::GRACE).await;
        removal.await?;
        self.leave_unless(is_queued, people).await;
        Ok(())
    }

    /// The largest number of connections to which an event is pushed directly.
    pub fn inline_connections(&self) -> usize {
        self.inline_connections
    }

    /// Opens the connections to `@connections` and to the queues before the first request needs them.
    pub async fn warm_up(&self) {
        let notifications = self.notifier.as_ref().map(Notifier::jobs);
        let queues = [self.fanout.as_ref(), self.presence.as_ref(), notifications];
        join(self.pusher.warm_up(), queue::warm_up(queues)).await;
    }

    /// Runs work after the answer if the runtime allows it, otherwise before.
    pub async fn later(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.background.run(work).await;
    }

    /// Tells people of durable events, after the answer.
    pub async fn announce(&self, events: Vec<Event>) {
        self.tell(events.into_iter().map(|event| (event.audience, event.frame)).collect()).await;
    }

    /// Sends a signal to people after the answer.
    pub async fn signal(&self, signal: Signal) {
        if signal.audience.people.is_empty() {
            return;
        }
        let announcer = self.clone();
        let work = async move {
            announcer.signal_now(signal).await.or_log("tell people what somebody does");
        };
        self.later(work).await;
    }

    /// The same at once, for who works after the answer already.
    pub async fn signal_now(&self, Signal { room, by, audience, frame }: Signal) -> Result<(), Fault> {
        let now = self.clock.now();
        let mut recipients = self.mongo.connections().list_for_signal(&audience.people, now).await?;
        recipients.retain(|connection| {
            audience.except.as_ref() != Some(&connection.id) && (connection.user == by || connection.sees(room, now))
        });
        self.deliver(&recipients, &frame).await.map(drop)
    }

    /// Sends a short-lived frame to connections after the answer, without retries.
    pub async fn whisper(&self, recipients: Vec<Connection>, frame: Frame<'static>) {
        if recipients.is_empty() {
            return;
        }
        let announcer = self.clone();
        let work = async move {
            announcer.deliver_within(&recipients, &frame, WHISPER_TIME).await.or_log("tell people what somebody types");
        };
        self.later(work).await;
    }

    async fn tell(&self, frames: Vec<(Audience, Frame<'static>)>) {
        if frames.iter().all(|(audience, _)| audience.people.is_empty()) {
            return;
        }
        let announcer = self.clone();
        let work = async move {
            announcer.try_tell(frames).await.or_log("tell people of a change");
        };
        self.later(work).await;
    }

    async fn try_tell(&self, frames: Vec<(Audience, Frame<'static>)>) -> Result<(), Fault> {
        let people: BTreeSet<_> = frames.iter().flat_map(|(audience, _)| audience.people.iter().copied()).collect();
        let people: Vec<_> = people.into_iter().collect();
        let (most, now) = (self.inline_connections, self.clock.now());
        let connections = match self.mongo.connections().list_recipients(&people, most, now).await? {
            Recipients::All(connections) => connections,
            Recipients::TooMany(crowd) => return self.queue(&crowd, frames).await.map(drop),
        };
        let pushes = frames.into_iter().map(|(audience, frame)| {
            let theirs = |connection: &&Connection| {
                audience.people.contains(&connection.user) && audience.except.as_ref() != Some(&connection.id)
            };
            let recipients: Vec<_> = connections.iter().filter(theirs).cloned().collect();
            async move { self.deliver(&recipients, &frame).await.map(drop) }
        });
        let pushes: Vec<_> = pushes.collect();
        stream::iter(pushes).buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// Queues frames for a crowd, each for some of its people; the function `fanout` pushes them.
    pub async fn queue(&self, crowd: &Crowd, frames: Vec<(Audience, Frame<'_>)>) -> Result<Queued, Fault> {
        let people = crowd.people().len();
        let Some(queue) = &self.fanout else {
            let inline_connections = self.inline_connections;
            info!(people, inline_connections, "Left an event to who asks for it");
            return Ok(Queued::Nowhere);
        };
        let room = frames.iter().find_map(|(_, frame)| frame.room);
        let mut addressed = Vec::new();
        for (audience, frame) in frames {
            addressed.push(Addressed { audience, text: frame.to_text()? });
        }
        let pages: Vec<_> =
            crowd.pages().map(|page| self.queue_page(&**queue, crowd, page, &addressed, room)).collect();
        let counts: Vec<_> = stream::iter(pages).buffer_unordered(PAGES).try_collect().await?;
        let (queued, refused) = counts.into_iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        let named = room.map(display);
        if refused > 0 {
            warn!(room.id = named, people, queued, refused, "The queue refused jobs that push frames");
            return Ok(Queued::Refused);
        }
        debug!(room.id = named, people, queued, "Queued jobs that push frames");
        Ok(Queued::All)
    }

    /// Queues what one page of a crowd is to be told; returns how many jobs were taken, and how many refused.
    async fn queue_page(
        &self,
        queue: &dyn Queue,
        crowd: &Crowd,
        page: &[UserId],
        frames: &[Addressed],
        room: Option<RoomKey>,
    ) -> Result<(usize, usize), Fault> {
        let now = self.clock.now();
        let connections = self.mongo.connections().list_page(crowd, page, now).await?;
        let jobs = chunks(frames, &connections, room, now.plus(WORTH));
        let jobs: Vec<_> = jobs.iter().map(|job| job.to_job(Duration::ZERO)).collect();
        let refused = queue.send(&jobs).await.len();
        Ok((jobs.len() - refused, refused))
    }

    /// Pushes a frame to connections now, within two seconds in all, and forgets those that are closed.
    pub async fn deliver(&self, recipients: &[Connection], frame: &Frame<'_>) -> Result<Delivery, Fault> {
        self.deliver_within(recipients, frame, PUSH_TIME).await
    }

    async fn deliver_within(
        &self,
        recipients: &[Connection],
        frame: &Frame<'_>,
        within: Duration,
    ) -> Result<Delivery, Fault> {
        if recipients.is_empty() {
            return Ok(Delivery::default());
        }
        let text = frame.to_text()?;
        let outcome = Box::pin(deliver(&*self.pusher, recipients, &text, within)).await;
        Ok(self.conclude(outcome).await)
    }

    /// Logs the outcome of pushes and removes the connections that are closed.
    async fn conclude(&self, outcome: Outcome<'_>) -> Delivery {
        outcome.tell();
        Box::pin(self.forget_gone(&outcome)).await;
        let failed = outcome.failed.into_iter().map(|connection| connection.id.clone()).collect();
        Delivery { sent: outcome.sent, failed }
    }

    /// Pushes the answer to a frame to the connection on which it came.
    pub async fn answer(&self, connection: &ConnectionId, text: &str) {
        match self.pusher.push(connection, text).await {
            Ok(()) => {}
            Err(PushError::Gone) => self.forget_one(connection).await,
            Err(error) => warn!(connection.id = %connection, %error, "Could not answer a frame"),
        }
    }

    /// Pushes a frame of its own to each of some connections, a few at once, within a time in all, and forgets those that are closed;
    /// what fails is not tried again.
    pub async fn deliver_each(&self, frames: &[(Connection, String)], within: Duration) -> Delivery {
        let texts: HashMap<_, _> = frames.iter().map(|(connection, text)| (&connection.id, text.as_str())).collect();
        let recipients = frames.iter().map(|(connection, _)| connection).collect();
        let text = |connection: &Connection| texts.get(&connection.id).copied().unwrap_or_default();
        self.conclude(deliver_each(&*self.pusher, recipients, text, within).await).await
    }

    async fn forget_one(&self, connection: &ConnectionId) {
        match self.mongo.connections().leave(connection, self.clock.now()).await {
            Ok(person) => self.look_at_or_leave(person.as_slice(), 0, PresenceJob::GRACE).await,
            Err(fault) => fault.log("forget a connection"),
        }
    }

    async fn forget_gone(&self, Outcome { gone, .. }: &Outcome<'_>) {
        let people: BTreeSet<_> = gone.iter().map(|connection| connection.user).collect();
        let people: Vec<_> = people.into_iter().collect();
        let closed = gone.iter().map(|connection| (&connection.id, connection.connected_at));
        if !people.is_empty() {
            self.forget(&people, self.mongo.connections().remove_gone(closed, self.clock.now()))
                .await
                .or_log("forget closed connections");
        }
    }

    /// Ends connections whose sessions are over, each with a last frame.
    pub async fn end_sessions(&self, connections: &[Connection]) -> Result<(), Fault> {
        if connections.is_empty() {
            return Ok(());
        }
        let sessions: HashSet<_> = connections.iter().map(|connection| connection.session.clone()).collect();
        let sessions: Vec<_> = sessions.into_iter().collect();
        // Forgotten first: no frame is answered any more, and none is pushed to them, should the pushes here fail.
        let people: BTreeSet<_> = connections.iter().map(|connection| connection.user).collect();
        let people: Vec<_> = people.into_iter().collect();
        let removal = self.mongo.connections().remove_of_sessions(&sessions, self.clock.now());
        self.forget(&people, removal).await?;
        let last_words: Result<Vec<_>, Fault> = connections
            .iter()
            .map(|connection| Ok((&connection.id, Frame::of_revoked(connection.session.clone()).to_text()?)))
            .collect();
        hang_up(&*self.pusher, &last_words?, PUSH_TIME).await;
        info!("Ended {} connections of sessions that are over", connections.len());
        Ok(())
    }

    /// Closes connections that are removed already, each with a last frame that says why; `request_id` is that of the causing request.
    pub async fn dismiss(&self, connections: &[Connection], why: Code, request_id: &str) -> Result<(), Fault> {
        if connections.is_empty() {
            return Ok(());
        }
        let last_words: Result<Vec<_>, Fault> = connections
            .iter()
            .map(|connection| Ok((&connection.id, Frame::of_end(why, connection.locale, request_id).to_text()?)))
            .collect();
        hang_up(&*self.pusher, &last_words?, PUSH_TIME).await;
        info!("Ended {} connections: {}", connections.len(), why.as_str());
        Ok(())
    }

    /// Forgets a connection and ends it with a last frame.
    pub async fn hang_up(&self, connection: &ConnectionId, last_words: String) {
        // First the row, so that nothing is pushed any more.
        self.forget_one(connection).await;
        hang_up(&*self.pusher, &[(connection, last_words)], PUSH_TIME).await;
    }
}
