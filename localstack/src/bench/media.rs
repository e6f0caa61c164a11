//! `cargo local bench media`: files from a client's disk to the other client's screen.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use client::{Api, File, Person, file_message, message};
use futures_util::future::try_join_all;
use serde_json::json;
use stack::{Extent, Options, Profile, Progress, Scratch, Stack, Step};

use super::{figures::percentiles, load};

const PASSWORD: &str = "down-the-rabbit-hole";
/// Bytes of what people upload.
const SIZE: usize = 5_000_000;
/// People who upload at the same time.
const AT_ONCE: usize = 20;
/// Links of one request.
const LINKS: usize = 50;
/// Files of one message.
const FILES: usize = 10;
/// As many as there may be that nothing has attached, which are three for each time.
const MOST_OPEN: &str = "1000";
/// As many bytes of one person as they upload, and more.
const MOST_STORED: &str = "10000000000";

/// A picture of a few kilobytes; what follows its end makes it larger, and is cut off.
const PHOTO: &[u8] = include_bytes!("../../../shared/media/fixtures/progressive.jpg");

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each is measured that one person does
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=300))]
    times: u16,
    /// Measure the debug build, which tells nothing about a deployment
    #[arg(long)]
    debug: bool,
}

/// What was measured, and what it should be.
struct Row {
    name: &'static str,
    times: Vec<Duration>,
    aim: &'static str,
}

pub(super) async fn run(args: &Args, progress: &Progress) -> Result<()> {
    let profile = if args.debug { Profile::Dev } else { Profile::Release };
    let binaries = stack::build(profile, Extent::Binaries, progress).await?;
    let before = load();
    let scratch = Scratch::new()?;
    let mut options = Options::for_command(&scratch, binaries, progress);
    for (name, value) in [("MAX_OPEN_UPLOADS", MOST_OPEN), ("MAX_STORED_BYTES", MOST_STORED)] {
        options.environment.insert(name.to_owned(), value.to_owned());
    }
    let stack = Stack::start(options).await?;
    let rows = measure(&stack, usize::from(args.times), progress).await;
    stack.stop().await;
    let (cores, profile) = (std::thread::available_parallelism()?, if args.debug { "debug" } else { "release" });
    println!("\n{cores} cores, {profile} build; load average {before} at the start, {} at the end\n", load());
    println!("{:<52} {:>6} {:>8} {:>8} {:>8}  aim", "ms", "times", "p50", "p95", "p99");
    for Row { name, times, aim } in rows? {
        let [p50, p95, p99] = percentiles(&times)?;
        println!("{name:<52} {:>6} {p50:>8.1} {p95:>8.1} {p99:>8.1}  {aim}", times.len());
    }
    println!("\ninspection alone: `cargo run --release -p media --example inspections`");
    Ok(())
}

async fn measure(stack: &Stack, times: usize, progress: &Progress) -> Result<Vec<Row>> {
    let step = progress.step("files");
    let api = Api::new(&stack.urls().http);
    let person = Person::enter(&api, "sender", PASSWORD).await?;
    let room = person.room_with(Person::enter(&api, "reader", PASSWORD).await?.id).await?;
    let mut rows = Vec::new();
    let large = padded(b"");
    let file = File { kind: "file", name: "backup.bin", media_type: "application/octet-stream", bytes: &large };
    rows.push(Row {
        name: "5 MB file, until ready",
        times: uploads(&person, &file, times, &step).await?,
        aim: "350/700",
    });
    let large = padded(PHOTO);
    let photo = File { kind: "image", name: "사진.jpg", media_type: "image/jpeg", bytes: &large };
    let name = "5 MB of a small picture, until ready";
    rows.push(Row { name, times: uploads(&person, &photo, times, &step).await?, aim: "350/700" });
    step.at("everybody at once");
    rows.push(Row {
        name: "20 people, 5 MB each at once, until ready",
        times: crowd(&api, &file).await?,
        aim: "p95 6000",
    });
    step.at("messages");
    let small = File { bytes: b"a few bytes", ..file };
    let [with, without] = sends(&person, room, &small, times).await?;
    rows.push(Row { name: "message without a file", times: without, aim: "" });
    rows.push(Row { name: "message with a file", times: with, aim: "at most 1.5 more" });
    step.at("links");
    rows.push(Row { name: "links of 50 files", times: links(&person, room, &small, times).await?, aim: "p50 10" });
    step.done("files");
    Ok(rows)
}

