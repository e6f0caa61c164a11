use crate::Messenger;
use domain::{
    Fault, Message, MessageId, OrLog as _, RoomKey, Seq, SystemKind, Timestamp, UserId, notification::CLEAR_AFTER,
};
use mongo::{Recipients, Stored};
use queue::{PushJob, PushKind};
use std::time::Duration;
use tracing::info;

/// How soon a room is checked whose members are all active.
const CHECK_AFTER: Duration = Duration::from_secs(30);

/// For how long a deleted message may still be shown on devices.
const SHOWN_FOR: Duration = Duration::from_hours(24 * 7);

/// For how long devices are told of a message that could not be queued.
const WORTH_TELLING: Duration = Duration::from_hours(1);

/// A new message of which devices may have to be told.
pub(crate) struct News {
    id: MessageId,
    room: RoomKey,
    seq: Seq,
    at: Timestamp,
    /// Whom it concerns.
    people: Vec<UserId>,
}

impl News {
    /// What is new about a new message of a room with some members, as they were when it was placed; nothing about a notice that
    /// concerns nobody but the room, and one that is deleted already.
    pub(crate) fn of(message: &Message, members: &[UserId]) -> Option<Self> {
        let Message { id, room, seq, created_at: at, .. } = *message;
        if message.deleted_at.is_some() {
            return None;
        }
        let people: Vec<_> = match &message.system {
            None => members.iter().copied().filter(|member| *member != message.user).collect(),
            Some(system) if system.kind == SystemKind::MemberAdded => system.user.into_iter().collect(),
            Some(_) => Vec::new(),
        };
        (!people.is_empty()).then_some(Self { id, room, seq, at, people })
    }

    /// The same of a message that was changed or moved, if whoever wrote it may have died before telling of it.
    pub(crate) fn owed(stored: &Stored, members: &[UserId]) -> Option<Self> {
        let is_owed = stored.fanout.as_ref().is_some_and(|fanout| fanout.news);
        if is_owed { Self::of(&stored.message, members) } else { None }
    }

    fn to_job(&self, kind: PushKind) -> PushJob {
        PushJob { id: Some(self.id), seq: Some(self.seq), ..look(kind, self.room, self.at) }
    }
}

fn look(kind: PushKind, room: RoomKey, at: Timestamp) -> PushJob {
    let (id, seq, from, to) = (None, None, None, None);
    PushJob { kind, room: Some(room), id, seq, tries: 0, at, from, to, devices: Vec::new() }
}

impl Messenger {
    /// Queues the notification of a new message: at once, or as a later check of the room if all members are active. A job that the
    /// queue refuses is noted on the message.
    pub(crate) async fn notify(&self, news: &News, recipients: &Recipients) {
        if !self.announcer.has_notifications() {
            return;
        }
        let now = self.clock.now();
        let is_there = |user: &UserId| match recipients {
            Recipients::All(connections) => connections.iter().any(|it| it.user == *user && it.is_active(now)),
            Recipients::TooMany(_) => false,
        };
        let (kind, delay) = match news.people.iter().all(is_there) {
            false => (PushKind::Message, Duration::ZERO),
            true if self.announcer.is_first_check(news.room) => (PushKind::Check, CHECK_AFTER),
            true => return,
        };
        if !self.announcer.notify(&[(news.to_job(kind), delay)]).await.is_empty() {
            if kind == PushKind::Check {
                self.announcer.forget_check(news.room);
            }
            let owed = self.mongo.messages().owe_notification(news.id, now).await;
            owed.or_log("note that devices are still to be told of a message");
        }
    }

    /// Clears read messages from a person's devices after the answer.
    pub(crate) async fn clear_read(&self, room: RoomKey, user: UserId, read: Seq) {
        self.clear(self.clearing(room, user, read)).await;
    }

    /// The same at once, for callers that already run after the answer.
    pub(crate) async fn clear_read_now(&self, room: RoomKey, user: UserId, read: Seq) {
        self.announcer.notify(&[(self.clearing(room, user, read), CLEAR_AFTER)]).await;
    }

    fn clearing(&self, room: RoomKey, user: UserId, read: Seq) -> PushJob {
        let to = Some(user);
        PushJob { seq: Some(read), from: to, to, ..look(PushKind::Clear, room, self.clock.now()) }
    }

    /// Clears a deleted message from devices after the answer.
    pub(crate) async fn clear_deleted(&self, message: &Message) {
        let Message { id, room, seq, created_at, .. } = *message;
        if self.clock.now() < created_at.plus(SHOWN_FOR) {
            let job = PushJob { id: Some(id), seq: Some(seq), ..look(PushKind::Clear, room, self.clock.now()) };
            self.clear(job).await;
        }
    }

    /// One that the queue does not take is not noted: the next notification of the room takes its place.
    async fn clear(&self, job: PushJob) {
        if !self.announcer.has_notifications() {
            return;
        }
        let announcer = self.announcer.clone();
        let work = async move {
            announcer.notify(&[(job, CLEAR_AFTER)]).await;
        };
        self.announcer.later(work).await;
    }
}

/// Queues notifications that the queue did not take before, and returns how many.
pub async fn notify_late(messenger: &Messenger, limit: i64) -> Result<usize, Fault> {
    let (messages, now) = (messenger.mongo.messages(), messenger.clock.now());
    let owed = messages.list_owed_notifications(limit).await?;
    let (late, due): (Vec<_>, Vec<_>) = owed.into_iter().partition(|owed| owed.created_at.plus(WORTH_TELLING) < now);
    let looks = due.iter().map(|owed| {
        let look = look(PushKind::Message, owed.room, owed.created_at);
        (PushJob { id: Some(owed.id), seq: Some(owed.seq), ..look }, Duration::ZERO)
    });
    let refused = messenger.announcer.notify(&looks.collect::<Vec<_>>()).await;
    let taken = due.iter().enumerate().filter(|(index, _)| !refused.contains(index)).map(|(_, owed)| owed.id);
    let taken: Vec<_> = taken.collect();
    let done: Vec<_> = late.iter().map(|owed| owed.id).chain(taken.iter().copied()).collect();
    messages.clear_owed_notifications(&done).await?;
    if !due.is_empty() {
        info!(queued = taken.len(), refused = refused.len(), "Queued notifications late");
    }
    Ok(taken.len())
}
