//! Amazon SQS: standard queues, their protocol, and the functions that work them off.

mod door;
mod local_stack;
mod mapping;
mod messages;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use template::Template;
use tokio::{sync::Notify, time::sleep_until};

use crate::{
    faults::{Faults, QueueFate},
    ids,
    sync::lock,
    traffic::Meter,
};
pub(crate) use door::QueueDoor;
pub(crate) use local_stack::LocalStack;
pub(crate) use mapping::start;
use messages::{Draft, Messages, Place, Receipt, Received, Take, Unchanged};

/// The variable that leads the AWS SDK here.
pub(crate) const ENDPOINT: &str = "AWS_ENDPOINT_URL_SQS";

/// The queues of a template.
#[derive(Clone, Debug)]
pub(crate) struct Queues(Arc<BTreeMap<String, Arc<Queue>>>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Queue {
    definition: template::Queue,
    arn: String,
    created_at: i64,
    /// How much faster than the clock its times pass.
    speed: u32,
    faults: Faults,
    meter: Arc<Meter>,
    dead_letters: OnceLock<Arc<Queue>>,
    messages: Mutex<Messages>,
    changed: Notify,
}

/// What a queue holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStatus {
    /// The queue's name.
    pub name: String,
    /// How many messages wait to be received.
    pub available: usize,
    /// How many are received and not deleted.
    pub in_flight: usize,
    /// How many are held back.
    pub delayed: usize,
    /// All of them, the oldest first.
    pub messages: Vec<QueuedMessage>,
}

/// A message in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedMessage {
    /// The id that its sender was answered.
    pub id: String,
    /// What it says.
    pub body: String,
    /// Its `MessageGroupId`.
    pub group: Option<String>,
    /// How often it was received.
    pub received: u32,
}

impl Queues {
    pub(crate) fn new(template: &Template, faults: &Faults, speed: u32, meter: &Arc<Meter>) -> Self {
        let queue = |definition: &template::Queue| Queue {
            arn: template::queue_arn(&definition.name),
            definition: definition.clone(),
            created_at: ids::now().unix_timestamp(),
            speed: speed.max(1),
            faults: faults.clone(),
            meter: Arc::clone(meter),
            dead_letters: OnceLock::new(),
            messages: Mutex::default(),
            changed: Notify::new(),
        };
        let queues = template.queues.iter().map(|definition| (definition.name.clone(), Arc::new(queue(definition))));
        let queues = Self(Arc::new(queues.collect()));
        for queue in queues.0.values() {
            let target = queue.definition.redrive.as_ref().and_then(|redrive| queues.of_arn(&redrive.target));
            if let Some(target) = target {
                // The first one to set it.
                let _ = queue.dead_letters.set(target);
            }
        }
        queues
    }

    /// The queue with this name.
    fn named(&self, name: &str) -> Option<&Arc<Queue>> {
        self.0.get(name)
    }

    fn urls(&self) -> Vec<&str> {
        self.0.values().map(|queue| queue.definition.url.as_str()).collect()
    }

    fn of_arn(&self, arn: &str) -> Option<Arc<Queue>> {
        self.0.values().find(|queue| queue.arn == arn).cloned()
    }

    pub(crate) fn all(&self) -> Vec<QueueStatus> {
        self.0.values().map(|queue| queue.status()).collect()
    }

    /// The queue with this name, or with this key in the template.
    pub(crate) fn status(&self, name: &str) -> Option<QueueStatus> {
        let queue = self.0.values().find(|queue| queue.definition.name == name || queue.definition.logical_id == name);
        queue.map(|queue| queue.status())
    }
}

impl Queue {
    /// The message's id.
    fn send(&self, body: &str, group: Option<&str>, delay: Option<Duration>) -> String {
        let id = ids::uuid();
        let draft = Draft {
            id: id.clone(),
            body: body.to_owned(),
            group: group.map(str::to_owned),
            sent_at: ids::epoch_millis(ids::now()),
            source: None,
            times: 0,
        };
        if let QueueFate::Deliver { after, copies, behind_next } = self.faults.queued(&self.definition.name) {
            let delay = self.scaled(delay.unwrap_or(self.definition.delay)) + after;
            for _ in 0..copies {
                self.messages().put(draft.clone(), Instant::now(), delay, behind_next);
            }
            self.changed.notify_waiters();
        }
        id
    }

    /// Waits until there is a message, or until the time is over.
    async fn receive(&self, most: usize, visibility: Option<Duration>, wait: Duration) -> Vec<Received> {
        let until = Instant::now() + wait;
        let visibility = self.scaled(visibility.unwrap_or(self.definition.visibility));
        loop {
            let changed = self.changed.notified();
            let (received, next) = self.take(most, visibility);
            if !received.is_empty() || Instant::now() >= until {
                return received;
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(next.map_or(until, |next| next.min(until)).into()) => {}
            }
        }
    }

    /// What can be received now, and when there is more.
    fn take(&self, most: usize, visibility: Duration) -> (Vec<Received>, Option<Instant>) {
        let now = Instant::now();
        let limit = self.definition.redrive.as_ref().map(|redrive| redrive.receives);
        let take = Take { most, visibility, receives: limit, at: ids::epoch_millis(ids::now()) };
        let (received, lost, next) = {
            let mut messages = self.messages();
            messages.expire(now, self.scaled(self.definition.retention));
            let (received, lost) = messages.receive(now, take, rand::random);
            (received, lost, messages.next_visible(now))
        };
        for draft in lost {
            if let Some(queue) = self.dead_letters.get() {
                let draft = Draft { source: Some(self.arn.clone()), ..draft };
                queue.messages().put(draft, now, Duration::ZERO, false);
                queue.changed.notify_waiters();
            }
        }
        (received, next)
    }

    fn delete(&self, receipt: Receipt) {
        self.messages().delete(receipt);
    }

    fn change(&self, receipt: Receipt, visibility: Duration) -> Result<(), Unchanged> {
        let changed = self.messages().change(Instant::now(), receipt, self.scaled(visibility));
        self.changed.notify_waiters();
        changed
    }

    fn status(&self) -> QueueStatus {
        let now = Instant::now();
        let mut messages = self.messages();
        messages.expire(now, self.scaled(self.definition.retention));
        let count = |wanted: Place| messages.list(now).filter(|(_, _, place)| *place == wanted).count();
        QueueStatus {
            name: self.definition.name.clone(),
            available: count(Place::Available),
            in_flight: count(Place::InFlight),
            delayed: count(Place::Delayed),
            messages: messages
                .list(now)
                .map(|(draft, received, _)| QueuedMessage {
                    id: draft.id.clone(),
                    body: draft.body.clone(),
                    group: draft.group.clone(),
                    received,
                })
                .collect(),
        }
    }

    fn scaled(&self, duration: Duration) -> Duration {
        duration / self.speed
    }

    fn messages(&self) -> std::sync::MutexGuard<'_, Messages> {
        lock(&self.messages)
    }
}

impl Receipt {
    /// What a consumer names the message by.
    fn handle(self, queue: &str) -> String {
        STANDARD.encode(format!("{queue} {} {}", self.number, self.nonce))
    }

    /// The receipt that a handle of this queue stands for.
    fn parse(handle: &str, queue: &str) -> Option<Self> {
        let text = String::from_utf8(STANDARD.decode(handle).ok()?).ok()?;
        let mut parts = text.strip_prefix(queue)?.strip_prefix(' ')?.split(' ');
        let receipt = Self { number: parts.next()?.parse().ok()?, nonce: parts.next()?.parse().ok()? };
        parts.next().is_none().then_some(receipt)
    }
}
