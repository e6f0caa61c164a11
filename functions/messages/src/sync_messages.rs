use crate::App;
use axum::extract::State;
use contract::{SyncPage, SyncQuery};
use domain::{PageSize, RoomKey, RoomKind};
use messaging::SyncRoom;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Query, QueryProblems, StoreProblems};

web::problems!(SyncProblems: RoomNotFound);

/// Lists the changes of a room after a cursor.
///
/// Each changed message is listed once, whole and as of now.
#[utoipa::path(
    get, path = "/messages/sync", operation_id = "sync_messages", tag = "messages", security(("bearer" = [])),
    params(SyncQuery),
    responses(
        (status = 200, description = "The changes.", body = SyncPage),
        SyncProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, room.id = %query.room_id))]
pub(crate) async fn sync_messages(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Query(query): Query<SyncQuery>,
) -> ApiResult<Json<SyncPage>> {
    let room = RoomKey { kind: query.room_type.unwrap_or(RoomKind::Private), id: query.room_id };
    let limit = PageSize::parse(query.limit)?;
    let query = SyncRoom { room, user: bearer.id, after: query.after_rev, limit, max_bytes: None };
    let page = messaging::sync_room(&app.messenger.mongo, query);
    Ok(Json(bearer.read(&gate, page).await?))
}
