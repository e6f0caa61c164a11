//! Reserve, write, look up, release.

use super::{Reservation, Turn, WriteOutcome};
use crate::{
    Rule,
    messages::{
        event::{Node, What},
        state::{Database, DelayedWrite, Entry, Fanout, Image, Kick, Writer, WriterStep},
    },
};

impl Turn<'_> {
    pub(super) fn begin(&mut self) {
        let state = self.state;
        let is_create = self.change.is_create();
        if !is_create && state.history.committed().row_of(self.change.client_id()).is_none() {
            return;
        }
        let change = self.model.settings.change_of(self.index);
        let retries = state.writers.iter().enumerate().any(|(other, writer)| {
            other != self.index && self.model.settings.change_of(other) == change && writer.has_begun()
        });
        let highest = state.acknowledged.iter().map(|answer| answer.seq).max().unwrap_or(0);
        let late = state.kick == Kick::Answered && self.is_by_k();
        let step = if self.model.settings.has_retry(self.index) && self.model.settings.look_up_first {
            WriterStep::LookUp
        } else if self.is_by_k() && !self.model.keeps(Rule::RightsInReserveFilter) {
            WriterStep::ReadRights
        } else {
            WriterStep::Reserve
        };
        let writer =
            Writer { step, acknowledged_before: if retries { 0 } else { highest }, began_late: late, ..self.writer };
        self.step(What::Begin { late }, self.after(writer));
    }

    pub(super) fn read_rights(&mut self) {
        let granted = self.state.history.committed().k_may_write;
        let writer = if granted { self.writer.at(WriterStep::Reserve) } else { self.failed() };
        self.step(What::ReadRights { granted }, self.after(writer));
    }

    pub(super) fn reserve_change(&mut self) {
        self.reserve(&Reservation {
            next: WriterStep::Write,
            with_rights: self.model.keeps(Rule::RightsInReserveFilter),
            refused: self.failed(),
            lift: (0, 0),
            takes_seq: self.change.is_create(),
            majority: !self.change.is_create() && self.model.keeps(Rule::EditsReserveWithMajority),
        });
    }

    pub(super) fn reserve(&mut self, how: &Reservation) {
        if self.writer.attempts > self.model.settings.attempts {
            return self.step(What::GiveUp, self.after(self.failed()));
        }
        for (node, database) in self.nodes() {
            if how.with_rights && self.is_by_k() && !database.k_may_write {
                self.step(What::NoRights(node), self.after(how.refused));
                continue;
            }
            // A deposed primary never gets its majority.
            if how.majority && node == Node::Deposed {
                continue;
            }
            let rev = database.rev.max(how.lift.0) + 1;
            let seq = database.seq.max(how.lift.1) + u8::from(how.takes_seq);
            let op = self.op(rev);
            let mut inflight = database.inflight.clone();
            inflight.push(Entry { rev, op });
            inflight.sort_unstable();
            let reserved = Database { seq, rev, inflight, ..(*database).clone() };

            let writes_change = how.next == WriterStep::Write;
            let writer = Writer {
                step: how.next,
                rev,
                seq,
                op,
                image: if writes_change { Image::default() } else { self.writer.image },
                attempts: self.writer.attempts + 1,
                reserved_late: self.state.kick == Kick::Answered && self.is_by_k() && self.change.is_create(),
                moved: self.writer.moved || node == Node::Primary,
                ..self.writer
            };
            let next = if how.majority {
                self.after_majority(reserved, writer)
            } else {
                self.after_w1(node, reserved, writer)
            };
            let seq = (writes_change && self.change.is_create()).then_some(seq);
            self.step(What::Reserve { rev, seq, node }, next);
        }
    }

    pub(super) fn write(&mut self) {
        let Writer { rev, seq, message, .. } = self.writer;
        let budget = self.state.budget;
        let writer = Writer { image: Image::default(), moved: true, written: rev, ..self.writer };
        match self.model.write(self.state.history.tip(), self.index, rev, seq, message) {
            WriteOutcome::Written { database, message, image } => {
                let writer = Writer { message: Some(message), image, ..writer };
                let next = if self.model.keeps(Rule::WritesWithMajority) {
                    self.after_majority(database, writer.at(WriterStep::Release))
                } else {
                    self.after_w1(Node::Primary, database, writer.at(WriterStep::Release))
                };
                if budget.unknown_outcomes > 0 {
                    let mut unanswered = next.clone();
                    unanswered.writers[self.index] = writer.at(WriterStep::LookUpOwn);
                    unanswered.budget.unknown_outcomes -= 1;
                    self.step(What::WriteUnanswered { rev }, unanswered);
                }
                self.step(What::Write { rev }, next);
                self.write_unseen(Writer { step: WriterStep::LookUpOwn, ..writer });
            }
            WriteOutcome::Refused => {
                self.write_refused(What::WriteRefused { rev }, writer, WriterStep::ReleaseThenRetry);
            }
            WriteOutcome::ClientIdTaken => {
                self.write_refused(What::ClientIdTaken { rev }, writer, WriterStep::ReleaseThenRetry);
            }
            WriteOutcome::Gone => self.write_refused(What::MessageGone, writer, WriterStep::ReleaseThenFail),
        }
    }

    fn write_refused(&mut self, what: What, writer: Writer, step: WriterStep) {
        self.step(what, self.after(writer.at(step)));
        self.write_unseen(writer.at(WriterStep::LookUpOwn));
    }

    /// The write does not arrive, or only later.
    fn write_unseen(&mut self, writer: Writer) {
        let Writer { rev, seq, message, .. } = self.writer;
        if self.state.budget.unknown_outcomes > 0 {
            let mut next = self.after(writer);
            next.budget.unknown_outcomes -= 1;
            self.step(What::WriteFailed, next);
        }
        if self.state.budget.delayed_writes > 0 {
            let mut next = self.after(writer);
            next.budget.delayed_writes -= 1;
            next.delayed.push(DelayedWrite { writer: self.number(), rev, seq, message });
            self.step(What::WriteDelayed { rev }, next);
        }
    }

    pub(super) fn look_up(&mut self) {
        if !self.change.is_create() {
            return self.step(What::Unavailable, self.after(self.failed()));
        }
        let state = self.state;
        let past = state.past.as_ref().filter(|_| !self.writer.moved).map(|past| (past, self.writer.moved));
        // A driver that has read from the newest primary writes there too.
        let committed = (state.history.committed(), self.writer.moved || state.deposed.is_some());
        for (view, moved) in [Some(committed), past].into_iter().flatten() {
            let Some(row) = view.row_of(self.change.client_id()) else {
                let writer = Writer { moved, ..self.fresh(WriterStep::Reserve) };
                self.step(What::FindNothing, self.after(writer));
                continue;
            };
            let is_unanswered = self.writer.step == WriterStep::LookUpOwn && Some(row.message) == self.writer.message;
            let stamps = is_unanswered || row.fanout == Fanout::Pending;
            let writer = Writer {
                step: if stamps && self.model.keeps(Rule::RetryStampsPendingRow) {
                    WriterStep::StampReserve
                } else {
                    WriterStep::AnswerDuplicate
                },
                rev: row.rev,
                seq: row.seq,
                op: 0,
                image: row.image,
                moved,
                message: Some(row.message),
                written: if self.is_guarded_by(row.rev) { row.rev } else { 0 },
                ..self.writer
            };
            let pending = row.fanout != Fanout::Cleared;
            self.step(What::FindOwnRow { rev: row.rev, pending }, self.after(writer));
        }
    }

    pub(super) fn release(&mut self) {
        let Writer { rev, op, .. } = self.writer;
        for (node, database) in self.nodes() {
            if database.has_entry(op) || !self.model.keeps(Rule::ReleaseMustCount) {
                let next = self.after_w1(node, database.without_entry(op), self.writer.at(WriterStep::Acknowledge));
                self.step(What::Release { rev, node }, next);
            } else {
                let next = self.after(self.writer.at(WriterStep::StampReserve));
                self.step(What::ReleaseCountsNothing { rev, node }, next);
            }
        }
    }

    pub(super) fn release_unused(&mut self, writer: Writer) {
        let Writer { rev, op, .. } = self.writer;
        for (node, database) in self.nodes() {
            let next = self.after_w1(node, database.without_entry(op), writer);
            self.step(What::ReleaseUnused { rev, node }, next);
        }
    }
}
