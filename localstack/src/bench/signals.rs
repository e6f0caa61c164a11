//! `cargo local bench signals`: greetings, who is online, unread totals and notifications, each with many people.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use client::{Api, Person, Socket, group_name, room_name};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use gateway::QueueRules;
use serde_json::{Value, json};
use stack::{Extent, Options, Profile, Progress, Scratch, Stack, Step};
use tokio::time::sleep;

use super::{BURST, allow_files, figures::percentiles, load, phone};

/// Preparations at the same time.
const AT_ONCE: usize = 8;
/// Files that a client needs: its socket and a request.
const FILES: u64 = 3;
/// The rooms of who says hello.
const ROOMS: usize = 50;
/// Their friends.
const FRIENDS: usize = 500;
/// The rooms of who asks what is unread in all.
const UNREAD_ROOMS: usize = 100;
/// People who are looked at together, and the friends of each among them.
const LOOKED_AT: usize = 100;
const FRIENDS_OF_EACH: usize = 50;
/// How often people come and go.
const ROUNDS: usize = 5;
/// How long something may take.
const PATIENCE: Duration = Duration::from_mins(1);
const PASSWORD: &str = "down-the-rabbit-hole";

/// A job of the function that looks who is online.
const JOB: &str = include_str!("../../events/watch-presence.json");

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// People, all of whom are in one room
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(700..=1_000))]
    people: u16,
    /// Of these have no connection, but a device
    #[arg(long, default_value_t = 700)]
    away: u16,
    /// How often each is measured that one person does
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    times: u16,
    /// Measure the debug build, which tells nothing about a deployment
    #[arg(long)]
    debug: bool,
}

/// What was measured, and what it should be.
struct Row {
    name: String,
    times: Vec<Duration>,
    aim: &'static str,
}

/// People at a stack, some of them with a connection.
struct Town<'s> {
    stack: &'s Stack,
    people: Vec<Person>,
    here: Vec<Socket>,
    times: usize,
    rows: Vec<Row>,
}

pub(super) async fn run(args: &Args, progress: &Progress) -> Result<()> {
    ensure!(args.away < args.people, "somebody must be there");
    allow_files(FILES * u64::from(args.people))?;
    let profile = if args.debug { Profile::Dev } else { Profile::Release };
    let binaries = stack::build(profile, Extent::Binaries, progress).await?;
    let before = load();
    let scratch = Scratch::new()?;
    let stack = Stack::start(Options::for_command(&scratch, binaries, progress)).await?;
    let rows = measure(args, &stack, progress).await;
    stack.stop().await;
    let rows = rows?;
    let (cores, profile) = (std::thread::available_parallelism()?, if args.debug { "debug" } else { "release" });
    println!("\n{cores} cores, {profile} build; load average {before} at the start, {} at the end", load());
    println!(
        "{} people, {} of them away\n\n{:<56} {:>6} {:>8} {:>8} {:>8}  aim",
        args.people, args.away, "ms", "times", "p50", "p95", "p99"
    );
    for Row { name, times, aim } in &rows {
        let [p50, p95, p99] = percentiles(times)?;
        println!("{name:<56} {:>6} {p50:>8.1} {p95:>8.1} {p99:>8.1}  {aim}", times.len());
    }
    println!("\nencryptions of Web Push: `cargo run --release -p push --example encryptions`");
    Ok(())
}

async fn measure(args: &Args, stack: &Stack, progress: &Progress) -> Result<Vec<Row>> {
    let mut town = Town::settle(args, stack, progress).await?;
    let step = progress.step("hello");
    town.greetings(&step).await?;
    step.done("hello");
    let step = progress.step("unread messages of all rooms");
    town.totals().await?;
    step.done("unread messages of all rooms");
    let step = progress.step("who comes and goes");
    town.comings_and_goings().await?;
    step.done("who comes and goes");
    let step = progress.step("notifications");
    town.notifications(usize::from(args.away), &step).await?;
    step.done("notifications");
    Ok(town.rows)
}

impl<'s> Town<'s> {
    async fn settle(args: &Args, stack: &'s Stack, progress: &Progress) -> Result<Self> {
        let (api, number) = (Api::new(&stack.urls().http), usize::from(args.people));
        let step = progress.step(&format!("{number} people"));
        let enter = async |at: usize| {
            step.at(&format!("{at} of {number} people"));
            Person::enter(&api, &format!("citizen{at}"), PASSWORD).await
        };
        let people: Vec<Person> = stream::iter(0..number).map(enter).buffered(AT_ONCE).try_collect().await?;
        let here = &people[1..number - usize::from(args.away)];
        let open = async |person: &Person| Ok::<_, anyhow::Error>(person.connect(json!({})).await?.0);
        let here = stream::iter(here).map(open).buffered(AT_ONCE).try_collect().await?;
        step.done(&format!("{number} people"));
        Ok(Self { stack, people, here, times: usize::from(args.times), rows: Vec::new() })
    }

