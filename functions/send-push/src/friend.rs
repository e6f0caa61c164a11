use crate::{
    again::{hold, spend},
    deliver::{Notice, deliver, end, named},
    incomplete,
    run::Run,
};
use domain::{Fault, notification::Device};
use futures_util::future::try_join;
use push::{News, Notification};
use queue::PushJob;
use std::time::Duration;

/// In how long one try is made once, however often its job comes.
const ONCE_IN: Duration = Duration::from_mins(1);

/// For how long further requests of the same person are not told: whoever asks and withdraws again and again rings once.
const SILENT_FOR: Duration = Duration::from_hours(24);

/// Tells somebody of a friend request, if it may still be one.
pub(crate) async fn friend(run: &Run<'_>, job: &PushJob) -> Result<(), Fault> {
    let (Some(from), Some(to)) = (job.from, job.to) else { return Err(incomplete()) };
    // Jobs that an earlier version queued for who asks.
    if from == to {
        return Ok(());
    }
    let (mongo, now) = (&run.app.mongo, run.now());
    let (devices, connections) =
        try_join(mongo.devices().list_of_people(&[to]), mongo.connections().list_of_people(&[to], now)).await?;
    let is_there = connections.iter().any(|connection| connection.is_active(now));
    if devices.is_empty() || is_there {
        return Ok(());
    }
    let both = [from, to];
    let (people, settings) = try_join(mongo.people().list_named(&both, &both), mongo.notifications().find(to)).await?;
    let find = |id| people.iter().find(|person| person.id == id);
    let (Some(asker), Some(recipient)) = (find(from), find(to)) else { return Ok(()) };
    let is_over = recipient.friends.contains(&from) || recipient.blocked.contains(&from) || asker.blocked.contains(&to);
    if is_over || !asker.is_active || !recipient.is_active || !settings.friend_requests {
        return Ok(());
    }
    let sender = asker.name().to_owned();
    let notification = Notification {
        news: News::FriendRequest { sender },
        room: None,
        id: None,
        seq: None,
        preview: settings.preview,
        badge: None,
    };
    let is_meant = |device: &&Device| job.devices.is_empty() || job.devices.contains(&named(device));
    let is_awake = |device: &&Device| !settings.are_quiet(now, device.time_zone.as_ref());
    let devices: Vec<_> = devices.iter().filter(is_meant).filter(is_awake).collect();
    // Held by the request, since its job may come again, and may be followed by one for devices whose service was away.
    let (request, day) = (job.at.millis().to_string(), format!("friend:{from}:{to}"));
    if devices.is_empty() || !hold(run, &day, &request, SILENT_FOR).await? {
        return Ok(());
    }
    let mut notices = Vec::new();
    for device in devices {
        let bucket = format!("friend:{from}:{to}:{}:{}", device.installation, job.tries);
        if spend(run, &bucket, ONCE_IN).await? {
            notices.push(Notice { device, notification: notification.clone(), author: Some(from) });
        }
    }
    let untold = deliver(run, &notices, now).await;
    end(run, job, &untold).await
}
