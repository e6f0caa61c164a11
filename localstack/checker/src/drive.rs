//! A run over any doors: clients and faults together, then quiet, then everything read once more in every way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use crate::client::{Client, Login, Own, State, log_in};
use crate::doors::{Doors, Socket};
use crate::history::{Answer, Event, Message, Page, Purpose, Recorder, Request, RoomId, SyncPage, Via, Window};
use crate::options::Usage;

/// How long unfinished business may take once nothing is broken any more.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long writers that were stopped may still write.
const QUIET: Duration = Duration::from_secs(1);

/// Who plays where.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The rooms, and which two people are in each.
    pub rooms: Vec<(RoomId, [usize; 2])>,
    /// How many clients there are; they spread over the rooms and their people.
    pub clients: usize,
    /// Seed of every choice.
    pub seed: u64,
    /// How long the clients work.
    pub lasts: Duration,
    /// What the clients do.
    pub usage: Usage,
}

/// Plays a run and writes it down. `faults` ends when nothing is broken any more.
pub async fn drive<D: Doors>(
    doors: &D,
    cast: &Cast,
    recorder: &Recorder,
    faults: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let mut own: BTreeMap<(usize, RoomId), Own> = BTreeMap::new();
    let mut clients = Vec::new();
    for number in 0..cast.clients {
        let Some((room, people)) = cast.rooms.get(number % cast.rooms.len()) else { continue };
        let Some(person) = people.get(number / cast.rooms.len() % 2).copied() else { continue };
        let login = log_in(doors, recorder, Some(number), person, Instant::now() + PATIENCE).await;
        clients.push(Client {
            number,
            person,
            room: *room,
            seed: cast.seed,
            usage: cast.usage.clone(),
            doors,
            recorder,
            own: Arc::clone(own.entry((person, *room)).or_default()),
            state: Mutex::new(State::new(login.context("a client could not log in")?)),
            news: Notify::new(),
            wish: Notify::new(),
        });
    }
    let until = Instant::now() + cast.lasts;
    let (stop, stopped) = watch::channel(false);
    let playing = async {
        let work = join_all(clients.iter().map(|client| client.work(until, until + PATIENCE)));
        tokio::join!(work, faults);
        sleep(QUIET).await;
        stop.send_replace(true);
    };
    let following = join_all(clients.iter().map(|client| client.follow(stopped.clone())));
    tokio::join!(playing, following);
    recorder.note(None, "the clients are done and nothing is broken");
    let deadline = Instant::now() + PATIENCE;
    for (room, people) in &cast.rooms {
        let mut logins = Vec::new();
        for person in people {
            logins.extend(log_in(doors, recorder, None, *person, deadline).await);
        }
        let logins: [_; 2] = logins.try_into().ok().context("the checker could not log in")?;
        let ending = Ending { doors, recorder, room: *room, logins };
        if cast.usage.blocks > 0 {
            ending.lift_blocks(deadline).await?;
        }
        ending.record(deadline).await?;
    }
    let deadline = Instant::now() + PATIENCE;
    join_all(clients.iter().map(|client| client.settle(deadline))).await;
    Ok(())
}

/// Reads a whole room in every way there is.
struct Ending<'w, D: Doors> {
    doors: &'w D,
    recorder: &'w Recorder,
    room: RoomId,
    logins: [Login<D::Session>; 2],
}

