use crate::Messenger;
use domain::{ConnectionId, Fault, RoomKey, Seq, UserId};
use realtime::{Frame, Push, ReadCursor};
use tracing::warn;

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

/// Moves a member's cursor forward, never back, and tells the room's connections, in small rooms and without a block.
///
/// Three round trips: newest message, cursor, unread count; three more and the pushes where the cursor moved: rights and
/// connections, at the same time as the count, and one to forget connections that are gone.
pub async fn mark_read(
    messenger: Messenger<'_>,
    pusher: &(impl Push + Sync),
    command: MarkRead,
    from: Option<&ConnectionId>,
) -> Result<ReadCursor, Fault> {
    let MarkRead { room, user, seq } = command;
    let marked = messenger.mongo.mark_read(room, user, seq).await?;
    let counting = messenger.mongo.count_unread(room, user, marked.read);
    let telling = async {
        if marked.has_moved
            && let Err(fault) = tell(messenger, pusher, MarkRead { seq: marked.read, ..command }, from).await
        {
            warn!(room.id = %room, error = ?fault.source, "Told nobody of a receipt");
        }
    };
    let (unread_count, ()) = tokio::join!(counting, telling);
    Ok(ReadCursor { read_seq: marked.read, unread_count: unread_count? })
}

async fn tell(
    messenger: Messenger<'_>,
    pusher: &(impl Push + Sync),
    receipt: MarkRead,
    from: Option<&ConnectionId>,
) -> Result<(), Fault> {
    let MarkRead { room, user, seq } = receipt;
    let Some(access) = messenger.mongo.find_access(room).await? else { return Ok(()) };
    if access.members.len() > MOST_TOLD {
        return Ok(());
    }
    let mut recipients = messenger.mongo.list_room_connections(room, messenger.clock.now()).await?;
    // One's own devices hear of it even where the other one may not.
    recipients.retain(|connection| Some(&connection.id) != from && (connection.user == user || !access.blocked));
    messenger.tell(pusher, &recipients, &Frame::of_receipt(room, user, seq).to_text()?).await;
    Ok(())
}
