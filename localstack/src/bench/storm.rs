//! Many clients that lose their connections at once and come back: how long until all have caught up, and whether anything is lost.

use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use client::{
    Api, Person, Socket, message, room_name,
    rules::{Cursor, Reconnect},
};
use futures_util::{StreamExt as _, TryStreamExt as _, future::join_all, stream};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use stack::{Extent, Profile, Progress};
use tokio::time::{sleep, timeout};

use super::{allow_files, load, own_stack::OwnStack};

/// Connections of one person; at most 20 are kept.
const DEVICES: usize = 10;
/// Messages that each room gets while its clients are away or coming back.
const MISSED: usize = 5;
/// Preparations at the same time.
const AT_ONCE: usize = 16;
/// Files that a client needs: its socket and a request.
const FILES: u64 = 3;
/// How long a client waits for a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two messages of a room, and before a message is sent again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the whole storm may take.
const LONGEST: Duration = Duration::from_mins(10);
const PASSWORD: &str = "out-of-the-rabbit-hole";

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How many clients come back at once
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u16).range(20..=20_000))]
    clients: u16,
    /// Seed of the jitter
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Use a running stack, by the URL of its HTTP API; start it with `--unlimited`
    #[arg(long, value_name = "URL")]
    at: Option<String>,
    /// Measure the debug build, which tells nothing about a deployment
    #[arg(long)]
    debug: bool,
}

/// Two people who write to each other.
struct Pair {
    people: [Person; 2],
    room: i64,
}

/// One device of a person in one room.
struct Device {
    person: Person,
    room: String,
    cursor: Cursor,
    /// The messages that it has.
    held: BTreeSet<String>,
    rng: StdRng,
    socket: Option<Socket>,
    took: Took,
}

/// What the return of one device took.
#[derive(Clone, Copy, Debug, Default)]
struct Took {
    /// Tries that failed.
    failed: usize,
    syncs: usize,
    /// From the drop to the greeting.
    greeted: Duration,
    /// From the drop until nothing was missing.
    caught_up: Duration,
}

/// The numbers of a storm.
#[derive(Debug)]
struct Storm {
    devices: usize,
    people: usize,
    messages: usize,
    failed: usize,
    syncs: usize,
    greeted: [Duration; 3],
    caught_up: [Duration; 3],
    /// Messages that a device never got.
    lost: usize,
}

pub(super) async fn run(args: &Args, progress: &Progress) -> Result<()> {
    allow_files(u64::from(args.clients) * FILES)?;
    let before = load();
    let storm = if let Some(url) = &args.at {
        measure(args, url, progress).await?
    } else {
        let profile = if args.debug { Profile::Dev } else { Profile::Release };
        let binaries = stack::build(profile, Extent::Binaries, progress).await?;
        let own = OwnStack::start(&binaries, &[]).await?;
        let storm = measure(args, own.url(), progress).await;
        own.stop().await;
        storm?
    };
    println!("\nload average {before} at the start, {} at the end\n{storm}", load());
    ensure!(storm.lost == 0, "messages were lost");
    Ok(())
}

