//! A child that misbehaves costs its own file, and nobody else's.

use anyhow::{Result, ensure};
use domain::{Media, Purpose, Rejection, UploadKind};
use media::{Found, Inspector, Job, Limits, run_as_child};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::{env, fs, hint, path::Path, process::ExitCode, thread, time::Duration};

/// What a child does by the word in its file.
#[expect(clippy::needless_pass_by_value, reason = "it stands for `media::look`")]
fn misbehave(_: &Job, bytes: Vec<u8>) -> Result<Found, Rejection> {
    let facts = match bytes.as_slice() {
        b"panic" => bytes[bytes.len()].to_string(),
        b"loop" => loop {
            hint::spin_loop();
        },
        // The processor's limit, made shorter.
        b"processor" => {
            let _ = setrlimit(Resource::RLIMIT_CPU, 1, 1);
            loop {
                hint::spin_loop();
            }
        }
        b"sleep" => loop {
            thread::sleep(Duration::from_mins(1));
        },
        b"memory" => vec![1_u8; 2_000_000_000].len().to_string(),
        b"disk" => {
            let path = env::args().next_back().unwrap_or_default();
            fs::write(path, vec![0; 300_000_000]).map_or_else(|error| error.to_string(), |()| "written".to_owned())
        }
        b"refuse" => return Err(Rejection::TooShort),
        b"words" => "x".repeat(100_000),
        // Threads of the tests' runtime have none of these.
        b"surroundings" => {
            let descriptors = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
            let cpu = getrlimit(Resource::RLIMIT_CPU).map_or(0, |limit| limit.1);
            let environment = fs::read("/proc/self/environ").map_or(usize::MAX, |environment| environment.len());
            format!("{environment} bytes of environment, {descriptors} descriptors, {cpu} s")
        }
        _ => "accepted".to_owned(),
    };
    Ok(Found { media: Media { media_type: facts, ..Media::default() }, original: None, variants: Vec::new() })
}

fn main() -> Result<ExitCode> {
    if let Some(code) = run_as_child(misbehave) {
        return Ok(code);
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(check())?;
    println!("test result: ok. children that misbehave are refused");
    Ok(ExitCode::SUCCESS)
}

async fn check() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (voice, video) = (Duration::from_mins(15), Duration::from_hours(1));
    let limits = Limits { image_pixels: 100_000_000, picture_pixels: 40_000_000, voice, video };
    let inspector = Inspector::of_this_program(limits)?.with_patience(Duration::from_secs(5));
    let look = async |word: &str| {
        let path = folder.path().join(word);
        fs::write(&path, word)?;
        anyhow::Ok(inspector.look(UploadKind::Image, Purpose::Message, &path).await?)
    };
    for word in ["panic", "memory", "disk", "processor", "loop", "sleep", "words"] {
        ensure!(look(word).await? == Err(Rejection::Damaged), "{word}");
        let next = look("next").await?;
        ensure!(next.is_ok_and(|media| media.media_type == "accepted"), "the next one after {word}");
    }
    ensure!(look("refuse").await? == Err(Rejection::TooShort), "its own words");
    let surroundings = look("surroundings").await?.map(|media| media.media_type);
    // Its three streams, and the folder that it counts them in.
    ensure!(surroundings.as_deref() == Ok("0 bytes of environment, 4 descriptors, 30 s"), "{surroundings:?}");
    let nowhere = inspector.look(UploadKind::Image, Purpose::Message, Path::new("/nowhere/at/all")).await;
    ensure!(nowhere.is_err(), "what can't be read says nothing of the file");
    Ok(())
}
