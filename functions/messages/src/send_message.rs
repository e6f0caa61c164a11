use crate::App;
use axum::extract::State;
use domain::{ClientId, Content, Fault, MessageDraft, MessageId, MessageType, RoomId, RoomKey, RoomKind, UserId};
use realtime::MessageView;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, LimitProblems, MadeOrFound, StoreProblems};

/// A message that is to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMessage {
    /// The room's number.
    #[schema(value_type = i32, example = 12)]
    room_id: RoomId,
    /// Which numbering `room_id` belongs to: `private` or `group`.
    #[schema(value_type = String, example = "private")]
    room_type: RoomKind,
    /// 1 to 5,000 characters, at most 16 KiB as JSON.
    #[schema(example = "안녕하세요")]
    content: String,
    /// `text`, which is also the default.
    #[schema(value_type = Option<String>, example = "text")]
    message_type: Option<MessageType>,
    /// The message of the same room that it answers.
    #[schema(value_type = Option<String>, example = "66f0c3d2a1b2c3d4e5f60717")]
    reply_to: Option<MessageId>,
    /// 1 to 64 visible ASCII characters: a retry under the same one is the same message.
    #[schema(example = "01J9ZQ4Z7Y")]
    client_id: Option<String>,
}

web::problems!(SendProblems: RoomNotFound, RecipientUnavailable, ClientIdReused);

/// Sends a message. A retry under the same `client_id` answers 200 with the message that is there.
///
/// Seven round trips and the pushes: the caller's session, and those of `messaging::send_message`.
#[utoipa::path(
    post, path = "/messages", operation_id = "send_message", tag = "messages", security(("bearer" = [])),
    request_body = NewMessage,
    responses(
        (status = 201, description = "The message", body = MessageView),
        (status = 200, description = "The message, sent before under this `client_id`", body = MessageView),
        SendProblems, LimitProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn send_message(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<NewMessage>,
) -> ApiResult<MadeOrFound<MessageView>> {
    let draft = request.into_draft(caller.id, || ClientId::generate(app.random))?;
    let sent = messaging::send_message(app.messenger(), &app.pusher, &draft, None).await?;
    Ok(if sent.duplicate { MadeOrFound::Found(sent.message) } else { MadeOrFound::Made(sent.message) })
}

impl NewMessage {
    fn into_draft(self, user: UserId, unnamed: impl FnOnce() -> ClientId) -> Result<MessageDraft, Fault> {
        let (content, message_type, client_id) = domain::fields((
            ("content", Content::parse(&self.content)),
            ("message_type", self.message_type.unwrap_or(MessageType::Text).sendable()),
            ("client_id", self.client_id.as_deref().map(ClientId::parse).transpose()),
        ))?;
        Ok(MessageDraft {
            room: RoomKey { kind: self.room_type, id: self.room_id },
            user,
            content,
            message_type,
            reply_to: self.reply_to,
            client_id: client_id.unwrap_or_else(unnamed),
        })
    }
}
