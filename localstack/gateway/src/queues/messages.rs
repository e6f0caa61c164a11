//! The messages of one queue and what happens to them in time.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How long a message is held that is to come behind the next one, if there is none.
const HELD: Duration = Duration::from_secs(1);

/// A message as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) group: Option<String>,
    /// Milliseconds since 1970.
    pub(super) sent_at: i64,
    /// The ARN of the queue where it was received too often.
    pub(super) source: Option<String>,
    /// How often it was received there.
    pub(super) times: u32,
}

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(super) draft: Draft,
    pub(super) receipt: Receipt,
    pub(super) times: u32,
    pub(super) first_at: i64,
}

/// Which message, and which time that it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) number: u64,
    pub(super) nonce: u64,
}

/// Why a message's visibility can't be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unchanged {
    /// There is no such message, or it was received again since.
    Unknown,
    /// Its visibility timeout is over.
    NotInFlight,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Available,
    InFlight,
    Delayed,
}

/// Which messages a receive takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Take {
    pub(super) most: usize,
    pub(super) visibility: Duration,
    /// How often a message is received before it goes to the dead-letter queue.
    pub(super) receives: Option<u32>,
    /// Milliseconds since 1970.
    pub(super) at: i64,
}

#[derive(Debug)]
struct Message {
    draft: Draft,
    sent: Instant,
    visible: Instant,
    /// Comes behind the next message, or when its time has come.
    held: bool,
    times: u32,
    first_at: i64,
    nonce: Option<u64>,
}

/// Every message of a queue, by a number that tells their order.
#[derive(Debug, Default)]
pub(super) struct Messages {
    all: BTreeMap<u64, Message>,
    next: u64,
}

impl Message {
    fn place(&self, now: Instant) -> Place {
        match (self.visible > now, self.nonce) {
            (false, _) => Place::Available,
            (true, Some(_)) => Place::InFlight,
            (true, None) => Place::Delayed,
        }
    }
}

impl Messages {
    /// Adds a message; those that are held come behind it.
    pub(super) fn put(&mut self, draft: Draft, now: Instant, delay: Duration, held: bool) {
        let delay = if held { delay.max(HELD) } else { delay };
        let times = draft.times;
        let message = Message { draft, sent: now, visible: now + delay, held, times, first_at: 0, nonce: None };
        self.append(message);
        if !held {
            let overtaken: Vec<u64> = self.all.iter().filter(|(_, it)| it.held).map(|(number, _)| *number).collect();
            for number in overtaken {
                if let Some(mut message) = self.all.remove(&number) {
                    (message.held, message.visible) = (false, now + delay);
                    self.append(message);
                }
            }
        }
    }

    fn append(&mut self, message: Message) {
        self.all.insert(self.next, message);
        self.next += 1;
    }

    /// Forgets what is older than a queue keeps.
    pub(super) fn expire(&mut self, now: Instant, retention: Duration) {
        self.all.retain(|_, message| now.duration_since(message.sent) < retention);
    }

    /// Receives messages, the oldest first; groups with many messages in flight come last. The second part are the messages that were
    /// received too often.
    pub(super) fn receive(&mut self, now: Instant, take: Take, nonce: impl Fn() -> u64) -> (Vec<Received>, Vec<Draft>) {
        let mut turns: BTreeMap<&str, usize> = BTreeMap::new();
        for message in self.all.values().filter(|message| message.place(now) == Place::InFlight) {
            if let Some(group) = &message.draft.group {
                *turns.entry(group).or_default() += 1;
            }
        }
        let mut candidates = Vec::new();
        for (number, message) in self.all.iter().filter(|(_, message)| message.place(now) == Place::Available) {
            // Without a group a message waits for nobody.
            let turn = message.draft.group.as_deref().map_or(0, |group| {
                let turn = turns.entry(group).or_default();
                *turn += 1;
                *turn - 1
            });
            candidates.push((turn, *number));
        }
        candidates.sort_unstable();
        let (mut received, mut lost) = (Vec::new(), Vec::new());
        for (_, number) in candidates {
            if received.len() == take.most {
                break;
            }
            let Some(message) = self.all.get_mut(&number) else { continue };
            if take.receives.is_some_and(|receives| message.times >= receives) {
                lost.extend(self.all.remove(&number).map(|message| Draft { times: message.times, ..message.draft }));
                continue;
            }
            let nonce = nonce();
            message.times += 1;
            message.nonce = Some(nonce);
            message.held = false;
            message.visible = now + take.visibility;
            if message.first_at == 0 {
                message.first_at = take.at;
            }
            received.push(Received {
                draft: message.draft.clone(),
                receipt: Receipt { number, nonce },
                times: message.times,
                first_at: message.first_at,
            });
        }
        (received, lost)
    }

