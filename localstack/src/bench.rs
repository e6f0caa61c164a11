//! `cargo local bench`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use gateway::summarize;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use stack::{Extent, Options, Profile, Progress, Scratch, Source, Stack};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::interrupt::{INTERRUPTED, Interrupt};

/// Measures a stack of its own, built as it is deployed: messages per second into one room, and each function's init and
/// invocations as the gateway sees them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many senders at once; one measurement each
    #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
    senders: Vec<usize>,
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many logins fail for each reason: an unknown address, and a wrong password
    #[arg(long, default_value_t = 200)]
    logins: usize,
    /// Measure the debug build, which is no measure of anything deployed
    #[arg(long)]
    debug: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let progress = Progress::detect();
    let mut interrupt = Interrupt::listen()?;
    tokio::select! {
        measured = measure(&args, &progress) => measured.map(|()| ExitCode::SUCCESS),
        () = interrupt.asked() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

async fn measure(args: &Args, progress: &Progress) -> Result<()> {
    let profile = if args.debug { Profile::Dev } else { Profile::Release };
    let binaries = stack::build(profile, Extent::Binaries, progress).await?;
    let scratch = Scratch::new()?;
    let mut options = Options::new(Source::Own(scratch.path().join("databases"))).without_limits();
    options.binaries = Some(binaries);
    options.progress = progress.clone();
    let stack = Stack::start(options).await?;
    let measured = measure_stack(args, &stack, progress).await;
    stack.stop().await;
    measured
}

async fn measure_stack(args: &Args, stack: &Stack, progress: &Progress) -> Result<()> {
    let house = House::open(stack).await?;
    house.touch_every_route().await?;
    for senders in &args.senders {
        let step = progress.step(&format!("{senders} senders into one room for {} s", args.seconds));
        let mut latencies = house.send_for(*senders, Duration::from_secs(args.seconds)).await?;
        latencies.sort_unstable();
        let rate = latencies.len() as u64 / args.seconds;
        let at = |part: usize| latencies[(latencies.len() - 1) * part / 100].as_millis();
        step.done(&format!("{senders:>3} senders: {rate:>5} messages/s, p50 {} ms, p99 {} ms", at(50), at(99)));
    }
    house.compare_failed_logins(args.logins, progress).await?;
    progress.say("\nEach function, in ms as p50/p99 (init includes starting the process):");
    for (function, summary) in summarize(&stack.gateway().records()) {
        progress.say(&format!("  {function:<14} {summary}"));
    }
    Ok(())
}

/// Two people with a room, over HTTP.
struct House {
    http: Client,
    url: String,
    tokens: [String; 2],
    room: i64,
}

impl House {
    async fn open(stack: &Stack) -> Result<Self> {
        let mut house =
            Self { http: Client::new(), url: stack.urls().http.clone(), tokens: <[String; 2]>::default(), room: 0 };
        let mut ids = [0; 2];
        for (i, name) in ["anna", "bora"].into_iter().enumerate() {
            let (email, password) = (format!("{name}@example.com"), "down-the-rabbit-hole");
            let account = json!({ "email": email, "username": name, "password": password });
            let account = house.call(Method::POST, "/auth/register", i, Some(account)).await?;
            ids[i] = account["id"].as_i64().context("an account has an id")?;
            let login = json!({ "email": email, "password": password });
            let tokens = house.call(Method::POST, "/auth/login", i, Some(login)).await?;
            tokens["access_token"].as_str().unwrap_or_default().clone_into(&mut house.tokens[i]);
        }
        let room = house.call(Method::POST, "/chat-rooms", 0, Some(json!({ "participant_id": ids[1] }))).await?;
        house.room = room["id"].as_i64().context("a room has an id")?;
        Ok(house)
    }

    async fn call(&self, method: Method, path: &str, who: usize, body: Option<Value>) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.tokens[who]);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    async fn send(&self, who: usize) -> Result<Value> {
        let message = json!({ "room_id": self.room, "room_type": "private", "content": "안녕하세요" });
        self.call(Method::POST, "/messages", who, Some(message)).await
    }

    /// How long logins take that fail, for either reason in turn: whoever measures must not learn who has an account.
    async fn compare_failed_logins(&self, logins: usize, progress: &Progress) -> Result<()> {
        let step = progress.step(&format!("{logins} logins with an unknown address, and with a wrong password"));
        for n in 0..logins {
            let account =
                json!({ "email": email("known", n), "username": format!("known{n}"), "password": "a right password" });
            self.call(Method::POST, "/auth/register", 0, Some(account)).await?;
        }
        let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
        for n in 0..logins {
            unknown.push(self.fail_to_log_in(&email("unknown", n)).await?);
            wrong.push(self.fail_to_log_in(&email("known", n)).await?);
        }
        let figures = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            let at = |part: usize| times.get(times.len().saturating_sub(1) * part / 100).copied().unwrap_or_default();
            let mean = times.iter().sum::<Duration>() / u32::try_from(times.len().max(1)).unwrap_or(u32::MAX);
            format!("mean {mean:.1?}, p10 {:.1?}, p50 {:.1?}, p90 {:.1?}", at(10), at(50), at(90))
        };
        step.done(&format!("unknown address: {}\n    wrong password: {}", figures(&mut unknown), figures(&mut wrong)));
        Ok(())
    }

    async fn fail_to_log_in(&self, email: &str) -> Result<Duration> {
        let login = json!({ "email": email, "password": "a wrong password" });
        let begun = Instant::now();
        let answer = self.http.post(format!("{}/auth/login", self.url)).json(&login).send().await?;
        ensure!(answer.status() == 401, "a login that must fail answered {}", answer.status());
        answer.bytes().await?;
        Ok(begun.elapsed())
    }

    /// Some warm invocations of what the senders don't use.
    async fn touch_every_route(&self) -> Result<()> {
        for _ in 0..20 {
            let room = self.room;
            self.send(0).await?;
            self.call(Method::GET, &format!("/messages/{room}"), 1, None).await?;
            self.call(Method::GET, &format!("/messages/sync?room_id={room}&after_rev=0"), 1, None).await?;
            self.call(Method::GET, &format!("/chat-rooms/{room}"), 1, None).await?;
            self.call(Method::GET, "/chat-rooms", 1, None).await?;
            self.call(Method::GET, "/messages/unread", 1, None).await?;
            self.call(Method::GET, "/users/me", 1, None).await?;
            self.call(Method::GET, "/users/search?q=an", 1, None).await?;
            self.call(Method::GET, "/friends", 1, None).await?;
            self.call(Method::GET, "/blocks", 1, None).await?;
            self.call(Method::GET, "/health", 0, None).await?;
            self.call(Method::GET, "/health/ready", 0, None).await?;
            self.call(Method::GET, "/openapi.json", 0, None).await?;
            let ticket = self.call(Method::POST, "/auth/ticket", 0, None).await?;
            self.visit(&ticket).await?;
        }
        Ok(())
    }

    /// A socket that says hello and goes.
    async fn visit(&self, ticket: &Value) -> Result<()> {
        let (url, ticket) = (ticket["url"].as_str(), ticket["ticket"].as_str());
        let url = format!("{}?ticket={}", url.context("a url")?, ticket.context("a ticket")?);
        let (mut socket, _) = connect_async(url).await?;
        socket.send(Message::text(r#"{"action":"hello","d":{"v":1}}"#)).await?;
        socket.next().await.context("no answer to hello")??;
        Ok(socket.close(None).await?)
    }

    /// How long each message took, of senders that each send one after the other.
    async fn send_for(&self, senders: usize, time: Duration) -> Result<Vec<Duration>> {
        let end = Instant::now() + time;
        let sender = async |who: usize| {
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                self.send(who % 2).await?;
                latencies.push(begun.elapsed());
            }
            Ok::<_, anyhow::Error>(latencies)
        };
        Ok(try_join_all((0..senders).map(sender)).await?.concat())
    }
}

fn email(kind: &str, n: usize) -> String {
    format!("{kind}{n}@example.com")
}
