//! `cargo local bench search`: how fast messages are found among many, whether all of them are, and what that costs.

mod corpus;
mod queries;
mod report;
mod store;
mod words;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use client::{Api, Person};
use futures_util::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use serde_json::{Value, json};
use stack::{Extent, Options, Profile, Progress, Scratch, Stack};

use self::{
    corpus::{Corpus, Said, Scope},
    queries::{Class, Query, queries},
    report::Report,
    store::{Store, Weights, place_of},
    words::Vocabulary,
};
use super::{
    figures::{count, median, percentiles},
    load,
};

/// Preparations at the same time.
const AT_ONCE: usize = 8;
const PASSWORD: &str = "looking-for-the-rabbit";

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Messages in the one large room
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(100..=2_000_000))]
    one_room: u32,
    /// Messages in all other rooms together
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..=5_000_000))]
    others: u32,
    /// How many other rooms there are; all are searched at once
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=500))]
    rooms: u32,
    /// Queries of each class
    #[arg(long, default_value_t = 22, value_parser = clap::value_parser!(u32).range(1..))]
    queries: u32,
    /// How often every query is asked; its median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Up to how many pages of 100 are compared with what reading all messages finds
    #[arg(long, default_value_t = 10)]
    pages: u32,
    /// Senders into the large room at once
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=200))]
    senders: u32,
    /// How long they send in each round, in seconds, in turn with and without the index of grams; 0 leaves that out
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Let the index grow with the messages in the order of their times, as in life, instead of building it at once
    #[arg(long)]
    grown: bool,
    /// Seed of words, messages and queries
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Measure the debug build, which tells nothing about a deployment
    #[arg(long)]
    debug: bool,
}

/// Somebody who searches: in one room, or in all of theirs.
struct Searcher {
    person: Person,
    rooms: Vec<i64>,
    scope: Scope,
}

/// How fast messages were sent; times in milliseconds.
struct Sends {
    percentiles: [f64; 3],
    per_second: f64,
}

/// How a query went.
struct Outcome {
    class: Class,
    scope: Scope,
    /// Of the first page, in milliseconds.
    time: f64,
    /// How many matches there are, as far as the pages reach.
    expected: usize,
    /// How many of them were found.
    found: usize,
    /// How many more were found that do not match.
    wrong: usize,
    /// How many first pages said that the time was up.
    incomplete: usize,
}

pub(super) async fn run(args: &Args, progress: &Progress) -> Result<()> {
    let profile = if args.debug { Profile::Dev } else { Profile::Release };
    let binaries = stack::build(profile, Extent::Binaries, progress).await?;
    let before = load();
    let scratch = Scratch::new()?;
    let stack = Stack::start(Options::for_command(&scratch, binaries, progress)).await?;
    let measured = measure(args, &stack, progress).await;
    stack.stop().await;
    let report = measured?;
    let cores = std::thread::available_parallelism()?;
    let profile = if args.debug { "debug" } else { "release" };
    println!("\n{cores} cores, {profile} build; load average {before} at the start, {} at the end\n{report}", load());
    ensure!(report.is_right(), "a search missed something or found too much");
    Ok(())
}

async fn measure(args: &Args, stack: &Stack, progress: &Progress) -> Result<Report> {
    let [one_room, others, rooms] = [args.one_room, args.others, args.rooms].map(|number| number as usize);
    let step = progress.step("rooms");
    let api = Api::new(&stack.urls().http);
    let searchers = [
        Searcher::with_rooms(&api, "one", 1, Scope::OneRoom).await?,
        Searcher::with_rooms(&api, "others", rooms, Scope::Others).await?,
    ];
    step.done(&format!("{rooms} rooms, and one"));

    let step = progress.step("messages are made up");
    let words = Vocabulary::new(args.seed);
    let corpus = Corpus::new(&words, one_room, others, rooms, args.seed);
    step.done(&format!("{} messages", corpus.messages.len()));

    let step = progress.step("messages are written");
    let store = Store::connect(stack.mongo_url()).await?;
    let all: Vec<i64> = searchers.iter().flat_map(|searcher| searcher.rooms.clone()).collect();
    let weights = store.fill(&corpus, &all, args.grown, &step).await?;
    step.done("messages are written");

    let queries = queries(&words, args.queries as usize, args.seed);
    let mut outcomes = Vec::new();
    for searcher in &searchers {
        let step = progress.step(searcher.scope.name());
        for (at, query) in queries.iter().enumerate() {
            step.at(&format!("{at} of {} queries", queries.len()));
            if searcher.scope == Scope::OneRoom || query.class != Class::OneSyllable {
                outcomes.push(searcher.ask(query, &corpus, args).await?);
            }
        }
        step.done(searcher.scope.name());
    }
    let sends = send(args, &store, &searchers[0], &corpus, progress).await?;
    Ok(Report { outcomes, weights, sends, senders: args.senders })
}

