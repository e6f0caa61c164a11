use crate::App;
use axum::extract::State;
use contract::UnreadTotalView;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, StoreProblems};

/// Returns how much the caller has not read in all, and what an app's icon shows.
#[utoipa::path(
    get, path = "/messages/unread/total", operation_id = "get_unread_total", tag = "messages",
    security(("bearer" = [])),
    responses((status = 200, description = "The numbers.", body = UnreadTotalView), CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %bearer.id))]
pub(crate) async fn get_unread_total(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
) -> ApiResult<Json<UnreadTotalView>> {
    let (rooms, now) = (app.messenger.mongo.rooms(), app.messenger.clock.now());
    let unread = Box::pin(bearer.read(&gate, rooms.count_unread_of_person(bearer.id, now))).await?;
    Ok(Json(unread.total.into()))
}
