//! What happens around the writers: replication, elections, the kick, expiring entries, the sweeper.

use std::sync::Arc;

use super::{
    Messages, Steps,
    event::{Event, What, Who},
    settings::ClientId,
    state::{Database, Fanout, Frame, History, Image, Kick, Row, State, Writer},
    writer::{WriteOutcome, insert_sorted},
};
use crate::{Rule, check::Step};

impl Messages {
    pub(super) fn world_steps(&self, state: &State, steps: &mut Steps) {
        let mut step = |what, next| steps.push(Step { event: Event { who: Who::World, what }, next });
        self.delayed_writes(state, &mut step);
        if state.history.snapshots().len() > 1 {
            step(What::Replicate, State { history: state.history.replicate(), ..state.clone() });
        }
        self.kick(state, &mut step);
        if state.budget.failovers > 0 {
            self.failover(state, &mut step);
        }
        if self.expires_entries() {
            self.expire_entries(state, &mut step);
        }
        if self.settings.sweeper && state.delayed.is_empty() {
            self.sweep(state, &mut step);
        }
    }

    fn delayed_writes(&self, state: &State, step: &mut impl FnMut(What, State)) {
        for (index, delayed) in state.delayed.iter().enumerate() {
            let writer = usize::from(delayed.writer);
            let mut next = state.clone();
            next.delayed.remove(index);
            let outcome = self.write(state.history.tip(), writer, delayed.rev, delayed.seq, delayed.message);
            let written = if let WriteOutcome::Written { database, .. } = outcome {
                next.history = History::new(database);
                true
            } else {
                false
            };
            step(What::DelayedWriteArrives { writer, rev: delayed.rev, written }, next);
        }
    }

    /// The new primary may miss any w:1 write; the old one may go on.
    fn failover(&self, state: &State, step: &mut impl FnMut(What, State)) {
        let deposed = self.settings.deposed;
        let snapshots = state.history.snapshots();
        for (index, tip) in snapshots.iter().enumerate() {
            let loses_nothing = index == snapshots.len() - 1;
            if loses_nothing && !deposed && !self.settings.lag {
                continue;
            }
            let mut next = state.clone();
            next.history = state.history.cut(index + 1);
            next.deposed = deposed.then(|| Arc::clone(state.history.tip()));
            next.past = if deposed {
                Some(Arc::clone(state.history.committed()))
            } else if self.settings.lag {
                state.past.clone().or_else(|| Some(Arc::clone(&self.first)))
            } else {
                None
            };
            for writer in next.writers.iter_mut().filter(|writer| !writer.has_ended()) {
                writer.moved = false;
            }
            next.budget.failovers -= 1;
            step(What::Failover { rev: tip.rev, deposed }, next);
        }
    }

    fn expires_entries(&self) -> bool {
        self.keeps(Rule::OnlyWritesExpireEntries) && self.keeps(Rule::StaleEntriesExpire)
    }

    fn expire_entries(&self, state: &State, step: &mut impl FnMut(What, State)) {
        let tip = state.history.tip();
        let budget = state.budget.live_entries_expire;
        for (index, entry) in tip.inflight.iter().enumerate() {
            let is_live = state.writers.iter().any(|writer| writer.op == entry.op && !writer.has_ended());
            if budget > 0 && (self.settings.late_writer || !is_live) {
                let mut next = state.clone();
                let mut database = (**tip).clone();
                database.inflight.remove(index);
                next.history = state.history.append(database);
                next.budget.live_entries_expire = budget - u8::from(is_live);
                step(What::EntryExpires { rev: entry.rev }, next);
            }
        }
    }

    fn sweep(&self, state: &State, step: &mut impl FnMut(What, State)) {
        let is_idle = state.writers.iter().all(Writer::has_ended);
        if !is_idle && state.budget.early_sweeps == 0 {
            return;
        }
        let tip = state.history.tip();
        for row in &tip.rows {
            match row.fanout {
                Fanout::Cleared => (),
                Fanout::Released => {
                    let mut next = state.clone();
                    next.history = state.history.amend(tip.with_fanout(*row, Fanout::Cleared));
                    insert_sorted(&mut next.net, Frame::from(row));
                    step(What::SweeperPushes { message: row.message, rev: row.rev }, next);
                }
                Fanout::Pending => {
                    let (swept, withdrawn) = self.swept(tip, *row);
                    let Row { message, rev, seq, .. } = swept;
                    let mut next = state.clone();
                    let database = Database { rev, seq: tip.seq.max(seq), ..tip.with_row(swept) };
                    next.history = History::new(database);
                    insert_sorted(&mut next.net, Frame::from(&swept));
                    next.budget.early_sweeps -= u8::from(!is_idle);
                    let what = if withdrawn {
                        What::SweeperWithdraws { message, rev }
                    } else {
                        What::SweeperStamps { message, rev }
                    };
                    step(what, next);
                }
            }
        }
    }

    /// A pending row after the sweep, which is one step: its race with writers is that of a retry.
    fn swept(&self, tip: &Database, row: Row) -> (Row, bool) {
        let mut rev = tip.rev.max(row.rev) + 1;
        while self.stamps_are_unique() && tip.is_taken(rev, Some(row.message)) {
            rev += 1;
        }
        let withdraws = !self.keeps(Rule::SweeperStampsWithoutRights) && !tip.k_may_write && self.is_ks(row.client_id);
        let swept = if withdraws {
            let image = row.image.with(Image::WITHDRAWN);
            Row { rev, client_id: None, image, fanout: Fanout::Cleared, ..row }
        } else {
            Row { rev, fanout: Fanout::Cleared, ..row }
        };
        (swept, withdraws)
    }

    fn is_ks(&self, client_id: Option<ClientId>) -> bool {
        self.settings
            .kicked
            .iter()
            .any(|&index| self.settings.is_create(index) && Some(self.settings.changes[index].client_id()) == client_id)
    }

    /// A kick is written, which a failover may lose, and answered when a majority has it.
    fn kick(&self, state: &State, step: &mut impl FnMut(What, State)) {
        let tip = state.history.tip();
        let write = |kick| {
            let database = Database { k_may_write: false, ..(**tip).clone() };
            State { history: state.history.append(database), kick, ..state.clone() }
        };
        match state.kick {
            Kick::Planned => step(What::KickWritten, write(Kick::Written)),
            Kick::Written => {
                if tip.k_may_write {
                    step(What::KickLost, write(Kick::Written));
                }
                let has_majority = !state.history.committed().k_may_write;
                if has_majority || !self.keeps(Rule::KickAnsweredByMajority) {
                    step(What::KickAnswered, State { kick: Kick::Answered, ..state.clone() });
                }
            }
            Kick::Never | Kick::Answered => (),
        }
    }
}
