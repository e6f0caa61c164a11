//! Stamp and withdraw, where a release does not count.

use super::{Reservation, Turn};
use crate::{
    Rule,
    messages::{
        event::What,
        state::{Fanout, Image, Row, Writer, WriterStep},
    },
};

impl Turn<'_> {
    /// A reservation above the row, before anything is acknowledged.
    pub(super) fn reserve_stamp(&mut self) {
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

    pub(super) fn stamp(&mut self) {
        let Writer { rev, message, .. } = self.writer;
        let tip = self.state.history.tip();
        let row = message.and_then(|message| tip.row(message));
        let is_mine = |row: &Row| !self.change.is_create() || row.client_id == Some(self.change.client_id());
        let is_taken = self.model.stamps_are_unique() && tip.is_taken(rev, message);
        let writer = Writer { moved: true, ..self.writer };
        match row {
            Some(row) if self.is_passed(*row) => {
                // A row that somebody else has moved may be acknowledged: a retry finds out.
                let is_own = self.writer.written == row.rev;
                let step = if is_own { WriterStep::ReleaseThenWithdraw } else { WriterStep::ReleaseThenFail };
                let writer = Writer { step, attempts: 0, ..writer };
                self.step(What::Passed { seq: row.seq }, self.after(writer));
            }
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

    /// Whether a position above the one of a new message was given out, so that a send that was acknowledged before this one began
    /// may have it.
    fn is_passed(&self, row: Row) -> bool {
        self.change.is_create()
            && self.is_own_row()
            && self.writer.seq > row.seq
            && self.model.keeps(Rule::PassedMessageWithdrawn)
    }

    /// A reservation without rights, for the tombstone.
    pub(super) fn reserve_withdrawal(&mut self) {
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

    pub(super) fn withdraw(&mut self) {
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

    pub(super) fn release_withdrawal(&mut self) {
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
}