    /// Whoever is measured.
    fn host(&self) -> &Person {
        &self.people[0]
    }

    fn note(&mut self, name: impl Into<String>, times: Vec<Duration>, aim: &'static str) {
        self.rows.push(Row { name: name.into(), times, aim });
    }

    async fn greetings(&mut self, step: &stack::Step) -> Result<()> {
        let online = async || Ok::<_, anyhow::Error>(self.hello().await?.1["d"]["presence"]["online"].clone());
        step.at("rooms");
        for other in &self.people[1..=ROOMS] {
            self.host().room_with(other.id).await?;
        }
        let alone = self.hellos().await?;
        step.at("friends");
        let befriend = |friend| self.host().befriend(friend);
        let befriended = stream::iter(&self.people[1..=FRIENDS]).map(befriend).buffer_unordered(AT_ONCE);
        befriended.try_collect::<Vec<()>>().await?;
        let (until, there) = (Instant::now() + PATIENCE, self.here.len().min(FRIENDS));
        while online().await?.as_array().map_or(0, Vec::len) < there && Instant::now() < until {
            sleep(Duration::from_secs(1)).await;
        }
        step.at("hello");
        let with_presence = self.hellos().await?;
        self.show_presence("nobody").await?;
        let hidden = self.hellos().await?;
        self.show_presence("friends").await?;
        self.note(format!("hello, {ROOMS} rooms"), alone, "");
        self.note(format!("hello, {ROOMS} rooms, {FRIENDS} friends, presence off"), hidden, "");
        let name = format!("hello, {ROOMS} rooms, {FRIENDS} friends, {there} online");
        self.note(name, with_presence, "at most 1 ms more");
        Ok(())
    }

    async fn show_presence(&self, to: &str) -> Result<()> {
        let setting = json!({ "presence_visibility": to });
        self.host().api.put("/users/me", &setting).await?.expect(&[200]).map(drop)
    }

