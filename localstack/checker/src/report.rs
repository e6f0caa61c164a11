//! The report of a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    history::{Answer, Event, History, Request},
    options::Options,
    verify::Violation,
};

/// How many violations are printed in full.
const TOLD: usize = 5;

/// How the note of an upload begins that a client gave up.
pub(crate) const GAVE_UP: &str = "gave up a file";

/// The numbers of a run, and every violation in its history.
#[derive(Clone, Debug)]
pub struct Report {
    /// The options.
    pub options: Options,
    /// The numbers of the history.
    pub counts: Counts,
    /// Faults and invocation outcomes, with their counts.
    pub faults: BTreeMap<String, usize>,
    /// Broken promises.
    pub violations: Vec<Violation>,
}

/// A history in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests, retries included.
    pub operations: usize,
    /// Repeated attempts of a send or an edit.
    pub retries: usize,
    /// Sends, edits and deletes that were acknowledged.
    pub acks: usize,
    /// Of these deletes.
    pub deletes: usize,
    /// Reads that were acknowledged.
    pub reads: usize,
    /// Sessions that were refreshed.
    pub refreshes: usize,
    /// Sessions that ended.
    pub logouts: usize,
    /// Blocks that were acknowledged.
    pub blocks: usize,
    /// Changes of groups' members that were acknowledged.
    pub members: usize,
    /// Invites that were made.
    pub invites: usize,
    /// Reactions that were acknowledged.
    pub reactions: usize,
    /// Files that were acknowledged in messages.
    pub files: usize,
    /// Uploads that clients gave up, since they were not ready in time.
    pub given_up: usize,
    /// Links to files.
    pub links: usize,
    /// Messages that were acknowledged.
    pub messages: usize,
    /// Requests with an unknown outcome, by reason.
    pub unknown: BTreeMap<String, usize>,
    /// How often a message was shown to a client.
    pub observations: usize,
    /// Of these in pushed frames.
    pub pushes: usize,
    /// Signals that were pushed.
    pub signals: usize,
    /// Notifications that showed a message on a device.
    pub alerts: usize,
    /// Notifications that took back what a device showed.
    pub clears: usize,
    /// How often a client lost or closed its connection.
    pub disconnects: usize,
}

