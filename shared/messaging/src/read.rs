use crate::Messenger;
use announce::{Audience, Signal};
use contract::{Frame, ReadCursor};
use domain::{Code, ConnectionId, Fault, OrLog as _, RoomKey, RoomKind, Seq, UserId};
use mongo::{MOST_TOLD, Marked, Outlook, Progress};

/// A member has read up to a message, or messages have arrived at them.
#[derive(Debug, Clone, Copy)]
pub struct MarkRead {
    /// Which room.
    pub room: RoomKey,
    /// By whom.
    pub user: UserId,
    /// The newest message read; one that does not exist yet stands for the room's newest.
    pub seq: Seq,
}

/// Moves a member's cursor forward, never back, and answers where it is and what is unread after it.
pub async fn mark_read(
    messenger: &Messenger,
    command: MarkRead,
    from: Option<&ConnectionId>,
) -> Result<ReadCursor, Fault> {
    let marked = move_cursor(messenger, command, Progress::Read, from).await?;
    let (states, MarkRead { room, user, .. }) = (messenger.mongo.read_states(), command);
    let unread_count = states.count_unread(room, user, marked.read, marked.newest).await?;
    Ok(ReadCursor { read_seq: marked.read, unread_count })
}

/// The same without counting unread messages.
pub async fn note_read(messenger: &Messenger, command: MarkRead, from: Option<&ConnectionId>) -> Result<(), Fault> {
    move_cursor(messenger, command, Progress::Read, from).await.map(drop)
}

/// Notes that messages have arrived at a member of a private room; does nothing in a group.
pub async fn note_delivered(
    messenger: &Messenger,
    command: MarkRead,
    from: Option<&ConnectionId>,
) -> Result<(), Fault> {
    if command.room.kind == RoomKind::Group {
        return Ok(());
    }
    move_cursor(messenger, command, Progress::Delivered, from).await.map(drop)
}

/// Moves a cursor. Where it has moved, others are told after the answer.
async fn move_cursor(
    messenger: &Messenger,
    command: MarkRead,
    progress: Progress,
    from: Option<&ConnectionId>,
) -> Result<Marked, Fault> {
    let MarkRead { room, user, seq } = command;
    let outlook = messenger.mongo.read_states().look(room, user).await?.ok_or(Code::RoomNotFound)?;
    let (marked, signal) = Reading { room, user, seq, outlook }.note(messenger, progress, from).await?;
    if let Some(signal) = signal {
        messenger.announcer.signal(signal).await;
    }
    if marked.was_notified {
        messenger.clear_read(room, user, marked.read).await;
    }
    Ok(marked)
}

/// Up to where somebody has read, and who is to know.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    room: RoomKey,
    user: UserId,
    seq: Seq,
    outlook: Outlook,
}

impl Reading {
    /// What the author of a message has read; `None` where they say nothing of it, or are not in the room.
    pub(crate) async fn beside(messenger: &Messenger, room: RoomKey, user: UserId, seq: Option<Seq>) -> Option<Self> {
        let seq = seq?;
        let outlook = messenger.mongo.read_states().look(room, user).await.or_log("look what an author has read");
        Some(Self { room, user, seq, outlook: outlook?? })
    }

    /// The cursor that the frame of a message may carry: everybody whom that reaches may know.
    pub(crate) fn carried(&self) -> Option<Seq> {
        let Outlook { newest, blocked, hiding, .. } = &self.outlook;
        let is_open = self.room.kind == RoomKind::Private && !blocked && hiding.is_empty();
        is_open.then(|| self.seq.clamp(Seq(0), *newest))
    }

    /// Moves the cursor after the answer, and tells of it unless a frame carries it.
    pub(crate) async fn note_beside(self, messenger: &Messenger, from: Option<&ConnectionId>) {
        let (room, user, is_told) = (self.room, self.user, self.carried().is_some());
        let noted = async {
            let (marked, signal) = self.note(messenger, Progress::Read, from).await?;
            if marked.was_notified {
                messenger.clear_read_now(room, user, marked.read).await;
            }
            match signal {
                Some(signal) if !is_told => messenger.announcer.signal_now(signal).await,
                _ => Ok(()),
            }
        };
        noted.await.or_log("note what an author has read");
    }

    /// Moves the cursor; where it has moved, the signal says so.
    async fn note(
        self,
        messenger: &Messenger,
        progress: Progress,
        from: Option<&ConnectionId>,
    ) -> Result<(Marked, Option<Signal>), Fault> {
        let Self { room, user, seq, outlook } = self;
        let marked = messenger.mongo.read_states().advance(room, user, progress, seq, outlook.newest).await?;
        let signal = marked.has_moved.then(|| {
            let frame = match progress {
                Progress::Read => Frame::of_receipt(room, user, marked.read),
                Progress::Delivered => Frame::of_delivery(room, user, marked.read),
            };
            let audience = Audience { people: told(outlook, user), except: from.cloned() };
            Signal { room, by: user, audience, frame }
        });
        Ok((marked, signal))
    }
}

/// Who hears how far somebody has read: always themselves, on other devices. Nobody else across a block and in a large room, nobody
/// of those who hide, and nobody of those from whom they hide.
fn told(outlook: Outlook, user: UserId) -> Vec<UserId> {
    let Outlook { mut members, blocked, hiding, .. } = outlook;
    if blocked || members.len() > MOST_TOLD || hiding.contains(&user) {
        return vec![user];
    }
    members.retain(|member| !hiding.contains(member));
    members
}
