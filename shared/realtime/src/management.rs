use crate::{Push, PushError};
use aws_sdk_apigatewaymanagement::{
    Client,
    config::{BehaviorVersion, Builder, retry::RetryConfig, timeout::TimeoutConfig},
    error::{DisplayErrorContext, SdkError},
    operation::{delete_connection::DeleteConnectionError, post_to_connection::PostToConnectionError},
    primitives::Blob,
};
use aws_types::SdkConfig;
use domain::ConnectionId;
use futures_util::future::BoxFuture;
use std::time::Duration;

/// API Gateway's `@connections`, through which Lambdas reach open WebSockets.
#[derive(Debug, Clone)]
pub struct ManagementApi(Client);

impl ManagementApi {
    /// A client for the stage at `url`, such as `https://{api}.execute-api.{region}.amazonaws.com/{stage}`.
    ///
    /// It retries only where the connection failed: a push is worth its moment only, and `sync` heals what is lost.
    pub fn new(url: &str, aws: &SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(2)).build();
        let config = Builder::from(aws)
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Self(Client::from_conf(config))
    }
}

impl Push for ManagementApi {
    fn push<'a>(&'a self, connection: &'a ConnectionId, text: &'a str) -> BoxFuture<'a, Result<(), PushError>> {
        Box::pin(async move {
            let post = || self.0.post_to_connection().connection_id(&connection.0).data(Blob::new(text)).send();
            let posted = match post().await {
                // A pooled socket that died while the environment was frozen. What arrived twice is shown once.
                Err(error) if is_connection_error(&error) => post().await,
                outcome => outcome,
            };
            let Err(error) = posted else { return Ok(()) };
            match error.as_service_error() {
                Some(PostToConnectionError::GoneException(_)) => Err(PushError::Gone),
                Some(PostToConnectionError::PayloadTooLargeException(_)) => Err(PushError::TooLarge),
                _ => Err(PushError::Failed(DisplayErrorContext(&error).to_string())),
            }
        })
    }

    fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PushError>> {
        Box::pin(async move {
            let delete = || self.0.delete_connection().connection_id(&connection.0).send();
            let deleted = match delete().await {
                Err(error) if is_connection_error(&error) => delete().await,
                outcome => outcome,
            };
            let Err(error) = deleted else { return Ok(()) };
            match error.as_service_error() {
                Some(DeleteConnectionError::GoneException(_)) => Err(PushError::Gone),
                _ => Err(PushError::Failed(DisplayErrorContext(&error).to_string())),
            }
        })
    }

    fn warm_up(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Nobody has this connection: the answer is a refusal, and the socket stays open.
            drop(self.push(&ConnectionId("warm-up=".to_owned()), "").await);
        })
    }
}

/// Whether no answer came since the connection failed, and not since the time was over.
fn is_connection_error<E>(error: &SdkError<E>) -> bool {
    matches!(error, SdkError::DispatchFailure(failure) if failure.is_io())
}
