//! Reserve, write, release, and what mends a release that does not count. Each rule is one of `localstack/model`.

use crate::{Messenger, notify::News, pin::find_pin_place};
use domain::{Code, Fault, Message, MessageId, OrLog as _, Rev, RoomKey, Seq, UserId};
use mongo::{Causal, Fanout, Inserted, Placement, Recipients, Reservation};

/// How often a change that loses a race tries again before it answers 503; each loss means that another one won.
pub(crate) const ATTEMPTS: usize = 50;
/// How often a reservation is tried where rights are there and the filter saw none: each time the room changed in between.
const READINGS: usize = 5;

/// A change whose release counted.
pub(crate) struct Placed {
    pub(crate) message: Message,
    /// The connections of those who were in the room as of the change; `None` where they could not be read.
    pub(crate) recipients: Option<Recipients>,
    /// How often its delivery was tried again.
    pub(crate) tries: u32,
    /// What devices may have to be told of it.
    pub(crate) news: Option<News>,
}

/// By whom a message is moved above what readers may have passed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamper {
    /// The request that wrote it as it is and was not answered: only with the rights of its author.
    Writer,
    /// Another request of its author: only with their rights.
    Retry,
    /// Whoever comes later: it got its position under the rights of its time.
    Anyone,
}

/// What became of a stamp.
pub(crate) enum Stamped {
    Done(Box<Placed>),
    /// Its author may not write any more; `wrote` is the `rev` that this request gave the message last, if nobody else gave it
    /// one: a retry may have acknowledged that.
    Refused {
        refusal: Fault,
        wrote: Option<Rev>,
    },
    /// The room gave out a higher `seq` since, which a send that was acknowledged before this one began may have; `wrote` as for
    /// `Refused`.
    Passed {
        wrote: Option<Rev>,
    },
    /// Somebody withdrew it.
    Gone,
}

/// Takes the next position in a room for someone who may do there what it is for. A reservation whose answer was lost is made anew once: the
/// first one holds readers up for 5 s at the most.
pub(crate) async fn reserve(
    messenger: &Messenger,
    room: RoomKey,
    writer: UserId,
    placement: Placement,
) -> Result<Reservation, Fault> {
    let rooms = messenger.mongo.rooms();
    // An edit or deletion is not tried again: a majority may have its entry.
    let mut may_repeat = !placement.is_final();
    for _ in 0..READINGS {
        match rooms.reserve(room, Some(writer), placement).await {
            Ok(Some(reservation)) => return Ok(reservation),
            Ok(None) => {
                rooms.find_rights_now(room, writer).await?.ok_or(Code::RoomNotFound)?.admit(placement.act())?;
                match placement {
                    Placement::Pin(_) => Box::pin(find_pin_place(messenger, room)).await?,
                    Placement::WideMention { word, .. } => rooms.admit_wide_mention(room, writer, word).await?,
                    _ => {}
                }
            }
            Err(fault) if fault.code == Code::Unavailable && may_repeat => may_repeat = false,
            Err(fault) => return Err(fault),
        }
    }
    Err(contended())
}

/// Gives the position of a written message back, and reads whom to tell beside it; `None` where the release did not count.
pub(crate) async fn settle(
    messenger: &Messenger,
    causal: &mut Causal,
    message: &Message,
    reservation: &Reservation,
) -> Option<Option<Recipients>> {
    let (most, now) = (messenger.announcer.inline_connections(), messenger.clock.now());
    let mut people = reservation.members.clone();
    people.retain(|user| !message.hidden_for.contains(user));
    let (released, recipients) = tokio::join!(
        messenger.mongo.rooms().release(message.room, reservation),
        // In the session of the write, since a new primary with a lagging commit point could still name removed members.
        messenger.mongo.connections().list_recipients_in(causal, &people, most, now),
    );
    // An error leaves open whether the release counted, so it does not.
    let recipients = recipients.or_log("read whom to tell of a message");
    matches!(released, Ok(true)).then_some(recipients)
}

/// Gives back a position that nothing was written to. A release that fails only delays readers by 5 s.
pub(crate) async fn give_back(messenger: &Messenger, room: RoomKey, reservation: &Reservation) {
    drop(messenger.mongo.rooms().give_back(room, reservation).await);
}

