use crate::{Push, PushError};
use aws_sdk_apigatewaymanagement::{
    Client,
    config::{BehaviorVersion, Builder, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
    error::{DisplayErrorContext, SdkError},
    operation::{delete_connection::DeleteConnectionError, post_to_connection::PostToConnectionError},
    primitives::Blob,
};
use aws_types::SdkConfig;
use domain::{ConnectionId, Usage};
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
            // What stalls ends with the time above; watching each push as well costs it 3 % of its processor time.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self(Client::from_conf(config))
    }
}

impl Push for ManagementApi {
    fn push<'a>(&'a self, connection: &'a ConnectionId, text: &'a str) -> BoxFuture<'a, Result<(), PushError>> {
        Box::pin(async move {
            Usage::count_gateway_message();
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
                Some(PostToConnectionError::ForbiddenException(_)) => Err(PushError::Forbidden),
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
    // The client calls it transient, not I/O, if a connection ends in order while a request is under way.
    matches!(error, SdkError::DispatchFailure(failure) if failure.is_io() || failure.as_other().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_apigatewaymanagement::config::{Credentials, Region, SharedCredentialsProvider};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    const TEXT: &str = r#"{"t":"typing"}"#;

    fn aws() -> SdkConfig {
        let keys = SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test"));
        SdkConfig::builder().region(Region::new("us-east-1")).credentials_provider(keys).build()
    }

    /// A connection on which a whole request has arrived.
    async fn request(listener: &TcpListener) -> TcpStream {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(TEXT.as_bytes()) {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
        }
        stream
    }

    #[tokio::test]
    async fn push_is_repeated_where_its_connection_ends_without_an_answer() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let api = ManagementApi::new(&format!("http://{}/local", listener.local_addr().unwrap()), &aws());
        let connection = ConnectionId("x=".to_owned());
        let server = async {
            request(&listener).await.shutdown().await.unwrap();
            let mut second = request(&listener).await;
            second.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            second
        };

        let (pushed, _) = tokio::join!(api.push(&connection, TEXT), server);

        assert!(pushed.is_ok(), "{pushed:?}");
    }
}