impl Counts {
    /// Counts a history.
    pub fn of(history: &History) -> Self {
        let mut counts = Self::default();
        let (mut tried, mut messages, mut files) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut asked = BTreeMap::new();
        for (position, entry) in history.entries.iter().enumerate() {
            match &entry.event {
                Event::Invoked { request, .. } => {
                    counts.operations += 1;
                    asked.insert(position, request);
                    let name = match request {
                        Request::Send { client_id, .. } | Request::Forward { client_id, .. } => client_id,
                        Request::Edit { content, .. } => content,
                        _ => continue,
                    };
                    counts.retries += usize::from(!tried.insert(name));
                }
                Event::Answered { call, answer } => match answer {
                    Answer::Ack { message, .. } => {
                        counts.acks += 1;
                        counts.reactions += usize::from(matches!(asked.get(call), Some(Request::React { .. })));
                        counts.deletes += usize::from(matches!(asked.get(call), Some(Request::Delete { .. })));
                        counts.observations += 1;
                        messages.insert(&message.id);
                        files.extend(&message.files);
                    }
                    Answer::Page(page) => counts.observations += page.items.len(),
                    Answer::Found { items, .. } => counts.observations += items.len(),
                    Answer::Synced(page) => counts.observations += page.items.len(),
                    Answer::Unknown(why) => *counts.unknown.entry(why.clone()).or_default() += 1,
                    Answer::Read { .. } => counts.reads += 1,
                    Answer::Done => match asked.get(call) {
                        Some(Request::Logout { .. }) => counts.logouts += 1,
                        Some(Request::React { .. }) => counts.reactions += 1,
                        Some(Request::Refresh { .. }) => counts.refreshes += 1,
                        Some(Request::Block { .. }) => counts.blocks += 1,
                        Some(
                            Request::Kick { .. }
                            | Request::Add { .. }
                            | Request::Leave { .. }
                            | Request::Join { .. }
                            | Request::JoinBy { .. }
                            | Request::Ban { .. }
                            | Request::Unban { .. }
                            | Request::Transfer { .. }
                            | Request::SetRole { .. },
                        ) => counts.members += 1,
                        _ => {}
                    },
                    Answer::Invited { .. } => counts.invites += 1,
                    Answer::Linked(given) => counts.links += usize::from(*given),
                    Answer::Total { .. } | Answer::Online(_) | Answer::Connected | Answer::Refused { .. } => {}
                },
                Event::Pushed(_) => {
                    counts.pushes += 1;
                    counts.observations += 1;
                }
                Event::Ending { messages, .. } => counts.observations += messages.len(),
                Event::Note(text) => {
                    counts.disconnects += usize::from(text == "is disconnected");
                    counts.given_up += usize::from(text.starts_with(GAVE_UP));
                }
                Event::Heard(_) => counts.signals += 1,
                Event::Notified(notice) if notice.is_alert => counts.alerts += 1,
                Event::Notified(_) => counts.clears += 1,
                Event::Group { .. }
                | Event::LoggedIn { .. }
                | Event::Settled { .. }
                | Event::Presence { .. }
                | Event::Undescribed { .. }
                | Event::Remains { .. } => {}
            }
        }
        counts.messages = messages.len();
        counts.files = files.len();
        counts
    }
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { seed, seconds, clients, rooms, groups, people, group_clients, faults, .. } = &self.options;
        let Counts {
            operations,
            retries,
            acks,
            deletes,
            reads,
            refreshes,
            logouts,
            blocks,
            members,
            invites,
            reactions,
            ..
        } = &self.counts;
        let Counts { files, given_up, links, messages, unknown, observations, pushes, signals, disconnects, .. } =
            &self.counts;
        let Counts { alerts, clears, .. } = &self.counts;
        writeln!(
            f,
            "seed {seed}, {seconds} s, {clients} clients in {rooms} rooms, {group_clients} in {groups} groups of {people}, faults: {faults}"
        )?;
        writeln!(
            f,
            "{operations} operations, {retries} of them retries; {acks} acknowledged changes, {} a second",
            acks / usize::try_from(*seconds).unwrap_or(1).max(1)
        )?;
        writeln!(
            f,
            "{messages} messages; {observations} observations checked, {pushes} of them pushed, {signals} signals; {disconnects} connections ended"
        )?;
        writeln!(f, "{deletes} deletes, {reads} reads, {refreshes} refreshes, {logouts} logouts, {blocks} blocks")?;
        writeln!(f, "{members} changes of members, {invites} invites, {reactions} reactions")?;
        writeln!(f, "{files} files were sent, {given_up} uploads given up; {links} links")?;
        writeln!(f, "{alerts} notifications of devices, {clears} taken back")?;
        if *alerts == 0 && !self.options.usage.away.is_zero() {
            writeln!(f, "    no device was notified, so nothing is known of devices: run it for longer")?;
        }
        for (what, count) in &self.faults {
            writeln!(f, "    {count:>6} x {what}")?;
        }
        if !unknown.is_empty() {
            writeln!(f, "outcomes that stayed open:")?;
        }
        for (why, count) in unknown {
            writeln!(f, "    {count:>6} x {why}")?;
        }
        if self.is_clean() {
            return writeln!(f, "every promise was kept");
        }
        writeln!(f, "{} VIOLATIONS", self.violations.len())?;
        for violation in self.violations.iter().take(TOLD) {
            writeln!(f, "{violation}")?;
        }
        let left = self.violations.len().saturating_sub(TOLD);
        if left > 0 {
            writeln!(f, "and {left} more")?;
        }
        writeln!(
            f,
            "run it again: cargo local check --seed {seed} --seconds {seconds} --clients {clients} --groups {groups} --people {people} --group-clients {group_clients} --faults {faults}"
        )
    }
}
