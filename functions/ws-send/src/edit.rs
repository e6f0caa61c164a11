use crate::{App, send::acknowledge};
use contract::{EditFrame, FramePayload};
use domain::Fault;
use messaging::EditMessage;
use mongo::Connection;

/// Replaces the text of the user's own message.
pub(crate) async fn edit(app: &App, connection: &Connection, edit: EditFrame) -> Result<FramePayload, Fault> {
    let command = EditMessage { message: edit.id, content: edit.parse()? };
    let message = messaging::edit_message(&app.messenger, &app.author(connection), &command).await?;
    Ok(acknowledge(message, false))
}
