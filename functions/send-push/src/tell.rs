use crate::{
    again::send,
    audience::Audience,
    clear::clear_overtaken,
    deliver::{Untold, deliver, jobs_after},
    notice::notices,
    run::Run,
};
use domain::{Fault, Message, OrLog as _, UserId};
use futures_util::future::join_all;
use queue::{PushJob, PushKind};
use tracing::debug;

/// Notifies people of a message, each of them once, whoever else does so at the same time.
pub(crate) async fn tell(
    run: &Run<'_>,
    job: &PushJob,
    audience: &Audience,
    message: &Message,
    users: &[UserId],
) -> Result<(), Fault> {
    let (states, begun) = (run.app.mongo.read_states(), run.now());
    let listeners = users.iter().filter_map(|user| audience.listener(*user));
    let unknown: Vec<_> = listeners.filter(|listener| listener.state.is_none()).map(|listener| listener.user).collect();
    let mut claim = states.claim(audience.room, message.seq, users, &unknown, begun).await?;
    if claim.users.is_empty() {
        return Ok(());
    }
    let claimed: Vec<_> = claim.users.iter().filter_map(|user| audience.listener(*user)).collect();
    let each = claimed.iter().map(|listener| notices(run, audience, listener, listener.devices.iter(), message));
    let notices: Vec<_> = join_all(each).await.into_iter().flatten().collect();
    let (people, devices) = (claimed.len(), notices.len());
    debug!(message.id = %message.id, room.id = %message.room, people, devices, "Notifies people");
    let untold = deliver(run, &notices, audience.read_at).await;
    let retried = retry_later(run, job, message, &untold).await;
    if retried.is_err() {
        // These wait for the job to come again.
        let again = untold.again.iter().map(|(device, _)| device.user);
        let waiting: Vec<_> = again.chain(untold.refused.iter().map(|device| device.user)).collect();
        claim.users.retain(|user| !waiting.contains(user));
    }
    states.finish(&claim, run.now()).await?;
    clear_overtaken(run, message, &claim.users, begun).await.or_log("clear what was read while it was told");
    retried
}

/// Queues what was not told. What a service refuses by our own fault fails there, alone.
async fn retry_later(run: &Run<'_>, job: &PushJob, message: &Message, untold: &Untold<'_>) -> Result<(), Fault> {
    let (id, seq) = (Some(message.id), Some(message.seq));
    let next = PushJob { kind: PushKind::Retry, id, seq, tries: 1, from: None, to: None, ..job.clone() };
    send(run, &jobs_after(run, &next, untold)).await
}
