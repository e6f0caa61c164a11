use crate::Messenger;
use domain::{Code, Fault, Rights, RoomKey, UserId};
use mongo::Stored;

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
