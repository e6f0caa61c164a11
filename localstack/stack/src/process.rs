//! Servers as child processes that end with this one, and records by which a later run finds those that did not.

use std::{
    fs, io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::{paths::write_atomically, program::program};

const POLL: Duration = Duration::from_millis(10);

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Mutex<Child>,
    pid: u32,
    record: PathBuf,
}

impl Server {
    /// Starts a server and records it in `records`. Servers write their own logs, so output is discarded.
    pub(crate) fn spawn(name: &str, command: &Command, records: &Path) -> Result<Self> {
        let mut command = killed_with_parent(command);
        // Its own group: Ctrl-C reaches only this process, which stops the server in order.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let child = spawn(command).with_context(|| format!("cannot start {name}"))?;
        let pid = child.id();
        let server = Self { child: Mutex::new(child), pid, record: records.join(format!("{name}.json")) };
        let identity = Identity::of(pid).with_context(|| format!("{name} ended at once"))?;
        write_atomically(&server.record, &serde_json::to_string(&identity)?)?;
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.child().try_wait(), Ok(None))
    }

    /// Sends a signal, unless the process has been reaped.
    pub(crate) fn signal(&self, signal: Signal) {
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            send(self.pid, signal);
        }
    }

    /// SIGSTOP; returns when it has stopped, which may take a moment on a busy machine.
    pub(crate) async fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        while self.is_alive() && runs(self.pid) {
            tokio::time::sleep(POLL).await;
        }
    }

    /// SIGTERM, and SIGKILL if it does not end in time.
    pub(crate) async fn stop(&self, patience: Duration) {
        self.signal(Signal::SIGCONT);
        self.signal(Signal::SIGTERM);
        let deadline = Instant::now() + patience;
        while self.is_alive() && Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
        }
        self.kill().await;
    }

    /// SIGKILL; returns when it has ended.
    pub(crate) async fn kill(&self) {
        self.signal(Signal::SIGKILL);
        while self.is_alive() {
            tokio::time::sleep(POLL).await;
        }
        let _ = fs::remove_file(&self.record);
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_file(&self.record);
    }
}

/// The command under `setpriv` (util-linux), if available, so that the kernel kills it when this process ends.
fn killed_with_parent(command: &Command) -> Command {
    static SETPRIV: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let setpriv = program("setpriv")?;
        let works = Command::new(&setpriv).args(["--pdeathsig", "KILL", "true"]).stderr(Stdio::null()).status();
        works.is_ok_and(|status| status.success()).then_some(setpriv)
    });
    let mut wrapped = match &*SETPRIV {
        Some(setpriv) => {
            let mut wrapped = Command::new(setpriv);
            wrapped.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program());
            wrapped
        }
        None => Command::new(command.get_program()),
    };
    wrapped.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}

/// Spawns from a thread that never ends: the parent-death signal is sent when the spawning *thread* ends.
fn spawn(command: Command) -> io::Result<Child> {
    type Job = (Command, mpsc::Sender<io::Result<Child>>);
    static SPAWNER: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
        let (sender, jobs) = mpsc::channel::<Job>();
        thread::spawn(move || {
            for (mut command, reply) in jobs {
                let _ = reply.send(command.spawn());
            }
        });
        sender
    });
    let (sender, reply) = mpsc::channel();
    let _ = SPAWNER.send((command, sender));
    reply.recv().map_err(io::Error::other)?
}

fn send(pid: u32, signal: Signal) -> bool {
    i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), signal).is_ok())
}

/// Whether a thread of a process is not stopped, as far as the system says it.
fn runs(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut stats = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    stats.any(|stat| fields(&stat).and_then(|mut fields| fields.next()).is_some_and(|state| !"TtZX".contains(state)))
}

/// What follows the name in what the system says of a process or thread: its state, and so on.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    // The name in parentheses may hold anything.
    Some(stat.rsplit_once(')')?.1.split_whitespace())
}

