//! The bounds of a world, and which faults happen in it.

use crate::{Rule, Rules};

/// A client's own id of a message that it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientId {
    /// The message that is there from the start.
    Base,
    /// A new message.
    A,
    /// A second one.
    B,
    /// A third one.
    C,
}

/// A request that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A new message. A second one under the same id is a retry.
    Create(ClientId),
    /// An edit.
    Edit(ClientId),
    /// A reaction: like an edit, and independent of it.
    React(ClientId),
    /// A deletion.
    Delete(ClientId),
}

impl Change {
    pub(super) fn client_id(self) -> ClientId {
        match self {
            Self::Create(id) | Self::Edit(id) | Self::React(id) | Self::Delete(id) => id,
        }
    }

    pub(super) fn is_create(self) -> bool {
        matches!(self, Self::Create(_))
    }
}

/// What is looked at beside the promises that always count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// What was acknowledged.
    Acknowledged,
    /// P5 for readers too: nothing that began after the kick's answer is ever seen.
    Visible,
    /// A reader sees what was acknowledged before he asked. Not promised.
    OwnReads,
    /// An answer with `cursor = head` misses nothing. Not promised right after a failover.
    CaughtUp,
}

/// One bounded world: the changes that are made in it, its faults, and the rules that are missing.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fault or variant")]
pub(crate) struct Settings {
    /// One writer each.
    pub(crate) changes: &'static [Change],
    /// Which of them are K's, by index. If there are any, K is kicked at some time.
    pub(crate) kicked: &'static [usize],
    /// The rules that are taken away.
    pub(crate) without: Rules,
    /// What counts as a violation.
    pub(crate) watch: Watch,
    /// Readers that sync and get pushes.
    pub(crate) clients: usize,
    /// Rows on a page of `sync`; 0 is all.
    pub(crate) page: usize,
    /// Reservations of one request.
    pub(crate) attempts: u8,

    /// Writers that die at any step.
    pub(crate) crash: u8,
    /// Writes whose answer is lost.
    pub(crate) unknown: u8,
    /// Writes that arrive after their writer gave up on them.
    pub(crate) delayed: u8,
    /// Elections. The new primary may miss every w:1 write.
    pub(crate) failover: u8,
    /// The old primary goes on answering for a while.
    pub(crate) deposed: bool,
    /// The new primary's commit point lags: its readers see the past.
    pub(crate) lag: bool,
    /// A living writer may be so late that its entry expires.
    pub(crate) late_writer: bool,
    /// How often that happens.
    pub(crate) drops: u8,
    /// Whether there is a sweeper. It sweeps when all writers have ended...
    pub(crate) sweeper: bool,
    /// ... and this often beside them.
    pub(crate) sweeps: u8,
    /// Pushes that fail.
    pub(crate) fails: u8,
    /// A retry looks its `client_id` up first; otherwise only when the key collides.
    pub(crate) look_up_first: bool,
}

impl Settings {
    /// These changes in a world without faults.
    pub(crate) const fn of(changes: &'static [Change]) -> Self {
        Self {
            changes,
            kicked: &[],
            without: Rules::NONE,
            watch: Watch::Acknowledged,
            clients: 1,
            page: 0,
            attempts: 2,
            crash: 0,
            unknown: 0,
            delayed: 0,
            failover: 0,
            deposed: false,
            lag: false,
            late_writer: false,
            drops: 1,
            sweeper: true,
            sweeps: 0,
            fails: 0,
            look_up_first: true,
        }
    }

    pub(super) fn keeps(&self, rule: Rule) -> bool {
        !self.without.contains(rule)
    }

    pub(super) fn is_create(&self, writer: usize) -> bool {
        self.changes[writer].is_create()
    }

    pub(super) fn is_by_k(&self, writer: usize) -> bool {
        self.kicked.contains(&writer)
    }

    /// The first writer of the same change: a retry is the same change.
    pub(super) fn change_of(&self, writer: usize) -> usize {
        let change = self.changes[writer];
        let first = self.changes.iter().position(|&other| change.is_create() && other == change);
        first.unwrap_or(writer)
    }

    /// Whether another writer makes the same change.
    pub(super) fn has_retry(&self, writer: usize) -> bool {
        let change = self.changes[writer];
        change.is_create() && self.changes.iter().filter(|&&other| other == change).count() > 1
    }
}
