use crate::{
    App,
    update_picture::{Show, find_editable},
};
use axum::extract::State;
use domain::{Aggregate, Fault, RoomId, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(DeletePictureProblems: NotPermitted, RoomNotFound);

/// Takes a group's picture away.
///
/// Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/group-rooms/{id}/picture", operation_id = "delete_picture", tag = "group-rooms",
    security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    responses(
        (status = 204, description = "The group shows no picture."),
        DeletePictureProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn delete_picture(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> ApiResult<NoContent> {
    take(&app, room, caller.id).await?;
    Ok(NoContent)
}

async fn take(app: &App, room: RoomId, by: UserId) -> Result<(), Fault> {
    if find_editable(app, room, by).await?.room.picture.is_none() {
        return app.catch_up(&[Aggregate::GroupRoom(room)]).await;
    }
    Show { room, by, picture: None, at: app.clock.now() }.run(app).await.map(drop)
}
