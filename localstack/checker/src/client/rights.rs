//! Actions of a client on rights: logouts, and blocks of the other person.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use super::{Client, Door, Login, Open, jittered, log_in};
use crate::{
    doors::Doors,
    history::{Answer, Event, Purpose, Request, Via},
};

/// How long a client keeps a refresh token: a request that was stopped and comes two tokens late counts as a thief's.
const BETWEEN_REFRESHES: Duration = Duration::from_secs(15);

/// How late a change of unknown outcome may take effect: a stopped function continues within 8 s.
const LATE: Duration = Duration::from_secs(9);

impl<D: Doors> Client<'_, D> {
    /// Logs out, sometimes during a send, tries the revoked credentials, and logs in again.
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
        let is_over = if !self.usage.away.is_zero() && rng.random_ratio(1, 4) {
            let mut other = ChaCha8Rng::from_rng(rng);
            tokio::join!(self.insist(rng, give_up, request), self.register(&mut other, give_up)).0
        } else if rng.random_ratio(1, 3) {
            let mut other = ChaCha8Rng::from_rng(rng);
            tokio::join!(self.insist(rng, give_up, request), self.send(&mut other, give_up)).0
        } else {
            self.insist(rng, give_up, request).await
        };
        // An ended session is not used again, nor one of unknown state.
        self.state().over = true;
        if is_over {
            self.probe(rng, old, open, ticket).await;
        }
        self.come_back(give_up).await;
        self.register(rng, give_up).await;
    }

    /// Exchanges the refresh token, with one attempt until it is answered.
    pub(super) async fn refresh(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        if Instant::now() < self.state().refresh_from {
            return;
        }
        let attempt = format!("{:016x}", rng.random::<u64>()).into();
        self.insist(rng, give_up, Request::Refresh { room: self.room, attempt }).await;
        self.state().refresh_from = Instant::now() + BETWEEN_REFRESHES;
    }

    /// Tries the token, the socket and a ticket of the ended session.
    async fn probe(
        &self,
        rng: &mut ChaCha8Rng,
        old: Login<D::Session>,
        open: Option<Open<D::Socket>>,
        ticket: Option<D::Ticket>,
    ) {
        let by = old.by;
        let request = if rng.random_bool(0.5) { self.new_message(rng, None) } else { self.some_changes(rng) };
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

    /// Begins another session and enters the room again.
    pub(super) async fn come_back(&self, give_up: Instant) {
        let login = log_in(self.doors, self.recorder, Some(self.number), self.person, give_up).await;
        let Some(login) = login else { return };
        let mut state = self.state();
        state.login = login;
        state.over = false;
        state.reenter = true;
        let was_open = state.socket.is_some();
        drop(state);
        self.updates.notify_one();
        if was_open {
            self.reconnect.notify_one();
        }
    }

    /// Blocks the other person, tries what is forbidden now, and lifts the block.
    pub(super) async fn block(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        self.insist(rng, give_up, Request::Block { room: self.room }).await;
        let wait = Duration::from_millis(rng.random_range(200..1500));
        let mut other = ChaCha8Rng::from_rng(rng);
        let meanwhile = async {
            self.send_again(&mut other).await;
            match other.random_range(0..3) {
                0 => drop(self.call(self.via(&mut other), Purpose::Follow, self.new_message(&mut other, None)).await),
                1 => self.edit(&mut other, give_up).await,
                _ => self.delete(&mut other, give_up).await,
            }
        };
        tokio::join!(sleep(wait), meanwhile);
        self.insist(rng, give_up, Request::Unblock { room: self.room }).await;
    }

    /// Undoes what may have taken effect after it was undone.
    pub(super) async fn repair(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let now = Instant::now();
        let due: Vec<_> = self.state().repairs.extract_if(.., |(due, _)| *due < now).collect();
        for (_, request) in due {
            self.insist(rng, give_up, request).await;
        }
    }

    /// Retries until it is done. Whether it is.
    pub(super) async fn insist(&self, rng: &mut ChaCha8Rng, give_up: Instant, request: Request) -> bool {
        let mut pause = 50;
        while Instant::now() < give_up {
            match self.call(Via::Http, Purpose::Look, request.clone()).await {
                Answer::Done => return true,
                Answer::Unknown(_) => self.undo_later(&request),
                Answer::Refused { status: 429, .. } => pause = 1000,
                // A second logout is refused if the first has taken effect.
                Answer::Refused { status: 401, .. } => return matches!(request, Request::Logout { .. }),
                _ => return false,
            }
            sleep(jittered(rng, &mut pause)).await;
        }
        false
    }

    /// Notes how to undo a change of unknown outcome once it will have taken effect.
    fn undo_later(&self, request: &Request) {
        let room = self.room;
        let undo = match request {
            Request::Block { .. } => vec![Request::Unblock { room }],
            Request::Kick { of, .. } => vec![Request::Add { room, of: *of }],
            Request::Ban { of, .. } => vec![Request::Unban { room, of: *of }, Request::Add { room, of: *of }],
            Request::Leave { .. } => vec![Request::Join { room }],
            _ => return,
        };
        let mut state = self.state();
        state.repairs.retain(|(_, other)| !undo.contains(other));
        state.repairs.extend(undo.into_iter().map(|undo| (Instant::now() + LATE, undo)));
    }
}
