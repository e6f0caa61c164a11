use crate::{
    Messenger,
    fingerprint::fingerprint,
    place::{ATTEMPTS, admit, contended, reserve, settle, stamp},
};
use domain::{Code, ConnectionId, Fault, Invalid, Message, MessageDraft, MessageId, Quote, UserId};
use mongo::{Inserted, Mongo, NewMessage, Numbered, Stored};
use realtime::{MessageView, Push};
use std::collections::HashMap;
use tracing::warn;

/// How many writes of one request may have an unknown outcome: each leaves an entry that holds readers up for 5 s.
const MOST_UNKNOWN: usize = 2;

/// A message that is in its room.
pub struct Sent {
    /// The message.
    pub message: MessageView,
    /// Whether an earlier request had put it there.
    pub duplicate: bool,
}

/// Sends a message, once per `client_id`, and pushes it to the room.
///
/// Six round trips and the pushes: rights (with the limit and the message that it answers beside them), place, message,
/// release, connections, delivery noted. A duplicate that the limit would refuse, or a block, is still answered.
pub async fn send_message(
    messenger: Messenger<'_>,
    pusher: &(impl Push + Sync),
    draft: &MessageDraft,
    from: Option<&ConnectionId>,
) -> Result<Sent, Fault> {
    let fingerprint = fingerprint(draft);
    let new = NewMessage { id: Mongo::new_message_id(), draft, fingerprint: &fingerprint, at: messenger.clock.now() };
    let Written { message, quotes, duplicate, owed } = write(&messenger, &new).await?;
    let message = MessageView::of(message, &quotes);
    if owed {
        messenger.publish(pusher, message.clone(), from).await;
    }
    Ok(Sent { message, duplicate })
}

struct Written {
    message: Message,
    quotes: HashMap<MessageId, Quote>,
    /// Whether an earlier request wrote it.
    duplicate: bool,
    /// Whether nobody may have been told of it yet.
    owed: bool,
}

async fn write(messenger: &Messenger<'_>, new: &NewMessage<'_>) -> Result<Written, Fault> {
    let (mongo, draft) = (messenger.mongo, new.draft);
    let bucket = bucket_of(draft.user);
    let (spent, access, quotes) = tokio::join!(
        mongo.spend(&bucket, messenger.send_limit),
        admit(mongo, draft.room, draft.user),
        find_quote(mongo, draft),
    );
    // Rights first, or a stranger could probe a room for its messages.
    let (access, quotes) = (access?, quotes?);
    if let Err(refusal) = spent {
        return earlier(messenger, new, &quotes).await?.ok_or(refusal);
    }
    let mut unknown = 0;
    for _ in 0..ATTEMPTS {
        let place = match reserve(mongo, access.clone(), draft.user, Numbered::Message).await {
            // An answer to the first attempt may have been lost before the block.
            Err(refusal) if refusal.code == Code::RecipientUnavailable => {
                refund(mongo, &bucket).await;
                return earlier(messenger, new, &quotes).await?.ok_or(refusal);
            }
            place => place?,
        };
        match mongo.insert_message(new, place).await {
            Ok(Inserted::Done(message)) => {
                let message = settle(messenger, message, place).await?;
                return Ok(Written { message, quotes, duplicate: false, owed: true });
            }
            // Nothing was written: the place goes back, and a release that fails only delays readers by 5 s.
            Ok(Inserted::Taken) => drop(mongo.release(draft.room, place).await),
            // The write may still arrive: its entry stays until its age removes it.
            Err(fault) if fault.code == Code::Unavailable && unknown < MOST_UNKNOWN => unknown += 1,
            Err(fault) => return Err(fault),
        }
        if let Some(written) = earlier(messenger, new, &quotes).await? {
            if written.duplicate {
                refund(mongo, &bucket).await;
            }
            return Ok(written);
        }
    }
    Err(contended())
}

/// Where a person's tokens for messages and edits are.
pub(crate) fn bucket_of(user: UserId) -> String {
    format!("send:{user}")
}

/// Gives a token back that sent nothing new.
async fn refund(mongo: &Mongo, bucket: &str) {
    if let Err(fault) = mongo.refund(bucket).await {
        warn!(error = ?fault.source, "Kept a token that sent nothing new");
    }
}

/// The message that an earlier attempt, of this request or of one before it, put into the room.
async fn earlier(
    messenger: &Messenger<'_>,
    new: &NewMessage<'_>,
    quotes: &HashMap<MessageId, Quote>,
) -> Result<Option<Written>, Fault> {
    let draft = new.draft;
    let found = messenger.mongo.find_message_by_client_id(draft.room, draft.user, &draft.client_id).await?;
    let Some(Stored { message, fingerprint, pending_since }) = found else { return Ok(None) };
    if fingerprint != new.fingerprint {
        return Err(Code::ClientIdReused.into());
    }
    let (duplicate, owed) = (message.id != new.id, pending_since.is_some());
    // Whoever wrote it may have died before anyone could learn of it.
    let message = if owed { stamp(messenger, message.id).await? } else { message };
    Ok(Some(Written { message, quotes: quotes.clone(), duplicate, owed }))
}

/// A reply answers a message of the same room; another room's is as unknown as none.
async fn find_quote(mongo: &Mongo, draft: &MessageDraft) -> Result<HashMap<MessageId, Quote>, Fault> {
    let Some(id) = draft.reply_to else { return Ok(HashMap::new()) };
    let found = mongo.find_message(id).await?.filter(|stored| stored.message.room == draft.room);
    let quoted = found.ok_or_else(|| Fault::field("reply_to", Invalid::NotFound))?.message;
    Ok(HashMap::from([(id, Quote::from(&quoted))]))
}
