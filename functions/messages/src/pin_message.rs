use crate::App;
use axum::extract::State;
use contract::MessageView;
use domain::MessageId;
use messaging::Pinned;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Json, Path, StoreProblems};

web::problems!(PinProblems: MessageNotFound, RecipientUnavailable, NotPermitted, SystemMessage, TooManyPins);

/// Pins a message in its room.
///
/// Both people of a 1:1 room may, and a group's owner and admins. Pinning it again changes nothing. A room has at most 50 pinned
/// messages.
#[utoipa::path(
    put, path = "/messages/{id}/pin", operation_id = "pin_message", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718")),
    responses(
        (status = 200, description = "The message.", body = MessageView),
        PinProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn pin_message(
    State(app): State<App>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
) -> ApiResult<Json<MessageView>> {
    Ok(Json(messaging::pin_message(&app.messenger, &app.author(&bearer), id, Pinned::There).await?))
}
