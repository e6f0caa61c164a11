#![doc = include_str!("../README.md")]

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use domain::{ConnectionId, Fault};
use mongo::Mongo;
use std::time::Duration;
use tracing::{info, instrument};

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["$disconnect"];

/// Below the function's own limit, so that a store that hangs leaves a line in the log.
const DEADLINE: Duration = Duration::from_secs(9);

/// Forgets the connection. One round trip.
#[instrument(skip_all)]
pub async fn handle(mongo: &Mongo, event: &ApiGatewayWebsocketProxyRequest) -> Result<(), Fault> {
    let context = &event.request_context;
    let id = context.connection_id.clone().ok_or_else(|| Fault::internal("the event has no connection id"))?;
    let id = ConnectionId(id);
    let forget = tokio::time::timeout(DEADLINE, mongo.remove_connection(&id));
    forget.await.unwrap_or_else(|late| Err(Fault::unavailable(late)))?;
    info!(connection.id = %id, "Forgot a closed connection");
    Ok(())
}
