use crate::{App, send::acknowledge};
use contract::{FramePayload, ReactFrame};
use domain::Fault;
use messaging::{React, Reacted};
use mongo::Connection;

/// Reacts to a message, or takes the user's reaction back.
pub(crate) async fn react(app: &App, connection: &Connection, react: ReactFrame) -> Result<FramePayload, Fault> {
    let to = if react.remove { Reacted::Gone } else { Reacted::There };
    let command = React { message: react.id, emoji: react.parse()?, to };
    let message = messaging::react(&app.messenger, &app.author(connection), command).await?;
    Ok(acknowledge(message, false))
}
