//! Random walks: whatever happens in which order, and whoever dies between two steps, in the end the stores agree.

use crate::yard::{MINJI, SIZE, Yard};
use domain::{
    Attach, MalwareScan, Media, MessageDraft, MessageId, MessageType, RoomId, RoomKey, Timestamp, UploadId,
    UploadLimits,
};
use mongo::{Inspection, Lease, Leased, UploadClaim};
use mongodb::bson::{DateTime, doc, oid::ObjectId};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicI64, Ordering},
};
use sweep_files::Sweeper;
use testkit::{NOON, draft};

const STEPS: usize = 120;
const HOUR: i64 = 3_600;

/// How many seconds after noon it is in the walk under way.
static CLOCK: AtomicI64 = AtomicI64::new(0);

fn now() -> Timestamp {
    Timestamp::from_millis(NOON.millis() + 1_000 * CLOCK.load(Ordering::Relaxed))
}

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, number: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % number
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.below(of.len())])
    }
}

struct Walk {
    yard: Yard,
    sweeper: Sweeper,
    dice: Dice,
    uploads: Vec<UploadId>,
    leases: Vec<Lease>,
    messages: Vec<MessageId>,
}

impl Walk {
    async fn new(seed: u64) -> Self {
        CLOCK.store(0, Ordering::Relaxed);
        let yard = Yard::new().await;
        let sweeper = Sweeper { clock: domain::Clock(now), ..yard.sweeper::<0>().await };
        let (uploads, leases, messages) = (Vec::new(), Vec::new(), Vec::new());
        Self { yard, sweeper, dice: Dice(seed), uploads, leases, messages }
    }

    async fn step(&mut self) {
        let picked = self.dice.pick(&self.uploads);
        match (self.dice.below(12), picked) {
            // Who died behind the reservation.
            (0, _) => drop(self.reserve().await),
            (1 | 2, _) if self.reserve().await => {
                let id = self.yard.insert(now()).await.id;
                self.uploads.push(id);
            }
            (3 | 4, Some(id)) => self.arrive(id).await,
            (5 | 6, Some(id)) => self.lease(id).await,
            (7, _) => self.finish().await,
            (8, Some(id)) => self.send(id).await,
            (9, _) => self.delete_message().await,
            (10, Some(id)) => drop(self.yard.mongo().uploads().end_own(MINJI, id, now()).await.unwrap()),
            (11, _) => {
                let pause = self.dice.below(20_000);
                self.pass(i64::try_from(pause).unwrap()).await;
            }
            _ => {}
        }
    }

    async fn reserve(&self) -> bool {
        self.yard.mongo().usages().reserve(MINJI, SIZE, &UploadLimits::default(), now()).await.unwrap()
    }

    async fn arrive(&self, id: UploadId) {
        if self.yard.state(id).await == Some("pending") {
            self.yard.s3.upload(id, SIZE);
            self.yard.mongo().uploads().arrive(id, SIZE, "whole", now()).await.unwrap();
        }
    }

    async fn lease(&mut self, id: UploadId) {
        if let Leased::Mine(lease) = self.yard.mongo().uploads().lease(id, MalwareScan::None, now()).await.unwrap() {
            self.leases.push(*lease);
        }
    }

    /// An inspection writes its objects, and dies then or notes it, however late that is.
    async fn finish(&mut self) {
        let Some(lease) = self.leases.pop() else { return };
        let id = lease.upload.id;
        for key in id.keys() {
            self.yard.s3.keep(key, now());
        }
        if self.dice.below(3) > 0 {
            let found = Inspection::Ready { media: Media::default(), objects: id.keys().to_vec() };
            self.yard.mongo().uploads().finish(&lease, &found, now()).await.unwrap();
        }
    }

    /// A request claims an upload, and dies before or after the message, or notes it.
    async fn send(&mut self, id: UploadId) {
        let (uploads, attach) = (self.yard.mongo().uploads(), Attach { upload: id, poster: None });
        let draft = MessageDraft {
            message_type: MessageType::Image,
            attachments: vec![attach],
            ..draft(RoomKey::private(RoomId(1)), MINJI, &self.messages.len().to_string(), "x")
        };
        let claimed = uploads.claim(&UploadClaim::of(&draft).unwrap(), now()).await.unwrap();
        let dies = self.dice.below(4);
        if !claimed.is_done || dies == 0 {
            return;
        }
        let message = self.yard.message(doc! { "uploads": [id.to_string()] }).await;
        self.messages.push(message);
        if dies > 1 {
            uploads.attach(message, MINJI, &[id], now()).await.unwrap();
        }
    }

    async fn delete_message(&mut self) {
        if self.messages.is_empty() {
            return;
        }
        let at = self.dice.below(self.messages.len());
        let message = ObjectId::from_bytes(self.messages.swap_remove(at).0);
        let tombstone = doc! {
            "$rename": { "uploads": "purge" }, "$set": { "deleted_at": DateTime::from_millis(now().millis()) },
        };
        self.yard.collection("messages").await.update_one(doc! { "_id": message }, tombstone).await.unwrap();
    }

    async fn pass(&self, seconds: i64) {
        CLOCK.fetch_add(seconds, Ordering::Relaxed);
        self.sweeper.run().await.unwrap();
    }

    /// Nothing new begins: what waits for its inspection gets it, and everything else its time.
    async fn settle(&mut self) {
        // Inspections under way have died.
        self.leases.clear();
        for _ in 0..96 {
            for id in self.yard.mongo().uploads().list_uninspected(now(), 100).await.unwrap() {
                self.lease(id).await;
                self.finish().await;
            }
            self.pass(HOUR).await;
        }
    }

    /// What messages list is there with its bytes, nothing else is, and the quota says so. Answers how much there is.
    async fn check(&self, seed: u64) -> usize {
        let mut held = BTreeSet::new();
        let mut messages = self.yard.collection("messages").await.find(doc! {}).await.unwrap();
        while messages.advance().await.unwrap() {
            let message = messages.deserialize_current().unwrap();
            assert!(!message.contains_key("purge"), "seed {seed}");
            let ids = message.get_array("uploads").into_iter().flatten();
            held.extend(ids.map(|id| id.as_str().unwrap().parse::<UploadId>().unwrap()));
        }
        for id in &self.uploads {
            let expected = held.contains(id).then_some("attached");
            assert_eq!(self.yard.state(*id).await, expected, "seed {seed}: {id}");
        }
        let keys: BTreeSet<_> = held.iter().flat_map(|id| id.keys()).collect();
        assert_eq!(self.yard.s3.kept_keys().into_iter().collect::<BTreeSet<_>>(), keys, "seed {seed}");
        let bytes = i64::try_from(held.len()).unwrap() * i64::try_from(SIZE).unwrap();
        assert_eq!(self.yard.counted().await.unwrap_or_default(), (0, bytes), "seed {seed}");
        held.len()
    }
}

#[tokio::test]
async fn bytes_and_messages_agree_after_random_crashes() {
    let mut held = 0;
    for seed in 1..=6 {
        let mut walk = Walk::new(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed)).await;
        for _ in 0..STEPS {
            walk.step().await;
        }

        walk.settle().await;

        held += walk.check(seed).await;
    }
    assert!(held > 0, "some messages were left to check");
}
