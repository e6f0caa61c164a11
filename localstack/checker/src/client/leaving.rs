//! What a client does to people's rights: it ends its session and begins another, and blocks the other person for a moment.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::{Client, Door, Login, Open, jittered, log_in};
use crate::doors::Doors;
use crate::history::{Answer, Event, Purpose, Request, Via};

/// So long may a block come whose answer nobody got: a function that is stopped goes on within 8 s.
const LATE: Duration = Duration::from_secs(9);

impl<D: Doors> Client<'_, D> {
    /// Ends the session, sometimes in the middle of something, tries what should be of no more use, and comes back.
    pub(super) async fn log_out(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let (old, open) = {
            let state = self.state();
            let old = state.login.clone();
            let open = state.socket.clone().filter(|open| open.by == old.by);
            (old, open)
        };
        let ticket = if rng.random_bool(0.5) {
            timeout(self.usage.patience, self.doors.ticket(&old.session)).await.ok().and_then(Result::ok)
        } else {
            None
        };
        let request = Request::Logout { room: self.room };
        let is_over = if rng.random_ratio(1, 3) {
            let mut other = ChaCha8Rng::from_rng(rng);
            tokio::join!(self.insist(rng, give_up, request), self.send(&mut other, give_up)).0
        } else {
            self.insist(rng, give_up, request).await
        };
        // Whether it is over or nobody knows, it is not used any more.
        self.state().over = true;
        if is_over {
            self.probe(rng, old, open, ticket).await;
        }
        self.come_back(give_up).await;
    }

    /// Asks with what is of no more use: the token, the socket, a ticket.
    async fn probe(
        &self,
        rng: &mut ChaCha8Rng,
        old: Login<D::Session>,
        open: Option<Open<D::Socket>>,
        ticket: Option<D::Ticket>,
    ) {
        let by = old.by;
        let request = if rng.random_bool(0.5) { self.new_message(rng) } else { self.some_changes(rng) };
        if rng.random_bool(0.5) {
            self.ask(Door::Http(old), Purpose::Look, request.clone()).await;
        }
        if let Some(open) = open.filter(|_| rng.random_bool(0.7)) {
            self.ask(Door::Socket(open), Purpose::Look, request).await;
        }
        if let Some(ticket) = ticket {
            let (sender, _pushes) = mpsc::unbounded_channel();
            let call = self.invoke(Via::Http, Purpose::Look, by, Request::Connect { room: self.room });
            let opening = timeout(self.usage.patience * 6, self.doors.connect(ticket, self.room, 0, sender));
            let answer = match opening.await {
                Ok(Ok(_)) => Answer::Connected,
                _ => Answer::Unknown("no connection".to_owned()),
            };
            self.recorder.record(Some(self.number), Event::Answered { call, answer });
        }
    }

    /// Begins another session, and enters the room anew.
    pub(super) async fn come_back(&self, give_up: Instant) {
        let login = log_in(self.doors, self.recorder, Some(self.number), self.person, give_up).await;
        let Some(login) = login else { return };
        let mut state = self.state();
        state.login = login;
        state.over = false;
        state.reenter = true;
        let was_open = state.socket.is_some();
        drop(state);
        self.news.notify_one();
        if was_open {
            self.wish.notify_one();
        }
    }

    /// Blocks the other person, tries what neither may do now, and lifts the block.
    pub(super) async fn block(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        self.insist(rng, give_up, Request::Block { room: self.room }).await;
        let wait = Duration::from_millis(rng.random_range(200..1500));
        let mut other = ChaCha8Rng::from_rng(rng);
        let meanwhile = async {
            self.send_again(&mut other).await;
            match other.random_range(0..3) {
                0 => drop(self.call(self.via(&mut other), Purpose::Follow, self.new_message(&mut other)).await),
                1 => self.edit(&mut other, give_up).await,
                _ => self.delete(&mut other, give_up).await,
            }
        };
        tokio::join!(sleep(wait), meanwhile);
        self.insist(rng, give_up, Request::Unblock { room: self.room }).await;
    }

    /// Lifts a block that may have come after it was lifted.
    pub(super) async fn lift_late_blocks(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let due = self.state().lift.take_if(|due| *due < Instant::now());
        if due.is_some() {
            self.insist(rng, give_up, Request::Unblock { room: self.room }).await;
        }
    }

    /// Asks until it is so. Whether it is.
    async fn insist(&self, rng: &mut ChaCha8Rng, give_up: Instant, request: Request) -> bool {
        let mut pause = 50;
        while Instant::now() < give_up {
            match self.call(Via::Http, Purpose::Look, request.clone()).await {
                Answer::Done => return true,
                Answer::Unknown(_) if matches!(request, Request::Block { .. }) => {
                    self.state().lift = Some(Instant::now() + LATE);
                }
                Answer::Unknown(_) => {}
                Answer::Refused { status: 429, .. } => pause = 1000,
                // Of two attempts to log out, the second is refused if the first has come through.
                Answer::Refused { status: 401, .. } => return matches!(request, Request::Logout { .. }),
                _ => return false,
            }
            sleep(jittered(rng, &mut pause)).await;
        }
        false
    }
}
