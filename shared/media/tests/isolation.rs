//! A child that misbehaves costs its own file, and nobody else's.

use anyhow::{Result, ensure};
use domain::{Media, Purpose, Rejection, UploadKind, Variant, VariantName};
use media::{Found, Inspector, Job, Limits, run_as_child};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::{
    env,
    fs::{self, File, Permissions},
    hint,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        process::{CommandExt as _, parent_id},
    },
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
    time::Duration,
};

/// A user without any rights, as functions run as one.
const NOBODY: u32 = 65_534;

/// What a child does by the word in its file.
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
        b"codecs" => "x".repeat(101),
        b"link" => {
            let path = env::args().next_back().unwrap_or_default();
            let other = format!("{path}.other");
            let linked = fs::rename(&path, &other).and_then(|()| symlink(&other, &path));
            linked.map_or_else(|error| error.to_string(), |()| "linked".to_owned())
        }
        // Threads of the tests' runtime have none of these.
        b"surroundings" => {
            let descriptors = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
            let cpu = getrlimit(Resource::RLIMIT_CPU).map_or(0, |limit| limit.1);
            let environment = fs::read("/proc/self/environ").map_or(usize::MAX, |environment| environment.len());
            format!("{environment} bytes of environment, {descriptors} descriptors, {cpu} s")
        }
        b"parent" => {
            let parent = PathBuf::from(format!("/proc/{}", parent_id()));
            let files = ["environ", "maps", "mem"].into_iter().filter(|name| File::open(parent.join(name)).is_ok());
            let folders = ["fd", "cwd/."].into_iter().filter(|name| fs::read_dir(parent.join(name)).is_ok());
            format!("reaches [{}]", files.chain(folders).collect::<Vec<_>>().join(" "))
        }
        _ => "accepted".to_owned(),
    };
    let size = bytes.len() as u64;
    let mut media = Media { media_type: "image/gif".to_owned(), size, codecs: Some(facts), ..Media::default() };
    let variant = |media_type: &str, size| {
        let name = VariantName::Small;
        vec![Variant { name, width: 1, height: 1, media_type: media_type.to_owned(), size }]
    };
    match bytes.as_slice() {
        b"page" => "text/html".clone_into(&mut media.media_type),
        b"size" => media.size += 1,
        b"nothing" => media.variants = variant("image/jpeg", 5),
        b"copy" => media.variants = variant("image/jpeg", size),
        b"small page" => media.variants = variant("text/html", size),
        _ => {}
    }
    let variants = if matches!(bytes.as_slice(), b"copy" | b"small page") {
        vec![(VariantName::Small, bytes)]
    } else {
        Vec::new()
    };
    Ok(Found { media, original: None, variants })
}

fn main() -> Result<ExitCode> {
    if let Some(code) = run_as_child(misbehave) {
        return Ok(code);
    }
    // Root reads everybody's memory.
    if nix::unistd::geteuid().is_root() {
        return run_as_nobody();
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(check())?;
    println!("test result: ok. children that misbehave are refused");
    Ok(ExitCode::SUCCESS)
}

fn run_as_nobody() -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    let program = folder.path().join("isolation");
    fs::copy(env::current_exe()?, &program)?;
    let status = Command::new(program).current_dir("/").uid(NOBODY).gid(NOBODY).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
    let killed = ["panic", "memory", "disk", "processor", "loop", "sleep"];
    let liars = ["words", "codecs", "link", "page", "size", "nothing", "small page"];
    for word in killed.into_iter().chain(liars) {
        ensure!(look(word).await? == Err(Rejection::Damaged), "{word}");
        let next = look("next").await?;
        ensure!(next.is_ok_and(|media| media.codecs.as_deref() == Some("accepted")), "the next one after {word}");
    }
    ensure!(look("refuse").await? == Err(Rejection::TooShort), "its own words");
    ensure!(look("copy").await?.is_ok(), "a smaller copy");
    let surroundings = look("surroundings").await?.map(|media| media.codecs.unwrap_or_default());
    // Its three streams, and the folder that it counts them in.
    ensure!(surroundings.as_deref() == Ok("0 bytes of environment, 4 descriptors, 30 s"), "{surroundings:?}");
    let parent = look("parent").await?.map(|media| media.codecs.unwrap_or_default());
    ensure!(parent.as_deref() == Ok("reaches []"), "{parent:?}");
    let nowhere = inspector.look(UploadKind::Image, Purpose::Message, Path::new("/nowhere/at/all")).await;
    ensure!(nowhere.is_err(), "what can't be read says nothing of the file");
    Ok(())
}
