use domain::ConnectionId;
use futures_util::{
    future::join_all,
    stream::{FuturesUnordered, StreamExt as _},
};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

/// How long a request waits for the pushes that it makes itself.
pub const INLINE_TIME: Duration = Duration::from_millis(300);

/// How many pushes of one frame are under way at once.
const CONCURRENCY: usize = 16;

/// Something that frames can be pushed through.
pub trait Push {
    /// Hands a text to a connection.
    fn push(&self, connection: &ConnectionId, text: &str) -> impl Future<Output = Result<(), PushError>> + Send;

    /// Ends a connection.
    fn close(&self, connection: &ConnectionId) -> impl Future<Output = Result<(), PushError>> + Send;
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
    /// Anything else, throttling included; `sync` heals it.
    #[error("the push failed: {0}")]
    Failed(String),
}

/// What became of a frame.
#[derive(Debug, Default)]
pub struct Delivery {
    /// How many connections took it.
    pub sent: usize,
    /// The places, among the connections given, of those that are closed.
    pub gone: Vec<usize>,
    /// How many pushes failed or were still under way when the time was over.
    pub failed: usize,
}

/// Pushes a frame to connections, without retries, and returns when all is done or the time is over.
pub async fn deliver<P: Push + Sync>(
    through: &P,
    connections: &[&ConnectionId],
    text: &str,
    within: Duration,
) -> Delivery {
    let deadline = Instant::now() + within;
    let mut delivery = Delivery { failed: connections.len(), ..Delivery::default() };
    let mut waiting = connections.iter().enumerate();
    let mut under_way = FuturesUnordered::new();
    loop {
        let free = CONCURRENCY - under_way.len();
        under_way.extend(waiting.by_ref().take(free).map(|(place, id)| attempt(through, place, id, text)));
        let Ok(Some((place, outcome))) = timeout_at(deadline, under_way.next()).await else { break };
        match outcome {
            Ok(()) => delivery.sent += 1,
            Err(PushError::Gone) => delivery.gone.push(place),
            Err(error) => {
                warn!(connection.id = %connections[place], %error, "A push failed");
                continue;
            }
        }
        delivery.failed -= 1;
    }
    delivery
}

/// Tells connections a last frame each and ends them, without retries, and returns when all is done or the time is over.
pub async fn hang_up<P: Push + Sync>(through: &P, connections: &[(&ConnectionId, String)], within: Duration) {
    let each = connections.iter().map(async |(id, text)| {
        // Whoever does not hear it learns it from the end of the connection, or from the answer to the next frame.
        let told = through.push(id, text).await;
        let closed = if matches!(told, Err(PushError::Gone)) { told } else { through.close(id).await };
        if let Err(error) = closed {
            warn!(connection.id = %id, %error, "Could not end a connection");
        }
    });
    if tokio::time::timeout(within, join_all(each)).await.is_err() {
        warn!("Left some of {} connections to end by themselves", connections.len());
    }
}

async fn attempt<P: Push>(through: &P, place: usize, id: &ConnectionId, text: &str) -> (usize, Result<(), PushError>) {
    (place, through.push(id, text).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct ByName;

    impl Push for ByName {
        async fn push(&self, connection: &ConnectionId, _text: &str) -> Result<(), PushError> {
            match connection.0.as_str() {
                "gone" => Err(PushError::Gone),
                "full" => Err(PushError::Failed("429".to_owned())),
                "slow" => std::future::pending().await,
                _ => Ok(()),
            }
        }

        async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
            self.push(connection, "").await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_bad_connection_keeps_no_other_open() {
        let ids = ["slow", "gone", "a"].map(|name| ConnectionId(name.to_owned()));
        let last: Vec<_> = ids.iter().map(|id| (id, "{}".to_owned())).collect();
        let begun = Instant::now();

        hang_up(&ByName, &last, INLINE_TIME).await;

        assert_eq!(begun.elapsed(), INLINE_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn one_bad_connection_holds_up_no_other() {
        let ids = ["slow", "a", "gone", "full", "b"].map(|name| ConnectionId(name.to_owned()));
        let ids: Vec<_> = ids.iter().collect();

        let delivery = deliver(&ByName, &ids, "{}", INLINE_TIME).await;

        assert_eq!((delivery.sent, delivery.gone, delivery.failed), (2, vec![2], 2));
    }
}
