//! The paths of the checkout and of `.local/`, whole files, and lock files.

use std::{
    fs::{self, File, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use anyhow::{Context, Result};

/// The root of the current checkout.
///
/// Cargo names it at run time. The path at build time would be wrong where checkouts share a build folder.
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

/// `.local/`, the folder of all state.
pub fn local() -> PathBuf {
    root().join(".local")
}

/// Writes a file atomically: a reader never sees half of it.
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

/// A lock that ends with the process. The file holds the owner's process id.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the lock, or returns the process id of its owner.
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

    /// Takes the lock, waiting for its owner.
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
