use crate::layers;
use background::Background;
use boot::{BoxError, EndWhenStale};
use lambda_http::{Adapter, lambda_runtime::Runtime};
use utoipa_axum::router::OpenApiRouter;

/// Runs a Lambda that answers HTTP requests with `routes`, within `layers`, until the environment ends.
///
/// `connect` runs during init and opens what the handlers need.
pub async fn run<B: Clone + Send + Sync + 'static>(
    routes: OpenApiRouter<B>,
    connect: impl AsyncFnOnce() -> Result<B, BoxError>,
) -> Result<(), BoxError> {
    boot::telemetry();
    serve(routes, connect().await?, &Background::inline()).await
}

/// The same for handlers with work after the answer, which costs an extension.
pub async fn run_with_background<B: Clone + Send + Sync + 'static>(
    routes: OpenApiRouter<B>,
    connect: impl AsyncFnOnce(Background) -> Result<B, BoxError>,
) -> Result<(), BoxError> {
    boot::telemetry();
    let background = Background::register().await;
    serve(routes, connect(background.clone()).await?, &background).await
}

async fn serve<B: Clone + Send + Sync + 'static>(
    routes: OpenApiRouter<B>,
    backend: B,
    background: &Background,
) -> Result<(), BoxError> {
    let service = layers(routes.with_state(backend).into());
    Runtime::new(Adapter::from(service)).layer(background.layer()).layer(EndWhenStale).run().await
}
