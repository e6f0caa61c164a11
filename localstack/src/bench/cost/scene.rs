//! What people do, one thing after the other, at a stack that counts.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use client::{Api, Person, Socket, room_name, with_ticket};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use stack::{Progress, Stack, Step};
use tokio::time::{sleep, timeout};

use super::counted::{Counted, Counter};
use crate::bench::{BURST, phone};

/// How often each thing is done.
const TIMES: u32 = 20;
/// How often things are done that take seconds.
const FEW: u32 = 4;
/// The friends who are told who comes and goes.
pub(super) const FRIENDS: u32 = 8;
/// Typing is told every 3 s.
const TYPING: Duration = Duration::from_millis(3_200);
/// How long a notification may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Whoever goes within 5 minutes is told to be gone later than others.
const STAY: Duration = Duration::from_mins(6);
const PASSWORD: &str = "down-the-rabbit-hole";

/// What each thing makes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// A message to one connection.
    pub(super) send: Counted,
    /// A further connection that hears of it.
    pub(super) listener: Counted,
    pub(super) delivered: Counted,
    pub(super) read: Counted,
    pub(super) typing: Counted,
    pub(super) state: Counted,
    pub(super) ping: Counted,
    /// To connect, say hello and leave, where nobody is told.
    pub(super) opening: Counted,
    /// Coming and going as friends are told of it.
    pub(super) presence: Counted,
    /// What comes on top of a message for who is away and has a device.
    pub(super) notified: Counted,
    /// What comes on top of a message for who has a device, and reads it within half a minute.
    pub(super) looked_at: Counted,
}

/// Two people who write to each other, and their connections.
struct Scene<'s> {
    counter: Counter<'s>,
    stack: &'s Stack,
    api: Api,
    anna: Person,
    bora: Person,
    /// Bora's and others' connections.
    friends: Vec<Socket>,
    room: String,
    /// The newest message.
    seq: u64,
    /// The newest change.
    rev: u64,
}

/// Does everything and counts.
pub(super) async fn play(stack: &Stack, progress: &Progress) -> Result<Counts> {
    let step = progress.step("counting what people do");
    let mut scene = Scene::open(stack, &step).await?;
    let mut counts = Counts::default();
    scene.write(&mut counts, &step).await?;
    scene.signal(&mut counts, &step).await?;
    scene.come_and_go(&mut counts, &step).await?;
    scene.notify(&mut counts, &step).await?;
    step.done("counted what people do");
    Ok(counts)
}

impl<'s> Scene<'s> {
    async fn open(stack: &'s Stack, step: &Step) -> Result<Self> {
        step.at("people, friends and connections");
        let api = Api::new(&stack.urls().http);
        let anna = Person::enter(&api, "anna", PASSWORD).await?;
        let (mut friends, mut others) = (Vec::new(), Vec::new());
        for number in 0..FRIENDS {
            let friend = Person::enter(&api, &format!("friend{number}"), PASSWORD).await?;
            anna.befriend(&friend).await?;
            friends.push(friend.connect(json!({})).await?.0);
            others.push(friend);
        }
        let bora = others.into_iter().next().context("somebody is a friend")?;
        let room = room_name(anna.room_with(bora.id).await?);
        let counter = Counter::new(stack).await?;
        Ok(Self { counter, stack, api, anna, bora, friends, room, seq: 0, rev: 0 })
    }

    /// Bora's connection.
    fn bora(&self) -> &Socket {
        &self.friends[0]
    }

    async fn write(&mut self, counts: &mut Counts, step: &Step) -> Result<()> {
        let (anna, _) = self.anna.connect(json!({})).await?;
        step.at("messages");
        counts.send = self.sends(&anna, &self.room.clone()).await?;
        let (second, _) = self.bora.connect(json!({})).await?;
        counts.listener = self.sends(&anna, &self.room.clone()).await? - counts.send;
        second.close().await?;
        step.at("receipts");
        let counter = &self.counter;
        counts.delivered = counter.count(TIMES, self.receipts(&anna, "delivered", "delivered_seq")).await?;
        counts.read = counter.count(TIMES, self.receipts(&anna, "read", "read_seq")).await?;
        anna.close().await
    }

