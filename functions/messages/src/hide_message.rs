use crate::App;
use axum::extract::State;
use domain::MessageId;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(HideProblems: MessageNotFound, TooManyHidden);

/// Hides a message from the caller: deletes it for them alone.
///
/// On none of their devices is it in pages, `sync`, counts of unread messages, replies or lists of rooms any more, and no frame tells
/// of it but `message.hidden`. A device that was away finds it missing between the messages of a page. Nobody else learns of it.
/// Hiding it again changes nothing. In one room a person can hide 1,000 messages.
#[utoipa::path(
    put, path = "/messages/{id}/hidden", operation_id = "hide_message", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718")),
    responses(
        (status = 204, description = "The message is hidden."),
        HideProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, message.id = %id))]
pub(crate) async fn hide_message(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<MessageId>,
) -> ApiResult<NoContent> {
    messaging::hide_message(&app.messenger, caller.id, id).await?;
    Ok(NoContent)
}
