//! What the model keeps of a replica set, its writers and its readers.

use std::sync::Arc;

use super::settings::ClientId;
use crate::Violation;

/// The whole state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) history: History,
    /// What a deposed primary sees, which does not know it yet.
    pub(super) deposed: Option<Arc<Database>>,
    /// A committed snapshot that is out of date: what a deposed primary, or a new one whose commit point lags, answers to
    /// readers.
    pub(super) past: Option<Arc<Database>>,
    pub(super) writers: Vec<Writer>,
    pub(super) clients: Vec<Client>,
    /// Frames never leave the net: loss, duplication and reordering are all covered. Sorted.
    pub(super) net: Vec<Frame>,
    /// Writes that arrive after their writer gave up on them.
    pub(super) delayed: Vec<DelayedWrite>,
    /// Sorted.
    pub(super) acknowledged: Vec<Acknowledgment>,
    pub(super) kick: Kick,
    pub(super) budget: Budget,
    pub(super) violation: Option<Violation>,
}

/// The oplog as snapshots: the first is what a majority has, the last is what the primary sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct History(Vec<Arc<Database>>);

impl History {
    pub(super) fn new(database: Database) -> Self {
        Self(vec![Arc::new(database)])
    }

    pub(super) fn committed(&self) -> &Arc<Database> {
        &self.0[0]
    }

    pub(super) fn tip(&self) -> &Arc<Database> {
        &self.0[self.0.len() - 1]
    }

    pub(super) fn snapshots(&self) -> &[Arc<Database>] {
        &self.0
    }

    /// A w:1 write.
    pub(super) fn append(&self, database: Database) -> Self {
        let mut snapshots = self.0.clone();
        snapshots.push(Arc::new(database));
        Self(snapshots)
    }

    /// A write whose loss nobody minds: it gets no snapshot of its own.
    pub(super) fn amend(&self, database: Database) -> Self {
        let mut snapshots = self.0.clone();
        let tip = snapshots.len() - 1;
        snapshots[tip] = Arc::new(database);
        Self(snapshots)
    }

    /// A failover to a primary that has only the first `len` snapshots.
    pub(super) fn cut(&self, len: usize) -> Self {
        Self(self.0[..len].to_vec())
    }

    /// Everything so far reaches a majority.
    pub(super) fn replicate(&self) -> Self {
        Self(vec![Arc::clone(self.tip())])
    }
}

/// One room and its messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Database {
    pub(super) seq: u8,
    pub(super) rev: u8,
    /// Sorted.
    pub(super) inflight: Vec<Entry>,
    /// Sorted by message.
    pub(super) rows: Vec<Row>,
    /// Whether K, who is kicked, may still write.
    pub(super) k_may_write: bool,
}

impl Database {
    pub(super) fn row(&self, message: MessageId) -> Option<&Row> {
        self.rows.iter().find(|row| row.message == message)
    }

    pub(super) fn row_of(&self, client_id: ClientId) -> Option<&Row> {
        self.rows.iter().find(|row| row.client_id == Some(client_id))
    }

    /// Whether another message already has this `rev`.
    pub(super) fn is_taken(&self, rev: u8, message: Option<MessageId>) -> bool {
        self.rows.iter().any(|row| row.rev == rev && Some(row.message) != message)
    }

    pub(super) fn has_entry(&self, op: Op) -> bool {
        self.inflight.iter().any(|entry| entry.op == op)
    }

    pub(super) fn without_entry(&self, op: Op) -> Self {
        let mut next = self.clone();
        next.inflight.retain(|entry| entry.op != op);
        next
    }

    pub(super) fn with_row(&self, row: Row) -> Self {
        let mut next = self.clone();
        match next.rows.binary_search_by_key(&row.message, |other| other.message) {
            Ok(index) => next.rows[index] = row,
            Err(index) => next.rows.insert(index, row),
        }
        next
    }

    pub(super) fn with_fanout(&self, row: Row, fanout: Fanout) -> Self {
        self.with_row(Row { fanout, ..row })
    }
}

/// An entry in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Entry {
    pub(super) rev: u8,
    pub(super) op: Op,
}

/// Who made an entry, attempt by attempt.
pub(super) type Op = u8;

/// A message as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) message: MessageId,
    /// A withdrawn message has none.
    pub(super) client_id: Option<ClientId>,
    pub(super) seq: u8,
    pub(super) rev: u8,
    pub(super) image: Image,
    pub(super) fanout: Fanout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fanout {
    /// Delivered.
    Cleared,
    /// Its writer may have died anywhere.
    Pending,
    /// Its release counted at this `rev`; some pushes failed.
    Released,
}

/// A message: the index of the writer that inserts it, or [`BASE`].
pub(super) type MessageId = u8;

/// The message that is there from the start.
pub(super) const BASE: MessageId = u8::MAX;

/// The changes that a row includes, so that "the reader has this change" is a plain membership test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Image(u8);

impl Image {
    pub(super) const BASE: Self = Self(1 << 7);
    pub(super) const WITHDRAWN: Self = Self(1 << 6);

