use crate::{Messenger, place::stamp};
use domain::{Code, Fault, MessageId, Timestamp};
use realtime::{MessageView, Push};
use tracing::warn;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Messages that were stamped and pushed.
    pub delivered: usize,
    /// Messages that wait for the next sweep.
    pub failed: usize,
}

/// Stamps and pushes messages whose delivery is owed for so long that their writers must have died.
///
/// One round trip, and for each message six and the pushes, of a reply one more. What is left when the time is over waits for the
/// next sweep.
pub async fn sweep(
    messenger: Messenger<'_>,
    pusher: &(impl Push + Sync),
    limit: i64,
    until: Timestamp,
) -> Result<Swept, Fault> {
    let mut swept = Swept::default();
    for id in messenger.mongo.list_abandoned(messenger.clock.now(), limit).await? {
        if messenger.clock.now() >= until {
            break;
        }
        match deliver_late(messenger, pusher, id).await {
            Ok(()) => swept.delivered += 1,
            // What holds for one holds for all: the store is away.
            Err(fault) if fault.code == Code::Unavailable => return Err(fault),
            Err(fault) => {
                swept.failed += 1;
                warn!(message.id = %id, code = fault.code.as_str(), error = ?fault.source, "Could not deliver a message late");
            }
        }
    }
    Ok(swept)
}

async fn deliver_late(messenger: Messenger<'_>, pusher: &(impl Push + Sync), id: MessageId) -> Result<(), Fault> {
    let message = stamp(&messenger, id).await?;
    let quotes = messenger.mongo.list_quotes(message.reply_to.as_slice()).await?;
    messenger.publish(pusher, MessageView::of(message, &quotes), None).await;
    Ok(())
}
