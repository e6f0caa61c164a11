//! What a writer does: reserve, write, release; stamp or withdraw where the release does not count; answer, push.

use std::sync::Arc;

use super::{
    Messages, Steps,
    event::{Event, Node, What, Who},
    settings::Change,
    state::{
        Acknowledgment, Database, DelayedWrite, Entry, Fanout, Frame, Image, Kick, MessageId, Op, Row, State, Writer,
        WriterStep,
    },
};
use crate::{Promise, Rule, Violation, check::Step};

/// What came of a write.
pub(super) enum WriteOutcome {
    Written {
        database: Database,
        message: MessageId,
        image: Image,
    },
    /// `seq` or `rev` is taken, or the row has a higher `rev`.
    Refused,
    ClientIdTaken,
    /// There is nothing left to change.
    Gone,
}

/// How a reservation is made.
struct Reservation {
    next: WriterStep,
    /// Whether the filter asks for the caller's rights.
    with_rights: bool,
    /// What becomes of the writer without them.
    refused: Writer,
    /// The numbers are at least these, before they are raised.
    lift: (u8, u8),
    takes_seq: bool,
    majority: bool,
}

/// The steps of one writer.
struct Turn<'a> {
    model: &'a Messages,
    state: &'a State,
    index: usize,
    change: Change,
    writer: Writer,
    steps: &'a mut Steps,
}

impl Messages {
    /// The message that a writer inserts.
    pub(super) fn own_message(&self, writer: usize) -> Option<MessageId> {
        self.settings.is_create(writer).then(|| MessageId::try_from(writer).unwrap_or_default())
    }

    pub(super) fn writer_steps(&self, state: &State, index: usize, steps: &mut Steps) {
        let writer = state.writers[index];
        if !writer.has_ended() {
            let change = self.settings.changes[index];
            Turn { model: self, state, index, change, writer, steps }.next();
        }
    }

    /// A majority write of a change, with its unique keys and its guard.
    pub(super) fn write(
        &self,
        tip: &Database,
        writer: usize,
        rev: u8,
        seq: u8,
        message: Option<MessageId>,
    ) -> WriteOutcome {
        if self.keeps(Rule::UniqueRev) && tip.is_taken(rev, message) {
            return WriteOutcome::Refused;
        }
        let client_id = self.settings.changes[writer].client_id();
        let own = self.image_of(writer);
        let row = match (tip.row_of(client_id), message) {
            (taken, Some(message)) if self.settings.is_create(writer) => {
                let is_taken = taken.is_some() && self.keeps(Rule::UniqueClientId);
                if is_taken || tip.row(message).is_some() {
                    return WriteOutcome::ClientIdTaken;
                }
                if self.keeps(Rule::UniqueSeq) && tip.rows.iter().any(|row| row.seq == seq) {
                    return WriteOutcome::Refused;
                }
                Row { message, client_id: Some(client_id), seq, rev, image: own, fanout: Fanout::Pending }
            }
            (Some(row), _) if !row.image.has(self.deletions) => {
                if self.keeps(Rule::ChangeGuardedByRev) && row.rev >= rev {
                    return WriteOutcome::Refused;
                }
                Row { rev, image: row.image.with(own), fanout: Fanout::Pending, ..*row }
            }
            _ => return WriteOutcome::Gone,
        };
        WriteOutcome::Written { database: tip.with_row(row), message: row.message, image: row.image }
    }
}

