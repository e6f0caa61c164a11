//! Folders that one process at a time may hold, and the removal of those of ended runs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;

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
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
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
        for records in record_folders(&path) {
            stop_leftovers(&records)?;
        }
        fs::remove_dir_all(&path)?;
        swept += 1;
    }
    Ok(swept)
}

/// Every folder in `local` that may hold records of processes.
pub fn all_records(local: &Path) -> Vec<PathBuf> {
    scratch_folders(local).iter().flat_map(|path| record_folders(path)).chain(record_folders(local)).collect()
}

fn record_folders(path: &Path) -> [PathBuf; 2] {
    ["processes", "databases/processes"].map(|records| path.join(records))
}

fn scratch_folders(local: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(local).into_iter().flatten().flatten();
    let ours =
        entries.filter(|entry| SCRATCH.iter().any(|start| entry.file_name().to_string_lossy().starts_with(start)));
    ours.map(|entry| entry.path()).collect()
}
