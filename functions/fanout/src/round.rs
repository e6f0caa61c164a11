//! One pass over everything that waits.

use crate::pack::{Parcel, pack};
use domain::Clock;
use futures_util::stream::{self, StreamExt as _};
use queue::Target;
use realtime::{Push, PushError};
use tokio::time::Instant;
use tracing::warn;

/// How many pushes are under way at once.
const CONCURRENCY: usize = 32;

/// What became of all passes so far.
#[derive(Debug, Default)]
pub(crate) struct Round<'a> {
    pub(crate) sent: usize,
    pub(crate) late: usize,
    pub(crate) refused: usize,
    pub(crate) gone: Vec<&'a Target>,
}

/// What became of what waited for one connection.
#[derive(Default)]
struct Outcome {
    sent: usize,
    late: usize,
    refused: usize,
    is_gone: bool,
}

impl<'a> Round<'a> {
    /// Pushes what waits, as far as it is begun until then, and returns what must be tried again.
    pub(crate) async fn push(
        &mut self,
        through: &dyn Push,
        clock: Clock,
        until: Instant,
        parcels: Vec<Parcel<'a>>,
    ) -> Vec<Parcel<'a>> {
        let pushes: Vec<_> = parcels.into_iter().map(|parcel| push(through, clock, until, parcel)).collect();
        let mut outcomes = std::pin::pin!(stream::iter(pushes).buffer_unordered(CONCURRENCY));
        let mut again = Vec::new();
        while let Some((outcome, parcel)) = outcomes.next().await {
            self.sent += outcome.sent;
            self.late += outcome.late;
            self.refused += outcome.refused;
            if outcome.is_gone {
                self.gone.push(parcel.target);
            } else if !parcel.frames.is_empty() {
                again.push(parcel);
            }
        }
        again
    }
}

/// Pushes to one connection, in order, until a push fails. What is left of the parcel is to be tried again.
async fn push<'a>(through: &dyn Push, clock: Clock, until: Instant, mut parcel: Parcel<'a>) -> (Outcome, Parcel<'a>) {
    let (mut outcome, id) = (Outcome::default(), &parcel.target.id);
    loop {
        let (now, before) = (clock.now(), parcel.frames.len());
        parcel.frames.retain(|frame| frame.not_after > now);
        outcome.late += before - parcel.frames.len();
        let Some(first) = parcel.frames.first().filter(|_| Instant::now() < until) else { return (outcome, parcel) };
        let (text, number) = pack(first, &parcel.frames);
        match through.push(id, &text).await {
            Ok(()) => outcome.sent += number,
            Err(PushError::Gone) => {
                outcome.is_gone = true;
                return (outcome, parcel);
            }
            Err(error @ (PushError::TooLarge | PushError::Forbidden)) => {
                warn!(connection.id = %id, %error, "A push was refused");
                outcome.refused += number;
            }
            // A stalled client is no news, and may be one of hundreds.
            Err(PushError::Failed(_)) => return (outcome, parcel),
        }
        parcel.frames.drain(..number);
    }
}
