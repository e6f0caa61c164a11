//! What has arrived where.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{sync::Notify, time::timeout};

/// How long nothing arrives once everything has that will.
const QUIET: Duration = Duration::from_secs(3);

/// Counts the frames of new messages over all sockets.
#[derive(Clone, Debug, Default)]
pub(super) struct Board(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    arrivals: Mutex<Arrivals>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Arrivals {
    /// How many sockets have each text.
    of: HashMap<String, usize>,
    total: usize,
    last: Option<Instant>,
}

impl Board {
    /// Notes a frame of a socket, or each of a packed one.
    pub(super) fn note(&self, frame: &Value) {
        match frame["t"].as_str() {
            Some("batch") => frame["d"].as_array().into_iter().flatten().for_each(|frame| self.note(frame)),
            Some("message.created") => {
                let content = frame["d"]["content"].as_str().unwrap_or_default();
                self.with(|arrivals| {
                    *arrivals.of.entry(content.to_owned()).or_default() += 1;
                    arrivals.total += 1;
                    arrivals.last = Some(Instant::now());
                });
                self.0.news.notify_waiters();
            }
            _ => {}
        }
    }

    /// Waits until so many sockets have a text; when the last one got it, or `None` if that takes too long.
    pub(super) async fn arrived(&self, content: &str, sockets: usize, patience: Duration) -> Option<Instant> {
        let arriving = async {
            loop {
                let news = self.0.news.notified();
                let (number, last) = self.with(|it| (it.of.get(content).copied().unwrap_or_default(), it.last));
                if number >= sockets {
                    return last;
                }
                news.await;
            }
        };
        timeout(patience, arriving).await.ok().flatten()
    }

    /// Waits until so much has arrived in all, or nothing does any more; when the last one did.
    pub(super) async fn quiet(&self, total: usize, patience: Duration) -> Option<Instant> {
        let begun = Instant::now();
        loop {
            let (number, last) = self.with(|it| (it.total, it.last));
            let silence = last.map_or(begun.elapsed(), |last| last.elapsed());
            if number >= total || (silence > QUIET && begun.elapsed() > patience) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How much has arrived.
    pub(super) fn total(&self) -> usize {
        self.with(|arrivals| arrivals.total)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Arrivals) -> T) -> T {
        look(&mut self.0.arrivals.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn packed_frames_count_one_by_one() {
        let (board, frame) = (Board::default(), json!({ "t": "message.created", "d": { "content": "hi" } }));

        board.note(&json!({ "t": "batch", "d": [frame, frame, { "t": "typing" }] }));

        assert!(board.arrived("hi", 2, Duration::from_secs(1)).await.is_some());
        assert_eq!(board.total(), 2);
        assert!(board.arrived("hi", 3, Duration::from_millis(1)).await.is_none());
    }
}
