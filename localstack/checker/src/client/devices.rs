//! The device of a client's session, and the time for which a person uses none of their clients.

use std::sync::Arc;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tokio::{sync::watch, time::Instant};

use super::Client;
use crate::{doors::Doors, history::Request};

/// Until when a person is away, for all of their clients.
pub(crate) type Away = Arc<watch::Sender<Instant>>;

impl<D: Doors> Client<'_, D> {
    /// Registers the device of the session, whose token names person and session.
    pub(super) async fn register(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        if self.usage.away.is_zero() {
            return;
        }
        let by = self.state().login.by;
        let device = format!("{:032x}{:032x}", by.person, by.session).into();
        self.insist(rng, give_up, Request::Register { room: self.room, device }).await;
    }

    /// Has all clients of the person close their sockets for some seconds. They go on over HTTP, which makes nobody active.
    pub(super) fn go_away(&self, rng: &mut ChaCha8Rng) {
        self.recorder.note(Some(self.number), format!("person {} is away for a while", self.person));
        self.away.send_replace(Instant::now() + self.usage.away.mul_f64(rng.random_range(0.3..=1.0)));
    }

    /// Waits until the person is away.
    pub(super) async fn goes_away(&self) {
        // The sender lives as long as this client.
        let _ = self.away.subscribe().wait_for(|until| *until > Instant::now()).await;
    }

    /// When the person is back, or was.
    pub(super) fn back_at(&self) -> Instant {
        *self.away.borrow()
    }
}
