//! Measures inspections as a function does them, in a child process each: `cargo run --release -p media --example inspections`.
#![expect(clippy::disallowed_methods, reason = "a measurement looks at the clock")]

use anyhow::{Context as _, Result, bail, ensure};
use domain::{Purpose, Rejection, UploadKind};
use jpeg_encoder::{ColorType, Encoder};
use media::{Inspector, Limits, answer_as_child};
use nix::sys::resource::{UsageWho, getrusage};
use std::{
    env, fs,
    path::Path,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

/// A file, how often it is inspected, and what that may cost.
struct Row {
    name: &'static str,
    kind: UploadKind,
    times: usize,
    make: fn() -> Result<Vec<u8>>,
    aim: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        name: "JPEG, 12 MP",
        kind: UploadKind::Image,
        times: 20,
        make: || jpeg([4_000, 3_000], 85, false),
        aim: "250 ms, 130 MB",
    },
    Row {
        name: "JPEG, 100 MP",
        kind: UploadKind::Image,
        times: 5,
        make: || jpeg([10_000, 10_000], 70, false),
        aim: "2500 ms, 450 MB",
    },
    Row {
        name: "progressive JPEG, 12 MP",
        kind: UploadKind::Image,
        times: 10,
        make: || jpeg([4_000, 3_000], 85, true),
        aim: "",
    },
    Row {
        name: "progressive JPEG, 100 MP",
        kind: UploadKind::Image,
        times: 5,
        make: || jpeg([10_000, 10_000], 70, true),
        aim: "6000 ms or refused, 1300 MB",
    },
    Row { name: "Opus, 60 s", kind: UploadKind::Voice, times: 20, make: || opus(60), aim: "150 ms" },
    Row { name: "Opus, 15 min", kind: UploadKind::Voice, times: 10, make: || opus(15 * 60), aim: "2500 ms" },
    // Unlike Opus it is decoded.
    Row {
        name: "AAC, 14 min",
        kind: UploadKind::Voice,
        times: 10,
        make: || Ok(include_bytes!("../fixtures/sound.aac").repeat(14 * 60 / 2)),
        aim: "",
    },
    Row {
        name: "MP4 with 100 MB that are in no sample",
        kind: UploadKind::Video,
        times: 5,
        make: || film(100_000_000),
        aim: "",
    },
    Row { name: "MP4 of 3000 fragments", kind: UploadKind::Video, times: 10, make: || Ok(fragments(3_000)), aim: "" },
];

fn main() -> Result<ExitCode> {
    if let Some(code) = answer_as_child() {
        return Ok(code);
    }
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => measure_all()?,
        [row, input] => {
            let row = ROWS.get(row.parse::<usize>()?).context("no such row")?;
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(measure(row, input.as_ref()))?;
        }
        _ => bail!("it takes no arguments"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures each row in a process of its own: the peak of all its children is that of this row.
fn measure_all() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("input");
    let build = if cfg!(debug_assertions) { "debug build, which tells nothing" } else { "release build" };
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{} cores, {build}; load average {}\n", thread::available_parallelism()?, load.trim());
    println!("{:<38} {:>7} {:>6} {:>9} {:>9} {:>8}  {:<18} aim", "", "MB", "times", "p50 ms", "p95 ms", "peak MB", "");
    for (number, row) in ROWS.iter().enumerate() {
        fs::write(&input, (row.make)()?)?;
        let status = Command::new(env::current_exe()?).arg(number.to_string()).arg(&input).status()?;
        ensure!(status.success(), "{}: {status}", row.name);
    }
    Ok(())
}

async fn measure(row: &Row, input: &Path) -> Result<()> {
    let (voice, video) = (Duration::from_mins(15), Duration::from_hours(1));
    let limits = Limits { image_pixels: 100_000_000, picture_pixels: 40_000_000, voice, video };
    let inspector = Inspector::of_this_program(limits)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    let (mut times, mut outcome) = (Vec::new(), "");
    for _ in 0..row.times {
        // An accepted file is rewritten.
        fs::copy(input, &path)?;
        let begun = Instant::now();
        let found = inspector.look(row.kind, Purpose::Message, &path).await?;
        times.push(begun.elapsed());
        outcome = found.map_or_else(Rejection::as_str, |_| "accepted");
    }
    times.sort_unstable();
    let at = |percent| {
        let time: Duration = times.get(times.len() * percent / 100).copied().unwrap_or_default();
        time.as_secs_f64() * 1_000.0
    };
    let (p50, p95, megabytes) = (at(50), at(95), fs::metadata(input)?.len() / 1_000_000);
    // Linux counts in KiB.
    let unit = if cfg!(target_os = "linux") { 1_024 } else { 1 };
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() * unit / 1_000_000;
    let Row { name, aim, .. } = row;
    println!("{name:<38} {megabytes:>7} {:>6} {p50:>9.1} {p95:>9.1} {peak:>8}  {outcome:<18} {aim}", times.len());
    Ok(())
}

fn jpeg([width, height]: [u16; 2], quality: u8, is_progressive: bool) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // At these qualities it stores half as many colours each way, as cameras do.
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_progressive(is_progressive);
    encoder.encode(&photo(width, height), width, height, ColorType::Rgb)?;
    Ok(bytes)
}

