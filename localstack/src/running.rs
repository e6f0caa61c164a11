//! The one `up` that may run in a checkout, and the file that tells other programs about it.

use std::{fs, path::PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use stack::{Lock, local, write_atomically};

/// `.local/stack.json`, which exists while an `up` is ready.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Running {
    /// The HTTP API.
    pub(crate) http_url: String,
    /// The WebSocket API.
    pub(crate) ws_url: String,
    /// The MySQL database.
    pub(crate) mysql_url: String,
    /// The MongoDB database.
    pub(crate) mongo_url: String,
    /// The stand-ins of push services.
    #[serde(default)]
    pub(crate) push_services_url: String,
    /// The process id of `up`.
    pub(crate) pid: u32,
}

impl Running {
    /// Writes the file.
    pub(crate) fn announce(&self) -> Result<()> {
        write_atomically(&file(), &serde_json::to_string_pretty(self)?)
    }

    /// The running `up`, if it is ready.
    pub(crate) fn read() -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(file()).ok()?).ok()
    }

    /// Removes the file.
    pub(crate) fn withdraw() {
        let _ = fs::remove_file(file());
    }
}

fn file() -> PathBuf {
    local().join("stack.json")
}

/// Claims to be the running `up`; otherwise the process id of the one that is.
pub(crate) fn claim() -> Result<Result<Lock, u32>> {
    Lock::take(&lock())
}

/// Whether this process made the last claim.
pub(crate) fn is_ours() -> bool {
    fs::read_to_string(lock()).is_ok_and(|owner| owner.trim() == std::process::id().to_string())
}

fn lock() -> PathBuf {
    local().join("up.lock")
}
