//! Folders that one process at a time may hold, and the removal of those of ended runs.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use nix::sys::statvfs::statvfs;

use crate::{
    paths::{Lock, local},
    process::stop_leftovers,
};

/// A folder for databases, held by one process at a time.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: Lock,
}

impl Folder {
    /// Creates the folder if it is missing, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let lock = Lock::take(&path.join("lock"))?;
        let lock = lock.map_err(|owner| anyhow::anyhow!("{} is in use by process {owner}", path.display()))?;
        Ok(Self { path: fs::canonicalize(path)?, _lock: lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder in `.local/` for one run, removed at its end. Folders of ended runs are removed first.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: Lock,
}

/// The prefixes of their names.
const SCRATCH: [&str; 2] = ["check-", "test-"];

/// Younger folders may not be locked yet by their creators.
const SETTLED: Duration = Duration::from_secs(5);

impl Scratch {
    /// Creates the folder of this process.
    pub fn new() -> Result<Self> {
        sweep(&local())?;
        let path = local().join(format!("test-{}", std::process::id()));
        let lock = Lock::take(&path.join("lock"))?;
        let lock = lock.map_err(|owner| anyhow::anyhow!("{} is in use by process {owner}", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder for databases, in memory where this machine has room: tests wait for the disk for most of their time.
    pub fn databases(&self) -> PathBuf {
        let has_room = statvfs(MEMORY)
            .is_ok_and(|memory| memory.blocks_available().saturating_mul(memory.fragment_size()) >= ROOM_IN_MEMORY);
        if has_room { in_memory(&self.path) } else { self.path.join("databases") }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = remove(&self.path);
    }
}

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";

/// What the databases of all tests take, several times over, in bytes. In a container it is often smaller.
const ROOM_IN_MEMORY: u64 = 8 << 30;

/// The folder in memory of the run that has a folder.
fn in_memory(run: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    run.hash(&mut hasher);
    Path::new(MEMORY).join(format!("bigtech-chat-{:016x}", hasher.finish()))
}

/// Removes the folder of a run, and its folder in memory.
fn remove(run: &Path) -> std::io::Result<()> {
    let memory = in_memory(run);
    if memory.exists() {
        fs::remove_dir_all(memory)?;
    }
    fs::remove_dir_all(run)
}

/// Stops the processes of ended runs and removes their folders in `local`; returns how many.
pub fn sweep(local: &Path) -> Result<usize> {
    let mut swept = 0;
    for path in scratch_folders(local) {
        let settled = path
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > SETTLED));
        if !settled || Lock::take(&path.join("lock"))?.is_err() {
            continue;
        }
        for records in records_of(&path) {
            stop_leftovers(&records)?;
        }
        remove(&path)?;
        swept += 1;
    }
    Ok(swept)
}

/// Every folder in `local` that may hold records of processes.
pub fn all_records(local: &Path) -> Vec<PathBuf> {
    scratch_folders(local).iter().flat_map(|path| records_of(path)).chain(records_of(local)).collect()
}

/// Where the processes of the run with a folder are noted.
pub fn records_of(run: &Path) -> [PathBuf; 3] {
    [run.join("processes"), run.join("databases/processes"), in_memory(run).join("processes")]
}

fn scratch_folders(local: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(local).into_iter().flatten().flatten();
    let ours =
        entries.filter(|entry| SCRATCH.iter().any(|start| entry.file_name().to_string_lossy().starts_with(start)));
    ours.map(|entry| entry.path()).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::{fs::File, time::SystemTime};

    #[test]
    fn memory_of_an_ended_run_is_removed() -> Result<()> {
        let local = tempfile::tempdir()?;
        let run = local.path().join("test-1");
        let memory = in_memory(&run);
        fs::create_dir(&run)?;
        fs::create_dir_all(memory.join("processes"))?;
        File::open(&run)?.set_modified(SystemTime::now() - 2 * SETTLED)?;

        assert_eq!(sweep(local.path())?, 1);

        assert!(!run.exists() && !memory.exists());
        Ok(())
    }
}
