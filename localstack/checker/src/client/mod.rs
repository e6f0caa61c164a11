//! A seeded client: it changes and reads its room, reconnects, logs out, and follows its room by the client rule.

mod changes;
mod devices;
mod files;
mod members;
mod rights;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, select};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

pub(crate) use self::devices::Away;
use crate::{
    client_rule::ClientView,
    doors::{Doors, Hello, Socket, Standing},
    drive::Group,
    history::{Answer, Caller, Event, Purpose, Push, Recorder, Request, RoomId, Via, Window},
    options::Usage,
    verify::follow,
};

/// How many connections a client opens at once now and then; a person may have 20.
const CROWD: usize = 22;

/// The messages that the clients of a person sent.
pub(crate) type Own = Arc<Mutex<Vec<Sent>>>;

/// The latest invites to a group, with their codes, for everybody.
pub(crate) type Invites = Arc<Mutex<Vec<(u64, Arc<str>)>>>;

/// A message that was acknowledged to this person.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    id: Arc<str>,
    client_id: Arc<str>,
    content: Arc<str>,
    file: Option<Arc<str>>,
    deleted: bool,
}

impl Sent {
    /// The message and its file, if it has one.
    pub(crate) fn file(&self) -> Option<(Arc<str>, Arc<str>)> {
        Some((Arc::clone(&self.id), self.file.clone()?))
    }
}

/// A session, and its caller in the history.
#[derive(Clone)]
pub(crate) struct Login<S> {
    pub(crate) by: Caller,
    pub(crate) session: S,
}

/// An open socket and the session that it was opened for.
struct Open<S> {
    by: Caller,
    socket: Arc<S>,
}

impl<S> Clone for Open<S> {
    fn clone(&self) -> Self {
        Self { by: self.by, socket: Arc::clone(&self.socket) }
    }
}

/// HTTP or an open socket.
enum Door<D: Doors> {
    Http(Login<D::Session>),
    Socket(Open<D::Socket>),
}

/// One device of one person, in one room.
pub(crate) struct Client<'w, D: Doors> {
    pub(crate) number: usize,
    pub(crate) person: usize,
    pub(crate) room: RoomId,
    /// The group that the room is, if it is one.
    pub(crate) group: Option<&'w Group>,
    pub(crate) seed: u64,
    pub(crate) usage: Usage,
    pub(crate) doors: &'w D,
    pub(crate) recorder: &'w Recorder,
    pub(crate) own: Own,
    pub(crate) invites: Invites,
    pub(crate) away: Away,
    pub(crate) state: Mutex<State<D>>,
    pub(crate) updates: Notify,
    pub(crate) reconnect: Notify,
}

/// The state that the loops of a client share.
pub(crate) struct State<D: Doors> {
    login: Login<D::Session>,
    /// Whether the session has ended.
    over: bool,
    socket: Option<Open<D::Socket>>,
    view: ClientView,
    reenter: bool,
    names: u64,
    /// When the session may be refreshed again.
    refresh_from: Instant,
    /// What is due once a change of unknown outcome will have taken effect, so that it does not stay.
    repairs: Vec<(Instant, Request)>,
}

impl<D: Doors> State<D> {
    pub(crate) fn new(login: Login<D::Session>) -> Self {
        let view = ClientView::default();
        let refresh_from = Instant::now();
        Self { login, over: false, socket: None, view, reenter: true, names: 0, refresh_from, repairs: Vec::new() }
    }
}

