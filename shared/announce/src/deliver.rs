use domain::{ConnectionId, METRICS};
use futures_util::stream::{self, FuturesUnordered, StreamExt as _};
use mongo::Connection;
use realtime::{Push, PushError, round_robin};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};

/// How many pushes of one frame, and how many frames, are under way at once.
pub(crate) const CONCURRENCY: usize = 16;

/// What became of the pushes of a frame.
#[derive(Debug, Default)]
pub(crate) struct Outcome<'a> {
    pub(crate) sent: usize,
    pub(crate) gone: Vec<&'a Connection>,
    /// Those that failed, or were still under way when the time was over.
    pub(crate) failed: Vec<&'a Connection>,
}

impl Outcome<'_> {
    /// Logs the outcome, with metrics only if a push failed: a line of metrics per send would cost more than the send.
    pub(crate) fn tell(&self) {
        let (sent, gone, failed) = (self.sent, self.gone.len(), self.failed.len());
        if failed > 0 {
            info!(target: METRICS, FailedPushes = failed, sent, gone, "Pushed frames");
        } else {
            debug!(sent, gone, "Pushed frames");
        }
    }
}

/// Pushes a frame to connections, without retries, and returns when all is done or the time is over.
pub(crate) async fn deliver<'a>(
    through: &dyn Push,
    connections: &'a [Connection],
    text: &str,
    within: Duration,
) -> Outcome<'a> {
    deliver_each(through, round_robin(connections, |connection| connection.user), |_| text, within).await
}

/// The same, each with a frame of its own.
pub(crate) async fn deliver_each<'a, 't>(
    through: &dyn Push,
    connections: Vec<&'a Connection>,
    text: impl Fn(&'a Connection) -> &'t str,
    within: Duration,
) -> Outcome<'a> {
    let deadline = Instant::now() + within;
    let mut outcome = Outcome { failed: connections, ..Outcome::default() };
    let mut waiting = outcome.failed.clone().into_iter();
    let mut under_way = FuturesUnordered::new();
    loop {
        let free = CONCURRENCY - under_way.len();
        under_way.extend(waiting.by_ref().take(free).map(async |connection: &'a Connection| {
            (connection, through.push(&connection.id, text(connection)).await)
        }));
        let Ok(Some((connection, pushed))) = timeout_at(deadline, under_way.next()).await else { break };
        match pushed {
            Ok(()) => outcome.sent += 1,
            Err(PushError::Gone) => outcome.gone.push(connection),
            Err(error) => {
                warn!(connection.id = %connection.id, %error, "A push failed");
                continue;
            }
        }
        outcome.failed.retain(|failed| failed.id != connection.id);
    }
    outcome
}

/// Sends each connection a last frame and closes it, a few at once and without retries. Returns when all are done or the time is up.
pub(crate) async fn hang_up(through: &dyn Push, connections: &[(&ConnectionId, String)], within: Duration) {
    // Each is a request of its own, and a process has a limited number of sockets.
    let each: Vec<_> = connections.iter().map(|(id, text)| end(through, id, text)).collect();
    let all = stream::iter(each).buffer_unordered(CONCURRENCY).collect::<()>();
    if tokio::time::timeout(within, all).await.is_err() {
        warn!("Left some of {} connections to end by themselves", connections.len());
    }
}

async fn end(through: &dyn Push, id: &ConnectionId, text: &str) {
    // A client that misses the frame learns of it from the close or from the answer to its next frame.
    let told = through.push(id, text).await;
    let closed = if matches!(told, Err(PushError::Gone)) { told } else { through.close(id).await };
    if let Err(error) = closed {
        warn!(connection.id = %id, %error, "Could not end a connection");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::connection;
    use futures_util::future::BoxFuture;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const TIME: Duration = Duration::from_millis(300);

    #[derive(Debug)]
    struct ByName;

    impl Push for ByName {
        fn push<'a>(&'a self, connection: &'a ConnectionId, _text: &'a str) -> BoxFuture<'a, Result<(), PushError>> {
            Box::pin(async {
                match connection.0.as_str() {
                    "gone" => Err(PushError::Gone),
                    "full" => Err(PushError::Failed("429".to_owned())),
                    "slow" => std::future::pending().await,
                    _ => Ok(()),
                }
            })
        }

        fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PushError>> {
            self.push(connection, "")
        }
    }

    /// Takes a second for each connection, and notes how many are under way.
    #[derive(Debug, Default)]
    struct Counting {
        under_way: AtomicUsize,
        most: AtomicUsize,
        closed: AtomicUsize,
    }

    impl Push for Counting {
        fn push<'a>(&'a self, _: &'a ConnectionId, _: &'a str) -> BoxFuture<'a, Result<(), PushError>> {
            Box::pin(async {
                let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
                self.most.fetch_max(now, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.under_way.fetch_sub(1, Ordering::Relaxed);
                Ok(())
            })
        }

        fn close<'a>(&'a self, _: &'a ConnectionId) -> BoxFuture<'a, Result<(), PushError>> {
            self.closed.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Ok(()) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_ended_a_few_at_once() {
        let ids: Vec<_> = (0..100).map(|n| ConnectionId(n.to_string())).collect();
        let last: Vec<_> = ids.iter().map(|id| (id, "{}".to_owned())).collect();
        let through = Counting::default();

        hang_up(&through, &last, Duration::from_mins(1)).await;

        let (most, closed) = (through.most.into_inner(), through.closed.into_inner());
        assert_eq!((most, closed), (CONCURRENCY, 100));
    }

    fn names<'a>(connections: &[&'a Connection]) -> Vec<&'a str> {
        connections.iter().map(|connection| connection.id.0.as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_close_delays_no_other() {
        let ids = ["slow", "gone", "a"].map(|name| ConnectionId(name.to_owned()));
        let last: Vec<_> = ids.iter().map(|id| (id, "{}".to_owned())).collect();
        let begun = Instant::now();

        hang_up(&ByName, &last, TIME).await;

        assert_eq!(begun.elapsed(), TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_push_delays_no_other_and_is_named() {
        let connections: Vec<_> =
            ["slow", "a", "gone", "full", "b"].iter().zip(0..).map(|(name, n)| connection(n, name)).collect();

        let outcome = deliver(&ByName, &connections, "{}", TIME).await;

        assert_eq!(
            (outcome.sent, names(&outcome.gone), names(&outcome.failed)),
            (2, vec!["gone"], vec!["slow", "full"])
        );
    }
}