impl<D: Doors> Ending<'_, D> {
    /// Lifts what blocks of the two people may still stand.
    async fn lift_blocks(&self, deadline: Instant) -> anyhow::Result<()> {
        for login in &self.logins {
            while self.call(Via::Http, login, Request::Unblock { room: self.room }).await != Answer::Done {
                self.wait(deadline, "rid of its blocks").await?;
            }
        }
        Ok(())
    }

    /// Reads until no change came in between, and writes down what was read.
    async fn record(&self, deadline: Instant) -> anyhow::Result<()> {
        let [one, other] = &self.logins;
        loop {
            let (head, by_sync) = self.by_sync(deadline, Via::Http, one).await?;
            let ways = [
                ("by sync", by_sync),
                ("by sync over a socket", self.by_sync(deadline, Via::Socket, other).await?.1),
                ("by list before", self.by_list(deadline, one, Window::Before).await?),
                ("by list after", self.by_list(deadline, other, Window::After).await?),
                ("by list around", self.by_list(deadline, one, Window::Around).await?),
            ];
            if self.by_sync(deadline, Via::Http, other).await?.0 == head {
                for (way, messages) in ways {
                    self.recorder.record(None, Event::Ending { room: self.room, way, messages });
                }
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("room {} still changes {} s after the last client was done", self.room, PATIENCE.as_secs());
            }
        }
    }

    /// The head, and all rows by a sync from 0, in the order of the room.
    async fn by_sync(
        &self,
        deadline: Instant,
        via: Via,
        by: &Login<D::Session>,
    ) -> anyhow::Result<(u64, Vec<Message>)> {
        let mut rows: BTreeMap<Arc<str>, Message> = BTreeMap::new();
        let mut after = 0;
        loop {
            let request = Request::Sync { room: self.room, after, limit: 100 };
            if let Answer::Synced(SyncPage { items, cursor, head, .. }) = self.call(via, by, request).await {
                rows.extend(items.into_iter().map(|item| (Arc::clone(&item.id), item)));
                if cursor >= head {
                    let mut rows: Vec<Message> = rows.into_values().collect();
                    rows.sort_by_key(|row| row.seq);
                    return Ok((head, rows));
                }
                if cursor > after {
                    after = cursor;
                    continue;
                }
            }
            self.wait(deadline, "read whole by sync").await?;
        }
    }

    /// All rows by pages of a list, walked backwards, forwards, or from place to place.
    async fn by_list(
        &self,
        deadline: Instant,
        by: &Login<D::Session>,
        window: fn(u64) -> Window,
    ) -> anyhow::Result<Vec<Message>> {
        let backwards = matches!(window(0), Window::Before(_));
        let mut rows: Vec<Message> = Vec::new();
        let mut at = if backwards { None } else { Some(0) };
        loop {
            let request = Request::List { room: self.room, window: at.map_or(Window::Newest, window), limit: 60 };
            let Answer::Page(Page { items, has_before, has_after, .. }) = self.call(Via::Http, by, request).await
            else {
                self.wait(deadline, "read whole by list").await?;
                continue;
            };
            let (more, next) = if backwards {
                (has_before, items.first().map(|item| item.seq))
            } else {
                (has_after, items.last().map(|item| item.seq))
            };
            if backwards {
                rows.splice(0..0, items);
            } else {
                let last = rows.last().map_or(0, |row| row.seq);
                rows.extend(items.into_iter().filter(|item| item.seq > last || matches!(window(0), Window::After(_))));
            }
            if !more || next.is_none() {
                return Ok(rows);
            }
            at = next;
        }
    }

    async fn call(&self, via: Via, login: &Login<D::Session>, request: Request) -> Answer {
        let Login { by, session } = login;
        let (by, purpose) = (*by, Purpose::Look);
        let socket = if via == Via::Socket { self.connect(session).await.ok() } else { None };
        let via = if socket.is_some() { via } else { Via::Http };
        let call = self.recorder.record(None, Event::Invoked { via, purpose, by, request: request.clone() });
        let answer = match socket {
            Some(socket) => socket.ask(&request).await,
            None => self.doors.ask(session, &request).await,
        };
        self.recorder.record(None, Event::Answered { call, answer: answer.clone() });
        answer
    }

    async fn connect(&self, session: &D::Session) -> Result<D::Socket, String> {
        let (pushes, _) = tokio::sync::mpsc::unbounded_channel();
        let ticket = self.doors.ticket(session).await?;
        Ok(self.doors.connect(ticket, self.room, 0, pushes).await?.socket)
    }

    async fn wait(&self, deadline: Instant, what: &str) -> anyhow::Result<()> {
        if Instant::now() > deadline {
            bail!("room {} could not be {what} in {} s", self.room, PATIENCE.as_secs());
        }
        sleep(Duration::from_millis(250)).await;
        Ok(())
    }
}
