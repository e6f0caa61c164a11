use crate::App;
use axum::extract::State;
use contract::{ReceiptsQuery, ReceiptsView};
use domain::{RoomKey, RoomKind};
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Query, QueryProblems, StoreProblems};

web::problems!(ReceiptsProblems: RoomNotFound);

/// Lists how far each member of a room has read.
///
/// A client asks on opening a room, and then follows `receipt.read` and `receipt.delivered`.
#[utoipa::path(
    get, path = "/messages/receipts", operation_id = "list_receipts", tag = "messages", security(("bearer" = [])),
    params(ReceiptsQuery),
    responses(
        (status = 200, description = "The cursors of the room's members.", body = ReceiptsView),
        ReceiptsProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, room.id = %query.room_id))]
pub(crate) async fn list_receipts(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Query(query): Query<ReceiptsQuery>,
) -> ApiResult<Json<ReceiptsView>> {
    let room = RoomKey { kind: query.room_type.unwrap_or(RoomKind::Private), id: query.room_id };
    let receipts = messaging::list_receipts(&app.messenger.mongo, room, bearer.id);
    Ok(Json(bearer.read(&gate, receipts).await?))
}
