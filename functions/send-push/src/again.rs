use crate::run::Run;
use domain::{Fault, RoomKey, Timestamp};
use queue::{PushJob, PushKind};
use std::time::Duration;

/// Sends jobs; a fault where the queue did not take all of them.
pub(crate) async fn send(run: &Run<'_>, jobs: &[(PushJob, Duration)]) -> Result<(), Fault> {
    if jobs.is_empty() {
        return Ok(());
    }
    let jobs: Vec<_> = jobs.iter().map(|(job, delay)| job.to_job(*delay)).collect();
    if run.app.queue.send(&jobs).await.is_empty() {
        return Ok(());
    }
    Err(Fault::unavailable("the queue did not take all jobs"))
}

/// Has a room looked at after a while, unless a job is waiting that does so no later.
pub(crate) async fn look_again(run: &Run<'_>, room: RoomKey, at: Timestamp, delay: Duration) -> Result<(), Fault> {
    let bucket = format!("check:{room}:{}", delay.as_secs());
    if !spend(run, &bucket, delay).await? {
        return Ok(());
    }
    let (id, seq, from, to) = (None, None, None, None);
    let check =
        PushJob { kind: PushKind::Check, room: Some(room), id, seq, tries: 0, at, from, to, devices: Vec::new() };
    if let Err(fault) = send(run, &[(check, delay)]).await {
        run.app.mongo.limits().refund(&bucket).await?;
        return Err(fault);
    }
    Ok(())
}

/// Whether something has not been done for a while. It has been from now on.
pub(crate) async fn spend(run: &Run<'_>, bucket: &str, once_in: Duration) -> Result<bool, Fault> {
    run.app.mongo.limits().spend_once(bucket, once_in).await
}

/// The same of something that whoever did it first may do again.
pub(crate) async fn hold(run: &Run<'_>, bucket: &str, holder: &str, once_in: Duration) -> Result<bool, Fault> {
    run.app.mongo.limits().hold(bucket, holder, once_in).await
}