    /// What a message to a room makes.
    async fn sends(&mut self, from: &Socket, room: &str) -> Result<Counted> {
        // The first one meets functions that have not started.
        send(from, room).await?;
        let mut newest = (self.seq, self.rev);
        let made = self.counter.count(TIMES, async {
            for _ in 0..TIMES {
                newest = send(from, room).await?;
            }
            Ok(())
        });
        let made = made.await?;
        (self.seq, self.rev) = newest;
        Ok(made)
    }

    /// Bora has one message more, again and again, and Anna hears of each.
    async fn receipts(&self, anna: &Socket, action: &str, field: &str) -> Result<()> {
        for back in (0..u64::from(TIMES)).rev() {
            let seq = self.seq - back;
            self.bora().tell(action, &json!({ "room": self.room, "seq": seq }))?;
            anna.push_where(|frame| frame["d"][field] == seq).await?;
        }
        Ok(())
    }

    async fn signal(&self, counts: &mut Counts, step: &Step) -> Result<()> {
        let ((anna, _), counter) = (self.anna.connect(json!({})).await?, &self.counter);
        step.at("typing");
        let typing = async {
            for _ in 0..FEW {
                sleep(TYPING).await;
                self.bora().tell("typing", &json!({ "room": self.room, "on": true }))?;
                anna.push_where(|frame| frame["t"] == "typing").await?;
            }
            Ok(())
        };
        counts.typing = counter.count(FEW, typing).await?;
        step.at("state and pings");
        counts.state = counter.count(TIMES, self.tell("state", json!({ "active": true }))).await?;
        let cursors = json!({ "cursors": { &self.room: self.rev } });
        counts.ping = counter.count(TIMES, self.tell("ping", cursors)).await?;
        anna.close().await
    }

