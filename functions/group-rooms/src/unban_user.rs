use crate::{
    App,
    turn::{Ask, Turn},
};
use axum::extract::State;
use domain::{RoomId, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(UnbanProblems: NotPermitted, RoomNotFound, MemberNotFound);

/// Lifts a ban.
///
/// The person may be added again. Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/group-rooms/{id}/bans/{user_id}", operation_id = "unban_user", tag = "group-rooms",
    security(("bearer" = [])),
    params(
        ("id" = RoomId, Path, description = "The group's id.", example = 7),
        ("user_id" = UserId, Path, description = "The banned person's id.", example = 4),
    ),
    responses((status = 204, description = "The person is not banned."), UnbanProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn unban_user(
    State(app): State<App>,
    caller: Caller,
    Path((room, of)): Path<(RoomId, UserId)>,
) -> ApiResult<NoContent> {
    Turn { room, by: caller.id, of, ask: Ask::Unban, at: app.clock.now() }.run(&app).await?;
    Ok(NoContent)
}
