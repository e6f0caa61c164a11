//! A seeded client: it sends, edits, looks around, loses its connection, and follows its room by the client rule.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::client_rule::ClientView;
use crate::doors::{Doors, Hello, Socket};
use crate::history::{Answer, Event, Message, Purpose, Recorder, Request, RoomId, Via, Window};
use crate::options::Usage;
use crate::verify::follow;

/// What a person's clients know together: the messages that they sent.
pub(crate) type Own = Arc<Mutex<Vec<Sent>>>;

/// A message that was acknowledged to this person.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    id: Arc<str>,
    client_id: Arc<str>,
    content: Arc<str>,
}

/// One device of one person, in one room.
pub(crate) struct Client<'w, D: Doors> {
    pub(crate) number: usize,
    pub(crate) person: usize,
    pub(crate) room: RoomId,
    pub(crate) seed: u64,
    pub(crate) usage: Usage,
    pub(crate) doors: &'w D,
    pub(crate) recorder: &'w Recorder,
    pub(crate) own: Own,
    pub(crate) state: Mutex<State<D::Socket>>,
    pub(crate) news: Notify,
    pub(crate) wish: Notify,
}

/// What the loops of a client share.
pub(crate) struct State<S> {
    socket: Option<Arc<S>>,
    view: ClientView,
    reenter: bool,
    names: u64,
}

impl<S> Default for State<S> {
    fn default() -> Self {
        Self { socket: None, view: ClientView::default(), reenter: true, names: 0 }
    }
}

