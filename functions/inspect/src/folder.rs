//! Where files lie while they are looked at.

use std::{
    env,
    fs::{self, File},
    io,
    path::Path,
};
use tempfile::TempDir;

/// A folder of one run, which is deleted with it. That of a run that was killed is deleted before the next one.
pub(crate) struct Folder {
    folder: TempDir,
    /// Held as long as the run lives.
    _lock: File,
}

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        Self::within(&env::temp_dir().join("bigtech-chat-inspect"))
    }

    fn within(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        // Nobody deletes a new folder before it is locked.
        let turn = File::open(parent)?;
        turn.lock()?;
        delete_dead(parent)?;
        let folder = TempDir::new_in(parent)?;
        let lock = File::open(folder.path())?;
        lock.lock()?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Deletes what no living run has. What can't be deleted, or just was, holds nobody up.
fn delete_dead(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)?.flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|found| found.is_dir());
        if !is_folder {
            let _ = fs::remove_file(path);
        } else if File::open(&path).is_ok_and(|folder| folder.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_killed_run_left_is_deleted() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join("left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("file"), b"a film").unwrap();
        fs::write(parent.path().join("stray"), b"a film").unwrap();
        let living = Folder::within(parent.path()).unwrap();
        let next = Folder::within(parent.path()).unwrap();
        assert!(living.path().exists() && next.path().exists());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 2);
        drop((living, next));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
