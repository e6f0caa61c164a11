use crate::clock;
use domain::{Fault, OrLog as _, Timestamp};
use std::{error::Error, time::Duration};
use tokio::time::timeout;

/// What ends a function that can't start.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// How long init waits for a connection. A store that is away must not cost the answer that says so.
const PATIENCE: Duration = Duration::from_secs(2);

/// API Gateway gives up after 29 s (WebSocket) or 30 s (HTTP).
const GATEWAY_LIMIT: Duration = Duration::from_secs(29);

/// The part of the time that a handler has, in fifths. The rest is for the answer and the work after it.
const HANDLER_FIFTHS: u32 = 3;

/// Opens a connection during init, where Lambda gives a whole core, so that no request pays for it. A failure is only logged: the
/// first request tries again.
pub async fn warm_up(what: &str, open: impl Future<Output = Result<(), Fault>>) {
    let opened = timeout(PATIENCE, open).await.unwrap_or_else(|late| Err(Fault::unavailable(late)));
    opened.or_log(what);
}

/// How long a handler may work so that its answer still arrives, by Lambda's deadline in milliseconds since 1970.
pub fn time_left(deadline_ms: u64) -> Duration {
    time_between(clock().now(), deadline_ms)
}

fn time_between(now: Timestamp, deadline_ms: u64) -> Duration {
    let now = Duration::from_millis(now.millis().unsigned_abs());
    Duration::from_millis(deadline_ms).saturating_sub(now).min(GATEWAY_LIMIT) * HANDLER_FIFTHS / 5
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    #[test]
    fn answers_arrive_before_lambda_and_api_gateway_give_up() {
        assert_eq!(time_between(NOW, 1_790_000_015_000), Duration::from_secs(9));
        assert_eq!(time_between(NOW, 1_790_000_300_000), Duration::from_millis(17_400));
        assert_eq!(time_between(NOW, 1_789_999_999_000), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_does_not_stop_init() {
        warm_up("open a connection", pending()).await;
    }
}