impl<D: Doors> Client<'_, D> {
    /// Sends, edits and looks around until `until`, then finishes what it had begun, at the latest at `give_up`.
    pub(crate) async fn work(&self, until: Instant, give_up: Instant) {
        let mut rng = self.rng(0);
        while Instant::now() < until {
            sleep(Duration::from_millis(rng.random_range(0..self.usage.think_ms.max(1)))).await;
            match rng.random_range(0..100) {
                0..48 => self.send(&mut rng, give_up).await,
                48..70 => self.edit(&mut rng, give_up).await,
                70..80 => self.look(&mut rng).await,
                80..88 => self.poll(&mut rng).await,
                88..93 => self.send_again(&mut rng).await,
                93..96 => self.wish.notify_one(),
                96..98 => {
                    self.state().reenter = true;
                    self.news.notify_one();
                }
                _ => self.ping().await,
            }
        }
    }

    /// Sends one message and retries until its outcome is known; now and then it is impatient, or dies before the retry.
    async fn send(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let request = self.new_message(rng);
        let mut pause = 50;
        while Instant::now() < give_up {
            let (one, other) = (self.via(rng), self.via(rng));
            let answer = if rng.random_ratio(1, 10) {
                let wait = Duration::from_millis(rng.random_range(0..300));
                let impatient = async {
                    sleep(wait).await;
                    self.call(other, Purpose::Follow, request.clone()).await
                };
                let (first, second) = tokio::join!(self.call(one, Purpose::Follow, request.clone()), impatient);
                if matches!(first, Answer::Ack { .. }) { first } else { second }
            } else {
                self.call(one, Purpose::Follow, request.clone()).await
            };
            match (answer, &request) {
                (Answer::Ack { message, .. }, Request::Send { client_id, content, .. }) => {
                    let sent = Sent { id: message.id, client_id: Arc::clone(client_id), content: Arc::clone(content) };
                    return self.own().push(sent);
                }
                (Answer::Unknown(_), _) if rng.random_ratio(1, 40) => return,
                (Answer::Unknown(_), _) => {}
                (Answer::Refused { status: 429, .. }, _) => pause = 1000,
                _ => return,
            }
            sleep(jittered(rng, &mut pause)).await;
        }
    }

    fn new_message(&self, rng: &mut ChaCha8Rng) -> Request {
        let name = self.name();
        let client_id = format!("{}-{}-{name}", self.seed, self.number).into();
        let content = format!("{name} from {}{}", self.number, words(rng)).into();
        Request::Send { room: self.room, client_id, content }
    }

    /// Edits a message that this person sent, from this client or another.
    async fn edit(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        let Some(sent) = self.pick(rng) else { return };
        let content = format!("edit {} by {}{}", self.name(), self.number, words(rng)).into();
        let request = Request::Edit { room: self.room, message: sent.id, content };
        let mut pause = 50;
        while Instant::now() < give_up {
            match self.call(self.via(rng), Purpose::Follow, request.clone()).await {
                Answer::Unknown(_) if rng.random_ratio(1, 4) => return,
                Answer::Unknown(_) => {}
                Answer::Refused { status: 429, .. } => pause = 1000,
                _ => return,
            }
            sleep(jittered(rng, &mut pause)).await;
        }
    }

    /// Sends something that was acknowledged once more: as it was, or with another body under the same name.
    async fn send_again(&self, rng: &mut ChaCha8Rng) {
        let Some(sent) = self.pick(rng) else { return };
        let content = if rng.random_ratio(1, 4) { format!("not {}", sent.content).into() } else { sent.content };
        let request = Request::Send { room: self.room, client_id: sent.client_id, content };
        self.call(self.via(rng), Purpose::Follow, request).await;
    }

    /// Reads some page of the room.
    async fn look(&self, rng: &mut ChaCha8Rng) {
        let top = self.state().view.messages().map(|message| message.seq).max().unwrap_or(1);
        let seq = rng.random_range(1..=top);
        let window = match rng.random_range(0..5) {
            0 => Window::Before(seq),
            1 => Window::After(seq),
            2 => Window::Around(seq),
            _ => Window::Newest,
        };
        let request = Request::List { room: self.room, window, limit: rng.random_range(1..=50) };
        self.call(Via::Http, Purpose::Look, request).await;
    }

    /// Reads some page of the room's changes.
    async fn poll(&self, rng: &mut ChaCha8Rng) {
        let cursor = self.state().view.cursor();
        let request =
            Request::Sync { room: self.room, after: rng.random_range(0..=cursor), limit: rng.random_range(1..=20) };
        self.call(self.via(rng), Purpose::Look, request).await;
    }

    async fn ping(&self) {
        let socket = self.state().socket.clone();
        if let Some(socket) = socket
            && !socket.ping().await
        {
            self.recorder.note(Some(self.number), "a ping was not answered");
        }
    }

    /// Keeps a socket open and its view up to date until told to stop.
    pub(crate) async fn follow(&self, mut stop: watch::Receiver<bool>) {
        let loops = async { tokio::join!(self.listen(), self.catch_up()) };
        let stopped = async { stop.wait_for(|stop| *stop).await.is_ok() };
        futures_util::pin_mut!(loops, stopped);
        select(loops, stopped).await;
    }

    /// Takes every frame; connects again whenever the connection is lost, or for no reason.
    async fn listen(&self) {
        let mut rng = self.rng(1);
        loop {
            let Some(mut pushes) = self.connect().await else {
                sleep(Duration::from_millis(rng.random_range(200..1000))).await;
                continue;
            };
            loop {
                let lost = self.wish.notified();
                futures_util::pin_mut!(lost);
                let push = pushes.recv();
                futures_util::pin_mut!(push);
                let Either::Left((Some(message), _)) = select(push, lost).await else { break };
                self.take(message);
            }
            self.state().socket = None;
            self.recorder.note(Some(self.number), "is disconnected");
            sleep(Duration::from_millis(rng.random_range(0..400))).await;
        }
    }

    async fn connect(&self) -> Option<mpsc::UnboundedReceiver<Message>> {
        let cursor = self.state().view.cursor();
        let (sender, pushes) = mpsc::unbounded_channel();
        let greeted =
            timeout(self.usage.patience * 6, self.doors.connect(self.person, self.room, cursor, sender)).await;
        match greeted.unwrap_or_else(|_| Err("no answer to the upgrade or to hello".to_owned())) {
            Ok(Hello { socket, ahead }) => {
                self.recorder.note(
                    Some(self.number),
                    format!("is connected from cursor {cursor}{}", if ahead { ", the room is ahead" } else { "" }),
                );
                let mut state = self.state();
                state.socket = Some(Arc::new(socket));
                if ahead {
                    state.view.hear(cursor + 1);
                }
                drop(state);
                self.news.notify_one();
                Some(pushes)
            }
            Err(why) => {
                self.recorder.note(Some(self.number), format!("could not connect: {why}"));
                None
            }
        }
    }

    fn take(&self, message: Message) {
        let mut state = self.state();
        state.view.take(&message);
        self.recorder.record(Some(self.number), Event::Pushed(message));
        let behind = state.view.is_behind();
        drop(state);
        if behind {
            self.news.notify_one();
        }
    }

    /// Enters the room by a list when asked to, and syncs after a gap.
    async fn catch_up(&self) {
        let mut rng = self.rng(2);
        loop {
            if self.state().reenter {
                self.enter(&mut rng).await;
            }
            if self.state().view.is_behind() {
                sleep(Duration::from_millis(rng.random_range(300..600))).await;
                self.sync(&mut rng, Instant::now() + Duration::from_hours(1)).await;
            } else {
                self.news.notified().await;
            }
        }
    }

    async fn enter(&self, rng: &mut ChaCha8Rng) {
        let request = Request::List { room: self.room, window: Window::Newest, limit: rng.random_range(5..=40) };
        let mut pause = 50;
        while !matches!(self.call(Via::Http, Purpose::Follow, request.clone()).await, Answer::Page(_)) {
            sleep(jittered(rng, &mut pause)).await;
        }
        self.state().reenter = false;
    }

    /// Syncs while it is behind. Whether it caught up in time.
    async fn sync(&self, rng: &mut ChaCha8Rng, deadline: Instant) -> bool {
        let mut pause = 50;
        while self.state().view.is_behind() {
            if Instant::now() > deadline {
                return false;
            }
            let cursor = self.state().view.cursor();
            self.sync_once(rng, cursor).await;
            if self.state().view.cursor() > cursor {
                pause = 50;
            } else {
                sleep(jittered(rng, &mut pause)).await;
            }
        }
        true
    }

    async fn sync_once(&self, rng: &mut ChaCha8Rng, after: u64) -> bool {
        let request = Request::Sync { room: self.room, after, limit: rng.random_range(3..=60) };
        matches!(self.call(self.via(rng), Purpose::Follow, request).await, Answer::Synced(_))
    }

    /// Comes back a last time, after everything: hello, then sync to the room's head.
    pub(crate) async fn settle(&self, deadline: Instant) {
        let mut rng = self.rng(3);
        self.state().socket = None;
        let mut pushes = None;
        while Instant::now() < deadline && pushes.is_none() {
            pushes = self.connect().await;
        }
        while Instant::now() < deadline {
            let cursor = self.state().view.cursor();
            if self.sync_once(&mut rng, cursor).await {
                break;
            }
            sleep(Duration::from_millis(200)).await;
        }
        if pushes.is_some() && self.sync(&mut rng, deadline).await {
            let cursor = self.state().view.cursor();
            self.recorder.record(Some(self.number), Event::Settled { room: self.room, cursor });
        } else {
            self.recorder.note(Some(self.number), "could not catch up in time");
        }
        self.state().socket = None;
    }

    /// One request over one door, written down together with what the client makes of its answer.
    async fn call(&self, via: Via, purpose: Purpose, request: Request) -> Answer {
        let socket = if via == Via::Socket { self.state().socket.clone() } else { None };
        let via = if socket.is_some() { Via::Socket } else { Via::Http };
        let call = self.recorder.record(Some(self.number), Event::Invoked { via, purpose, request: request.clone() });
        let patience = self.usage.patience * u32::try_from(call % 6 + 1).unwrap_or(1);
        let answer = match socket {
            Some(socket) => timeout(patience, socket.ask(&request)).await,
            None => timeout(patience, self.doors.ask(self.person, &request)).await,
        };
        let answer = answer.unwrap_or_else(|_| Answer::Unknown("no answer in time".to_owned()));
        let mut state = self.state();
        if purpose == Purpose::Follow {
            follow(&mut state.view, &answer);
        }
        self.recorder.record(Some(self.number), Event::Answered { call, answer: answer.clone() });
        let behind = state.view.is_behind();
        drop(state);
        if behind {
            self.news.notify_one();
        }
        answer
    }

    fn via(&self, rng: &mut ChaCha8Rng) -> Via {
        match self.usage.via {
            Some(via) => via,
            None if rng.random_bool(0.5) => Via::Http,
            None => Via::Socket,
        }
    }

    /// One of this person's messages, mostly the last one, so that its clients edit it at the same time.
    fn pick(&self, rng: &mut ChaCha8Rng) -> Option<Sent> {
        let own = self.own();
        let recent = *[1, 1, 4, own.len()].get(rng.random_range(0..4))?;
        let back = rng.random_range(0..recent.max(1));
        own.get(own.len().checked_sub(back + 1)?).cloned()
    }

    fn name(&self) -> u64 {
        let mut state = self.state();
        state.names += 1;
        state.names
    }

    fn rng(&self, stream: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.number as u64 * 4 + stream);
        rng
    }

    fn state(&self) -> MutexGuard<'_, State<D::Socket>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between half a pause and a whole one, in milliseconds; the next is twice as long, up to 2 s.
fn jittered(rng: &mut impl Rng, pause: &mut u64) -> Duration {
    let now = rng.random_range(*pause / 2..=*pause);
    *pause = (*pause * 2).min(2000);
    Duration::from_millis(now)
}

fn words(rng: &mut impl Rng) -> &'static str {
    ["", " 안녕하세요", " 👩‍👩‍👧‍👦 \"quoted\"", " naïve\nsecond line", " <b>&amp;</b> \\ 日本"]
        .get(rng.random_range(0..5))
        .copied()
        .unwrap_or_default()
}
