use crate::{
    again::{send, spend},
    deliver::{Notice, deliver, named, refused},
    incomplete,
    notice::badge,
    run::Run,
};
use domain::{
    Fault, Seq, UserId,
    notification::{Address, Device, Preview},
};
use mongo::ReadState;
use push::{News, Notification};
use queue::PushJob;
use std::{collections::HashMap, time::Duration};

/// In how long a device of Apple's is told once: it allows no more than a few such a day, and only the number at the icon is new.
const ONCE_IN: Duration = Duration::from_mins(1);

/// To how many members one job looks; beyond them a deleted message stays on devices until it is opened.
const MOST_MEMBERS: usize = 1_000;

/// Has devices take back what was read elsewhere, or a message that was deleted.
pub(crate) async fn clear(run: &Run<'_>, job: &PushJob) -> Result<(), Fault> {
    let (Some(room), Some(seq)) = (job.room, job.seq) else { return Err(incomplete()) };
    let mongo = &run.app.mongo;
    let (from, to) = (job.from.unwrap_or(UserId(0)), job.to.unwrap_or(UserId(i32::MAX)));
    let states = mongo.read_states().list(room, from..=to).await?;
    let is_meant = |state: &ReadState| match job.id {
        // Whoever has read it had it taken back then.
        Some(_) => state.notified >= seq && state.read < seq,
        None => state.read >= seq,
    };
    let read: HashMap<UserId, Seq> = states
        .iter()
        .filter(|state| is_meant(state))
        .take(MOST_MEMBERS)
        .map(|state| (state.user, state.read))
        .collect();
    if read.is_empty() {
        return Ok(());
    }
    let users: Vec<_> = read.keys().copied().collect();
    let mut devices = mongo.devices().list_of_people(&users).await?;
    devices.retain(|device| {
        // A browser must show something, and there is nothing to show.
        let is_named = job.devices.is_empty() || job.devices.contains(&named(device));
        is_named && !matches!(device.address, Address::Webpush(_))
    });
    let mut due = Vec::new();
    let mut later = Vec::new();
    for device in &devices {
        match turn(run, device).await? {
            Turn::Now => due.push(device),
            Turn::Later => later.push(named(device)),
            Turn::Waiting => {}
        }
    }
    if !later.is_empty() {
        send(run, &[(PushJob { devices: later, ..job.clone() }, ONCE_IN)]).await?;
    }
    let mut notices = Vec::new();
    for device in due {
        let notification = Notification {
            news: News::Clear,
            room: Some(room),
            id: job.id,
            seq: read.get(&device.user).copied(),
            preview: Preview::None,
            badge: badge(run, device.user, &[device]).await,
        };
        notices.push(Notice { device, notification });
    }
    // One that fails is not tried again: the next notification brings the number.
    refused(&deliver(run, &notices).await)
}

enum Turn {
    Now,
    /// In a minute, by a job that is made now.
    Later,
    /// A job waits that tells it the newest number.
    Waiting,
}

async fn turn(run: &Run<'_>, device: &Device) -> Result<Turn, Fault> {
    let Address::Apns(..) = device.address else { return Ok(Turn::Now) };
    let id = format!("{}:{}", device.user, device.installation);
    if spend(run, &format!("clear:{id}"), ONCE_IN).await? {
        return Ok(Turn::Now);
    }
    let is_first = spend(run, &format!("clear-later:{id}"), ONCE_IN).await?;
    Ok(if is_first { Turn::Later } else { Turn::Waiting })
}