/// Distinguishes a process from a later one with the same id.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Identity {
    pid: u32,
    started: String,
    boot: String,
}

impl Identity {
    /// The identity of a running process.
    fn of(pid: u32) -> Option<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
        Some(Self { pid, started: started(pid)?, boot })
    }
}

/// When a process started, as the system writes it; `None` if it has ended.
fn started(pid: u32) -> Option<String> {
    if !Path::new("/proc/self/stat").exists() {
        let output = Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        return (!text.is_empty()).then_some(text);
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = fields(&stat)?;
    let state = fields.next()?;
    // The 22nd field of all; the state is the 3rd.
    (state != "Z" && state != "X").then(|| fields.nth(18).map(str::to_owned))?
}

/// A process that an earlier run started and did not stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What it is: `mysqld` or `mongod`.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

/// The running processes of a folder of records.
pub fn leftovers(records: &Path) -> Vec<Leftover> {
    running(records).into_iter().map(|(leftover, _)| leftover).collect()
}

/// Kills them, waits until they have ended, and removes their records; returns what they were. Their data recover at the next start.
pub fn stop_leftovers(records: &Path) -> Result<Vec<Leftover>> {
    let running = running(records);
    for (leftover, identity) in &running {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Identity::of(leftover.pid).as_ref() == Some(identity) {
            if !send(leftover.pid, Signal::SIGKILL) || Instant::now() > deadline {
                bail!("{} (process {}) of an earlier run cannot be stopped", leftover.name, leftover.pid);
            }
            thread::sleep(POLL);
        }
    }
    if records.exists() {
        fs::remove_dir_all(records)?;
    }
    Ok(running.into_iter().map(|(leftover, _)| leftover).collect())
}

fn running(records: &Path) -> Vec<(Leftover, Identity)> {
    let files = fs::read_dir(records).into_iter().flatten().flatten().map(|entry| entry.path());
    let read = |path: PathBuf| {
        let identity: Identity = serde_json::from_str(&fs::read_to_string(&path).ok()?).ok()?;
        let name = path.file_stem()?.to_string_lossy().into_owned();
        let alive = Identity::of(identity.pid).as_ref() == Some(&identity);
        alive.then_some((Leftover { name, pid: identity.pid }, identity))
    };
    files.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("60");
        command
    }

    fn records() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn leftover_process_is_stopped() {
        let folder = records();
        let records = folder.path().join("processes");
        let server = Server::spawn("sleep", &sleeper(), &records).expect("it starts");

        let stopped = stop_leftovers(&records).expect("it stops");

        assert_eq!(stopped, [Leftover { name: "sleep".to_owned(), pid: server.pid() }]);
        assert!(!server.is_alive());
        assert!(leftovers(&records).is_empty());
    }

    #[test]
    fn unrelated_process_with_the_same_id_is_left_alone() {
        let folder = records();
        let server = Server::spawn("sleep", &sleeper(), &folder.path().join("mine")).expect("it starts");
        let theirs = folder.path().join("theirs");
        let mut identity = Identity::of(server.pid()).expect("it lives");
        identity.started.push('7');
        write_atomically(&theirs.join("mysqld.json"), &serde_json::to_string(&identity).expect("JSON"))
            .expect("a record");

        assert_eq!(stop_leftovers(&theirs).expect("nothing to stop"), []);
        assert!(server.is_alive());
    }

    #[tokio::test]
    async fn paused_server_has_stopped() {
        let folder = records();
        let server = Server::spawn("sleep", &sleeper(), folder.path()).expect("it starts");
        assert!(runs(server.pid()));

        server.pause().await;

        assert!(server.is_alive() && !runs(server.pid()));
    }

    #[test]
    fn dropped_server_ends_and_its_record_is_removed() {
        let folder = records();
        let server = Server::spawn("sleep", &sleeper(), folder.path()).expect("it starts");
        let pid = server.pid();

        drop(server);

        assert_eq!(Identity::of(pid), None);
        assert!(!folder.path().join("sleep.json").exists());
    }
}
