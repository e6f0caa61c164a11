//! The message path itself: reserve, write, release, stamp, withdraw, push, sync.
//!
//! One replica set is its oplog as snapshots. A w:1 write appends one, a majority write appends one and commits everything
//! before it, an election cuts the oplog anywhere above what is committed. A deposed primary may go on answering, and a
//! writer that has not yet talked to its successor may still write there.

mod event;
mod reader;
mod settings;
mod state;
mod world;
mod writer;

use std::sync::Arc;

use event::Event;
pub(crate) use settings::{Change, ClientId, Settings, Watch};
use state::{
    Acknowledgment, BASE, Budget, Client, Database, Fanout, History, Image, Kick, Known, Row, State, Sync, Writer,
    WriterStep,
};

use crate::{
    Promise, Rule, Violation,
    check::{Protocol, Step},
};

/// The message path in one bounded world.
#[derive(Debug)]
pub(crate) struct Messages {
    settings: Settings,
    /// Every deletion, and the tombstone of a withdrawn message.
    deletions: Image,
    first: Arc<Database>,
}

type Steps = Vec<Step<State, Event>>;

impl Messages {
    pub(crate) fn new(settings: Settings) -> Self {
        let deletions = settings
            .changes
            .iter()
            .enumerate()
            .filter(|(_, change)| matches!(change, Change::Delete(_)))
            .fold(Image::WITHDRAWN, |image, (index, _)| image.with(Image::of(index)));
        let base = Row {
            message: BASE,
            client_id: Some(ClientId::Base),
            seq: 1,
            rev: 1,
            image: Image::BASE,
            fanout: Fanout::Cleared,
        };
        let first = Database { seq: 1, rev: 1, inflight: Vec::new(), rows: vec![base], k_may_write: true };
        Self { settings, deletions, first: Arc::new(first) }
    }

    fn keeps(&self, rule: Rule) -> bool {
        self.settings.keeps(rule)
    }

    /// The change that a writer makes, as a row includes it.
    fn image_of(&self, writer: usize) -> Image {
        Image::of(self.settings.change_of(writer))
    }

    /// Whether an attempt of the same change began before the kick was answered.
    fn began_early(&self, state: &State, writer: usize) -> bool {
        let change = self.settings.change_of(writer);
        state.writers.iter().enumerate().any(|(other, attempt)| {
            self.settings.change_of(other) == change && attempt.has_begun() && !attempt.began_late
        })
    }
}

impl Protocol for Messages {
    type State = State;
    type Event = Event;

    fn start(&self) -> State {
        let client =
            Client { cursor: 1, known: vec![Known { message: BASE, rev: 1, image: Image::BASE }], sync: Sync::Idle };
        let settings = &self.settings;
        State {
            history: History::new((*self.first).clone()),
            deposed: None,
            past: None,
            writers: (0..settings.changes.len()).map(|index| Writer::new(self.own_message(index))).collect(),
            clients: vec![client; settings.clients],
            net: Vec::new(),
            delayed: Vec::new(),
            acknowledged: Vec::new(),
            kick: if settings.kicked.is_empty() { Kick::Never } else { Kick::Planned },
            budget: Budget {
                crashes: settings.crash,
                unknown_outcomes: settings.unknown,
                delayed_writes: settings.delayed,
                failovers: settings.failover,
                live_entries_expire: settings.drops,
                early_sweeps: settings.sweeps,
                failing_pushes: settings.fails,
            },
            violation: None,
        }
    }

    fn steps(&self, state: &State, steps: &mut Steps) {
        for index in 0..state.writers.len() {
            self.writer_steps(state, index, steps);
        }
        self.world_steps(state, steps);
        for index in 0..state.clients.len() {
            self.client_steps(state, index, steps);
        }
    }

    fn violation(&self, state: &State) -> Option<Violation> {
        let rows = &state.history.tip().rows;
        state
            .violation
            .clone()
            .or_else(|| self.duplicate_numbers(rows))
            .or_else(|| lost_acknowledgment(state))
            .or_else(|| self.late_push(state))
            .or_else(|| if is_quiet(state) { self.late_row(state).or_else(|| self.missed_row(state)) } else { None })
    }
}

