use crate::Messenger;
use contract::Frame;
use domain::{Fault, RoomKey, UserId};

/// Tells the other members of a small room who have it open that a member types or stopped. Does nothing for a person who is not in
/// the room, with the same answer.
pub async fn tell_typing(messenger: &Messenger, room: RoomKey, user: UserId, on: bool) -> Result<(), Fault> {
    let now = messenger.clock.now();
    let onlookers = messenger.mongo.connections().list_onlookers(room, user, now).await?;
    messenger.announcer.whisper(onlookers, Frame::of_typing(room, user, on)).await;
    Ok(())
}