/// What senders get through without the index of grams and with it, the median of the rounds.
async fn send(
    args: &Args,
    store: &Store,
    searcher: &Searcher,
    corpus: &Corpus,
    progress: &Progress,
) -> Result<Option<[Sends; 2]>> {
    const ROUNDS: usize = 3;
    if args.seconds == 0 {
        return Ok(None);
    }
    let (step, index) = (progress.step(&format!("{} senders in one room", args.senders)), store.index().await?);
    let mut rounds = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        // The first to be measured changes from round to round; the first round warms up.
        for turn in 0..2 {
            let with_index = (turn + round) % 2 == 1;
            step.at(if with_index { "making the index" } else { "dropping the index" });
            store.set_index(&index, with_index).await?;
            step.at(&format!("round {round} of {ROUNDS}"));
            let time = Duration::from_secs(if round == 0 { 1 } else { args.seconds });
            let sends = searcher.send(&corpus.messages, args.senders, time).await?;
            if round > 0 {
                rounds[usize::from(with_index)].push(sends);
            }
        }
    }
    step.done(&format!("{} senders in one room", args.senders));
    Ok(Some(rounds.map(|rounds| Sends {
        percentiles: [0, 1, 2].map(|at| median(rounds.iter().map(|sends| sends.percentiles[at]))),
        per_second: median(rounds.iter().map(|sends| sends.per_second)),
    })))
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Self::OneRoom => "searches in one room",
            Self::Others => "searches over all other rooms",
        }
    }
}

impl Searcher {
    async fn with_rooms(api: &Api, name: &str, rooms: usize, scope: Scope) -> Result<Self> {
        let person = Person::enter(api, name, PASSWORD).await?;
        let make = async |at| person.make_group(&format!("{name} {at}"), &[]).await;
        let rooms = stream::iter(0..rooms).map(make).buffered(AT_ONCE).try_collect().await?;
        Ok(Self { person, rooms, scope })
    }

    /// Asks for the first page again and again, then once for as many pages as are compared.
    async fn ask(&self, query: &Query, corpus: &Corpus, args: &Args) -> Result<Outcome> {
        let (mut times, mut incomplete) = (Vec::new(), 0);
        for _ in 0..args.rounds {
            let begun = Instant::now();
            let page = self.page(query, 30, None).await?;
            times.push(begun.elapsed().as_secs_f64() * 1_000.0);
            incomplete += usize::from(page["incomplete"] == true);
        }
        let (mut places, mut cursor) = (Vec::new(), None);
        for _ in 0..args.pages {
            let page = self.page(query, 100, cursor.as_deref()).await?;
            for item in page["items"].as_array().context("a page has items")? {
                let id = item["message"]["id"].as_str().context("a message has an id")?;
                places.push(place_of(id).context("a message is one of ours")?);
            }
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        ensure!(places.is_sorted_by(|newer, older| newer > older), "{query:?} was not answered newest first");
        let mut expected = corpus.found(query, self.scope);
        let all: std::collections::BTreeSet<usize> = expected.iter().copied().collect();
        if cursor.is_some() {
            // There may be more behind the last page.
            let last = places.last().copied().unwrap_or(usize::MAX);
            expected.retain(|at| *at >= last);
        }
        let found = places.iter().filter(|at| all.contains(at)).count();
        let time = median(times.into_iter());
        let (class, scope, wrong) = (query.class, self.scope, places.len() - found);
        Ok(Outcome { class, scope, time, expected: expected.len(), found, wrong, incomplete })
    }

    /// Sends these texts to the first room for this long, as many at once.
    async fn send(&self, texts: &[Said], senders: u32, time: Duration) -> Result<Sends> {
        let (begun, next) = (Instant::now(), AtomicUsize::new(0));
        let send = async |_| {
            let mut times = Vec::new();
            while begun.elapsed() < time {
                let said = &texts[next.fetch_add(1, Ordering::Relaxed) % texts.len()];
                let message = json!({ "room_id": self.rooms[0], "room_type": "group", "content": &*said.text });
                let asked = Instant::now();
                self.person.api.post("/messages", &message).await?.expect(&[201])?;
                times.push(asked.elapsed());
            }
            Ok::<_, anyhow::Error>(times)
        };
        let times = try_join_all((0..senders).map(send)).await?.concat();
        let per_second = count(times.len()) / begun.elapsed().as_secs_f64();
        Ok(Sends { percentiles: percentiles(&times)?, per_second })
    }

    async fn page(&self, query: &Query, limit: u32, cursor: Option<&str>) -> Result<Value> {
        let mut parameters = query.parameters();
        parameters.push(("limit", limit.to_string()));
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        if self.scope == Scope::OneRoom {
            parameters.push(("room_type", "group".to_owned()));
            parameters.push(("room_id", self.rooms[0].to_string()));
        }
        let request = self.person.api.request("GET".parse()?, "/messages/search").query(&parameters);
        Api::send(request).await?.expect(&[200]).with_context(|| format!("{query:?}"))
    }
}