    async fn hellos(&self) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        for number in 0..=self.times {
            let (time, _) = self.hello().await?;
            // The first one meets functions that have not started.
            times.extend((number > 0).then_some(time));
        }
        Ok(times)
    }

    /// How long one hello takes, from the frame to its answer.
    async fn hello(&self) -> Result<(Duration, Value)> {
        let (url, ticket) = self.host().ticket().await?;
        let socket = Socket::connect(&client::with_ticket(&url, &ticket)).await?;
        let begun = Instant::now();
        let ready = socket.ask("hello", json!({ "v": 1, "cursors": {} })).await?;
        let time = begun.elapsed();
        ensure!(ready["t"] == "ready", "hello was answered {ready}");
        socket.close().await?;
        Ok((time, ready))
    }

    async fn totals(&mut self) -> Result<()> {
        for other in &self.people[1..=UNREAD_ROOMS] {
            let room = self.host().room_with(other.id).await?;
            other.send(room, "언제 와?").await?.expect(&[201])?;
        }
        // A majority knows the last one a moment later.
        sleep(Duration::from_secs(1)).await;
        let mut times = Vec::new();
        for number in 0..=self.times {
            let begun = Instant::now();
            let total = self.host().api.get("/messages/unread/total").await?.expect(&[200])?;
            times.extend((number > 0).then_some(begun.elapsed()));
            ensure!(total["rooms"] == UNREAD_ROOMS, "{total}");
        }
        self.note(format!("unread messages of {UNREAD_ROOMS} rooms"), times, "at most 5 ms");
        Ok(())
    }

    async fn notifications(&mut self, away: usize, step: &Step) -> Result<()> {
        let (sender, _) = self.host().connect(json!({})).await?;
        let away = &self.people[self.people.len() - away..];
        let devices = stream::iter(away).map(phone).buffer_unordered(AT_ONCE);
        let devices = devices.try_collect::<Vec<String>>().await?.len();
        stream::iter(away).map(hears_all).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        let last = self.people.last().context("somebody is away")?;
        let room = room_name(self.host().room_with(last.id).await?);
        let mut alone = Vec::new();
        for number in 0..=self.times {
            step.at(&format!("one device, {number} of {}", self.times));
            let time = self.notified(&sender, &room, 1).await?;
            alone.extend((number > 0).then_some(time));
        }
        let room = self.everybodys_room().await?;
        let mut together = Vec::new();
        for round in 1..=ROUNDS {
            step.at(&format!("{devices} devices, {round} of {ROUNDS}"));
            together.push(self.notified(&sender, &room, devices).await?);
        }
        sender.close().await?;
        self.note("send to the push service's record, one device", alone, "p95 at most 400 ms");
        let name = format!("the same to a room of {}, {devices} devices", self.people.len());
        self.note(name, together, "at most 3 s");
        Ok(())
    }

    /// How long a message takes until so many devices were told of it.
    async fn notified(&self, sender: &Socket, room: &str, devices: usize) -> Result<Duration> {
        sleep(BURST).await;
        let before = self.stack.providers().records(0).len();
        let begun = Instant::now();
        let body = json!({ "room": room, "client_id": format!("{:016x}", rand::random::<u64>()), "content": "모여라" });
        let answer = sender.ask("send", body).await?;
        ensure!(answer["t"] == "ack", "a message was answered {answer}");
        loop {
            // What asks for a token of the service is no notification.
            let told = |record: &&providers::Record| record.is_taken() && record.provider == "fcm";
            if self.stack.providers().records(before).iter().filter(told).count() >= devices {
                return Ok(begun.elapsed());
            }
            ensure!(begun.elapsed() < PATIENCE, "not all devices were told of a message");
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// A public group with everybody in it.
    async fn everybodys_room(&self) -> Result<String> {
        let group = json!({ "name": "everybody", "is_private": false, "max_members": self.people.len() });
        let answer = self.host().api.post("/group-rooms", &group).await?.expect(&[201])?;
        let room = answer["id"].as_i64().context("a room has an id")?;
        let path = format!("/group-rooms/{room}/join");
        let join = async |person: &Person| person.api.post(&path, &Value::Null).await?.expect(&[200]).map(drop);
        stream::iter(&self.people[1..]).map(join).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        Ok(group_name(room))
    }

    /// People who are friends of each other come and go all at once.
    async fn comings_and_goings(&mut self) -> Result<()> {
        // None of those who are friends of the host.
        let citizens = self.people.get(FRIENDS + 1..=FRIENDS + LOOKED_AT).context("there are enough people")?;
        let pairs = (0..LOOKED_AT)
            .flat_map(|at| (1..=FRIENDS_OF_EACH / 2).map(move |next| (at, (at + next) % LOOKED_AT)))
            .map(|(one, other)| citizens[one].befriend(&citizens[other]));
        stream::iter(pairs).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        // Nobody looks at them but who is measured.
        self.stack.gateway().faults().queues(QueueRules { drop: 1.0, ..QueueRules::default() });
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let open = async |person: &Person| Ok::<_, anyhow::Error>(person.connect(json!({})).await?.0);
            let sockets: Vec<Socket> = stream::iter(citizens).map(open).buffered(AT_ONCE).try_collect().await?;
            let coming = self.looked_at(citizens).await?;
            stream::iter(sockets).map(Socket::close).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
            // The functions that forget the connections come after the close.
            sleep(Duration::from_secs(2)).await;
            let going = self.looked_at(citizens).await?;
            if round > 0 {
                came.push(coming);
                went.push(going);
            }
        }
        self.stack.gateway().faults().clear();
        self.note(format!("{LOOKED_AT} people with {FRIENDS_OF_EACH} friends each come"), came, "at most 60 ms");
        self.note("the same go", went, "at most 60 ms");
        Ok(())
    }

    /// How long it takes to see who of some people is online, and to tell their friends.
    async fn looked_at(&self, people: &[Person]) -> Result<Duration> {
        let users: Vec<i64> = people.iter().map(|person| person.id).collect();
        let mut event: Value = serde_json::from_str(JOB)?;
        event["Records"][0]["body"] = json!({ "v": 1, "users": users, "again": 1 }).to_string().into();
        let begun = Instant::now();
        self.stack.gateway().invoke("watch-presence", event).await?;
        Ok(begun.elapsed())
    }
}

/// Asks for notifications of all messages, in rooms of any size.
async fn hears_all(person: &Person) -> Result<()> {
    let settings = json!({
        "level": "all", "large_room_level": "all", "preview": "full", "friend_requests": true, "wide": true,
        "paused_until": null, "quiet": null,
    });
    person.api.put("/notifications/settings", &settings).await?.expect(&[200]).map(drop)
}
