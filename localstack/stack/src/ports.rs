//! Free ports.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::paths::write_atomically;

/// Below the range of ephemeral ports, where a client that reconnects to a stopped server could take the server's port.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A free port of 127.0.0.1 for a server that may be restarted on it.
pub fn free_port() -> Result<u16> {
    (0..1_000).map(|_| rand::random_range(RANGE)).find(|port| is_free(*port)).context("no free port")
}

/// The wanted port or, if it is taken, the next free one.
pub fn preferred_port(wanted: u16) -> Result<u16> {
    (wanted..wanted.saturating_add(200)).find(|port| is_free(*port)).map_or_else(free_port, Ok)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The ports of the databases in a folder.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Ports {
    pub(crate) mysql: u16,
    pub(crate) mongo: u16,
}

impl Ports {
    /// The ports of the last run in this folder where they are still free, so that URLs stay the same.
    pub(crate) fn remembered(folder: &Path) -> Result<Self> {
        let file = folder.join("ports.json");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let last: Self = serde_json::from_str(&text).unwrap_or_default();
        let keep = |port: u16| if port != 0 && is_free(port) { Ok(port) } else { free_port() };
        let mysql = keep(last.mysql)?;
        let mut mongo = keep(last.mongo)?;
        while mongo == mysql {
            mongo = free_port()?;
        }
        let ports = Self { mysql, mongo };
        if ports != last {
            write_atomically(&file, &serde_json::to_string(&ports)?)?;
        }
        Ok(ports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_stay_the_same_until_another_process_takes_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Ports::remembered(folder.path()).expect("ports");
        let second = Ports::remembered(folder.path()).expect("ports");
        assert_eq!(first, second);

        let _stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, first.mongo)).expect("it was free");
        let third = Ports::remembered(folder.path()).expect("ports");
        assert_eq!(third.mysql, first.mysql);
        assert_ne!(third.mongo, first.mongo);
    }
}
