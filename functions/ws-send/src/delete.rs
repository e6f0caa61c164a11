use crate::{App, send::acknowledge};
use domain::{Fault, MessageId};
use messaging::DeleteMessage;
use mongo::Connection;
use realtime::FramePayload;
use serde::Deserialize;
use utoipa::ToSchema;

/// One's own message is to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delete {
    /// The message, 24 hex digits.
    #[schema(value_type = String)]
    id: MessageId,
}

/// Deletes one's own message; the round trips of `messaging::delete_message`.
pub(crate) async fn delete(app: &App, connection: &Connection, delete: Delete) -> Result<FramePayload, Fault> {
    let command = DeleteMessage { message: delete.id, user: connection.user };
    let message = messaging::delete_message(app.messenger(), &app.pusher, command, Some(&connection.id)).await?;
    Ok(acknowledge(message, false))
}
