use crate::{Messenger, notify::News, order::stamp_freely};
use contract::MessageView;
use domain::{Code, Fault, Message, MessageId, OrLog as _, Quote, Timestamp};
use mongo::{Fanout, Recipients, Stored};
use std::{collections::HashMap, time::Duration};
use tokio::time::timeout;

/// How long one message may take, and the reading of all.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// How long it may take to note that one failed.
const NOTE_LIMIT: Duration = Duration::from_millis(500);

/// How many messages in a sweep may find the store unavailable before the sweep ends: one alone may be contended.
const MOST_UNAVAILABLE: usize = 2;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Messages that were pushed.
    pub delivered: usize,
    /// Messages left to the next sweep.
    pub failed: usize,
}

/// Delivers messages whose delivery is owed: those of writers that died, which are stamped first, and those of failed pushes.
///
/// Each message is tried once, the least recently tried first, so that one that always fails does not delay others. What is left
/// when the time is over waits for the next sweep. A store that is unavailable ends the sweep.
pub async fn sweep(messenger: &Messenger, limit: i64, until: Timestamp) -> Result<Swept, Fault> {
    let (messages, mut swept, mut unavailable) = (messenger.mongo.messages(), Swept::default(), 0);
    let listing = timeout(TIME_LIMIT, messages.list_owed(messenger.clock.now(), limit)).await;
    for owed in listing.map_err(Fault::unavailable)?? {
        let left = messenger.clock.now().until(until);
        if left.is_zero() {
            break;
        }
        let (id, rev) = (owed.message.id, owed.message.rev);
        let late = timeout(left.min(TIME_LIMIT), deliver_late(messenger, owed)).await;
        let Err(fault) = late.unwrap_or_else(|late| Err(Fault::internal(late))) else {
            swept.delivered += 1;
            continue;
        };
        swept.failed += 1;
        fault.log("deliver a message late");
        unavailable += usize::from(fault.code == Code::Unavailable);
        if unavailable == MOST_UNAVAILABLE {
            return Err(fault);
        }
        // What kept the message from being delivered may keep it from being noted.
        let postponing = timeout(NOTE_LIMIT, messages.postpone(id, rev, messenger.clock.now())).await;
        postponing.unwrap_or_else(|late| Err(Fault::unavailable(late))).or_log("postpone a message");
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
    // What was withdrawn meanwhile is left to its writer, who pushes the tombstone.
    let placed = stamp_freely(messenger, &mut causal, message, fanout.tries, None).await?;
    let Some(placed) = placed else { return Ok(()) };
    if let Some(recipients) = placed.recipients {
        messenger
            .push(MessageView::of(placed.message, &quotes), &recipients, None, placed.tries, placed.news, None)
            .await;
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
    // Only who is in the room now, and wants to see it.
    let mut members = messenger.mongo.rooms().list_members(message.room).await?;
    members.retain(|user| !message.hidden_for.contains(user));
    let (connections, now) = (messenger.mongo.connections(), messenger.clock.now());
    let recipients = match &fanout.failed {
        Some(failed) => Recipients::All(connections.list_live(failed, &members, now).await?),
        None => connections.list_recipients(&members, messenger.announcer.inline_connections(), now).await?,
    };
    // A writer that died before its first push may have queued no notification either; a second check is harmless.
    let news = if fanout.news { News::of(&message, &members) } else { None };
    messenger.push(MessageView::of(message, quotes), &recipients, None, fanout.tries + 1, news, None).await;
    Ok(())
}