impl Turn<'_> {
    fn next(&mut self) {
        if self.state.budget.crashes > 0 && self.writer.has_begun() {
            let mut next = self.after(self.writer.ended(WriterStep::Dead));
            next.budget.crashes -= 1;
            self.step(What::Crash, next);
        }
        match self.writer.step {
            WriterStep::Begin => self.begin(),
            WriterStep::ReadRights => self.read_rights(),
            WriterStep::Reserve => self.reserve_change(),
            WriterStep::Write => self.write(),
            WriterStep::ReleaseThenRetry => self.release_unused(self.afresh()),
            WriterStep::ReleaseThenFail | WriterStep::WithdrawFailed => self.release_unused(self.failed()),
            WriterStep::ReleaseThenStamp => self.release_unused(self.writer.at(WriterStep::StampReserve)),
            WriterStep::LookUp | WriterStep::LookUpOwn => self.look_up(),
            WriterStep::Release => self.release(),
            WriterStep::StampReserve => self.reserve_stamp(),
            WriterStep::StampWrite => self.stamp(),
            WriterStep::WithdrawReserve => self.reserve_withdrawal(),
            WriterStep::WithdrawWrite => self.withdraw(),
            WriterStep::ReleaseThenWithdraw => self.release_unused(self.writer.at(WriterStep::WithdrawReserve)),
            WriterStep::WithdrawRelease => self.release_withdrawal(),
            WriterStep::Acknowledge => self.acknowledge(),
            WriterStep::AnswerDuplicate => self.answer_duplicate(),
            WriterStep::Push | WriterStep::PushTombstone => self.push(),
            WriterStep::Answered | WriterStep::Dead | WriterStep::Failed => (),
        }
    }

    fn begin(&mut self) {
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

    fn read_rights(&mut self) {
        let granted = self.state.history.committed().k_may_write;
        let writer = if granted { self.writer.at(WriterStep::Reserve) } else { self.failed() };
        self.step(What::ReadRights { granted }, self.after(writer));
    }

    fn reserve_change(&mut self) {
        self.reserve(&Reservation {
            next: WriterStep::Write,
            with_rights: self.model.keeps(Rule::RightsInReserveFilter),
            refused: self.failed(),
            lift: (0, 0),
            takes_seq: self.change.is_create(),
            majority: !self.change.is_create() && self.model.keeps(Rule::EditsReserveWithMajority),
        });
    }

    fn reserve(&mut self, how: &Reservation) {
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

    fn write(&mut self) {
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

    fn look_up(&mut self) {
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

    fn release(&mut self) {
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

    fn release_unused(&mut self, writer: Writer) {
        let Writer { rev, op, .. } = self.writer;
        for (node, database) in self.nodes() {
            let next = self.after_w1(node, database.without_entry(op), writer);
            self.step(What::ReleaseUnused { rev, node }, next);
        }
    }

    /// A reservation above the row, before anything is acknowledged.
    fn reserve_stamp(&mut self) {
        let model = self.model;
        let is_create = self.change.is_create();
        let own = self.is_own_row();
        let row = self.writer.message.and_then(|message| self.state.history.tip().row(message));
        let (rev, seq) = row.map_or((0, 0), |row| (row.rev, row.seq));
        let with_rights = match (is_create, own) {
            (true, true) => model.keeps(Rule::RightsAtStamp),
            (true, false) => model.keeps(Rule::RightsAtRetryStamp),
            (false, _) => !model.keeps(Rule::EditsReserveWithMajority),
        };
        let withdraws = if own {
            model.keeps(Rule::RefusedMessageWithdrawn)
        } else {
            !model.keeps(Rule::RefusedRetryTouchesNothing)
        };
        let refused = if is_create && withdraws {
            let guard = if own { self.writer.written } else { rev };
            let step = WriterStep::WithdrawReserve;
            let image = Image::default();
            Writer { step, rev: guard, op: 0, image, attempts: 0, written: guard, ..self.writer }
        } else {
            self.failed()
        };
        self.reserve(&Reservation {
            next: WriterStep::StampWrite,
            with_rights,
            refused,
            lift: (rev, if model.keeps(Rule::StampLiftsSeq) { seq } else { 0 }),
            takes_seq: false,
            majority: false,
        });
    }

    fn stamp(&mut self) {
        let Writer { rev, message, .. } = self.writer;
        let tip = self.state.history.tip();
        let row = message.and_then(|message| tip.row(message));
        let is_mine = |row: &Row| !self.change.is_create() || row.client_id == Some(self.change.client_id());
        let is_taken = self.model.stamps_are_unique() && tip.is_taken(rev, message);
        let writer = Writer { moved: true, ..self.writer };
        match row {
            Some(row) if is_mine(row) && row.rev < rev && !is_taken => {
                let written = if self.is_own_row() && self.is_guarded_by(row.rev) { rev } else { self.writer.written };
                let writer = Writer { step: WriterStep::Release, seq: row.seq, image: row.image, written, ..writer };
                let stamped = tip.with_row(Row { rev, fanout: Fanout::Pending, ..*row });
                self.step(What::Stamp { rev }, self.after_majority(stamped, writer));
            }
            Some(row) if !is_mine(row) => {
                self.step(What::RowWithdrawn, self.after(writer.at(WriterStep::ReleaseThenRetry)));
            }
            _ => self.step(What::StampRefused { rev }, self.after(writer.at(WriterStep::ReleaseThenStamp))),
        }
    }

    /// A reservation without rights, for the tombstone.
    fn reserve_withdrawal(&mut self) {
        let row = self.writer.message.and_then(|message| self.state.history.tip().row(message));
        self.reserve(&Reservation {
            next: WriterStep::WithdrawWrite,
            with_rights: false,
            refused: self.failed(),
            lift: (row.map_or(0, |row| row.rev), self.writer.seq),
            takes_seq: false,
            majority: false,
        });
    }

    fn withdraw(&mut self) {
        let Writer { rev, message, written, .. } = self.writer;
        let tip = self.state.history.tip();
        let is_guarded = self.model.keeps(Rule::WithdrawGuardedByRev);
        let row = message.and_then(|message| tip.row(message)).filter(|row| !is_guarded || row.rev == written);
        let writer = Writer { moved: true, ..self.writer };
        let Some(row) = row else {
            return self.step(What::RowMoved, self.after(writer.at(WriterStep::WithdrawFailed)));
        };
        if row.rev >= rev || (self.model.stamps_are_unique() && tip.is_taken(rev, message)) {
            return self.step(What::StampRefused { rev }, self.after(writer.at(WriterStep::ReleaseThenWithdraw)));
        }
        let client_id = row.client_id.filter(|_| !self.model.keeps(Rule::WithdrawnClientIdIsFree));
        let image = row.image.with(Image::WITHDRAWN);
        let tombstone = Row { client_id, rev, image, fanout: Fanout::Pending, ..*row };
        let writer = Writer { step: WriterStep::WithdrawRelease, image, written: rev, ..writer };
        self.step(What::Withdraw { rev }, self.after_majority(tip.with_row(tombstone), writer));
    }

    fn release_withdrawal(&mut self) {
        let Writer { rev, op, .. } = self.writer;
        for (node, database) in self.nodes() {
            let (what, step) = if database.has_entry(op) {
                (What::Refuse, WriterStep::PushTombstone)
            } else {
                (What::ReleaseCountsNothing { rev, node }, WriterStep::WithdrawReserve)
            };
            let next = self.after_w1(node, database.without_entry(op), self.writer.at(step));
            self.step(what, next);
        }
    }

    /// One local read: a duplicate is answered to members only.
    fn answer_duplicate(&mut self) {
        let checks_rights = self.is_by_k() && self.model.keeps(Rule::DuplicateNeedsRights);
        let nodes = self.nodes();
        if let Some(&(node, _)) = nodes.iter().find(|(_, database)| checks_rights && !database.k_may_write) {
            self.step(What::NoRights(node), self.after(self.failed()));
        }
        if nodes.iter().any(|(_, database)| !checks_rights || database.k_may_write) {
            let what = What::AnswerDuplicate { rev: self.writer.rev };
            self.answer(what, self.writer.ended(WriterStep::Answered));
        }
    }

    fn acknowledge(&mut self) {
        let Writer { rev, seq, .. } = self.writer;
        self.answer(What::Acknowledge { rev, seq }, self.writer.at(WriterStep::Push));
    }

    fn answer(&mut self, what: What, writer: Writer) {
        let Writer { rev, seq, message, .. } = self.writer;
        let mut next = self.after(writer);
        next.violation = self.wrong_answer(self.writer.step == WriterStep::AnswerDuplicate);
        if let Some(message) = message {
            let change = u8::try_from(self.model.settings.change_of(self.index)).unwrap_or_default();
            let seq = if self.change.is_create() { seq } else { 0 };
            insert_sorted(&mut next.acknowledged, Acknowledgment { change, message, seq, rev });
        }
        self.step(what, next);
    }

    fn wrong_answer(&self, is_duplicate: bool) -> Option<Violation> {
        let writer = &self.writer;
        if writer.image.has(Image::WITHDRAWN) {
            return Some(Violation::new(Promise::RetryIsSame, "a withdrawn message is acknowledged"));
        }
        if is_duplicate && writer.began_late && !self.model.began_early(self.state, self.index) {
            let what = "acknowledged by a retry, and every attempt began after the kick was answered";
            return Some(Violation::new(Promise::RightsEnd, what));
        }
        if !is_duplicate && writer.began_late {
            let what = "acknowledged, and it began after the kick was answered";
            return Some(Violation::new(Promise::RightsEnd, what));
        }
        if !is_duplicate && writer.reserved_late {
            let what = "acknowledged, and its reservation was made after the kick was answered";
            return Some(Violation::new(Promise::RightsEnd, what));
        }
        if self.change.is_create() && writer.seq <= writer.acknowledged_before {
            let what = "acknowledged with a seq below one that was acknowledged before this send began";
            return Some(Violation::new(Promise::OneOrder, what));
        }
        None
    }

    /// After the answer: the pushes, then the note about them, where the row still has the pushed `rev`.
    fn push(&mut self) {
        let Writer { rev, message, image, .. } = self.writer;
        let Some(message) = message else { return };
        let end = if self.writer.step == WriterStep::Push { WriterStep::Answered } else { WriterStep::Failed };
        let tip = self.state.history.tip();
        let row = tip.row(message);

        let mut next = self.after(self.writer.ended(end));
        if let Some(row) = row.filter(|row| row.rev == rev) {
            next.history = next.history.amend(tip.with_fanout(*row, Fanout::Cleared));
        }
        insert_sorted(&mut next.net, Frame { rev, message, image });
        self.step(What::Push { rev }, next);

        if self.state.budget.failing_pushes > 0 {
            let is_guarded = self.model.keeps(Rule::NoteGuardedByRev);
            let mut next = self.after(self.writer.ended(end));
            if let Some(row) = row.filter(|row| !is_guarded || row.rev == rev) {
                next.history = next.history.amend(tip.with_fanout(*row, Fanout::Released));
            }
            next.budget.failing_pushes -= 1;
            self.step(What::PushFailed { rev }, next);
        }
    }

    /// Where a w:1 write may go: the primary, or a deposed one that this writer still believes in.
    fn nodes(&self) -> Vec<(Node, Arc<Database>)> {
        let deposed = self.state.deposed.as_ref().filter(|_| !self.writer.moved);
        let primary = (Node::Primary, Arc::clone(self.state.history.tip()));
        [primary].into_iter().chain(deposed.map(|database| (Node::Deposed, Arc::clone(database)))).collect()
    }

    fn is_by_k(&self) -> bool {
        self.model.settings.is_by_k(self.index)
    }

    /// Whether the row at hand was inserted by this request.
    fn is_own_row(&self) -> bool {
        self.change.is_create() && self.writer.message == self.model.own_message(self.index)
    }

    /// Whether a row at this `rev` is still as this request wrote it, so that it may be withdrawn.
    fn is_guarded_by(&self, rev: u8) -> bool {
        rev == self.writer.written || !self.model.keeps(Rule::WithdrawOnlyOwnRevs)
    }

    /// A new one for every attempt; those of a withdrawal are counted anew.
    fn op(&self, rev: u8) -> Op {
        if !self.model.keeps(Rule::ReleaseByOp) {
            return rev;
        }
        let withdraws = self.writer.step == WriterStep::WithdrawReserve;
        (self.number() + 1) * 32 + u8::from(withdraws) * 16 + self.writer.attempts
    }

    fn number(&self) -> u8 {
        u8::try_from(self.index).unwrap_or_default()
    }

    fn failed(&self) -> Writer {
        self.writer.ended(WriterStep::Failed)
    }

    /// The next attempt, as if nothing had been written.
    fn fresh(&self, step: WriterStep) -> Writer {
        Writer {
            step,
            rev: 0,
            seq: 0,
            op: 0,
            image: Image::default(),
            message: self.model.own_message(self.index),
            written: 0,
            ..self.writer
        }
    }

    fn afresh(&self) -> Writer {
        let looks_up = self.model.settings.has_retry(self.index);
        self.fresh(if looks_up { WriterStep::LookUp } else { WriterStep::Reserve })
    }

    fn after(&self, writer: Writer) -> State {
        let mut next = self.state.clone();
        next.writers[self.index] = writer;
        next
    }

    fn after_w1(&self, node: Node, database: Database, writer: Writer) -> State {
        let mut next = self.after(writer);
        match node {
            Node::Primary => next.history = next.history.append(database),
            Node::Deposed => next.deposed = Some(Arc::new(database)),
        }
        next
    }

    fn after_majority(&self, database: Database, writer: Writer) -> State {
        let mut next = self.after(writer);
        next.history = super::History::new(database);
        next
    }

    fn step(&mut self, what: What, next: State) {
        let who = Who::Writer { index: self.index, change: self.change, by_k: self.is_by_k() };
        self.steps.push(Step { event: Event { who, what }, next });
    }
}

impl Messages {
    pub(super) fn stamps_are_unique(&self) -> bool {
        self.keeps(Rule::UniqueRev) && self.keeps(Rule::UniqueRevAtStamps)
    }
}

pub(super) fn insert_sorted<T: Ord>(items: &mut Vec<T>, item: T) {
    if let Err(index) = items.binary_search(&item) {
        items.insert(index, item);
    }
}
