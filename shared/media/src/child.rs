//! The process that reads what others wrote, and its parent.

use crate::{Found, Job, Limits, check::is_plausible, look};
use domain::{Media, Purpose, Rejection, UploadKind, VariantName};
use nix::sys::resource::{Resource, setrlimit};
use serde::{Deserialize, Serialize};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};
use tokio::{io::AsyncReadExt as _, process::Command, time::timeout};

/// The argument that makes a process a child.
const ONE: &str = "one";

/// After this it is killed.
const TIME: Duration = Duration::from_secs(40);

/// The longest answer.
const LONGEST_ANSWER: u64 = 64 * 1_024;

/// What the child may have: memory and written bytes, seconds of a processor, open files.
const MEMORY: u64 = 1_300_000_000;
const FILE_SIZE: u64 = 256 * 1_024 * 1_024;
const SECONDS: u64 = 30;
const FILES: u64 = 16;

/// Descriptors below this are closed first of all.
const MOST_INHERITED: i32 = 1_024;

/// What the child says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Accepted(Media),
    Rejected(Rejection),
    /// It could not read or write files, which says nothing of them.
    Failed(String),
}

/// Looks at files, each in a process of its own.
#[derive(Debug, Clone)]
pub struct Inspector {
    program: PathBuf,
    limits: Limits,
    patience: Duration,
}

impl Inspector {
    /// `program` calls [`answer_as_child`] first.
    pub fn new(program: impl Into<PathBuf>, limits: Limits) -> Self {
        Self { program: program.into(), limits, patience: TIME }
    }

    /// The same, with another time after which a child is killed.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The children are this very program, even if its file is gone by now.
    pub fn of_this_program(limits: Limits) -> io::Result<Self> {
        let linux = Path::new("/proc/self/exe");
        let program = if linux.exists() { linux.to_owned() } else { env::current_exe()? };
        Ok(Self::new(program, limits))
    }

    /// Looks at the file at a path. One that is accepted is rewritten there as what others may have, and its variants lie beside it, see
    /// [`Self::variant_path`]. An error is about us, not about the file.
    pub async fn look(&self, kind: UploadKind, purpose: Purpose, path: &Path) -> io::Result<Result<Media, Rejection>> {
        // A child could read the secrets of its parent otherwise.
        #[cfg(target_os = "linux")]
        nix::sys::prctl::set_dumpable(false)?;
        let job = serde_json::to_string(&Job { kind, purpose, limits: self.limits })?;
        let mut child = Command::new(&self.program)
            .args([ONE, &job])
            .arg(path)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let answer = async {
            let mut answer = Vec::new();
            stdout.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
            let status = child.wait().await?;
            io::Result::Ok((status, answer))
        };
        let Ok(answered) = timeout(self.patience, answer).await else {
            child.kill().await?;
            return Ok(Err(Rejection::Damaged));
        };
        let (status, answer) = answered?;
        // The same bytes kill it each time, so that it is the file's fault at the first.
        if !status.success() {
            return Ok(Err(Rejection::Damaged));
        }
        match serde_json::from_slice(&answer) {
            Ok(Answer::Accepted(media)) if is_plausible(kind, purpose, &media, path) => Ok(Ok(media)),
            Ok(Answer::Rejected(rejection)) => Ok(Err(rejection)),
            Ok(Answer::Failed(error)) => Err(io::Error::other(error)),
            Ok(Answer::Accepted(_)) | Err(_) => Ok(Err(Rejection::Damaged)),
        }
    }

    /// Where a variant of the picture at a path lies.
    pub fn variant_path(path: &Path, name: VariantName) -> PathBuf {
        path.with_added_extension(name.as_str())
    }
}

/// Where this process is a child, does what it is for, and answers how it exits. Called first of all by `main`.
pub fn answer_as_child() -> Option<ExitCode> {
    run_as_child(look)
}

/// The same with another way to look at a file: tests have some that don't end.
pub fn run_as_child(look: fn(&Job, Vec<u8>) -> Result<Found, Rejection>) -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != ONE {
        return None;
    }
    let job = arguments.next().and_then(|job| serde_json::from_str(job.to_str()?).ok());
    let (Some(job), Some(path)) = (job, arguments.next()) else { return Some(ExitCode::FAILURE) };
    let answer = answer(|| {
        limit()?;
        let path = Path::new(&path);
        let found = match look(&job, fs::read(path)?) {
            Ok(found) => found,
            Err(rejection) => return Ok(Answer::Rejected(rejection)),
        };
        if let Some(original) = found.original {
            fs::write(path, original)?;
        }
        for (name, variant) in found.variants {
            fs::write(Inspector::variant_path(path, name), variant)?;
        }
        Ok(Answer::Accepted(found.media))
    });
    let is_told = serde_json::to_writer(io::stdout().lock(), &answer).is_ok();
    Some(if is_told { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn answer(work: impl FnOnce() -> io::Result<Answer>) -> Answer {
    work().unwrap_or_else(|error| Answer::Failed(error.to_string()))
}

/// Gives up what a child does not need. It stays so.
fn limit() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    // What a parent's parent left open is inherited by everybody. Nothing of ours is open yet.
    for descriptor in 3..MOST_INHERITED {
        let _ = nix::unistd::close(descriptor);
    }
    let limits = [
        (Resource::RLIMIT_AS, MEMORY),
        (Resource::RLIMIT_CPU, SECONDS),
        (Resource::RLIMIT_FSIZE, FILE_SIZE),
        (Resource::RLIMIT_NOFILE, FILES),
        (Resource::RLIMIT_CORE, 0),
        // Nobody is left who changes files after their check.
        #[cfg(target_os = "linux")]
        (Resource::RLIMIT_NPROC, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, most, most)?;
    }
    Ok(())
}
