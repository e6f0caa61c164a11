use crate::App;
use axum::extract::State;
use domain::{PageSize, Rev, RoomId, RoomKey, RoomKind};
use messaging::SyncRoom;
use realtime::SyncPage;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use web::{ApiResult, Caller, CallerProblems, Json, Query, QueryProblems, StoreProblems};

/// Since when, and where.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SyncQuery {
    /// The room's number.
    #[param(value_type = i32, example = 12)]
    room_id: RoomId,
    /// Which numbering `room_id` belongs to: `private`, unless given, or `group`.
    #[param(value_type = Option<String>, example = "private")]
    room_type: Option<RoomKind>,
    /// The cursor that the client has.
    #[param(value_type = i64, example = 812)]
    after_rev: Rev,
    /// 1 to 100; 30 unless given.
    limit: Option<i64>,
}

web::problems!(SyncProblems: RoomNotFound);

/// What changed in a room since a cursor: each changed message once, whole and as of now.
///
/// Four round trips: the caller's session, and those of `messaging::sync_room`.
#[utoipa::path(
    get, path = "/messages/sync", operation_id = "sync_messages", tag = "messages", security(("bearer" = [])),
    params(SyncQuery),
    responses(
        (status = 200, description = "The changes", body = SyncPage),
        SyncProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %query.room_id))]
pub(crate) async fn sync_messages(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<SyncQuery>,
) -> ApiResult<Json<SyncPage>> {
    let room = RoomKey { kind: query.room_type.unwrap_or(RoomKind::Private), id: query.room_id };
    let limit = PageSize::parse(query.limit)?;
    let query = SyncRoom { room, user: caller.id, after: query.after_rev, limit, max_bytes: None };
    Ok(Json(messaging::sync_room(&app.mongo, query).await?))
}
