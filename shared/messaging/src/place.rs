use crate::Messenger;
use domain::{Access, Code, Fault, Message, MessageId, RoomKey, UserId};
use mongo::{Mongo, Numbered, Reservation};

/// How often a change that loses a race tries again before it answers 503; each loss means that another one won.
pub(crate) const ATTEMPTS: usize = 50;
/// How often rights are read again; each time means that the room changed, or that a store hiccuped.
const READINGS: usize = 5;

/// Takes the next place in a room for someone who may write there, as of that place.
///
/// One round trip with the rights given, and two more for each change of the room's rights since they were read. A
/// reservation whose answer was lost is made anew: the first one holds readers up for 5 s at the most.
pub(crate) async fn reserve(
    mongo: &Mongo,
    mut access: Access,
    user: UserId,
    numbered: Numbered,
) -> Result<Reservation, Fault> {
    let (room, mut last) = (access.room, None);
    for _ in 0..READINGS {
        access.admit_writer(user)?;
        match mongo.reserve(room, access.version, numbered).await {
            Ok(Some(place)) => return Ok(place),
            Ok(None) => last = None,
            Err(fault) if fault.code == Code::Unavailable && last.is_none() => last = Some(fault),
            Err(fault) => return Err(fault),
        }
        access = admit(mongo, room, user).await?;
    }
    Err(last.unwrap_or_else(contended))
}

/// The rights in a room, for one of its members; anyone else learns nothing of it. One round trip.
pub(crate) async fn admit(mongo: &Mongo, room: RoomKey, user: UserId) -> Result<Access, Fault> {
    let access = mongo.find_access(room).await?.ok_or(Code::RoomNotFound)?;
    access.admit(user)?;
    Ok(access)
}

/// Moves a message above whatever readers may have passed, and returns it as of there.
///
/// Whatever the room's rights are by now: the change was given its place under those of its time, and only becomes visible
/// here. Four round trips when nothing changes it at the same time.
pub(crate) async fn stamp(messenger: &Messenger<'_>, id: MessageId) -> Result<Message, Fault> {
    let mongo = messenger.mongo;
    for _ in 0..ATTEMPTS {
        let row = mongo.find_message(id).await?.ok_or(Code::MessageNotFound)?.message;
        let place = mongo.reserve_above(row.room, row.rev, row.seq).await?.ok_or(Code::RoomNotFound)?;
        let stamped = mongo.stamp_message(id, place, messenger.clock.now()).await?;
        let held = mongo.release(row.room, place).await?;
        if let (Some(message), true) = (stamped, held) {
            return Ok(message);
        }
    }
    Err(contended())
}

/// Gives the place of a written message back; one that was dropped meanwhile is stamped until a release counts.
pub(crate) async fn settle(messenger: &Messenger<'_>, message: Message, place: Reservation) -> Result<Message, Fault> {
    // An error leaves open whether the release counted, so it counts as late.
    if let Ok(true) = messenger.mongo.release(message.room, place).await {
        return Ok(message);
    }
    stamp(messenger, message.id).await
}

pub(crate) fn contended() -> Fault {
    Fault::unavailable("lost every attempt against other changes of the same room")
}
