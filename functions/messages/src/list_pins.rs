use crate::App;
use axum::extract::State;
use contract::{Listed, MessageView, PinsQuery};
use domain::{RoomKey, RoomKind};
use messaging::ListPinned;
use std::convert::identity;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Query, QueryProblems, StoreProblems};

web::problems!(ListProblems: RoomNotFound);

/// Lists a room's pinned messages, the newest pin first.
#[utoipa::path(
    get, path = "/messages/pins", operation_id = "list_pins", tag = "messages", security(("bearer" = [])),
    params(PinsQuery),
    responses(
        (status = 200, description = "A page of messages.", body = Listed<MessageView>),
        ListProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, room.id = %query.room_id))]
pub(crate) async fn list_pins(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Query(query): Query<PinsQuery>,
) -> ApiResult<Json<Listed<MessageView>>> {
    let room = RoomKey { kind: query.room_type.unwrap_or(RoomKind::Private), id: query.room_id };
    let (size, after) = contract::page(query.limit, query.cursor.as_deref())?;
    let list = ListPinned { room, user: bearer.id, size };
    let page = messaging::list_pinned(&app.messenger.mongo, list, after.as_ref());
    Ok(Json(Listed::of(bearer.read(&gate, page).await?, identity)?))
}
