use crate::{App, send::acknowledge};
use contract::{DeleteFrame, FramePayload};
use domain::Fault;
use mongo::Connection;

/// Deletes the user's own message.
pub(crate) async fn delete(app: &App, connection: &Connection, delete: DeleteFrame) -> Result<FramePayload, Fault> {
    let message = messaging::delete_message(&app.messenger, &app.author(connection), delete.id).await?;
    Ok(acknowledge(message, false))
}