    /// The change with this index.
    pub(super) fn of(change: usize) -> Self {
        Self(1 << change)
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A request that changes something, from its first step to the push after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Writer {
    pub(super) step: WriterStep,
    pub(super) rev: u8,
    pub(super) seq: u8,
    pub(super) op: Op,
    /// The row as it was last written or found.
    pub(super) image: Image,
    pub(super) attempts: u8,
    /// The highest `seq` that was acknowledged before this request began.
    pub(super) acknowledged_before: u8,
    /// It began after the kick was answered.
    pub(super) began_late: bool,
    /// It got its reservation after the kick was answered.
    pub(super) reserved_late: bool,
    /// It has talked to the newest primary. A driver never goes back.
    pub(super) moved: bool,
    pub(super) message: Option<MessageId>,
    /// The `rev` that this request wrote or found last.
    pub(super) written: u8,
}

impl Writer {
    pub(super) fn new(message: Option<MessageId>) -> Self {
        Self {
            step: WriterStep::Begin,
            rev: 0,
            seq: 0,
            op: 0,
            image: Image::default(),
            attempts: 0,
            acknowledged_before: 0,
            began_late: false,
            reserved_late: false,
            moved: false,
            message,
            written: 0,
        }
    }

    pub(super) fn at(self, step: WriterStep) -> Self {
        Self { step, ..self }
    }

    /// What is left of it at the end, so that equal ends are equal states.
    pub(super) fn ended(self, step: WriterStep) -> Self {
        Self { step, began_late: self.began_late, ..Self::new(None) }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.step != WriterStep::Begin
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.step, WriterStep::Answered | WriterStep::Dead | WriterStep::Failed)
    }
}

/// What a writer does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum WriterStep {
    Begin,
    /// Only without the rights in the reserve's filter.
    ReadRights,
    Reserve,
    Write,
    /// A unique key or a guard refused the write: release, then again.
    ReleaseThenRetry,
    /// The message is gone: release, then give up.
    ReleaseThenFail,
    /// A retry looks up its `client_id`.
    LookUp,
    /// The outcome of the write is unknown: look up the own row.
    LookUpOwn,
    Release,
    StampReserve,
    StampWrite,
    ReleaseThenStamp,
    WithdrawReserve,
    WithdrawWrite,
    /// Somebody else moved the row.
    WithdrawFailed,
    ReleaseThenWithdraw,
    WithdrawRelease,
    Acknowledge,
    AnswerDuplicate,
    Push,
    /// It refused, and pushes the tombstone.
    PushTombstone,
    Answered,
    Dead,
    Failed,
}

/// A reader that follows the rule of the cursor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Client {
    pub(super) cursor: u8,
    /// Sorted by message.
    pub(super) known: Vec<Known>,
    pub(super) sync: Sync,
}

/// A message as a reader holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Known {
    pub(super) message: MessageId,
    pub(super) rev: u8,
    pub(super) image: Image,
}

impl Client {
    pub(super) fn image(&self, message: MessageId) -> Option<Image> {
        self.known.iter().find(|known| known.message == message).map(|known| known.image)
    }

    pub(super) fn learn(&mut self, frames: &[Frame]) {
        for &Frame { rev, message, image } in frames {
            match self.known.binary_search_by_key(&message, |known| known.message) {
                Ok(index) if self.known[index].rev < rev => self.known[index] = Known { message, rev, image },
                Ok(_) => (),
                Err(index) => self.known.insert(index, Known { message, rev, image }),
            }
        }
    }
}

/// How far a `sync` is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sync {
    Idle,
    /// The answer is on its way.
    Answered {
        rows: Vec<Frame>,
        cursor: u8,
    },
    /// Only without one snapshot: the head was read, the rows were not.
    HasHead(View),
    /// Only without one snapshot: the rows were read, the head was not.
    HasRows(View),
}

/// What a reader saw of the database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct View {
    pub(super) rev: u8,
    /// The lowest entry in flight.
    pub(super) lowest: Option<u8>,
    pub(super) rows: Vec<Frame>,
}

impl From<&Database> for View {
    fn from(database: &Database) -> Self {
        let mut rows: Vec<_> = database.rows.iter().map(Frame::from).collect();
        rows.sort_unstable();
        Self { rev: database.rev, lowest: database.inflight.iter().map(|entry| entry.rev).min(), rows }
    }
}

/// A push, or a row of a page: always the whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Frame {
    pub(super) rev: u8,
    pub(super) message: MessageId,
    pub(super) image: Image,
}

impl From<&Row> for Frame {
    fn from(row: &Row) -> Self {
        Self { rev: row.rev, message: row.message, image: row.image }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DelayedWrite {
    pub(super) writer: u8,
    pub(super) rev: u8,
    pub(super) seq: u8,
    pub(super) message: Option<MessageId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Acknowledgment {
    /// The change, as its first writer's index.
    pub(super) change: u8,
    pub(super) message: MessageId,
    /// 0 for changes of a message.
    pub(super) seq: u8,
    pub(super) rev: u8,
}

/// How far the kick (or block) of K is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kick {
    Never,
    Planned,
    Written,
    Answered,
}

/// The faults that may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    pub(super) crashes: u8,
    pub(super) unknown_outcomes: u8,
    pub(super) delayed_writes: u8,
    pub(super) failovers: u8,
    pub(super) live_entries_expire: u8,
    pub(super) early_sweeps: u8,
    pub(super) failing_pushes: u8,
}
