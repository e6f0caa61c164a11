use crate::{Push, PushError};
use aws_sdk_apigatewaymanagement::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
    error::DisplayErrorContext,
    operation::{delete_connection::DeleteConnectionError, post_to_connection::PostToConnectionError},
    primitives::Blob,
};
use boot::AwsCredentials;
use domain::ConnectionId;
use std::time::Duration;

/// API Gateway's `@connections`, through which Lambdas reach open WebSockets.
#[derive(Debug, Clone)]
pub struct ManagementApi(Client);

impl ManagementApi {
    /// A client for the stage at `url`, such as `https://{api}.execute-api.{region}.amazonaws.com/{stage}`.
    ///
    /// It never retries: a push is worth its moment only, and `sync` heals what is lost.
    pub fn new(url: &str, credentials: AwsCredentials) -> Self {
        let AwsCredentials { access_key_id, secret_access_key, session_token, region } = credentials;
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(2)).build();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url)
            .region(Region::new(region))
            .credentials_provider(Credentials::new(access_key_id, secret_access_key, session_token, None, "lambda"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Self(Client::from_conf(config))
    }
}

impl Push for ManagementApi {
    async fn push(&self, connection: &ConnectionId, text: &str) -> Result<(), PushError> {
        let post = self.0.post_to_connection().connection_id(&connection.0).data(Blob::new(text)).send();
        let Err(error) = post.await else { return Ok(()) };
        match error.as_service_error() {
            Some(PostToConnectionError::GoneException(_)) => Err(PushError::Gone),
            Some(PostToConnectionError::PayloadTooLargeException(_)) => Err(PushError::TooLarge),
            _ => Err(PushError::Failed(DisplayErrorContext(&error).to_string())),
        }
    }
    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        let delete = self.0.delete_connection().connection_id(&connection.0).send();
        let Err(error) = delete.await else { return Ok(()) };
        match error.as_service_error() {
            Some(DeleteConnectionError::GoneException(_)) => Err(PushError::Gone),
            _ => Err(PushError::Failed(DisplayErrorContext(&error).to_string())),
        }
    }
}
