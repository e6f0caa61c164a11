use crate::{Messenger, own::readable};
use announce::{Audience, Event};
use contract::Frame;
use domain::{Code, Fault, MessageId, UserId};

/// Hides a message from one member on all of their devices; nobody else is told. Hiding it again changes nothing.
///
/// Lists, counts and frames for this member leave the message out from now on, also after later changes.
pub async fn hide_message(messenger: &Messenger, user: UserId, id: MessageId) -> Result<(), Fault> {
    let (messages, states) = (messenger.mongo.messages(), messenger.mongo.read_states());
    let message = readable(messenger, messages.find(id).await?, user).await?.message;
    let room = message.room;
    if !message.hidden_for.contains(&user) {
        // Counted first, so that a crash in between counts one too many, never one too few.
        if !states.count_hidden(room, user).await? {
            return Err(Code::TooManyHidden.into());
        }
        if !messages.hide(id, user).await? {
            states.uncount_hidden(room, user).await?;
            let again = messages.find(id).await?;
            // Another request of theirs was faster, or thousands have hidden it.
            again.filter(|it| it.message.hidden_for.contains(&user)).ok_or(Code::TooManyHidden)?;
        }
    }
    let (audience, frame) = (Audience { people: vec![user], except: None }, Frame::of_hidden(room, id, message.seq));
    messenger.announcer.announce(vec![Event { audience, frame }]).await;
    Ok(())
}
