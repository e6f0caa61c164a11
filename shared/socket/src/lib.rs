#![doc = include_str!("../README.md")]

mod answer;
mod event;

pub use answer::Answer;
pub use event::Event;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use background::Background;
use boot::{BoxError, Cost, EndWhenStale};
use domain::{Fault, Usage};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use tracing::{Instrument as _, info_span};

/// Runs a Lambda that answers the events of a WebSocket API.
///
/// `connect` runs during init and opens what `handle` needs. A fault of `handle` becomes API Gateway's own error frame, which
/// tells clients nothing: answer with a frame or a status wherever possible.
pub async fn run<B>(
    connect: impl AsyncFnOnce() -> Result<B, BoxError>,
    handle: impl AsyncFn(&B, Event) -> Result<Answer, Fault>,
) -> Result<(), BoxError> {
    boot::telemetry();
    serve(connect().await?, handle, &Background::inline()).await
}

/// The same for a function with work after the answer, which costs an extension.
pub async fn run_with_background<B>(
    connect: impl AsyncFnOnce(Background) -> Result<B, BoxError>,
    handle: impl AsyncFn(&B, Event) -> Result<Answer, Fault>,
) -> Result<(), BoxError> {
    boot::telemetry();
    let background = Background::register().await;
    serve(connect(background.clone()).await?, handle, &background).await
}

async fn serve<B>(
    backend: B,
    handle: impl AsyncFn(&B, Event) -> Result<Answer, Fault>,
    background: &Background,
) -> Result<(), BoxError> {
    let answer = async |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| {
        let event = Event::new(event.payload, boot::time_left(event.context.deadline))?;
        let span = info_span!("event", request.id = event.request_id(), connection.id = %event.connection());
        Cost::begin();
        // Connections are paid for by the minute.
        let is_frame = !matches!(event.route(), "$connect" | "$disconnect");
        if is_frame {
            Usage::count_gateway_message();
        }
        let answer = handle(&backend, event).instrument(span.clone()).await;
        if answer.as_ref().is_ok_and(|answer| answer.body.is_some()) {
            Usage::count_gateway_message();
        }
        span.in_scope(Cost::log);
        answer.inspect_err(|fault| fault.log("answer an event")).map_err(BoxError::from)
    };
    Runtime::new(service_fn(answer)).layer(background.layer()).layer(EndWhenStale).run().await
}