/// Bytes that begin with these.
fn padded(beginning: &[u8]) -> Vec<u8> {
    beginning
        .iter()
        .copied()
        .chain((0..).map(|n: u32| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]))
        .take(SIZE)
        .collect()
}

/// From asking for an upload to hearing that it is ready.
async fn uploads(person: &Person, file: &File<'_>, times: usize, step: &Step) -> Result<Vec<Duration>> {
    let mut all = Vec::new();
    // The first one meets functions that have not started.
    for number in 0..=times {
        step.at(&format!("{} {number} of {times}", file.kind));
        let (socket, _) = person.connect(json!({})).await?;
        let begun = Instant::now();
        let upload = person.api.upload(file, &format!("{} {number}", file.kind).replace(' ', "-")).await?;
        let frame = socket.push_where(|frame| frame["d"]["id"] == upload["id"]).await?;
        ensure!(frame["t"] == "upload.ready", "{frame}");
        if number > 0 {
            all.push(begun.elapsed());
        }
        socket.close().await?;
    }
    Ok(all)
}

async fn crowd(api: &Api, file: &File<'_>) -> Result<Vec<Duration>> {
    let names: Vec<_> = (0..AT_ONCE).map(|number| format!("uploader{number}")).collect();
    let mut people = Vec::new();
    for name in &names {
        people.push(Person::enter(api, name, PASSWORD).await?);
    }
    let upload = async |person: &Person| {
        let begun = Instant::now();
        person.api.upload_ready(file, "at-once").await?;
        Ok::<_, anyhow::Error>(begun.elapsed())
    };
    try_join_all(people.iter().map(upload)).await
}

/// The times of messages with a file, and of messages without, in turn.
async fn sends(person: &Person, room: i64, file: &File<'_>, times: usize) -> Result<[Vec<Duration>; 2]> {
    let mut uploads = Vec::new();
    for number in 0..=times {
        uploads.push(person.api.upload_ready(file, &format!("small-{number}")).await?);
    }
    let [mut with, mut without] = [Vec::new(), Vec::new()];
    for (number, upload) in uploads.iter().enumerate() {
        for (body, all) in
            [(file_message(room, "file", &[upload]), &mut with), (message(room, "그냥 글"), &mut without)]
        {
            let begun = Instant::now();
            person.api.post("/messages", &body).await?.expect(&[201])?;
            if number > 0 {
                all.push(begun.elapsed());
            }
        }
    }
    Ok([with, without])
}

async fn links(person: &Person, room: i64, file: &File<'_>, times: usize) -> Result<Vec<Duration>> {
    let mut items = Vec::new();
    for number in 0..LINKS / FILES {
        let mut uploads = Vec::new();
        for place in 0..FILES {
            uploads.push(person.api.upload_ready(file, &format!("linked-{number}-{place}")).await?);
        }
        let sent = person.api.post("/messages", &file_message(room, "file", &uploads)).await?.expect(&[201])?;
        let files = sent["attachments"].as_array().context("a message has its files")?;
        items.extend(files.iter().map(|file| json!({ "message_id": sent["id"], "id": file["id"] })));
    }
    let (asked, mut all) = (json!({ "items": items }), Vec::new());
    for _ in 0..times {
        let begun = Instant::now();
        let answer = person.api.post("/files/links", &asked).await?.expect(&[200])?;
        all.push(begun.elapsed());
        let links = answer["items"].as_array().context("items")?;
        ensure!(links.len() == LINKS && links.iter().all(|link| link["url"].is_string()), "{answer}");
    }
    Ok(all)
}
