//! The steps of the model in words.

use std::fmt;

use super::{
    settings::{Change, ClientId},
    state::{BASE, MessageId},
};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(super) who: Who,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Who {
    World,
    Writer { index: usize, change: Change, by_k: bool },
    Client(usize),
}

/// The node that a w:1 write goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Primary,
    Deposed,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    Crash,
    Begin { late: bool },
    ReadRights { granted: bool },
    NoRights(Node),
    Reserve { rev: u8, seq: Option<u8>, node: Node },
    GiveUp,
    Write { rev: u8 },
    WriteUnanswered { rev: u8 },
    WriteFailed,
    WriteDelayed { rev: u8 },
    WriteRefused { rev: u8 },
    ClientIdTaken { rev: u8 },
    MessageGone,
    ReleaseUnused { rev: u8, node: Node },
    Unavailable,
    FindNothing,
    FindOwnRow { rev: u8, pending: bool },
    Release { rev: u8, node: Node },
    ReleaseCountsNothing { rev: u8, node: Node },
    Stamp { rev: u8 },
    StampRefused { rev: u8 },
    Passed { seq: u8 },
    RowWithdrawn,
    Withdraw { rev: u8 },
    RowMoved,
    Refuse,
    Acknowledge { rev: u8, seq: u8 },
    AnswerDuplicate { rev: u8 },
    Push { rev: u8 },
    PushFailed { rev: u8 },

    DelayedWriteArrives { writer: usize, rev: u8, written: bool },
    Replicate,
    KickWritten,
    KickLost,
    KickAnswered,
    Failover { rev: u8, deposed: bool },
    EntryExpires { rev: u8 },
    SweeperPushes { message: MessageId, rev: u8 },
    SweeperStamps { message: MessageId, rev: u8 },
    SweeperWithdraws { message: MessageId, rev: u8 },

    GetPush { rev: u8 },
    ReadHead { rev: u8, past: bool },
    ReadRows { past: bool },
    ReadRest { past: bool, cursor: u8 },
    Sync { past: bool, rows: usize, cursor: u8, head: u8 },
    TakeAnswer { cursor: u8 },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.who {
            Who::World => (),
            Who::Writer { index, change, by_k } => {
                write!(f, "writer {index} ({change}{}) ", if by_k { " by K" } else { "" })?;
            }
            Who::Client(index) => write!(f, "client {index} ")?,
        }
        self.what.fmt(f)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Crash => f.write_str("dies"),
            Self::Begin { late } => write!(f, "begins{}", if late { " after the kick was answered" } else { "" }),
            Self::ReadRights { granted } => write!(f, "reads its rights: {}", if granted { "granted" } else { "none" }),
            Self::NoRights(node) => write!(f, "has no rights in the filter{node}"),
            Self::Reserve { rev, seq: None, node } => write!(f, "reserves rev {rev}{node}"),
            Self::Reserve { rev, seq: Some(seq), node } => write!(f, "reserves rev {rev}, seq {seq}{node}"),
            Self::GiveUp => f.write_str("gives up, 503"),
            Self::Write { rev } => write!(f, "writes rev {rev}, majority"),
            Self::WriteUnanswered { rev } => write!(f, "writes rev {rev}, and its answer is lost"),
            Self::WriteFailed => f.write_str("fails to write, outcome unknown"),
            Self::WriteDelayed { rev } => write!(f, "sends its write of rev {rev}, which stays in the network"),
            Self::WriteRefused { rev } => {
                write!(f, "is refused at rev {rev}: seq or rev is taken, or the row is newer")
            }
            Self::ClientIdTaken { rev } => write!(f, "is refused at rev {rev}: the client_id is taken"),
            Self::MessageGone => f.write_str("finds the message gone"),
            Self::ReleaseUnused { rev, node } => write!(f, "releases rev {rev} unused{node}"),
            Self::Unavailable => f.write_str("answers 503"),
            Self::FindNothing => f.write_str("finds nothing under its client_id"),
            Self::FindOwnRow { rev, pending } => {
                write!(f, "finds its client_id at rev {rev}{}", if pending { ", pending" } else { "" })
            }
            Self::Release { rev, node } => write!(f, "releases rev {rev}{node}"),
            Self::ReleaseCountsNothing { rev, node } => write!(f, "releases rev {rev}{node}: counts 0"),
            Self::Stamp { rev } => write!(f, "stamps the row with rev {rev}, majority"),
            Self::StampRefused { rev } => write!(f, "can't stamp rev {rev}: another change has it or a higher one"),
            Self::Passed { seq } => write!(f, "finds that the room is above its seq {seq}"),
            Self::RowWithdrawn => f.write_str("finds the row withdrawn"),
            Self::Withdraw { rev } => write!(f, "withdraws the row at rev {rev}, majority"),
            Self::RowMoved => f.write_str("can't withdraw: somebody else moved the row"),
            Self::Refuse => f.write_str("releases the tombstone's rev, and refuses"),
            Self::Acknowledge { rev, seq } => write!(f, "is acknowledged: rev {rev}, seq {seq}"),
            Self::AnswerDuplicate { rev } => write!(f, "is answered as a duplicate: rev {rev}"),
            Self::Push { rev } => write!(f, "pushes rev {rev}"),
            Self::PushFailed { rev } => write!(f, "notes that a push of rev {rev} failed"),
            Self::DelayedWriteArrives { writer, rev, written } => {
                let outcome = if written { "written" } else { "refused" };
                write!(f, "the delayed write of writer {writer} at rev {rev} arrives: {outcome}")
            }
            Self::Replicate => f.write_str("everything so far reaches a majority"),
            Self::KickWritten => f.write_str("kick: written on the primary"),
            Self::KickLost => f.write_str("kick: lost, written again"),
            Self::KickAnswered => f.write_str("kick: has its majority, answered"),
            Self::Failover { rev, deposed } => {
                let old = if deposed { ", the deposed one goes on" } else { "" };
                write!(f, "failover: the new primary has rev {rev}{old}")
            }
            Self::EntryExpires { rev } => write!(f, "the entry of rev {rev} expires"),
            Self::SweeperPushes { message, rev } => write!(f, "the sweeper pushes {} again, rev {rev}", Named(message)),
            Self::SweeperStamps { message, rev } => {
                write!(f, "the sweeper stamps {} with rev {rev} and pushes it", Named(message))
            }
            Self::SweeperWithdraws { message, rev } => {
                write!(f, "the sweeper withdraws {} at rev {rev} and pushes it", Named(message))
            }
            Self::GetPush { rev } => write!(f, "gets the push of rev {rev}"),
            Self::ReadHead { rev, past } => write!(f, "reads the head{}: rev {rev}", of(past)),
            Self::ReadRows { past } => write!(f, "reads the rows{}", of(past)),
            Self::ReadRest { past, cursor } => write!(f, "reads the rest{}: cursor {cursor}", of(past)),
            Self::Sync { past, rows, cursor, head } => {
                write!(f, "syncs{}: {rows} rows, cursor {cursor}, head {head}", of(past))
            }
            Self::TakeAnswer { cursor } => write!(f, "takes the answer: cursor {cursor}"),
        }
    }
}

fn of(past: bool) -> &'static str {
    if past { " of the past" } else { "" }
}

struct Named(MessageId);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            BASE => f.write_str("the base message"),
            writer => write!(f, "the message of writer {writer}"),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primary => Ok(()),
            Self::Deposed => f.write_str(" on the deposed primary"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, id) = match self {
            Self::Create(id) => ("create", id),
            Self::Edit(id) => ("edit", id),
            Self::React(id) => ("react to", id),
            Self::Delete(id) => ("delete", id),
        };
        let name = match id {
            ClientId::Base => "base",
            ClientId::A => "a",
            ClientId::B => "b",
            ClientId::C => "c",
        };
        write!(f, "{verb} {name}")
    }
}
