use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use domain::{ConnectionId, Fault};
use std::time::Duration;
use tokio::time::timeout;

/// What API Gateway tells of a connection or a frame.
#[derive(Debug)]
pub struct Event {
    connection: ConnectionId,
    request: ApiGatewayWebsocketProxyRequest,
    time_left: Duration,
}

impl Event {
    /// An event that must be answered in time.
    pub fn new(mut request: ApiGatewayWebsocketProxyRequest, time_left: Duration) -> Result<Self, Fault> {
        let id = request.request_context.connection_id.take();
        let connection = ConnectionId(id.ok_or_else(|| Fault::internal("the event has no connection id"))?);
        Ok(Self { connection, request, time_left })
    }

    /// Which connection.
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// What clients name when they ask for help.
    pub fn request_id(&self) -> &str {
        self.request.request_context.request_id.as_deref().unwrap_or("unknown")
    }

    /// The route that the frame selected.
    pub fn route(&self) -> &str {
        self.request.request_context.route_key.as_deref().unwrap_or("$default")
    }

    /// The frame's text.
    pub fn text(&self) -> &str {
        self.request.body.as_deref().unwrap_or_default()
    }

    /// A header of the upgrade.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.headers.get(name)?.to_str().ok()
    }

    /// A query parameter of the upgrade.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.request.query_string_parameters.first(name)
    }

    /// The outcome of an operation, which is unavailable when the answer would be late. A fault is logged: `action` completes
    /// "Could not ...".
    pub async fn attempt<T>(
        &self,
        action: &str,
        operation: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let outcome = timeout(self.time_left, operation).await.unwrap_or_else(|late| Err(Fault::unavailable(late)));
        outcome.inspect_err(|fault| fault.log(action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Code;
    use serde_json::json;
    use std::future::pending;

    fn event(request: serde_json::Value) -> Result<Event, Fault> {
        Event::new(serde_json::from_value(request).unwrap(), Duration::from_secs(1))
    }

    #[test]
    fn upgrades_are_read_without_regard_to_case() {
        let event = event(json!({
            "headers": { "Origin": "https://chat.example", "Sec-WebSocket-Protocol": "chat.v1" },
            "queryStringParameters": { "ticket": "abc" },
            "requestContext": { "connectionId": "c=", "requestId": "r", "connectedAt": 0, "requestTimeEpoch": 0 },
        }))
        .unwrap();

        assert_eq!((event.connection().0.as_str(), event.request_id()), ("c=", "r"));
        assert_eq!(event.header("origin"), Some("https://chat.example"));
        assert_eq!(event.header("sec-websocket-protocol"), Some("chat.v1"));
        assert_eq!((event.query("ticket"), event.query("other"), event.text()), (Some("abc"), None, ""));
    }

    #[test]
    fn an_event_without_connection_is_refused() {
        assert_eq!(
            event(json!({ "requestContext": { "connectedAt": 0, "requestTimeEpoch": 0 } })).unwrap_err().code,
            Code::Internal
        );
    }

    #[tokio::test(start_paused = true)]
    async fn late_operations_are_unavailable() {
        let event =
            event(json!({ "requestContext": { "connectionId": "c=", "connectedAt": 0, "requestTimeEpoch": 0 } }))
                .unwrap();
        let outcome = event.attempt("wait", pending::<Result<(), Fault>>()).await;
        assert_eq!(outcome.unwrap_err().code, Code::Unavailable);
    }
}
