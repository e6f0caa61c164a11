use crate::App;
use axum::extract::State;
use contract::{MessagePage, MessagesQuery};
use domain::{Fault, Invalid, PageSize, RoomId, RoomKey, RoomKind};
use messaging::ListMessages;
use mongo::Anchor;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Path, Query, QueryProblems, StoreProblems};

web::problems!(ListProblems: RoomNotFound);

/// Lists a room's messages by `seq`, the newest page unless asked otherwise.
///
/// A client enters a room this way and then follows it with `sync` from the page's `cursor`.
#[utoipa::path(
    get, path = "/messages/{id}", operation_id = "list_messages", tag = "messages", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The room's id.", example = 12), MessagesQuery),
    responses(
        (status = 200, description = "A page of messages.", body = MessagePage),
        ListProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, room.id = %room_id))]
pub(crate) async fn list_messages(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Path(room_id): Path<RoomId>,
    Query(query): Query<MessagesQuery>,
) -> ApiResult<Json<MessagePage>> {
    let room = RoomKey { kind: query.room_type.unwrap_or(RoomKind::Private), id: room_id };
    let (anchor, limit) = (anchor(&query)?, PageSize::parse(query.limit)?);
    let query = ListMessages { room, user: bearer.id, anchor, limit };
    let page = messaging::list_messages(&app.messenger, query);
    Ok(Json(Box::pin(bearer.read(&gate, page)).await?))
}

fn anchor(query: &MessagesQuery) -> Result<Anchor, Fault> {
    match (query.before, query.after, query.around) {
        (None, None, None) => Ok(Anchor::Newest),
        (Some(seq), None, None) => Ok(Anchor::Before(seq)),
        (None, Some(seq), None) => Ok(Anchor::After(seq)),
        (None, None, Some(seq)) => Ok(Anchor::Around(seq)),
        (Some(_), _, _) => Err(Fault::field("before", Invalid::Contradiction)),
        (None, Some(_), Some(_)) => Err(Fault::field("after", Invalid::Contradiction)),
    }
}
