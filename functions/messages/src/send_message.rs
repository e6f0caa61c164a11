use crate::App;
use axum::extract::State;
use contract::{MessageView, NewMessage};
use domain::ClientId;
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, MadeOrFound, StoreProblems};

web::problems!(
    SendProblems: RoomNotFound, RecipientUnavailable, WideMentionForbidden, ClientIdReused, UploadNotReady, UploadTaken
);

/// Sends a message.
///
/// A retry with the same `client_id` answers 200 with the message that the first request sent. The same `client_id` with another
/// message is refused. Attachments are uploads of the caller's: each is sent with one message only, and of a refused message none is
/// taken.
#[utoipa::path(
    post, path = "/messages", operation_id = "send_message", tag = "messages", security(("bearer" = [])),
    request_body = NewMessage,
    responses(
        (status = 201, description = "The new message.", body = MessageView),
        (status = 200, description = "The message that an earlier request with this `client_id` sent.", body = MessageView),
        SendProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id))]
pub(crate) async fn send_message(
    State(app): State<App>,
    bearer: Bearer,
    Json(request): Json<NewMessage>,
) -> ApiResult<MadeOrFound<MessageView>> {
    let draft = request.into_draft(bearer.id, || ClientId::generate(app.random))?;
    let sent = messaging::send_message(&app.messenger, &app.author(&bearer), &draft).await?;
    Ok(if sent.duplicate { MadeOrFound::Found(sent.message) } else { MadeOrFound::Made(sent.message) })
}
