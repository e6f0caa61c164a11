//! What a writer does: reserve, write, release; stamp or withdraw where the release does not count; answer, push.

mod answering;
mod mending;
mod sending;

use std::sync::Arc;

use super::{
    Messages, Steps,
    event::{Event, Node, What, Who},
    settings::Change,
    state::{Database, Fanout, Image, MessageId, Op, Row, State, Writer, WriterStep},
};
use crate::{Rule, check::Step};

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
