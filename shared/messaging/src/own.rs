use crate::{Author, Messenger, order::stamp_freely};
use contract::MessageView;
use domain::{Act, Code, Fault, MessageId, Rights, RoomKey, UserId};
use mongo::{Bucket, Passage, Stored};

/// A message that somebody wants to change, and what the gate answers them. Who may do it learns that before they learn of a limit.
pub(crate) async fn approach(
    messenger: &Messenger,
    author: &Author<'_>,
    message: MessageId,
) -> Result<(Stored, Passage), Fault> {
    let mongo = &messenger.mongo;
    let (passage, found) = tokio::join!(
        mongo.gates().pass(author.user, author.session, Bucket::Changes, author.limits.changes),
        mongo.messages().seen_by(author.user).find(message),
    );
    let passage = passage?;
    if passage == Passage::SessionEnded {
        return Err(Code::Unauthenticated.into());
    }
    Ok((found?.ok_or(Code::MessageNotFound)?, passage))
}

/// The same message again, after another change of it won.
pub(crate) async fn find_again(
    messenger: &Messenger,
    author: &Author<'_>,
    message: MessageId,
) -> Result<Stored, Fault> {
    let found = messenger.mongo.messages().seen_by(author.user).find(message).await?;
    Ok(found.ok_or(Code::MessageNotFound)?)
}

/// Answers with a message that already is as it was asked for.
pub(crate) async fn answer_unchanged(
    messenger: &Messenger,
    author: &Author<'_>,
    Stored { message, fanout, .. }: Stored,
    act: Act,
) -> Result<MessageView, Fault> {
    let mongo = &messenger.mongo;
    find_rights(messenger, message.room, author.user).await?.admit(act)?;
    let quotes = mongo.messages().list_quotes(message.reply_to.as_slice()).await?;
    let Some(fanout) = fanout.filter(|fanout| !fanout.released) else {
        return Ok(MessageView::of(message, &quotes));
    };
    // The request that changed it may have died before publishing it.
    let viewer = Some(author.user);
    let placed = stamp_freely(messenger, &mut mongo.causal().await?, message, fanout.tries, viewer).await?;
    Ok(messenger.publish(placed.ok_or(Code::MessageNotFound)?, &quotes, author.connection).await)
}

/// Refuses to change what nobody changes: a notice of the room, and what is deleted. Only who may do it learns which it is.
pub(crate) async fn refuse_unchangeable(
    messenger: &Messenger,
    author: &Author<'_>,
    stored: &Stored,
    act: Act,
) -> Result<(), Fault> {
    let code = match &stored.message {
        message if message.system.is_some() => Code::SystemMessage,
        message if message.deleted_at.is_some() => Code::MessageNotFound,
        _ => return Ok(()),
    };
    find_rights(messenger, stored.message.room, author.user).await?.admit(act)?;
    Err(code.into())
}

/// Refuses over a limit. Only who may do it learns of that: others would learn that the message exists.
pub(crate) async fn admit(
    messenger: &Messenger,
    author: &Author<'_>,
    stored: &Stored,
    act: Act,
    passage: Passage,
) -> Result<(), Fault> {
    if passage != Passage::Open {
        find_rights(messenger, stored.message.room, author.user).await?.admit(act)?;
    }
    passage.admit()
}

/// A message of one's own. Another's, and a notice of the room, is known to the room's members, and to nobody else.
pub(crate) async fn own(messenger: &Messenger, found: Option<Stored>, user: UserId) -> Result<Stored, Fault> {
    let stored = found.ok_or(Code::MessageNotFound)?;
    let is_system = stored.message.system.is_some();
    if stored.message.user == user && !is_system {
        return Ok(stored);
    }
    find_rights(messenger, stored.message.room, user).await?;
    Err(if is_system { Code::SystemMessage } else { Code::NotAuthor }.into())
}

/// A message that somebody may read.
pub(crate) async fn readable(messenger: &Messenger, found: Option<Stored>, user: UserId) -> Result<Stored, Fault> {
    let stored = found.ok_or(Code::MessageNotFound)?;
    find_rights(messenger, stored.message.room, user).await?;
    Ok(stored)
}

/// Refuses whoever is not in the room, as if the message were not there.
pub(crate) async fn find_rights(messenger: &Messenger, room: RoomKey, user: UserId) -> Result<Rights, Fault> {
    Ok(messenger.mongo.rooms().find_rights(room, user).await?.ok_or(Code::MessageNotFound)?)
}

/// Whoever asks for a message learns nothing of the room that it is in.
pub(crate) fn hide_room(fault: Fault) -> Fault {
    match fault.code {
        Code::RoomNotFound => Code::MessageNotFound.into(),
        _ => fault,
    }
}
