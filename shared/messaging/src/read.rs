use crate::Messenger;
use announce::{Audience, Signal};
use contract::{Frame, ReadCursor};
use domain::{ConnectionId, Fault, RoomKey, Seq, UserId};

/// In larger rooms nobody is told who has read what.
const MOST_TOLD: usize = 50;

/// A member has read up to a message.
#[derive(Debug, Clone, Copy)]
pub struct MarkRead {
    /// Which room.
    pub room: RoomKey,
    /// By whom.
    pub user: UserId,
    /// The newest message read; one that does not exist yet stands for the room's newest.
    pub seq: Seq,
}

/// Moves a member's cursor forward, never back. In small rooms the others are told after the answer, unless there is a block.
pub async fn mark_read(
    messenger: &Messenger,
    command: MarkRead,
    from: Option<&ConnectionId>,
) -> Result<ReadCursor, Fault> {
    let MarkRead { room, user, seq } = command;
    let states = messenger.mongo.read_states();
    let marked = states.mark(room, user, seq).await?;
    let unread_count = states.count_unread(room, user, marked.read, marked.newest).await?;
    if marked.has_moved && marked.members.len() <= MOST_TOLD {
        // One's own devices hear of it even where the other person may not.
        let people = if marked.blocked { vec![user] } else { marked.members };
        let audience = Audience { people, except: from.cloned() };
        messenger.announcer.signal(Signal { audience, frame: Frame::of_receipt(room, user, marked.read) }).await;
    }
    if marked.was_notified {
        messenger.clear_read(room, user, marked.read).await;
    }
    Ok(ReadCursor { read_seq: marked.read, unread_count })
}
