use crate::{
    Author, Messenger,
    change::{Change, change},
    order::{ATTEMPTS, contended, stamp_freely},
    own::{admit, answer_unchanged, approach, find_again, refuse_unchangeable},
};
use contract::MessageView;
use domain::{Act, Code, Fault, MOST_PINS, MessageId, Page, PageSize, Rev, RoomKey, UserId};
use mongo::{Mongo, PinKey, Stored};

/// How many abandoned places for pinned messages one request looks after.
const MOST_FREED: usize = 5;

/// What is to become of a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinned {
    /// The message is to be pinned.
    There,
    /// The message is to be unpinned.
    Gone,
}

/// Pins or unpins a message, pushes it to the room after the answer and returns it as of the change. Repeating it changes nothing.
/// Both members of a private room may do it, and the staff of a group.
pub async fn pin_message(
    messenger: &Messenger,
    author: &Author<'_>,
    message: MessageId,
    to: Pinned,
) -> Result<MessageView, Fault> {
    let wanted = match to {
        Pinned::There => Change::Pin,
        Pinned::Gone => Change::Unpin,
    };
    let (mut stored, passage) = approach(messenger, author, message).await?;
    refuse_unchangeable(messenger, author, &stored, Act::Pin).await?;
    admit(messenger, author, &stored, Act::Pin, passage).await?;
    for _ in 0..ATTEMPTS {
        if stored.message.pin.is_some() == (to == Pinned::There) {
            return answer_unchanged(messenger, author, stored, Act::Pin).await;
        }
        if let Some(changed) = change(messenger, author, &stored.message, wanted).await? {
            return Ok(changed);
        }
        stored = find_again(messenger, author, message).await?;
        refuse_unchangeable(messenger, author, &stored, Act::Pin).await?;
    }
    Err(contended())
}

/// A request for the pinned messages of a room.
#[derive(Debug, Clone, Copy)]
pub struct ListPinned {
    /// Which room.
    pub room: RoomKey,
    /// By whom.
    pub user: UserId,
    /// How many at the most.
    pub size: PageSize,
}

/// The pinned messages of a room for one of its members, the newest pin first.
pub async fn list_pinned(
    mongo: &Mongo,
    query: ListPinned,
    after: Option<&PinKey>,
) -> Result<Page<MessageView, PinKey>, Fault> {
    let ListPinned { room, user, size } = query;
    let pinned = mongo.rooms().list_pinned(room, user, after, size).await?.ok_or(Code::RoomNotFound)?;
    Ok(pinned.messages.map(|message| MessageView::of(message, &pinned.quotes)))
}

/// Looks for a place among a room's pinned messages after a reservation found none: one may be free meanwhile, or held by
/// somebody who died. `TooManyPins` where there is none.
pub(crate) async fn find_pin_place(messenger: &Messenger, room: RoomKey) -> Result<(), Fault> {
    let places = messenger.mongo.rooms().find_pin_places(room).await?;
    let mut freed = 0;
    for stale in places.stale.into_iter().take(MOST_FREED) {
        freed += usize::from(free_place(messenger, room, stale).await?);
    }
    if places.taken - freed < MOST_PINS { Ok(()) } else { Err(Code::TooManyPins.into()) }
}

/// Gives the place of a message back that is not pinned. The message is moved first: whoever took the place and is merely late
/// finds a higher `rev` than theirs and pins nothing. Answers whether the place is free.
async fn free_place(messenger: &Messenger, room: RoomKey, stored: Stored) -> Result<bool, Fault> {
    let (mongo, message) = (&messenger.mongo, stored.message);
    let (id, reply_to) = (message.id, message.reply_to);
    let rev = if message.deleted_at.is_some() {
        // It can't be pinned any more, whenever its place was taken.
        Rev(i64::MAX)
    } else {
        let tries = stored.fanout.map_or(0, |fanout| fanout.tries);
        let mut causal = mongo.causal().await?;
        let placed = stamp_freely(messenger, &mut causal, message, tries, None).await?;
        let Some(placed) = placed else { return Ok(false) };
        let (rev, is_pinned) = (placed.message.rev, placed.message.pin.is_some());
        let quotes = mongo.messages().list_quotes(reply_to.as_slice()).await?;
        messenger.publish(placed, &quotes, None).await;
        if is_pinned {
            return Ok(false);
        }
        rev
    };
    mongo.rooms().free_pin_place(room, id, rev).await?;
    Ok(true)
}
