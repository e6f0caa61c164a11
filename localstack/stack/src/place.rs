//! Where things lie: the checkout, `.local/`, and folders that one process at a time may hold.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::stop_leftovers;

/// The root of the checkout that is being worked in.
///
/// Cargo names it as it runs us. What it was as we were built is no answer: checkouts that share a build folder share us.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let starts = package.into_iter().chain(std::env::current_dir()).chain([env!("CARGO_MANIFEST_DIR").into()]);
        let root =
            |start: PathBuf| start.ancestors().find(|path| path.join("template.yaml").exists()).map(Path::to_owned);
        starts.into_iter().find_map(root).unwrap_or_default()
    });
    &ROOT
}

/// The folder of everything that is not source: `.local/`.
pub fn local() -> PathBuf {
    root().join(".local")
}

/// Writes a whole file or nothing: a reader never sees half of it.
pub fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    let write = || -> Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// A lock that ends with the process, however it ends. The file holds the owner's process id.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the lock, or gives the process id of the one that holds it.
    pub fn take(path: &Path) -> Result<Result<Self, u32>> {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", std::process::id())?;
                Ok(Ok(Self(file)))
            }
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                file.read_to_string(&mut owner)?;
                Ok(Err(owner.trim().parse().unwrap_or_default()))
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Takes the lock, waiting for whoever holds it.
    pub fn wait(path: &Path) -> Result<Self> {
        let file = open(path)?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Self(file))
    }
}

fn open(path: &Path) -> Result<File> {
    let open = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        File::options().read(true).write(true).create(true).truncate(false).open(path)
    };
    open().with_context(|| format!("cannot open {}", path.display()))
}

/// A folder for databases, held by one process at a time.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: Lock,
}

impl Folder {
    /// Creates the folder if needed and takes it.
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

/// A folder in `.local/` for one run, which goes with it; what dead runs left there is swept away first.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: Lock,
}

/// How the names of such folders begin.
const SCRATCH: [&str; 2] = ["check-", "test-"];

/// Younger folders may be about to be locked by who made them.
const SETTLED: Duration = Duration::from_secs(5);

impl Scratch {
    /// Makes the folder of this process's test run.
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

/// Stops what dead runs left running in the scratch folders of `local`, and removes the folders; says how many.
pub fn sweep(local: &Path) -> Result<usize> {
    let mut swept = 0;
    for path in scratches(local) {
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
    scratches(local).iter().flat_map(|path| record_folders(path)).chain(record_folders(local)).collect()
}

fn record_folders(path: &Path) -> [PathBuf; 2] {
    ["processes", "databases/processes"].map(|records| path.join(records))
}

fn scratches(local: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(local).into_iter().flatten().flatten();
    let ours =
        entries.filter(|entry| SCRATCH.iter().any(|start| entry.file_name().to_string_lossy().starts_with(start)));
    ours.map(|entry| entry.path()).collect()
}
