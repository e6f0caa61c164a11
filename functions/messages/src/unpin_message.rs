use crate::App;
use axum::extract::State;
use contract::MessageView;
use domain::MessageId;
use messaging::Pinned;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Json, Path, StoreProblems};

web::problems!(UnpinProblems: MessageNotFound, RecipientUnavailable, NotPermitted, SystemMessage);

/// Unpins a message.
///
/// Whoever may pin it may unpin it. Unpinning it again changes nothing.
#[utoipa::path(
    delete, path = "/messages/{id}/pin", operation_id = "unpin_message", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718")),
    responses(
        (status = 200, description = "The message.", body = MessageView),
        UnpinProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn unpin_message(
    State(app): State<App>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
) -> ApiResult<Json<MessageView>> {
    Ok(Json(messaging::pin_message(&app.messenger, &app.author(&bearer), id, Pinned::Gone).await?))
}
