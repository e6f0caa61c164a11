use crate::{
    Messenger,
    fingerprint::fingerprint,
    place::{ATTEMPTS, admit, contended, reserve, settle, stamp},
};
use domain::{Code, ConnectionId, Fault, Invalid, Message, MessageDraft};
use mongo::{Inserted, Mongo, NewMessage, Numbered, Stored};
use realtime::Push;

/// How many writes of one request may have an unknown outcome: each leaves an entry that holds readers up for 5 s.
const MOST_UNKNOWN: usize = 2;

/// A message that is in its room.
#[derive(Debug)]
pub struct Sent {
    /// The message.
    pub message: Message,
    /// Whether an earlier request had put it there.
    pub duplicate: bool,
}

/// Sends a message, once per `client_id`, and pushes it to the room.
///
/// Six round trips and the pushes: rights, place, message, release, connections, delivery noted. A reply takes two more.
pub async fn send_message(
    messenger: Messenger<'_>,
    pusher: &(impl Push + Sync),
    draft: &MessageDraft,
    from: Option<&ConnectionId>,
) -> Result<Sent, Fault> {
    let written = write(&messenger, draft).await?;
    let (message, duplicate, owed) = match written {
        Written::Now(message) => (message, false, true),
        // Whoever wrote it may have died before anyone could learn of it.
        Written::Before { stored, duplicate } if stored.pending_since.is_some() => {
            (stamp(&messenger, stored.message.id).await?, duplicate, true)
        }
        Written::Before { stored, duplicate } => (stored.message, duplicate, false),
    };
    if owed {
        messenger.publish(pusher, message.clone(), from).await;
    }
    Ok(Sent { message, duplicate })
}

enum Written {
    /// By this attempt, and its place was given back in time.
    Now(Message),
    /// By an earlier attempt, of this request or of one before it.
    Before { stored: Stored, duplicate: bool },
}

async fn write(messenger: &Messenger<'_>, draft: &MessageDraft) -> Result<Written, Fault> {
    let mongo = messenger.mongo;
    check_reply(mongo, draft).await?;
    let fingerprint = fingerprint(draft);
    let new = NewMessage { id: Mongo::new_message_id(), draft, fingerprint: &fingerprint, at: messenger.clock.now() };
    let mut unknown = 0;
    for _ in 0..ATTEMPTS {
        let place = reserve(mongo, draft.room, draft.user, Numbered::Message).await?;
        match mongo.insert_message(&new, place).await {
            Ok(Inserted::Done(message)) => return settle(messenger, message, place).await.map(Written::Now),
            // Nothing was written: the place goes back, and a release that fails only delays readers by 5 s.
            Ok(Inserted::Taken) => drop(mongo.release(draft.room, place).await),
            // The write may still arrive: its entry stays until its age removes it.
            Err(fault) if fault.code == Code::Unavailable && unknown < MOST_UNKNOWN => unknown += 1,
            Err(fault) => return Err(fault),
        }
        if let Some(stored) = mongo.find_message_by_client_id(draft.room, draft.user, &draft.client_id).await? {
            if stored.fingerprint != fingerprint {
                return Err(Code::ClientIdReused.into());
            }
            let duplicate = stored.message.id != new.id;
            return Ok(Written::Before { stored, duplicate });
        }
    }
    Err(contended())
}

/// A reply answers a message of the same room; another room's is as unknown as none.
async fn check_reply(mongo: &Mongo, draft: &MessageDraft) -> Result<(), Fault> {
    let Some(id) = draft.reply_to else { return Ok(()) };
    // Rights first, or a stranger could probe a room for its messages.
    admit(mongo, draft.room, draft.user).await?;
    let found = mongo.find_message(id).await?.filter(|stored| stored.message.room == draft.room);
    found.map(|_| ()).ok_or_else(|| Fault::field("reply_to", Invalid::NotFound))
}
