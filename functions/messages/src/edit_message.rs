use crate::App;
use axum::extract::State;
use domain::{Content, MessageId};
use messaging::EditMessage;
use realtime::MessageView;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, LimitProblems, Path, StoreProblems};

/// What is to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessagePatch {
    /// 1 to 5,000 characters, at most 16 KiB as JSON.
    #[schema(example = "안녕히 가세요")]
    content: String,
}

web::problems!(pub(crate) EditProblems: MessageNotFound, NotAuthor, RecipientUnavailable);

/// Replaces the text of one's own message.
///
/// Eight round trips and the pushes: the caller's session, and those of `messaging::edit_message`.
#[utoipa::path(
    put, path = "/messages/{id}", operation_id = "edit_message", tag = "messages", security(("bearer" = [])),
    params(("id" = String, Path, description = "The message, 24 hex digits", example = "66f0c3d2a1b2c3d4e5f60718")),
    request_body = MessagePatch,
    responses(
        (status = 200, description = "The message as of the change", body = MessageView),
        EditProblems, LimitProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, message.id = %id))]
pub(crate) async fn edit_message(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<MessageId>,
    Json(patch): Json<MessagePatch>,
) -> ApiResult<Json<MessageView>> {
    let (content,) = domain::fields((("content", Content::parse(&patch.content)),))?;
    let command = EditMessage { message: id, user: caller.id, content };
    Ok(Json(messaging::edit_message(app.messenger(), &app.pusher, &command, None).await?))
}
