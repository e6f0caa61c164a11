use crate::App;
use axum::extract::State;
use domain::{Fault, Invalid, PageSize, RoomId, RoomKey, RoomKind, Seq};
use messaging::{ListMessages, MessagePage};
use mongo::Anchor;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use web::{ApiResult, Caller, CallerProblems, Json, Path, Query, QueryProblems, StoreProblems};

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Which numbering the room's number belongs to: `private`, unless given, or `group`.
    #[param(value_type = Option<String>, example = "private")]
    room_type: Option<RoomKind>,
    /// The messages just before this `seq`.
    #[param(value_type = Option<i64>)]
    before: Option<Seq>,
    /// The messages just after this `seq`.
    #[param(value_type = Option<i64>)]
    after: Option<Seq>,
    /// The messages on both sides of this `seq`, itself included.
    #[param(value_type = Option<i64>)]
    around: Option<Seq>,
    /// 1 to 100; 30 unless given.
    limit: Option<i64>,
}

web::problems!(ListProblems: RoomNotFound);

/// A page of a room's messages by `seq`, the newest unless asked otherwise. Enter a room this way, then `sync`.
///
/// Five round trips: the caller's session, and those of `messaging::list_messages`.
#[utoipa::path(
    get, path = "/messages/{id}", operation_id = "list_messages", tag = "messages", security(("bearer" = [])),
    params(("id" = i32, Path, description = "The number of the room", example = 12), PageQuery),
    responses(
        (status = 200, description = "The page", body = MessagePage),
        ListProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room_id))]
pub(crate) async fn list_messages(
    State(app): State<App>,
    caller: Caller,
    Path(room_id): Path<RoomId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<MessagePage>> {
    let room = RoomKey { kind: query.room_type.unwrap_or(RoomKind::Private), id: room_id };
    let (anchor, limit) = (query.anchor()?, PageSize::parse(query.limit)?);
    let query = ListMessages { room, user: caller.id, anchor, limit };
    Ok(Json(messaging::list_messages(app.messenger(), &app.pusher, query).await?))
}

impl PageQuery {
    fn anchor(&self) -> Result<Anchor, Fault> {
        match (self.before, self.after, self.around) {
            (None, None, None) => Ok(Anchor::Newest),
            (Some(seq), None, None) => Ok(Anchor::Before(seq)),
            (None, Some(seq), None) => Ok(Anchor::After(seq)),
            (None, None, Some(seq)) => Ok(Anchor::Around(seq)),
            (Some(_), _, _) => Err(Fault::field("before", Invalid::Contradiction)),
            (None, Some(_), Some(_)) => Err(Fault::field("after", Invalid::Contradiction)),
        }
    }
}
