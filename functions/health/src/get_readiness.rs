use crate::App;
use axum::{
    extract::State,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use domain::Fault;
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::ToSchema;
use web::Json;

/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the API can do its work, and what keeps it from it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadinessView {
    status: Status,
    checks: Checks,
}

/// Each by itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct Checks {
    mysql: Reach,
    mongo: Reach,
    schema: Schema,
}

/// Whether everything is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Ready,
    Unready,
}

/// Whether a store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reach {
    Ok,
    Unreachable,
}

/// How the stores' schemas compare with this build; unknown while a store is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Schema {
    Current,
    Behind,
    Unknown,
}

/// Tells whether both stores answer and their schemas are current.
///
/// Round trips: one or two to each store, at the same time.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()),
    responses((status = 200, description = "Ready.", body = ReadinessView),
        (status = 503, description = "Not ready; the checks say why.", body = ReadinessView)))]
pub(crate) async fn get_readiness(State(app): State<App>) -> ReadinessView {
    let (mysql, mongo) =
        tokio::join!(timeout(PATIENCE, mysql_is_current(&app)), timeout(PATIENCE, mongo_is_current(&app)));
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
    Ok(app.mongo().await?.schema_version().await?.is_current())
}

fn unreachable(store: &str, fault: &Fault) -> Option<bool> {
    let cause = fault.source.as_ref().map(ToString::to_string).unwrap_or_default();
    tracing::warn!(store, "{store} does not answer: {cause}");
    None
}

impl ReadinessView {
    /// From whether each store's schema is current, as far as the store tells.
    fn of(mysql: Option<bool>, mongo: Option<bool>) -> Self {
        let reach = |answer: Option<bool>| if answer.is_some() { Reach::Ok } else { Reach::Unreachable };
        let schema = match (mysql, mongo) {
            (Some(true), Some(true)) => Schema::Current,
            (Some(false), _) | (_, Some(false)) => Schema::Behind,
            (None, _) | (_, None) => Schema::Unknown,
        };
        let status = if schema == Schema::Current { Status::Ready } else { Status::Unready };
        Self { status, checks: Checks { mysql: reach(mysql), mongo: reach(mongo), schema } }
    }
}

impl IntoResponse for ReadinessView {
    fn into_response(self) -> Response {
        match self.status {
            Status::Ready => Json(self).into_response(),
            Status::Unready => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "2")], Json(self)).into_response(),
        }
    }
}
