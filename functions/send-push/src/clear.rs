use crate::{
    again::{send, spend},
    deliver::{Notice, Untold, deliver, end, named},
    incomplete,
    notice::{MOST_COUNTED, badge, shows_number},
    run::Run,
};
use domain::{
    Fault, Message, Seq, Timestamp, UserId,
    notification::{Address, CLEAR_AFTER, Device, Preview},
};
use futures_util::future::{join_all, try_join, try_join_all};
use mongo::ReadState;
use push::{News, Notification};
use queue::{PushJob, PushKind};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// In how long a device of Apple's is told once: it allows no more than a few such a day, and only the number at the icon is new.
const ONCE_IN: Duration = Duration::from_mins(1);

/// To how many members one job looks; beyond them a deleted message stays on devices until it is opened.
const MOST_MEMBERS: usize = 1_000;

/// How many devices stand in one job.
const DEVICES: usize = 20;

/// Has devices take back what was read elsewhere, or a message that was deleted.
pub(crate) async fn clear(run: &Run<'_>, job: &PushJob) -> Result<(), Fault> {
    let (Some(room), Some(seq)) = (job.room, job.seq) else { return Err(incomplete()) };
    let mongo = &run.app.mongo;
    let (from, to) = (job.from.unwrap_or(UserId(0)), job.to.unwrap_or(UserId(i32::MAX)));
    let states = mongo.read_states().list(room, from..=to).await?;
    let is_meant = |state: &ReadState| match job.id {
        // A reader's devices were cleared by the read, unless this is the delayed job for them.
        Some(_) => {
            state.notified.max(state.claimed.unwrap_or_default()) >= seq
                && (state.read < seq || !job.devices.is_empty())
        }
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
    let read_at = run.now();
    let mut devices = mongo.devices().list_of_people(&users).await?;
    devices.retain(|device| {
        // A browser must show something, and there is nothing to show.
        let is_named = job.devices.is_empty() || job.devices.contains(&named(device));
        is_named && !matches!(device.address, Address::Webpush(_))
    });
    let turns = try_join_all(devices.iter().map(|device| turn(run, device))).await?;
    let mut due: BTreeMap<UserId, Vec<&Device>> = BTreeMap::new();
    let mut later = Vec::new();
    for (device, turn) in devices.iter().zip(turns) {
        match turn {
            Turn::Now => due.entry(device.user).or_default().push(device),
            Turn::Later => later.push(named(device)),
            Turn::Waiting => {}
        }
    }
    send(run, &parts(job, later)).await?;
    // Of those alone who have such a device: a large room may have few.
    let with_number = due.values().filter(|devices| devices.iter().any(|device| shows_number(device)));
    let are_counted = with_number.count() <= MOST_COUNTED;
    let each = due.into_iter().map(async |(user, devices)| {
        let badge = if are_counted { badge(run, user, &devices).await } else { None };
        let seq = read.get(&user).copied();
        let notification =
            Notification { news: News::Clear, room: Some(room), id: job.id, seq, preview: Preview::None, badge };
        devices.into_iter().map(move |device| Notice { device, notification: notification.clone(), author: None })
    });
    let notices: Vec<_> = join_all(each).await.into_iter().flatten().collect();
    let untold = deliver(run, &notices, read_at).await;
    // One whose service is away is not tried again: the next notification brings the number.
    end(run, job, &Untold { again: Vec::new(), ..untold }).await
}

/// Has devices take back a message that people read, or that was deleted, while a slow service was told of it: the job of that read or
/// deletion came too early then. `begun` is when nobody had read it.
pub(crate) async fn clear_overtaken(
    run: &Run<'_>,
    message: &Message,
    users: &[UserId],
    begun: Timestamp,
) -> Result<(), Fault> {
    let now = run.now();
    let (Some(first), Some(last)) = (users.iter().min(), users.iter().max()) else { return Ok(()) };
    if now < begun.plus(CLEAR_AFTER) {
        return Ok(());
    }
    let Message { id, room, seq, .. } = *message;
    let mongo = &run.app.mongo;
    let (states, stored) = try_join(mongo.read_states().list(room, *first..=*last), mongo.messages().find(id)).await?;
    let job = |id, seq, from, to| PushJob {
        kind: PushKind::Clear,
        room: Some(room),
        id,
        seq: Some(seq),
        tries: 0,
        at: now,
        from,
        to,
        devices: Vec::new(),
    };
    let readers = states.iter().filter(|state| state.read >= seq && users.contains(&state.user));
    let mut jobs: Vec<_> = readers.map(|state| job(None, state.read, Some(state.user), Some(state.user))).collect();
    if stored.is_some_and(|stored| stored.message.deleted_at.is_some()) {
        jobs.push(job(Some(id), seq, Some(*first), Some(*last)));
    }
    let jobs: Vec<_> = jobs.into_iter().map(|job| (job, CLEAR_AFTER)).collect();
    send(run, &jobs).await
}

/// The same job for some devices each, and no more people than they have.
fn parts(job: &PushJob, mut devices: Vec<queue::Device>) -> Vec<(PushJob, Duration)> {
    devices.sort_by_key(|device| device.user);
    let part = |devices: &[queue::Device]| {
        let [from, to] = [devices.first(), devices.last()].map(|device| device.map(|device| device.user));
        PushJob { from, to, devices: devices.to_vec(), ..job.clone() }
    };
    devices.chunks(DEVICES).map(|devices| (part(devices), ONCE_IN)).collect()
}

enum Turn {
    Now,
    /// In a minute, by a job that is made now.
    Later,
    /// A job waits that tells it the newest number.
    Waiting,
}

async fn turn(run: &Run<'_>, device: &Device) -> Result<Turn, Fault> {
    if !shows_number(device) {
        return Ok(Turn::Now);
    }
    let _one = run.counts.acquire().await;
    let id = format!("{}:{}", device.user, device.installation);
    if spend(run, &format!("clear:{id}"), ONCE_IN).await? {
        return Ok(Turn::Now);
    }
    let is_first = spend(run, &format!("clear-later:{id}"), ONCE_IN).await?;
    Ok(if is_first { Turn::Later } else { Turn::Waiting })
}
