use crate::App;
use axum::extract::State;
use contract::{MessagePatch, MessageView};
use domain::MessageId;
use messaging::EditMessage;
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, Path, StoreProblems};

web::problems!(EditProblems: MessageNotFound, NotAuthor, RecipientUnavailable, WideMentionForbidden, SystemMessage);

/// Replaces the text of one of the caller's messages.
#[utoipa::path(
    put, path = "/messages/{id}", operation_id = "edit_message", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718")),
    request_body = MessagePatch,
    responses(
        (status = 200, description = "The message as of the edit.", body = MessageView),
        EditProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn edit_message(
    State(app): State<App>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
    Json(patch): Json<MessagePatch>,
) -> ApiResult<Json<MessageView>> {
    let command = EditMessage { message: id, content: patch.parse()? };
    Ok(Json(messaging::edit_message(&app.messenger, &app.author(&bearer), &command).await?))
}
