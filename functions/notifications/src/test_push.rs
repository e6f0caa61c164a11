use crate::App;
use axum::extract::State;
use contract::TestPush;
use domain::{Code, Fault};
use mongo::Bucket;
use queue::{Device, PushJob, PushKind};
use std::time::Duration;
use tracing::instrument;
use web::{Accepted, ApiResult, Bearer, BodyProblems, CallerProblems, Json, StoreProblems};

web::problems!(TestProblems: DeviceNotFound, PushOff);

/// Sends a notification to one of the caller's devices.
///
/// What became of it stands in `last_push_at` and `last_error` of the device a few seconds later.
#[utoipa::path(
    post, path = "/notifications/test", operation_id = "test_push", tag = "notifications", security(("bearer" = [])),
    request_body = TestPush,
    responses(
        (status = 202, description = "The notification is on its way."),
        TestProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, device.id = %test.installation))]
pub(crate) async fn test_push(
    State(app): State<App>,
    caller: Bearer,
    Json(test): Json<TestPush>,
) -> ApiResult<Accepted> {
    caller.spend(&app.mongo, Bucket::TestPushes, app.limits.test_pushes).await?;
    let device = app.mongo.devices().find(caller.id, &test.installation).await?.ok_or(Code::DeviceNotFound)?;
    let jobs = app.jobs.as_ref().ok_or(Code::PushOff)?;
    let this = Device { user: device.user, installation: device.installation.to_string() };
    let (kind, at, to) = (PushKind::Test, app.clock.now(), Some(caller.id));
    let job = PushJob { kind, room: None, id: None, seq: None, tries: 0, at, from: None, to, devices: vec![this] };
    if jobs.send(&[job.to_job(Duration::ZERO)]).await.is_empty() {
        return Ok(Accepted);
    }
    Err(Fault::unavailable("the queue of notifications took no job").into())
}
