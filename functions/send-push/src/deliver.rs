use crate::{App, again::send, run::Run};
use domain::{
    Fault, OrLog as _, Timestamp, UserId,
    notification::{Address, Device},
};
use futures_util::future::{join_all, try_join};
use push::{Notification, Outcome};
use queue::PushJob;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout_at;

/// How long a device is left alone after each try, unless its service says so.
const PAUSES: [u64; 4] = [10, 60, 300, 900];

/// The longest that a queue holds a job back.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// For how long it is believed whose a device is, and what they may see: whoever logs out, hands their phone on, leaves or blocks is
/// promised that it is silent within 15 s.
const BELIEVED: Duration = Duration::from_secs(10);

/// How many devices stand in one job.
const DEVICES: usize = 10;

/// What one device is told.
pub(crate) struct Notice<'a> {
    pub(crate) device: &'a Device,
    pub(crate) notification: Notification,
    /// Whose message or request it shows: it is for people who have not blocked them, and who are in its room.
    pub(crate) author: Option<UserId>,
}

/// Those of some devices that were not told.
#[derive(Default)]
pub(crate) struct Untold<'a> {
    /// They are asked again, after a while that their service may name.
    pub(crate) again: Vec<(&'a Device, Option<Duration>)>,
    /// They were refused by a fault of ours that concerns more than one address.
    pub(crate) refused: Vec<&'a Device>,
}

/// Tells devices that were read at some time, a few at once, and notes what became of each.
pub(crate) async fn deliver<'a>(run: &Run<'_>, notices: &[Notice<'a>], read_at: Timestamp) -> Untold<'a> {
    let sends = notices.iter().map(async |notice| {
        let _one = run.sends.acquire().await;
        let late = Some(Outcome::Again(None));
        timeout_at(run.until, tell_device(run, notice, read_at)).await.unwrap_or(late)
    });
    let outcomes = join_all(sends).await;
    let (mut untold, mut delivered, mut gone) = (Untold::default(), Vec::new(), Vec::new());
    let mut errors: BTreeMap<String, Vec<&Device>> = BTreeMap::new();
    for (notice, outcome) in notices.iter().zip(outcomes) {
        let (device, Some(outcome)) = (notice.device, outcome) else { continue };
        run.count(device.address.platform().as_str(), &outcome);
        match outcome {
            Outcome::Delivered => delivered.push(device),
            Outcome::DeviceGone => gone.push(device),
            Outcome::Again(pause) => {
                errors
                    .entry(format!("{} is away or busy", device.address.platform().as_str()))
                    .or_default()
                    .push(device);
                untold.again.push((device, pause));
            }
            Outcome::Failed(why) => {
                errors.entry(why).or_default().push(device);
                // A browser's service answers for one address, and another try would end no differently.
                if !matches!(device.address, Address::Webpush(_)) {
                    untold.refused.push(device);
                }
            }
        }
    }
    run.forget_later(gone.into_iter().cloned());
    let (devices, now) = (run.app.mongo.devices(), run.now());
    devices.note_pushes(&delivered, now, None).await.or_log("note that devices were notified");
    for (why, of) in errors {
        devices.note_pushes(&of, now, Some(&why)).await.or_log("note why devices were not notified");
    }
    untold
}

/// Tells one device, as it is registered now if it waited long for its turn; `None` if it is nobody's or somebody else's by now, or its
/// person may not see the message any more.
async fn tell_device(run: &Run<'_>, notice: &Notice<'_>, read_at: Timestamp) -> Option<Outcome> {
    let Notice { device, notification, .. } = notice;
    if run.now() < read_at.plus(BELIEVED) {
        return Some(run.app.providers.send(device, notification).await);
    }
    let found = run.app.mongo.devices().find(device.user, &device.installation);
    let known = try_join(found, may_see(run, notice)).await.or_log("look whose a device is and what they may see");
    let Some((found, may_see)) = known else { return Some(Outcome::Again(None)) };
    Some(run.app.providers.send(&found.filter(|_| may_see)?, notification).await)
}

/// Whether the person is still in the room of a message, and has not blocked its author.
async fn may_see(run: &Run<'_>, Notice { device, notification, author }: &Notice<'_>) -> Result<bool, Fault> {
    let Some(author) = *author else { return Ok(true) };
    let (mongo, user) = (&run.app.mongo, device.user);
    let is_member = async {
        let Some(room) = notification.room else { return Ok(true) };
        Ok(mongo.rooms().list_members(room).await?.contains(&user))
    };
    let (is_member, people) = try_join(is_member, mongo.people().list_named(&[user], &[author])).await?;
    Ok(is_member && people.iter().all(|person| !person.blocked.contains(&author)))
}

/// Jobs that ask devices again which were not told, by `job`'s next try.
pub(crate) fn retries(
    run: &Run<'_>,
    next: &PushJob,
    untold: &[(&Device, Option<Duration>)],
) -> Vec<(PushJob, Duration)> {
    let mut by_pause: BTreeMap<Duration, Vec<queue::Device>> = BTreeMap::new();
    for (device, pause) in untold {
        let pause =
            pause.unwrap_or_else(|| pause_before(run.app, next.tries)).clamp(Duration::from_secs(1), LONGEST_PAUSE);
        // By whole seconds, so that those that failed at once share jobs.
        let pause = Duration::from_secs(pause.as_millis().div_ceil(1_000).try_into().unwrap_or_default());
        by_pause.entry(pause).or_default().push(named(device));
    }
    let chunks = by_pause.iter().flat_map(|(pause, devices)| devices.chunks(DEVICES).map(|chunk| (*pause, chunk)));
    chunks.map(|(pause, devices)| (PushJob { devices: devices.to_vec(), ..next.clone() }, pause)).collect()
}

/// Some longer each time, so that those that failed at once do not come back at once.
fn pause_before(app: &App, tries: u32) -> Duration {
    let index = usize::try_from(tries).unwrap_or_default().saturating_sub(1).min(PAUSES.len() - 1);
    let [byte] = app.random.bytes::<1>();
    Duration::from_secs(PAUSES[index]).mul_f64(1.0 + f64::from(byte) / 1_024.0)
}

pub(crate) fn named(device: &Device) -> queue::Device {
    queue::Device { user: device.user, installation: device.installation.to_string() }
}

/// The jobs of `next` for what was not told. Each device that was refused is a job of its own, which fails alone.
pub(crate) fn jobs_after(run: &Run<'_>, next: &PushJob, untold: &Untold<'_>) -> Vec<(PushJob, Duration)> {
    let mut jobs = retries(run, next, &untold.again);
    jobs.extend(untold.refused.iter().flat_map(|device| retries(run, next, &[(*device, None)])));
    jobs
}

/// Ends a job by queueing what it could not tell, so that no device that was told rings again. A job of one device that is refused
/// fails, and comes to the dead-letter queue once it has come a few times.
pub(crate) async fn end(run: &Run<'_>, job: &PushJob, untold: &Untold<'_>) -> Result<(), Fault> {
    if job.devices.len() == 1 && !untold.refused.is_empty() {
        return Err(Fault::internal("the device was refused"));
    }
    let next = PushJob { tries: job.tries.saturating_add(1), ..job.clone() };
    send(run, &jobs_after(run, &next, untold)).await
}
