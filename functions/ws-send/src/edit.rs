use crate::{App, send::acknowledge};
use domain::{Content, Fault, MessageId};
use messaging::EditMessage;
use mongo::Connection;
use realtime::FramePayload;
use serde::Deserialize;
use utoipa::ToSchema;

/// A new text for one's own message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// The message, 24 hex digits.
    #[schema(value_type = String)]
    id: MessageId,
    /// 1 to 5,000 characters, at most 16 KiB as JSON.
    content: String,
}

/// Changes one's own message; the round trips of `messaging::edit_message`.
pub(crate) async fn edit(app: &App, connection: &Connection, edit: Edit) -> Result<FramePayload, Fault> {
    let (content,) = domain::fields((("content", Content::parse(&edit.content)),))?;
    let command = EditMessage { message: edit.id, user: connection.user, content };
    let message = messaging::edit_message(app.messenger(), &app.pusher, &command, Some(&connection.id)).await?;
    Ok(acknowledge(message, false))
}
