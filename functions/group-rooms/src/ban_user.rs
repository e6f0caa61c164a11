use crate::{
    App,
    turn::{Ask, Turn},
};
use axum::extract::State;
use domain::{RoomId, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(BanProblems: NotPermitted, RoomNotFound, UserNotFound);

/// Bans a person from a group, a member or not.
///
/// They can't join or be added until the ban is lifted. Repeating it changes nothing.
#[utoipa::path(
    put, path = "/group-rooms/{id}/bans/{user_id}", operation_id = "ban_user", tag = "group-rooms",
    security(("bearer" = [])),
    params(
        ("id" = RoomId, Path, description = "The group's id.", example = 7),
        ("user_id" = UserId, Path, description = "The person's id.", example = 4),
    ),
    responses((status = 204, description = "The person is banned."), BanProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn ban_user(
    State(app): State<App>,
    caller: Caller,
    Path((room, of)): Path<(RoomId, UserId)>,
) -> ApiResult<NoContent> {
    Turn { room, by: caller.id, of, ask: Ask::Ban, at: app.clock.now() }.run(&app).await?;
    Ok(NoContent)
}
