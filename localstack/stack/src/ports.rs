//! Free ports.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nix::unistd::getuid;
use serde::{Deserialize, Serialize};

use crate::paths::{Lock, write_atomically};

/// Below the range of ephemeral ports, where a client that reconnects to a stopped server could take the server's port.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1 for a server that starts later or is restarted. Nobody else gets the same port here while this lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: Lock,
}

impl Port {
    /// Any free port.
    pub fn free() -> Result<Self> {
        (0..1_000).find_map(|_| Self::claim(rand::random_range(RANGE))).context("no free port")
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// A certain port; `None` if it is taken. Processes agree by locks, since a port is open only once its server runs.
    fn claim(number: u16) -> Option<Self> {
        let claim = Lock::take(&claims().join(number.to_string())).ok()?.ok()?;
        is_free(number).then_some(Self { number, _claim: claim })
    }
}

/// The wanted port or, if it is taken, the next free one.
pub fn preferred_port(wanted: u16) -> Result<u16> {
    let next = (wanted..wanted.saturating_add(200)).find(|port| is_free(*port));
    next.map_or_else(|| Port::free().map(|port| port.number), Ok)
}

/// The locks of all checkouts of this user.
fn claims() -> PathBuf {
    std::env::temp_dir().join(format!("bigtech-chat-ports-{}", getuid()))
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
    pub(crate) fn remembered(folder: &Path) -> Result<(Self, [Port; 2])> {
        let file = folder.join("ports.json");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let last: Self = serde_json::from_str(&text).unwrap_or_default();
        let claims = last.kept_or_new(Port::claim, Port::free)?;
        let [mysql, mongo] = claims.each_ref().map(Port::number);
        let ports = Self { mysql, mongo };
        if ports != last {
            write_atomically(&file, &serde_json::to_string(&ports)?)?;
        }
        Ok((ports, claims))
    }

    /// These ports, each replaced by a new one where it can't be claimed.
    fn kept_or_new<P>(self, claim: impl Fn(u16) -> Option<P>, free: impl Fn() -> Result<P>) -> Result<[P; 2]> {
        let port = |last: u16| Some(last).filter(|last| *last != 0).and_then(&claim).map_or_else(&free, Ok);
        Ok([port(self.mysql)?, port(self.mongo)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_port_is_replaced_and_the_other_one_stays() {
        let last = Ports { mysql: 1, mongo: 2 };
        let kept = |taken: &[u16]| last.kept_or_new(|port| Some(port).filter(|it| !taken.contains(it)), || Ok(9));

        assert_eq!(kept(&[]).expect("ports"), [1, 2]);
        assert_eq!(kept(&[2]).expect("ports"), [1, 9]);
        assert_eq!(Ports::default().kept_or_new(Some, || Ok(9)).expect("ports"), [9, 9], "no port is remembered");
    }

    #[test]
    fn claimed_port_is_given_to_nobody_else() {
        let port = Port::free().expect("a port");

        assert!(Port::claim(port.number()).is_none(), "its server has not started yet");
    }
}
