use crate::App;
use axum::extract::State;
use contract::{ForwardTo, MessageView};
use domain::{ClientId, MessageId};
use messaging::ForwardMessage;
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, MadeOrFound, Path, StoreProblems};

web::problems!(ForwardProblems: MessageNotFound, RoomNotFound, RecipientUnavailable, ClientIdReused);

/// Forwards a message to another room, or again to its own.
///
/// The new message has the text and mentions nobody; `forwarded_from` says who wrote the text. The caller must be able to read the
/// message and to write in the other room. A retry with the same `client_id` answers 200 with the message that the first request
/// sent. A deleted message is not found, and a message that is no text is refused.
#[utoipa::path(
    post, path = "/messages/{id}/forward", operation_id = "forward_message", tag = "messages", security(("bearer" = [])),
    params(("id" = MessageId, Path, description = "The message's id.", example = "66f0c3d2a1b2c3d4e5f60718")),
    request_body = ForwardTo,
    responses(
        (status = 201, description = "The new message.", body = MessageView),
        (status = 200, description = "The message that an earlier request with this `client_id` sent.", body = MessageView),
        ForwardProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, message.id = %id))]
pub(crate) async fn forward_message(
    State(app): State<App>,
    bearer: Bearer,
    Path(id): Path<MessageId>,
    Json(to): Json<ForwardTo>,
) -> ApiResult<MadeOrFound<MessageView>> {
    let (room, client_id) = to.parse(|| ClientId::generate(app.random))?;
    let command = ForwardMessage { message: id, room, client_id };
    let sent = messaging::forward_message(&app.messenger, &app.author(&bearer), &command).await?;
    Ok(if sent.duplicate { MadeOrFound::Found(sent.message) } else { MadeOrFound::Made(sent.message) })
}