/// Moves a message above whatever readers may have passed, until a release counts. `viewer` is who is answered with it.
pub(crate) async fn stamp(
    messenger: &Messenger,
    causal: &mut Causal,
    mut message: Message,
    tries: u32,
    by: Stamper,
    viewer: Option<UserId>,
) -> Result<Stamped, Fault> {
    let mongo = &messenger.mongo;
    let messages = viewer.map_or(mongo.messages(), |viewer| mongo.messages().seen_by(viewer));
    let mut wrote = (by == Stamper::Writer).then_some(message.rev);
    for _ in 0..ATTEMPTS {
        let above = Placement::Above { id: message.id, rev: message.rev, seq: message.seq };
        let reserved = match by {
            Stamper::Writer | Stamper::Retry => reserve(messenger, message.room, message.user, above).await,
            Stamper::Anyone => reserve_freely(messenger, message.room, above).await,
        };
        let reservation = match reserved {
            Ok(reservation) => reservation,
            Err(refusal) if matches!(refusal.code, Code::RoomNotFound | Code::RecipientUnavailable) => {
                return Ok(Stamped::Refused { refusal, wrote });
            }
            Err(fault) => return Err(fault),
        };
        if by == Stamper::Writer && reservation.seq > message.seq {
            give_back(messenger, message.room, &reservation).await;
            return Ok(Stamped::Passed { wrote });
        }
        let fanout = Fanout::new(messenger.clock.now(), tries);
        if let Some(stamped) = messages.stamp(causal, &message, &reservation, fanout).await? {
            wrote = wrote.map(|_| stamped.message.rev);
            if let Some(recipients) = settle(messenger, causal, &stamped.message, &reservation).await {
                let news = News::owed(&stamped, &reservation.members);
                return Ok(Stamped::Done(Box::new(Placed { message: stamped.message, recipients, tries, news })));
            }
            message = stamped.message;
        } else {
            give_back(messenger, message.room, &reservation).await;
            let found = messages.find(message.id).await?.map(|stored| stored.message);
            let Some(found) = found.filter(|found| found.client_id == message.client_id) else {
                return Ok(Stamped::Gone);
            };
            // The same `rev` means that another message has the one that was reserved.
            wrote = wrote.filter(|rev| *rev == found.rev);
            message = found;
        }
    }
    Err(contended())
}

/// The same by anyone, who is never refused; `None` where somebody withdrew it.
pub(crate) async fn stamp_freely(
    messenger: &Messenger,
    causal: &mut Causal,
    message: Message,
    tries: u32,
    viewer: Option<UserId>,
) -> Result<Option<Placed>, Fault> {
    match stamp(messenger, causal, message, tries, Stamper::Anyone, viewer).await? {
        Stamped::Done(placed) => Ok(Some(*placed)),
        Stamped::Refused { refusal, .. } => Err(refusal),
        Stamped::Gone | Stamped::Passed { .. } => Ok(None),
    }
}

/// Makes a new message that may not be acknowledged a tombstone, and returns it for those who saw it on a page.
///
/// Only while it has the `rev` that this request gave it last: otherwise a retry may have acknowledged it, and the retry decides.
pub(crate) async fn withdraw(
    messenger: &Messenger,
    id: MessageId,
    room: RoomKey,
    seq: Seq,
    mut wrote: Rev,
) -> Result<Placed, Fault> {
    let mongo = &messenger.mongo;
    for _ in 0..ATTEMPTS {
        let reservation = reserve_freely(messenger, room, Placement::Above { id, rev: wrote, seq }).await?;
        match mongo.messages().withdraw(id, wrote, &reservation, messenger.clock.now()).await? {
            Some(Inserted::Done(tombstone)) => {
                let mut causal = mongo.causal().await?;
                if let Some(recipients) = settle(messenger, &mut causal, &tombstone, &reservation).await {
                    return Ok(Placed { message: *tombstone, recipients, tries: 0, news: None });
                }
                wrote = tombstone.rev;
            }
            Some(Inserted::Taken) => give_back(messenger, room, &reservation).await,
            None => {
                give_back(messenger, room, &reservation).await;
                return Err(Fault::unavailable("another request moved the message that was to be withdrawn"));
            }
        }
    }
    Err(contended())
}

/// Takes the next position whoever may write. One that was lost is made anew once, unless a majority may have it.
pub(crate) async fn reserve_freely(
    messenger: &Messenger,
    room: RoomKey,
    placement: Placement,
) -> Result<Reservation, Fault> {
    let rooms = messenger.mongo.rooms();
    let reserved = match rooms.reserve(room, None, placement).await {
        Err(fault) if fault.code == Code::Unavailable && !placement.is_final() => {
            rooms.reserve(room, None, placement).await
        }
        outcome => outcome,
    };
    Ok(reserved?.ok_or(Code::RoomNotFound)?)
}

pub(crate) fn contended() -> Fault {
    Fault::unavailable("lost every attempt against other changes of the same room")
}
