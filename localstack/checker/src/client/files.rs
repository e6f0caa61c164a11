//! Actions of a client with files.

use std::sync::Arc;

use rand::{RngExt, SeedableRng, seq::IteratorRandom as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::{Client, Sent};
use crate::{
    doors::Doors,
    history::{Purpose, Request, Via},
    report::GAVE_UP,
};

impl<D: Doors> Client<'_, D> {
    /// Sends a file, or asks for a link to one.
    pub(super) async fn use_files(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        if rng.random_ratio(1, 3) { self.ask_link(rng).await } else { self.send_file(rng, give_up).await }
    }

    /// Uploads a few bytes and sends them, now and then in a second message as well, which is to be refused.
    async fn send_file(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let name = format!("{}-{}-{}", self.seed, self.number, self.name());
        let session = self.state().login.session.clone();
        let file = match self.doors.upload(&session, &name).await {
            Ok(file) => file,
            Err(why) => return self.recorder.note(Some(self.number), format!("{GAVE_UP}: {why}")),
        };
        let (message, other) = (self.new_message(rng, Some(Arc::clone(&file))), self.new_message(rng, Some(file)));
        match rng.random_range(0..6) {
            0 => {
                let mut second = ChaCha8Rng::from_rng(rng);
                tokio::join!(self.deliver(rng, give_up, message), self.deliver(&mut second, give_up, other));
            }
            1 => {
                self.deliver(rng, give_up, message).await;
                self.deliver(rng, give_up, other).await;
            }
            _ => self.deliver(rng, give_up, message).await,
        }
    }

    /// Asks for a link to a file that the client shows, or that this person sent, whatever became of it.
    async fn ask_link(&self, rng: &mut ChaCha8Rng) {
        let asked = if rng.random_bool(0.5) {
            self.own().iter().filter_map(Sent::file).choose(rng)
        } else {
            let state = self.state();
            let shown = state.view.messages();
            shown.filter_map(|message| Some((Arc::clone(&message.id), Arc::clone(message.files.first()?)))).choose(rng)
        };
        let Some((message, file)) = asked else { return };
        self.call(Via::Http, Purpose::Look, Request::Link { room: self.room, message, file }).await;
    }
}