/// Drops every connection at once at a stack, and watches its clients come back.
async fn measure(args: &Args, url: &str, progress: &Progress) -> Result<Storm> {
    let number = usize::from(args.clients);
    let pairs = number.div_ceil(2 * DEVICES).max(1);
    let step = progress.step("preparing people and rooms");
    let api = Api::new(url);
    let run = format!("{:08x}", rand::random::<u32>());
    let pairs: Vec<Pair> =
        stream::iter(0..pairs).map(|number| pair(&api, &run, number)).buffered(AT_ONCE).try_collect().await?;
    step.done(&format!("{} people in {} rooms", pairs.len() * 2, pairs.len()));

    let step = progress.step("connecting");
    let devices = (0..number).map(|number| Device::new(&pairs[number / (2 * DEVICES)], number, args.seed));
    let connected = async |mut device: Device| {
        device.connect().await.context("a device could not connect")?;
        Ok::<_, anyhow::Error>(device)
    };
    let mut devices: Vec<Device> = stream::iter(devices).map(connected).buffered(AT_ONCE).try_collect().await?;
    step.done(&format!("{number} clients are connected"));

    let step = progress.step("everybody is gone, and comes back");
    let dropped = Instant::now();
    for device in &mut devices {
        device.socket = None;
    }
    let sent = join_all(pairs.iter().map(Pair::write));
    let back = join_all(devices.into_iter().map(|device| device.come_back(dropped)));
    let (sent, devices) = timeout(LONGEST, async { tokio::join!(sent, back) }).await.context("it takes too long")?;
    let sent: Vec<BTreeSet<String>> = sent.into_iter().collect::<Result<_>>()?;
    step.done("everybody is back");

    // What was pushed after the greeting arrives; what a push lost is found by the cursor, as a ping would.
    let lost = async |(number, mut device): (usize, Device)| {
        device.catch_up().await?;
        let owed = &sent[number / (2 * DEVICES)];
        Ok::<_, anyhow::Error>((device.took, owed.difference(&device.held).count()))
    };
    let devices: Vec<Device> = devices.into_iter().collect::<Result<_>>()?;
    let ends: Vec<(Took, usize)> =
        stream::iter(devices.into_iter().enumerate()).map(lost).buffered(AT_ONCE).try_collect().await?;
    let of = |value: fn(&Took) -> usize| ends.iter().map(|(took, _)| value(took)).sum();
    Ok(Storm {
        devices: number,
        people: pairs.len() * 2,
        messages: sent.iter().map(BTreeSet::len).sum(),
        failed: of(|took| took.failed),
        syncs: of(|took| took.syncs),
        greeted: percentiles(ends.iter().map(|(took, _)| took.greeted)),
        caught_up: percentiles(ends.iter().map(|(took, _)| took.caught_up)),
        lost: ends.iter().map(|(_, lost)| lost).sum(),
    })
}

async fn pair(api: &Api, run: &str, number: usize) -> Result<Pair> {
    let enter = async |side: &str| Person::enter(api, &format!("storm-{run}-{number}-{side}"), PASSWORD).await;
    let people = [enter("a").await?, enter("b").await?];
    let room = people[0].room_with(people[1].id).await?;
    Ok(Pair { people, room })
}

impl Pair {
    /// Sends while the devices are away and come back; the messages' ids.
    async fn write(&self) -> Result<BTreeSet<String>> {
        let mut sent = BTreeSet::new();
        for number in 0..MISSED {
            sent.extend(self.send(number).await?);
            sleep(PAUSE).await;
        }
        ensure!(sent.len() == MISSED, "a message has no id");
        Ok(sent)
    }

    /// Sends until it is answered, as a client does: the same `client_id` again while the outcome is unknown.
    async fn send(&self, number: usize) -> Result<Option<String>> {
        let mut body = message(self.room, "돌아왔어요?");
        body["client_id"] = format!("storm-{number}").into();
        loop {
            let answer = self.people[number % 2].api.post("/messages", &body).await?;
            if answer.status < 500 {
                let row = answer.expect(&[200, 201])?;
                return Ok(row["id"].as_str().map(str::to_owned));
            }
            sleep(PAUSE).await;
        }
    }
}

impl Device {
    fn new(pair: &Pair, number: usize, seed: u64) -> Self {
        Self {
            person: pair.people[number % 2].clone(),
            room: room_name(pair.room),
            cursor: Cursor::default(),
            held: BTreeSet::new(),
            rng: StdRng::seed_from_u64(seed.wrapping_add(number as u64)),
            socket: None,
            took: Took::default(),
        }
    }

    /// Opens a connection and hears how the room stands.
    async fn connect(&mut self) -> Result<()> {
        let (socket, ready) = timeout(PATIENCE, self.person.connect(json!({ &self.room: self.cursor.at() }))).await??;
        if ready["d"]["gaps"].as_array().is_some_and(|gaps| gaps.iter().any(|room| *room == self.room)) {
            self.cursor.hear(self.cursor.at() + 1);
        }
        self.socket = Some(socket);
        Ok(())
    }

