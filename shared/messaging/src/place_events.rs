use crate::{
    Messenger,
    notify::News,
    order::{ATTEMPTS, Placed, contended, give_back, reserve_freely, settle, stamp_freely},
};
use announce::Audience;
use contract::Frame;
use domain::{ClientId, Code, Fault, OrLog as _, RoomEvent, RoomId, RoomKey};
use mongo::{Inserted, Messages, Placement, Recipients, Stored};
use std::{collections::HashMap, time::Duration};
use tokio::time::sleep;

/// How long each look for the release of another request's system message waits first. Stamping what is about to be released would
/// push it a second time.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
];

/// Places changes of a group as system messages, in the order given, and pushes them after the answer.
///
/// Each change is placed once, since its number is the `client_id`. A change is placed only after those before it, so that concurrent
/// requests place the same changes in the same order. After a fault the next request or the relay places the rest.
pub async fn place_events(messenger: &Messenger, room: RoomId, events: &[RoomEvent]) -> Result<(), Fault> {
    let placing = place_in_order(messenger, room, events).await;
    // The room was there a moment ago: no fault here is the fault of who asked.
    placing.map_err(|fault| if fault.code == Code::Unavailable { fault } else { Fault::unavailable(fault) })
}

async fn place_in_order(messenger: &Messenger, room: RoomId, mut events: &[RoomEvent]) -> Result<(), Fault> {
    let (mut placed, mut lost) = (find_placed(messenger, room, events).await?, 0);
    while let [event, later @ ..] = events {
        if let Some(found) = placed.remove(ClientId::of_event(event.id).as_str()) {
            settle_found(messenger, found).await?;
        } else if !place(messenger, event).await? {
            lost += 1;
            if lost == ATTEMPTS {
                return Err(contended());
            }
            // A faster request may have placed the following changes as well.
            placed = find_placed(messenger, room, events).await?;
            continue;
        }
        (events, lost) = (later, 0);
    }
    Ok(())
}

/// The system messages that are in the room, by `client_id`.
async fn find_placed(
    messenger: &Messenger,
    room: RoomId,
    events: &[RoomEvent],
) -> Result<HashMap<String, Stored>, Fault> {
    let placed = messenger.mongo.messages().list_of_events(room, events).await?;
    Ok(placed.into_iter().map(|row| (row.message.client_id.clone(), row)).collect())
}

/// Reserves without rights, writes, releases. False where another request has placed it, or has the position.
async fn place(messenger: &Messenger, event: &RoomEvent) -> Result<bool, Fault> {
    let (mongo, room, id) = (&messenger.mongo, RoomKey::group(event.room), Messages::new_id());
    let reservation = reserve_freely(messenger, room, Placement::New(id)).await?;
    let (mut causal, now) = (mongo.causal().await?, messenger.clock.now());
    // After an error the outcome is unknown; the next request finds the message or writes it.
    let Inserted::Done(message) = mongo.messages().insert_event(&mut causal, id, event, &reservation, now).await?
    else {
        give_back(messenger, room, &reservation).await;
        return Ok(false);
    };
    let placed = match settle(messenger, &mut causal, &message, &reservation).await {
        Some(recipients) => {
            let news = News::of(&message, &reservation.members);
            Placed { message: *message, recipients, tries: 0, news }
        }
        None => stamp_freely(messenger, &mut causal, *message, 0, None).await?.ok_or_else(gone)?,
    };
    tell(messenger, placed).await;
    Ok(true)
}

/// Waits for the release of what another request wrote, and does it in its stead if that takes too long: readers may have passed
/// the message.
async fn settle_found(messenger: &Messenger, mut found: Stored) -> Result<(), Fault> {
    let mut looks = LOOKS.iter();
    let fanout = loop {
        let Some(fanout) = found.fanout.as_ref().filter(|fanout| !fanout.released) else { return Ok(()) };
        let Some(pause) = looks.next().filter(|_| !found.is_abandoned(messenger.clock.now())) else { break fanout };
        sleep(*pause).await;
        let again = messenger.mongo.messages().find(found.message.id).await?;
        found = again.ok_or_else(gone)?;
    };
    let tries = fanout.tries;
    let placed = stamp_freely(messenger, &mut messenger.mongo.causal().await?, found.message, tries, None).await?;
    tell(messenger, placed.ok_or_else(gone)?).await;
    Ok(())
}

/// Nobody withdraws a system message.
fn gone() -> Fault {
    Fault::internal("a system message is gone")
}

async fn tell(messenger: &Messenger, placed: Placed) {
    let (id, rev) = (placed.message.id, placed.message.rev);
    messenger.mongo.messages().note_released(id, rev).await.or_log("note that a system message is placed");
    let (frames, recipients) = (Frame::beside(&placed.message), placed.recipients.clone());
    messenger.publish(placed, &HashMap::new(), None).await;
    let (Some(recipients), announcer) = (recipients, messenger.announcer.clone()) else { return };
    let work = async move {
        match recipients {
            Recipients::All(recipients) => {
                for (concerned, frame) in frames {
                    let others = recipients.iter().filter(|connection| Some(connection.user) != concerned);
                    let others: Vec<_> = others.cloned().collect();
                    announcer.deliver(&others, &frame).await.or_log("tell members of a change");
                }
            }
            Recipients::TooMany(crowd) => {
                let frames = frames.into_iter().map(|(concerned, frame)| {
                    let people = crowd.people().iter().copied().filter(|user| Some(*user) != concerned).collect();
                    (Audience { people, except: None }, frame)
                });
                announcer.queue(&crowd, frames.collect()).await.or_log("queue what members are told of a change");
            }
        }
    };
    messenger.announcer.later(work).await;
}
