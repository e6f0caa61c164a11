use domain::ConnectionId;
use futures_util::future::BoxFuture;
use std::{fmt::Debug, sync::Arc};

/// What frames are pushed through, shared by all requests of an environment.
pub type Pusher = Arc<dyn Push + Send + Sync>;

/// Something that frames can be pushed through.
pub trait Push: Debug + Send + Sync {
    /// Hands a text to a connection.
    fn push<'a>(&'a self, connection: &'a ConnectionId, text: &'a str) -> BoxFuture<'a, Result<(), PushError>>;

    /// Ends a connection.
    fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PushError>>;

    /// Opens what the first push would have to open.
    fn warm_up(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Why a push did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The connection is closed (410): forget it.
    #[error("the connection is gone")]
    Gone,
    /// The text is over API Gateway's limit (413): never try again.
    #[error("the frame is too large")]
    TooLarge,
    /// This function may not push (403): no try will succeed.
    #[error("pushes are forbidden")]
    Forbidden,
    /// Anything else, throttling included; `sync` heals it.
    #[error("the push failed: {0}")]
    Failed(String),
}