    /// Connects by the rules of a client, and asks for what it missed.
    async fn come_back(mut self, dropped: Instant) -> Result<Self> {
        let mut reconnect = Reconnect::default();
        loop {
            reconnect.lost(dropped.elapsed(), &mut self.rng);
            while !reconnect.due(dropped.elapsed()) {
                sleep(Duration::from_millis(20)).await;
            }
            if self.connect().await.is_ok() {
                break;
            }
            self.took.failed += 1;
        }
        self.took.greeted = dropped.elapsed();
        self.take_pushes();
        while self.cursor.is_behind() {
            self.sync().await;
        }
        self.took.caught_up = dropped.elapsed();
        Ok(self)
    }

    /// Takes what was pushed since, and asks once more, whatever the pushes say.
    async fn catch_up(&mut self) -> Result<()> {
        self.take_pushes();
        self.cursor.hear(self.cursor.at() + 1);
        let until = Instant::now() + PATIENCE;
        while self.cursor.is_behind() && !self.sync().await {
            ensure!(Instant::now() < until, "a room can't be synced");
        }
        Ok(())
    }

    fn take_pushes(&mut self) {
        let mut frames = self.socket.as_ref().map(Socket::drain).unwrap_or_default();
        frames.retain(|frame| frame["room"] == *self.room);
        for frame in frames {
            if let Some(rev) = frame["rev"].as_u64() {
                self.cursor.take(rev);
                self.hold(&frame["d"]);
            }
        }
    }

    /// One page of the room's changes; whether it answered up to the head.
    async fn sync(&mut self) -> bool {
        self.took.syncs += 1;
        let d = json!({ "room": &self.room, "after_rev": self.cursor.at(), "limit": 100 });
        let Some(socket) = &self.socket else { return false };
        let page = match timeout(PATIENCE, socket.ask("sync", d)).await {
            Ok(Ok(page)) if page["t"] == "sync" => page["d"].clone(),
            _ => {
                let wait = self.rng.random_range(100..500);
                sleep(Duration::from_millis(wait)).await;
                return false;
            }
        };
        for item in page["items"].as_array().into_iter().flatten() {
            self.hold(item);
        }
        let (cursor, head) = (page["cursor"].as_u64().unwrap_or_default(), page["head"].as_u64().unwrap_or_default());
        self.cursor.take_sync(cursor, head);
        cursor >= head
    }

    fn hold(&mut self, message: &Value) {
        self.held.extend(message["id"].as_str().map(str::to_owned));
    }
}

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { devices, people, messages, failed, syncs, greeted, caught_up, lost } = self;
        writeln!(
            f,
            "{devices} clients of {people} people lost their connections at once; {messages} messages meanwhile"
        )?;
        writeln!(f, "{:<14} {:>8} {:>8} {:>8}", "seconds", "p50", "p95", "max")?;
        for (name, times) in [("greeted", greeted), ("caught up", caught_up)] {
            let [half, most, all] = times.map(|time| time.as_secs_f64());
            writeln!(f, "{name:<14} {half:>8.1} {most:>8.1} {all:>8.1}")?;
        }
        writeln!(f, "{failed} tries failed, {syncs} syncs, {lost} messages lost")
    }
}

/// The median, the 95th percentile and the longest.
fn percentiles(times: impl Iterator<Item = Duration>) -> [Duration; 3] {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    [last / 2, last * 95 / 100, last].map(|index| times.get(index).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_told_in_numbers() {
        let times = (1..=100).map(Duration::from_secs);
        let (greeted, caught_up) = (percentiles(times.clone()), percentiles(times));
        let storm = Storm { devices: 40, people: 4, messages: 10, failed: 3, syncs: 41, greeted, caught_up, lost: 0 };
        let text = storm.to_string();
        assert!(text.contains("caught up          50.0     95.0    100.0"), "{text}");
        assert!(text.ends_with("3 tries failed, 41 syncs, 0 messages lost\n"), "{text}");
    }
}
