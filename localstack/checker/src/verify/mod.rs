//! The promises that every history must keep, as a pure function.

mod bans;
mod content;
mod coverage;
mod ending;
mod facts;
mod files;
mod forwards;
mod frames;
mod identity;
mod invites;
mod members;
mod mentions;
mod order;
mod pins;
mod presence;
mod pushes;
mod reactions;
mod reads;
mod refusals;
mod remains;
mod rights;
mod roles;
mod search;
mod sessions;
mod signals;
mod system;
mod tombstones;

use std::fmt;

use crate::history::{History, RoomId};
pub(crate) use coverage::follow;
use facts::Facts;

/// What the product promises of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// P1: no acknowledged change is lost.
    NothingLost,
    /// P2: one order per room, the same for everybody.
    OneOrder,
    /// P3: a client that follows the client rule misses nothing.
    NothingMissed,
    /// P4: a retried send is the same message.
    SameMessage,
    /// P5: revoked rights stay revoked: a blocked room, a group that was left, an ended session.
    RightsFenced,
    /// Once quiet, whoever is connected is online, and no connection is stored beyond its time.
    Presence,
    /// Every frame is one that the document of frames describes.
    Contract,
    /// A refusal of a valid request.
    Protocol,
}

/// A broken promise and where the history shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub promise: Promise,
    /// The room, if it concerns one.
    pub room: Option<RoomId>,
    /// What is wrong, in a sentence.
    pub what: String,
    /// The lines of the history that show it.
    pub excerpt: Vec<String>,
}

/// Checks everything; an empty answer means that every promise was kept.
pub fn verify(history: &History) -> Vec<Violation> {
    let facts = Facts::gather(history);
    let mut found = Vec::new();
    identity::check(&facts, &mut found);
    order::check(&facts, &mut found);
    content::check(&facts, &mut found);
    tombstones::check(&facts, &mut found);
    reactions::check(&facts, &mut found);
    pins::check(&facts, &mut found);
    mentions::check(&facts, &mut found);
    forwards::check(&facts, &mut found);
    files::check(&facts, &mut found);
    bans::check(&facts, &mut found);
    invites::check(&facts, &mut found);
    roles::check(&facts, &mut found);
    reads::check(&facts, &mut found);
    sessions::check(&facts, &mut found);
    rights::check(&facts, &mut found);
    search::check(&facts, &mut found);
    members::check(&facts, &mut found);
    system::check(&facts, &mut found);
    signals::check(&facts, &mut found);
    pushes::check(&facts, &mut found);
    presence::check(&facts, &mut found);
    remains::check(&facts, &mut found);
    frames::check(&facts, &mut found);
    refusals::check(&facts, &mut found);
    coverage::check(&facts, &mut found);
    ending::check(&facts, &mut found);
    found
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingLost => "P1 (no acknowledged change is lost)",
            Self::OneOrder => "P2 (one order per room)",
            Self::NothingMissed => "P3 (no reader misses anything)",
            Self::SameMessage => "P4 (a retry is the same message)",
            Self::RightsFenced => "P5 (what was taken away is away)",
            Self::Presence => "presence (once quiet, online means connected)",
            Self::Contract => "contract (every frame is described)",
            Self::Protocol => "protocol",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.room {
            Some(room) => writeln!(f, "{}: room {room}: {}", self.promise, self.what),
            None => writeln!(f, "{}: {}", self.promise, self.what),
        }?;
        for line in &self.excerpt {
            writeln!(f, "    {line}")?;
        }
        Ok(())
    }
}
