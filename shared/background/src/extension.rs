use crate::Batch;
use lambda_extension::{Error, Extension, LambdaEvent, NextEvent, service_fn};
use std::{
    convert::Infallible,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{Mutex, mpsc};

/// The name in Lambda's logs.
const NAME: &str = "background";

/// How long before the function's own limit the work ends: an environment over its limit is thrown away.
const MARGIN: Duration = Duration::from_millis(300);

/// Registers an internal extension for `INVOKE` (internal ones can't have `SHUTDOWN`), which then waits for invocations for as long
/// as the environment lives.
pub(crate) async fn register(
    batches: mpsc::UnboundedReceiver<Batch>,
) -> Result<impl Future<Output = Result<(), Error>> + Send + 'static, Error> {
    let batches = Arc::new(Mutex::new(batches));
    let work = service_fn(move |event: LambdaEvent| {
        let batches = Arc::clone(&batches);
        async move {
            if let NextEvent::Invoke(invocation) = event.next
                && let Some(batch) = batches.lock().await.recv().await
            {
                batch.finish(time_left(invocation.deadline_ms)).await;
            }
            Ok::<_, Infallible>(())
        }
    });
    let extension = Extension::new().with_extension_name(NAME).with_events(&["INVOKE"]).with_events_processor(work);
    Ok(extension.register().await?.run())
}

/// How long an invocation may still go on.
#[expect(clippy::disallowed_methods, reason = "Lambda's deadlines are in the system's time")]
fn time_left(deadline_ms: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(deadline_ms).saturating_sub(now + MARGIN)
}
