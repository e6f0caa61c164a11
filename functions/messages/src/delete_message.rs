use crate::App;
use axum::extract::State;
use contract::MessageView;
use domain::MessageId;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Json, Path, StoreProblems};

web::problems!(DeleteProblems: MessageNotFound, NotAuthor, NotPermitted, SystemMessage);

/// Deletes one of the caller's messages, or as a group's owner or admin anyone's.
///
/// The deleted message keeps its `seq` and loses its text and its reactions; it is not pinned any more. Deleting it again changes
/// nothing. A block keeps nobody from it.
#[utoipa::path(
    delete, path = "/messages/{id}", operation_id = "delete_message", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718")),
    responses(
        (status = 200, description = "The deleted message.", body = MessageView),
        DeleteProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn delete_message(
    State(app): State<App>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
) -> ApiResult<Json<MessageView>> {
    Ok(Json(messaging::delete_message(&app.messenger, &app.author(&bearer), id).await?))
}