    /// Deletes a message, unless it was received again since.
    pub(super) fn delete(&mut self, receipt: Receipt) {
        if self.all.get(&receipt.number).is_some_and(|message| message.nonce == Some(receipt.nonce)) {
            self.all.remove(&receipt.number);
        }
    }

    /// Changes when a message comes again.
    pub(super) fn change(&mut self, now: Instant, receipt: Receipt, visibility: Duration) -> Result<(), Unchanged> {
        let message = self.all.get_mut(&receipt.number).filter(|message| message.nonce == Some(receipt.nonce));
        let message = message.ok_or(Unchanged::Unknown)?;
        if message.place(now) != Place::InFlight {
            return Err(Unchanged::NotInFlight);
        }
        message.visible = now + visibility;
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    /// When the next message becomes available by itself.
    pub(super) fn next_visible(&self, now: Instant) -> Option<Instant> {
        self.all.values().map(|message| message.visible).filter(|visible| *visible > now).min()
    }

    /// Each message: as it was sent, how often it was received, and where it is.
    pub(super) fn list(&self, now: Instant) -> impl Iterator<Item = (&Draft, u32, Place)> {
        self.all.values().map(move |message| (&message.draft, message.times, message.place(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    use std::collections::BTreeSet;

    const SECOND: Duration = Duration::from_secs(1);
    const VISIBILITY: Duration = Duration::from_secs(30);

    fn draft(id: &str, group: Option<&str>) -> Draft {
        let (id, body) = (id.to_owned(), String::new());
        Draft { id, body, group: group.map(str::to_owned), sent_at: 0, source: None, times: 0 }
    }

    fn take(most: usize) -> Take {
        Take { most, visibility: VISIBILITY, receives: Some(2), at: 0 }
    }

    fn ids(received: &[Received]) -> Vec<&str> {
        received.iter().map(|received| received.draft.id.as_str()).collect()
    }

    #[test]
    fn message_is_redelivered_until_it_is_deleted_or_dead() {
        let (mut messages, begun) = (Messages::default(), Instant::now());
        messages.put(draft("a", None), begun, Duration::ZERO, false);

        let (first, _) = messages.receive(begun, take(10), || 1);
        assert_eq!((ids(&first), first[0].times), (vec!["a"], 1));
        assert!(messages.receive(begun + 29 * SECOND, take(10), || 2).0.is_empty());
        let (second, _) = messages.receive(begun + VISIBILITY, take(10), || 3);
        assert_eq!((ids(&second), second[0].times), (vec!["a"], 2));
        messages.delete(first[0].receipt);
        let (third, lost) = messages.receive(begun + 2 * VISIBILITY, take(10), || 4);
        assert_eq!(
            (ids(&third), lost),
            (vec![], vec![Draft { times: 2, ..draft("a", None) }]),
            "a stale receipt deletes nothing"
        );
        assert_eq!(messages.list(begun).count(), 0);
    }

    #[test]
    fn message_is_delayed_and_forgotten_in_its_time() {
        let (mut messages, begun) = (Messages::default(), Instant::now());
        messages.put(draft("a", None), begun, SECOND, false);

        assert!(messages.receive(begun, take(10), || 1).0.is_empty());
        assert_eq!(messages.next_visible(begun), Some(begun + SECOND));
        assert_eq!(ids(&messages.receive(begun + SECOND, take(10), || 1).0), ["a"]);
        messages.expire(begun + 59 * SECOND, 60 * SECOND);
        assert_eq!(messages.list(begun).count(), 1);
        messages.expire(begun + 60 * SECOND, 60 * SECOND);
        assert_eq!(messages.list(begun).count(), 0);
    }

    #[test]
    fn busy_group_does_not_delay_others() {
        let (mut messages, begun) = (Messages::default(), Instant::now());
        for n in 0..20 {
            messages.put(draft(&format!("busy{n}"), Some("busy")), begun, Duration::ZERO, false);
        }
        messages.receive(begun, take(5), || 1);
        messages.put(draft("quiet", Some("quiet")), begun, Duration::ZERO, false);
        messages.put(draft("alone", None), begun, Duration::ZERO, false);

        assert_eq!(ids(&messages.receive(begun, take(3), || 2).0), ["quiet", "alone", "busy5"]);
    }

    #[test]
    fn held_message_comes_behind_the_next_one_or_in_its_time() {
        let (mut messages, begun) = (Messages::default(), Instant::now());
        messages.put(draft("a", None), begun, Duration::ZERO, true);
        assert!(messages.receive(begun, take(10), || 1).0.is_empty());
        messages.put(draft("b", None), begun, Duration::ZERO, false);
        assert_eq!(ids(&messages.receive(begun, take(10), || 1).0), ["b", "a"]);

        messages.put(draft("c", None), begun, Duration::ZERO, true);
        assert_eq!(ids(&messages.receive(begun + HELD, take(10), || 1).0), ["c"]);
    }

    #[test]
    fn only_the_last_receipt_of_a_message_in_flight_changes_its_visibility() {
        let (mut messages, begun) = (Messages::default(), Instant::now());
        messages.put(draft("a", None), begun, Duration::ZERO, false);
        let (first, _) = messages.receive(begun, take(10), || 1);

        assert_eq!(messages.change(begun, first[0].receipt, Duration::ZERO), Ok(()));
        assert_eq!(messages.change(begun, first[0].receipt, SECOND), Err(Unchanged::NotInFlight));
        messages.receive(begun, take(10), || 2);
        assert_eq!(messages.change(begun, first[0].receipt, SECOND), Err(Unchanged::Unknown));
    }

    #[test]
    fn every_message_is_in_one_place_until_its_last_receipt_deletes_it() {
        let mut random = StdRng::seed_from_u64(7);
        let (mut messages, begun) = (Messages::default(), Instant::now());
        let (mut now, mut sent, mut nonces) = (begun, 0, 0..);
        let mut there = BTreeSet::new();
        let mut receipts: BTreeMap<String, Vec<Receipt>> = BTreeMap::new();
        for _ in 0..5_000 {
            now += Duration::from_millis(random.random_range(0..8_000));
            match random.random_range(0..4) {
                0 => {
                    let group = ["a", "b"].get(random.random_range(0..3)).copied();
                    let delay = Duration::from_secs(random.random_range(0..20));
                    messages.put(draft(&sent.to_string(), group), now, delay, random.random_bool(0.1));
                    there.insert(sent.to_string());
                    sent += 1;
                }
                1 | 2 => {
                    let numbers = std::cell::RefCell::new(&mut nonces);
                    let nonce = || numbers.borrow_mut().next().unwrap();
                    let (received, lost) = messages.receive(now, take(random.random_range(1..=10)), nonce);
                    assert!(received.iter().all(|received| received.times <= 2));
                    for Received { draft, receipt, .. } in received {
                        receipts.entry(draft.id).or_default().push(receipt);
                    }
                    for draft in lost {
                        assert!(there.remove(&draft.id), "{} was lost twice", draft.id);
                    }
                }
                _ => {
                    // Any message that was received, by any of its receipts.
                    let Some((id, known)) = receipts.iter().nth(random.random_range(0..=receipts.len())) else {
                        continue;
                    };
                    let receipt = known[random.random_range(0..known.len())];
                    messages.delete(receipt);
                    if known.last() == Some(&receipt) {
                        there.remove(id);
                    }
                }
            }
            let held: BTreeSet<_> = messages.list(now).map(|(draft, ..)| draft.id.clone()).collect();
            assert_eq!(held, there);
        }
        assert!(sent > 1_000 && !there.is_empty());
    }
}
