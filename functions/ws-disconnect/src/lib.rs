#![doc = include_str!("../README.md")]

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use domain::{ConnectionId, Fault};
use mongo::Mongo;
use tracing::{info, instrument};

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["$disconnect"];

/// Forgets the connection. One round trip.
#[instrument(skip_all)]
pub async fn handle(mongo: &Mongo, event: &ApiGatewayWebsocketProxyRequest) -> Result<(), Fault> {
    let context = &event.request_context;
    let id = context.connection_id.clone().ok_or_else(|| Fault::internal("the event has no connection id"))?;
    mongo.remove_connection(&ConnectionId(id.clone())).await?;
    info!(connection.id = id, "Forgot a closed connection");
    Ok(())
}
