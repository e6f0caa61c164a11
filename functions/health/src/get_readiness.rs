use crate::App;
use axum::{
    extract::State,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse as _, Response},
};
use contract::{ReadinessStatus, ReadinessView};
use domain::Fault;
use std::time::Duration;
use tokio::time::timeout;
use web::Json;

/// How long an answer is given again: nobody needs to log in to ask.
const REMEMBERED: Duration = Duration::from_secs(5);

/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells whether the API can serve requests: its databases answer and their schemas are current.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()),
    responses((status = 200, description = "Ready.", body = ReadinessView),
        (status = 503, description = "Not ready; the checks say why.", body = ReadinessView)))]
pub(crate) async fn get_readiness(State(app): State<App>) -> Response {
    let mut latest = app.latest.lock().await;
    let now = app.clock.now();
    let view = match &*latest {
        Some((at, view)) if at.plus(REMEMBERED) > now => *view,
        _ => latest.insert((now, ask(&app).await)).1,
    };
    match view.status {
        ReadinessStatus::Ready => Json(view).into_response(),
        ReadinessStatus::Unready => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], Json(view)).into_response(),
    }
}

async fn ask(app: &App) -> ReadinessView {
    let (mysql, mongo) =
        tokio::join!(timeout(PATIENCE, mysql_is_current(app)), timeout(PATIENCE, mongo_is_current(app)));
    let [mysql, mongo] = [("MySQL", mysql), ("MongoDB", mongo)].map(|(store, answer)| match answer {
        Ok(Ok(current)) => Some(current),
        Ok(Err(fault)) => unreachable(store, &fault),
        Err(late) => unreachable(store, &Fault::unavailable(late)),
    });
    ReadinessView::of(mysql, mongo)
}

async fn mysql_is_current(app: &App) -> Result<bool, Fault> {
    Ok(app.mysql.schema().status().await?.is_current())
}

async fn mongo_is_current(app: &App) -> Result<bool, Fault> {
    Ok(app.mongo().await?.schema().version().await?.is_current())
}

fn unreachable(store: &str, fault: &Fault) -> Option<bool> {
    let cause = fault.source.as_ref().map(ToString::to_string).unwrap_or_default();
    tracing::warn!(store, "{store} does not answer: {cause}");
    None
}