/// Logs a person in, for a client or the checker itself; `None` if it fails until `give_up`.
pub(crate) async fn log_in<D: Doors>(
    doors: &D,
    recorder: &Recorder,
    client: Option<usize>,
    person: usize,
    give_up: Instant,
) -> Option<Login<D::Session>> {
    loop {
        match doors.login(person).await {
            Ok(session) => {
                let position = recorder.record(client, Event::LoggedIn { person });
                return Some(Login { by: Caller { person, session: position }, session });
            }
            Err(why) => recorder.note(client, format!("could not log in: {why}")),
        }
        if Instant::now() > give_up {
            return None;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

impl<D: Doors> Client<'_, D> {
    /// Uses its room until `until`, then finishes what has begun, at the latest at `give_up`.
    pub(crate) async fn work(&self, until: Instant, give_up: Instant) {
        let mut rng = self.rng(0);
        self.register(&mut rng, give_up).await;
        let Usage { deletes, reads, refreshes, logouts, blocks, members, reactions, files, .. } = self.usage;
        while Instant::now() < until {
            sleep(Duration::from_millis(rng.random_range(0..self.usage.think_ms.max(1)))).await;
            self.repair(&mut rng, give_up).await;
            let mut dice = rng.random_range(0..100);
            let mut is = |share: u32| {
                let hit = dice < share;
                dice = dice.saturating_sub(share);
                hit
            };
            if is(deletes) {
                self.delete(&mut rng, give_up).await;
            } else if is(reads) {
                self.read(&mut rng).await;
            } else if is(files) {
                self.use_files(&mut rng, give_up).await;
            } else if is(refreshes) {
                self.refresh(&mut rng, give_up).await;
            } else if is(logouts) {
                self.log_out(&mut rng, give_up).await;
            } else if self.group.is_none() && is(blocks) {
                self.block(&mut rng, give_up).await;
            } else if let Some(group) = self.group.filter(|_| is(members)) {
                self.change_members(&mut rng, give_up, group).await;
            } else if self.group.is_some() && is(reactions) {
                self.react(&mut rng, give_up).await;
            } else {
                self.chat(&mut rng, give_up).await;
            }
        }
    }

    /// The most frequent actions.
    async fn chat(&self, rng: &mut ChaCha8Rng, give_up: Instant) {
        match rng.random_range(0..100) {
            0..48 => self.send(rng, give_up).await,
            48..70 => self.edit(rng, give_up).await,
            70..76 => self.look(rng).await,
            76..80 => self.search(rng).await,
            80..88 => self.poll(rng).await,
            88..93 => self.send_again(rng).await,
            93 if rng.random_ratio(1, 5) => self.crowd().await,
            93 if !self.usage.away.is_zero() && rng.random_bool(0.5) => self.go_away(rng),
            93 => self.reconnect.notify_one(),
            94..96 if self.usage.signals => self.signal(rng).await,
            96..98 => {
                self.state().reenter = true;
                self.updates.notify_one();
            }
            _ => self.ping().await,
        }
    }

    /// Pings with its cursor, and syncs if it misses something: the frame that said so may have been lost.
    async fn ping(&self) {
        let (socket, cursor) = {
            let state = self.state();
            (state.socket.clone(), state.view.cursor())
        };
        let Some(open) = socket else { return };
        match open.socket.ping(self.room, cursor).await {
            Some(standing) => self.stand(standing, cursor),
            None => self.recorder.note(Some(self.number), "a ping was not answered"),
        }
    }

    /// Takes what it was told of its room: a client forgets a room that it is not in, and enters it anew.
    fn stand(&self, standing: Standing, cursor: u64) {
        match standing {
            Standing::Even => return,
            Standing::Ahead => self.state().view.hear(cursor + 1),
            Standing::Gone => {
                self.recorder.note(Some(self.number), "is told that it is not in the room");
                self.state().reenter = true;
            }
        }
        self.updates.notify_one();
    }

    /// Opens more connections than a person may have: the oldest, mostly those of this person's clients, are closed.
    async fn crowd(&self) {
        let login = self.state().login.clone();
        let mut open = Vec::new();
        for _ in 0..CROWD {
            let (sender, _) = mpsc::unbounded_channel();
            let connecting = async {
                let ticket = self.doors.ticket(&login.session).await?;
                self.doors.connect(ticket, self.room, 0, sender).await
            };
            open.extend(timeout(self.usage.patience, connecting).await.ok().and_then(Result::ok));
        }
        self.recorder.note(Some(self.number), format!("has {} more connections for a moment", open.len()));
    }

    /// Keeps a socket open and its view up to date until told to stop.
    pub(crate) async fn follow(&self, mut stop: watch::Receiver<bool>) {
        let loops = async { tokio::join!(self.listen(), self.catch_up()) };
        let stopped = async { stop.wait_for(|stop| *stop).await.is_ok() };
        futures_util::pin_mut!(loops, stopped);
        select(loops, stopped).await;
    }

    /// Takes every frame, and reconnects when the connection is lost or on request.
    async fn listen(&self) {
        let mut rng = self.rng(1);
        loop {
            let Some(mut pushes) = self.connect().await else {
                sleep(Duration::from_millis(rng.random_range(200..1000))).await;
                continue;
            };
            loop {
                let (push, lost, gone) = (pushes.recv(), self.reconnect.notified(), self.goes_away());
                futures_util::pin_mut!(push, lost, gone);
                let Either::Left((Some(push), _)) = select(push, select(lost, gone)).await else { break };
                self.take(push);
            }
            self.state().socket = None;
            self.recorder.note(Some(self.number), "is disconnected");
            sleep(Duration::from_millis(rng.random_range(0..400))).await;
            sleep_until(self.back_at()).await;
        }
    }

    async fn connect(&self) -> Option<mpsc::UnboundedReceiver<Push>> {
        let (login, cursor) = {
            let state = self.state();
            (state.login.clone(), state.view.cursor())
        };
        let (sender, pushes) = mpsc::unbounded_channel();
        let call = self.invoke(Via::Http, Purpose::Look, login.by, Request::Connect { room: self.room });
        let greeted = timeout(self.usage.patience * 6, async {
            let ticket = self.doors.ticket(&login.session).await?;
            self.doors.connect(ticket, self.room, cursor, sender).await
        });
        match greeted.await.unwrap_or_else(|_| Err("no answer to the upgrade or to hello".to_owned())) {
            Ok(Hello { socket, standing }) => {
                let mut state = self.state();
                self.recorder.record(Some(self.number), Event::Answered { call, answer: Answer::Connected });
                self.recorder
                    .note(Some(self.number), format!("is connected from cursor {cursor}, the room is {standing:?}"));
                state.socket = Some(Open { by: login.by, socket: Arc::new(socket) });
                drop(state);
                self.stand(standing, cursor);
                self.updates.notify_one();
                Some(pushes)
            }
            Err(why) => {
                let answer = Answer::Unknown("no connection".to_owned());
                self.recorder.record(Some(self.number), Event::Answered { call, answer });
                self.recorder.note(Some(self.number), format!("could not connect: {why}"));
                None
            }
        }
    }

    fn take(&self, push: Push) {
        let message = match push {
            Push::Message(message) => message,
            Push::Signal(signal) => {
                self.recorder.record(Some(self.number), Event::Heard(signal));
                return;
            }
        };
        let mut state = self.state();
        state.view.take(&message);
        self.recorder.record(Some(self.number), Event::Pushed(message));
        let behind = state.view.is_behind();
        drop(state);
        if behind {
            self.updates.notify_one();
        }
    }

    /// Enters the room by a list on request, and syncs after a gap.
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
                self.updates.notified().await;
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

    /// Connects a last time and syncs to the room's head.
    pub(crate) async fn settle(&self, deadline: Instant) {
        let mut rng = self.rng(3);
        self.state().socket = None;
        if self.state().over {
            self.come_back(deadline).await;
        }
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

    /// One request over HTTP or the client's socket.
    async fn call(&self, via: Via, purpose: Purpose, request: Request) -> Answer {
        let door = {
            let state = self.state();
            let has_frame = !matches!(
                request,
                Request::Pin { .. }
                    | Request::Forward { .. }
                    | Request::Search { .. }
                    | Request::Link { .. }
                    | Request::Unread { .. }
                    | Request::Total { .. }
            );
            match state.socket.clone().filter(|_| via == Via::Socket && has_frame) {
                Some(open) => Door::Socket(open),
                None => Door::Http(state.login.clone()),
            }
        };
        self.ask(door, purpose, request).await
    }

    /// One request, recorded together with the view that follows from its answer.
    async fn ask(&self, door: Door<D>, purpose: Purpose, request: Request) -> Answer {
        let (via, by) = match &door {
            Door::Http(login) => (Via::Http, login.by),
            Door::Socket(open) => (Via::Socket, open.by),
        };
        let call = self.invoke(via, purpose, by, request.clone());
        let patience = self.usage.patience * u32::try_from(call % 6 + 1).unwrap_or(1);
        let answer = match door {
            Door::Http(login) => timeout(patience, self.doors.ask(&login.session, &request)).await,
            Door::Socket(open) => timeout(patience, open.socket.ask(&request)).await,
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
            self.updates.notify_one();
        }
        answer
    }

    fn invoke(&self, via: Via, purpose: Purpose, by: Caller, request: Request) -> usize {
        self.recorder.record(Some(self.number), Event::Invoked { via, purpose, by, request })
    }

    fn via(&self, rng: &mut ChaCha8Rng) -> Via {
        match self.usage.via {
            Some(via) => via,
            None if rng.random_bool(0.5) => Via::Http,
            None => Via::Socket,
        }
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

    fn state(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between half and all of a pause, in milliseconds; doubles it up to 2 s.
pub(crate) fn jittered(rng: &mut impl Rng, pause: &mut u64) -> Duration {
    let now = rng.random_range(*pause / 2..=*pause);
    *pause = (*pause * 2).min(2000);
    Duration::from_millis(now)
}