/// Shades with edges and grain, as RGB.
fn photo(width: u16, height: u16) -> Vec<u8> {
    let mut grain = 1_u32;
    let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
    for y in 0..u32::from(height) {
        for x in 0..u32::from(width) {
            grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            for place in [x, y, x + y] {
                // No more than 223 and 15.
                let [.., shade] = (place / 16 % 224 + (grain >> 28)).to_be_bytes();
                pixels.push(shade);
            }
        }
    }
    pixels
}

/// The fixture's two seconds again and again.
fn opus(seconds: usize) -> Result<Vec<u8>> {
    const NOTE: &[u8] = include_bytes!("../fixtures/opus.ogg");
    /// Where its first pages with sound begin, and where they end.
    const PAGES: [usize; 3] = [841, 1_618, 3_997];
    /// What two seconds count in Opus.
    const POSITIONS: u64 = 96_000;
    let mut note = NOTE[..PAGES[0]].to_vec();
    for round in 0..seconds / 2 {
        for (number, range) in PAGES.windows(2).enumerate() {
            let mut page = NOTE[range[0]..range[1]].to_vec();
            let position = u64::from_le_bytes(page[6..14].try_into()?) + u64::try_from(round)? * POSITIONS;
            page[6..14].copy_from_slice(&position.to_le_bytes());
            page[18..22].copy_from_slice(&u32::try_from(2 + 2 * round + number)?.to_le_bytes());
            page[22..26].fill(0);
            let sum = checksum(&page);
            page[22..26].copy_from_slice(&sum.to_le_bytes());
            note.extend(page);
        }
    }
    Ok(note)
}

/// That of a page of Ogg.
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0_u32, |sum, byte| {
        (0..8).fold(
            sum ^ (u32::from(*byte) << 24),
            |sum, _| {
                if sum >> 31 == 1 { (sum << 1) ^ 0x04c1_1db7 } else { sum << 1 }
            },
        )
    })
}

/// The fixture with more media data behind it.
fn film(more: u32) -> Result<Vec<u8>> {
    let mut film = include_bytes!("../fixtures/film.mp4").to_vec();
    film.extend((more + 8).to_be_bytes());
    film.extend(b"mdat");
    film.resize(film.len() + usize::try_from(more)?, 1);
    Ok(film)
}

/// The fixture's one second again and again.
fn fragments(number: usize) -> Vec<u8> {
    const FILM: &[u8] = include_bytes!("../fixtures/fragments.mp4");
    /// Where its fragment begins and ends.
    const FRAGMENT: [usize; 2] = [1_343, 2_909];
    [&FILM[..FRAGMENT[0]], &FILM[FRAGMENT[0]..FRAGMENT[1]].repeat(number)].concat()
}