    /// Says something that nobody answers, again and again.
    async fn tell(&self, action: &str, d: Value) -> Result<()> {
        for _ in 0..TIMES {
            self.bora().tell(action, &d)?;
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn come_and_go(&self, counts: &mut Counts, step: &Step) -> Result<()> {
        step.at("openings");
        let (anna, _) = self.anna.connect(json!({})).await?;
        let mut doors = Vec::new();
        for _ in 0..TIMES {
            doors.push(self.door().await?);
        }
        let opening = async {
            for door in &doors {
                enter(door).await?.close().await?;
            }
            Ok(())
        };
        counts.opening = self.counter.count(TIMES, opening).await?;
        anna.close().await?;
        self.counter.settled().await?;
        step.at("who comes and goes");
        let mut whole = Counted::default();
        for _ in 0..FEW {
            let door = self.door().await?;
            self.stack.age_presence(STAY).await?;
            // Only who was there a moment ago is told.
            for friend in &self.friends {
                friend.drain();
                friend.tell("state", &json!({ "active": true }))?;
            }
            let counted = self.counter.count(1, async {
                let anna = enter(&door).await?;
                self.told(true).await?;
                self.stack.age_presence(STAY).await?;
                anna.close().await?;
                self.told(false).await
            });
            whole = whole + counted.await?;
        }
        // The last step of the counter is one of its own.
        let own = self.counter.count(1, self.stack.age_presence(STAY)).await?;
        counts.presence = whole * f64::from(FEW).recip() - own - counts.opening;
        Ok(())
    }

    /// Waits until all friends are told that Anna came or went.
    async fn told(&self, online: bool) -> Result<()> {
        let is_told = |frame: &Value| {
            let people = frame["d"]["people"].as_array();
            let is_her = |person: &Value| person["user_id"] == self.anna.id && person["online"] == online;
            frame["t"] == "presence.changed" && people.is_some_and(|people| people.iter().any(is_her))
        };
        try_join_all(self.friends.iter().map(|friend| friend.push_where(is_told))).await?;
        Ok(())
    }

    /// A URL that opens a connection of Anna's.
    async fn door(&self) -> Result<String> {
        let (url, ticket) = self.anna.ticket().await?;
        Ok(with_ticket(&url, &ticket))
    }

    async fn notify(&mut self, counts: &mut Counts, step: &Step) -> Result<()> {
        step.at("notifications");
        let (anna, _) = self.anna.connect(json!({})).await?;
        let chul = Person::enter(&self.api, "chul", PASSWORD).await?;
        let room = room_name(self.anna.room_with(chul.id).await?);
        // The first one meets functions that have not started.
        send(&anna, &room).await?;
        let token = phone(&chul).await?;
        let notified = async {
            for _ in 0..FEW {
                sleep(BURST).await;
                let before = self.stack.providers().records(0).len();
                send(&anna, &room).await?;
                timeout(PATIENCE, self.rings(&token, before)).await.context("nobody was notified")?;
            }
            Ok(())
        };
        counts.notified = self.counter.count(FEW, notified).await? - (counts.send - counts.listener);
        let (reader, _) = chul.connect(json!({})).await?;
        // What the phone shows is taken back.
        let (seq, _) = send(&anna, &room).await?;
        reader.ask("read", json!({ "room": room, "seq": seq })).await?;
        let read = async {
            for _ in 0..TIMES {
                let (seq, _) = send(&anna, &room).await?;
                reader.tell("read", &json!({ "room": room, "seq": seq }))?;
                anna.push_where(|frame| frame["d"]["read_seq"] == seq).await?;
            }
            Ok(())
        };
        counts.looked_at = self.counter.count(TIMES, read).await? - counts.send - counts.read;
        reader.close().await
    }

    /// Waits until a device is notified that was not before so many records.
    async fn rings(&self, token: &str, before: usize) {
        while !self.stack.providers().records(before).iter().any(|it| it.target == token && it.is_taken()) {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Opens a connection and says hello.
async fn enter(door: &str) -> Result<Socket> {
    let socket = Socket::connect(door).await?;
    let ready = socket.ask("hello", json!({ "v": 1 })).await?;
    ensure!(ready["t"] == "ready", "hello was answered {ready}");
    Ok(socket)
}

/// Sends a message, as long as most; its `seq` and its `rev`.
async fn send(from: &Socket, room: &str) -> Result<(u64, u64)> {
    let client_id = format!("{:016x}", rand::random::<u64>());
    let content = "내일 아침 아홉 시에 역 앞에서 만나요. 늦으면 먼저 가세요!";
    let answer = from.ask("send", json!({ "room": room, "client_id": client_id, "content": content })).await?;
    let number = |field: &str| answer["d"]["message"][field].as_u64();
    number("seq").zip(number("rev")).with_context(|| format!("a message was answered {answer}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::cost::SPEED,
        cost::{one_way, sent},
    };
    use stack::Options;

    #[tokio::test(flavor = "multi_thread")]
    async fn messages_and_receipts_take_what_the_bill_says() -> Result<()> {
        let mut options = Options::for_test().without_limits();
        options.limits.schedule = Some(Duration::from_hours(24));
        options.limits.queue_speed = SPEED;
        let stack = Stack::start(options).await?;
        let (step, mut counts) = (Progress::silent().step("counting"), Counts::default());
        let mut scene = Scene::open(&stack, &step).await?;
        scene.write(&mut counts, &step).await?;
        drop(scene);
        stack.stop().await;

        let (one, two) = (sent(1.0), sent(2.0));
        let told = one_way(1.0);
        for (name, counted, frames, invocations, gigabytes) in [
            ("a message", counts.send, one.frames, one.invocations, one.gigabytes_out),
            ("a listener", counts.listener, two.frames - one.frames, 0.0, two.gigabytes_out - one.gigabytes_out),
            ("delivered", counts.delivered, told.frames, told.invocations, told.gigabytes_out),
            ("read", counts.read, told.frames, told.invocations, told.gigabytes_out),
        ] {
            let is_about = |counted: f64, said: f64, share: f64| (counted - said).abs() <= said * share + 1e-9;
            assert!(is_about(counted.frames_in + counted.frames_out, frames, 0.0), "{name}: {counted:?}");
            // Beside them it is looked whether somebody is to be notified, once for several messages.
            assert!((counted.invocations - invocations).abs() < 0.5, "{name}: {counted:?}");
            assert!(is_about(counted.gigabytes, gigabytes, 0.15), "{name}: {counted:?}, not {gigabytes}");
        }
        Ok(())
    }
}
