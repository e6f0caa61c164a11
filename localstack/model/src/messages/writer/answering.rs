//! The answer, and the pushes after it.

use super::{Turn, insert_sorted};
use crate::{
    Promise, Rule, Violation,
    messages::{
        event::What,
        state::{Acknowledgment, Fanout, Frame, Image, Writer, WriterStep},
    },
};

impl Turn<'_> {
    /// One local read: a duplicate is answered to members only.
    pub(super) fn answer_duplicate(&mut self) {
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

    pub(super) fn acknowledge(&mut self) {
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
    pub(super) fn push(&mut self) {
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
}
