use crate::{
    again::{send, spend},
    audience::Audience,
    clear::clear_overtaken,
    deliver::{deliver, end, retries},
    incomplete,
    notice::notices,
    run::Run,
};
use domain::{
    Fault, OrLog as _, UserId,
    notification::{Decision, Device},
};
use futures_util::future::try_join;
use queue::PushJob;
use std::{collections::BTreeSet, time::Duration};

/// In how long one try is made once, however often its job comes: less than the queue takes to bring it again.
const ONCE_IN: Duration = Duration::from_mins(1);

/// Tells devices of a message once more, if it is still news to their people.
pub(crate) async fn retry(run: &Run<'_>, job: &PushJob) -> Result<(), Fault> {
    let (Some(room), Some(id)) = (job.room, job.id) else { return Err(incomplete()) };
    let (mongo, begun) = (&run.app.mongo, run.now());
    let (stored, named) = try_join(mongo.messages().find(id), mongo.rooms().find_named(room)).await?;
    let (Some(message), Some(named)) = (stored.map(|stored| stored.message), named) else { return Ok(()) };
    let users: BTreeSet<UserId> = job.devices.iter().map(|device| device.user).collect();
    let users: Vec<_> = users.into_iter().collect();
    let audience = Audience::read(run, room, (named, begun), &users, &[message.user]).await?;
    let (mut told, mut later) = (Vec::new(), Vec::new());
    // A notification of a newer message replaces this one.
    for listener in audience.listeners.iter().filter(|listener| listener.notified() <= message.seq) {
        let mut theirs = Vec::new();
        for device in listener.devices.iter().filter(|device| is_named(job, device)) {
            match audience.decide_anew(&message, listener, run.now()) {
                Decision::Push => {
                    if is_first(run, job, device).await? {
                        theirs.push(device);
                    }
                }
                Decision::Later(pause) => later.push((device, Some(pause))),
                Decision::Drop(_) => {}
            }
        }
        told.extend(notices(run, &audience, listener, theirs.into_iter(), &message).await);
    }
    // Active people are checked again by the same retry.
    send(run, &retries(run, job, &later)).await?;
    let untold = deliver(run, &told, audience.read_at).await;
    let users: Vec<_> = told.iter().map(|notice| notice.device.user).collect();
    clear_overtaken(run, &message, &users, begun).await.or_log("clear what was read while it was told");
    end(run, job, &untold).await
}

fn is_named(job: &PushJob, device: &Device) -> bool {
    job.devices.iter().any(|it| it.user == device.user && it.installation == device.installation.as_str())
}

/// Whether nobody else makes this try of a device.
async fn is_first(run: &Run<'_>, job: &PushJob, device: &Device) -> Result<bool, Fault> {
    let message = job.id.map(|id| id.to_string()).unwrap_or_default();
    let bucket = format!("retry:{message}:{}:{}:{}", device.user, device.installation, job.tries);
    spend(run, &bucket, ONCE_IN).await
}
