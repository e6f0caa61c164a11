use crate::{App, edit_message::EditProblems};
use axum::extract::State;
use domain::MessageId;
use messaging::DeleteMessage;
use realtime::MessageView;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

/// Deletes one's own message: a tombstone without a text keeps its place. One that is deleted stays so.
///
/// Eight round trips and the pushes: the caller's session, and those of `messaging::delete_message`.
#[utoipa::path(
    delete, path = "/messages/{id}", operation_id = "delete_message", tag = "messages", security(("bearer" = [])),
    params(("id" = String, Path, description = "The message, 24 hex digits", example = "66f0c3d2a1b2c3d4e5f60718")),
    responses(
        (status = 200, description = "The tombstone", body = MessageView),
        EditProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, message.id = %id))]
pub(crate) async fn delete_message(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<MessageId>,
) -> ApiResult<Json<MessageView>> {
    let command = DeleteMessage { message: id, user: caller.id };
    Ok(Json(messaging::delete_message(app.messenger(), &app.pusher, command, None).await?))
}