impl Messages {
    fn duplicate_numbers(&self, rows: &[Row]) -> Option<Violation> {
        let repeated = |equal: fn(&Row, &Row) -> bool| {
            rows.iter().enumerate().any(|(index, row)| rows[..index].iter().any(|other| equal(row, other)))
        };
        if repeated(|row, other| row.seq == other.seq) {
            return Some(Violation::new(Promise::OneOrder, "two messages with one seq"));
        }
        if self.stamps_are_unique() && repeated(|row, other| row.rev == other.rev) {
            return Some(Violation::new(Promise::OneOrder, "two messages with one rev"));
        }
        if repeated(|row, other| row.client_id.is_some() && row.client_id == other.client_id) {
            return Some(Violation::new(Promise::RetryIsSame, "two messages with one client_id"));
        }
        None
    }

    /// P5 for readers: a change of K that began after the kick's answer was pushed.
    fn late_push(&self, state: &State) -> Option<Violation> {
        if self.settings.watch != Watch::Visible {
            return None;
        }
        let is_late = |index: usize| state.writers[index].began_late && !self.began_early(state, index);
        let is_pushed = |index: usize| {
            let image = self.image_of(index);
            state.net.iter().any(|frame| frame.image.has(image) && !frame.image.has(self.deletions))
        };
        let writer = (0..state.writers.len()).find(|&index| is_late(index) && is_pushed(index))?;
        let what = format!("the change of writer {writer} was pushed, and it began after the kick was answered");
        Some(Violation::new(Promise::RightsEnd, what))
    }

    /// P5 for readers: such a change was refused, and it stays.
    fn late_row(&self, state: &State) -> Option<Violation> {
        if self.settings.watch != Watch::Visible {
            return None;
        }
        let rows = &state.history.tip().rows;
        let stays = |index: usize| {
            let image = self.image_of(index);
            rows.iter().any(|row| row.image.has(image) && !row.image.has(self.deletions))
        };
        let writer = (0..state.writers.len()).find(|&index| {
            let writer = &state.writers[index];
            writer.step == WriterStep::Failed && writer.began_late && !self.began_early(state, index) && stays(index)
        })?;
        let what = format!("the change of writer {writer} was refused after the kick, and it stays");
        Some(Violation::new(Promise::RightsEnd, what))
    }

    /// P3: no later page and no later push will show a reader this row.
    fn missed_row(&self, state: &State) -> Option<Violation> {
        let tip = state.history.tip();
        let is_acknowledged = |row: &Row| state.acknowledged.iter().any(|answer| answer.message == row.message);
        for row in &tip.rows {
            // The sweeper will stamp it above every cursor.
            if row.fanout == Fanout::Pending && self.settings.sweeper {
                continue;
            }
            if row.fanout != Fanout::Cleared && !is_acknowledged(row) {
                continue;
            }
            for (index, client) in state.clients.iter().enumerate() {
                let misses = client.sync == Sync::Idle
                    && row.rev <= client.cursor
                    && client.image(row.message) != Some(row.image);
                if misses {
                    let what = format!("client {index} at cursor {} never gets rev {}", client.cursor, row.rev);
                    return Some(Violation::new(Promise::NothingMissed, what));
                }
            }
        }
        if self.keeps(Rule::StaleEntriesExpire) {
            return None;
        }
        // With the rule, the next write or the next reader removes what dead writers left.
        let lowest = tip.inflight.iter().map(|entry| entry.rev).min()?;
        let hidden = tip.rows.iter().find(|row| is_acknowledged(row) && row.rev >= lowest)?;
        let what = format!("no page ever shows rev {}: the entry of rev {lowest} stays in flight", hidden.rev);
        Some(Violation::new(Promise::NothingMissed, what))
    }
}

fn lost_acknowledgment(state: &State) -> Option<Violation> {
    let tip = state.history.tip();
    state.acknowledged.iter().find_map(|answer| {
        let &Acknowledgment { change, message, seq, .. } = answer;
        let row = tip.row(message).filter(|row| row.image.has(Image::of(usize::from(change))));
        let what = match row {
            None => format!("the acknowledged change of writer {change} is in no row"),
            Some(row) if seq > 0 && row.image.has(Image::WITHDRAWN) => {
                format!("the acknowledged message of writer {change} was withdrawn")
            }
            Some(_) => return None,
        };
        Some(Violation::new(Promise::NothingLost, what))
    })
}

/// Nobody is writing.
fn is_quiet(state: &State) -> bool {
    state.delayed.is_empty() && state.writers.iter().all(|writer| writer.has_ended() || !writer.has_begun())
}
