use crate::{
    App,
    hello::{list_online, view},
};
use contract::{Ack, FramePayload, StateTaken};
use domain::Fault;
use mongo::Connection;

/// Answers which friends are online, to who asks. That somebody is there, or not, was noted as the frame came.
pub(crate) async fn state(app: &App, connection: &Connection, asked: bool) -> Result<Option<FramePayload>, Fault> {
    if !asked {
        return Ok(None);
    }
    let presence = view(list_online(app, connection.user).await?);
    Ok(Some(FramePayload::Ack(Ack::State(StateTaken { presence }))))
}
