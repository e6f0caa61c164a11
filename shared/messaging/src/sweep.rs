use crate::{Messenger, order::stamp_freely};
use contract::MessageView;
use domain::{Code, Fault, Message, MessageId, Quote, Timestamp};
use mongo::{Fanout, Stored};
use std::collections::HashMap;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Messages that were pushed.
    pub delivered: usize,
    /// Messages that wait for the next sweep.
    pub failed: usize,
}

/// Delivers messages whose delivery is owed: of writers that must have died, stamped first, and of pushes that failed.
///
/// What is left when the time is over waits for the next sweep.
pub async fn sweep(messenger: &Messenger, limit: i64, until: Timestamp) -> Result<Swept, Fault> {
    let mut swept = Swept::default();
    for owed in messenger.mongo.messages().list_owed(messenger.clock.now(), limit).await? {
        if messenger.clock.now() >= until {
            break;
        }
        match deliver_late(messenger, owed).await {
            Ok(()) => swept.delivered += 1,
            // What holds for one holds for all: the store is away.
            Err(fault) if fault.code == Code::Unavailable => return Err(fault),
            Err(fault) => {
                swept.failed += 1;
                fault.log("deliver a message late");
            }
        }
    }
    Ok(swept)
}

async fn deliver_late(messenger: &Messenger, owed: Stored) -> Result<(), Fault> {
    let Stored { message, fanout, .. } = owed;
    let Some(fanout) = fanout else { return Ok(()) };
    let quotes = messenger.mongo.messages().list_quotes(message.reply_to.as_slice()).await?;
    if fanout.released {
        return push_again(messenger, message, fanout, &quotes).await;
    }
    let mut causal = messenger.mongo.causal().await?;
    let placed = stamp_freely(messenger, &mut causal, message, fanout.tries).await?;
    if let Some(recipients) = placed.recipients {
        messenger.push(MessageView::of(placed.message, &quotes), &recipients, placed.tries).await;
    }
    Ok(())
}

/// Pushes a message as it is: below a client's cursor the frame is ignored, above it is what was missing.
async fn push_again(
    messenger: &Messenger,
    message: Message,
    fanout: Fanout,
    quotes: &HashMap<MessageId, Quote>,
) -> Result<(), Fault> {
    // Only who is in the room now.
    let members = messenger.mongo.rooms().list_members(message.room).await?;
    let (connections, now) = (messenger.mongo.connections(), messenger.clock.now());
    let recipients = match &fanout.failed {
        Some(failed) => connections.list_live(failed, &members, now).await?,
        None => connections.list_of_people(&members, now).await?,
    };
    messenger.push(MessageView::of(message, quotes), &recipients, fanout.tries + 1).await;
    Ok(())
}
