//! A run: clients and faults together, then a pause, then every room read in every way.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use futures_util::future::{Either, join_all, select};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, sleep},
};

use crate::{
    client::{Away, Client, Invites, Login, Own, Sent, State, log_in},
    doors::{Doors, Socket},
    history::{Answer, Event, Member, Message, Page, Purpose, Recorder, Request, RoomId, SyncPage, Via, Window},
    options::Usage,
};

/// How long unfinished calls may take after the last fault.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long presence may take to settle: the offline delay, and a round of the sweep for what got lost.
const PRESENCE: Duration = Duration::from_mins(3);
/// Between two looks at what devices were notified of, which is recorded so much later.
const BETWEEN_NOTICES: Duration = Duration::from_millis(20);
/// Between two looks at who is online.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// How long stopped writers may still write.
const QUIET: Duration = Duration::from_secs(1);

/// The rooms, clients and duration of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The rooms, and the two people of each.
    pub rooms: Vec<(RoomId, [usize; 2])>,
    /// The number of clients, spread over the rooms and their people.
    pub clients: usize,
    /// The groups.
    pub groups: Vec<Group>,
    /// The number of further clients, spread over the groups and their people.
    pub group_clients: usize,
    /// Seed of every choice.
    pub seed: u64,
    /// How long the clients work.
    pub lasts: Duration,
    /// What the clients do.
    pub usage: Usage,
}

/// A group, and its people as the run begins: all are in it, and the first one owns it.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group's room.
    pub room: RoomId,
    /// Its people.
    pub people: Vec<Member>,
}

impl Plan {
    /// The room, the group if it is one, and the person of a client.
    fn seat(&self, number: usize) -> Option<(RoomId, Option<&Group>, usize)> {
        if let Some(number) = number.checked_sub(self.clients) {
            let group = self.groups.get(number.checked_rem(self.groups.len())?)?;
            let member = group.people.get((number / self.groups.len()).checked_rem(group.people.len())?)?;
            return Some((group.room, Some(group), member.person));
        }
        let (room, people) = self.rooms.get(number.checked_rem(self.rooms.len())?)?;
        Some((*room, None, people.get(number / self.rooms.len() % 2).copied()?))
    }

    /// A person who has nothing to do with a room, and the room that they are in.
    fn stranger(&self, room: RoomId) -> Option<(RoomId, usize)> {
        let pairs = self.rooms.iter().map(|(other, [person, _])| (*other, *person));
        let groups = self.groups.iter().filter_map(|group| Some((group.room, group.people.first()?.person)));
        pairs.chain(groups).find(|(other, _)| *other != room)
    }
}

/// The files that were acknowledged in a room, with their messages.
fn files_of(own: &BTreeMap<(usize, RoomId), Own>, room: RoomId) -> Vec<(Arc<str>, Arc<str>)> {
    let own = own.iter().filter(|((_, of), _)| *of == room);
    own.flat_map(|(_, own)| {
        let own = own.lock().unwrap_or_else(PoisonError::into_inner);
        own.iter().filter_map(Sent::file).collect::<Vec<_>>()
    })
    .collect()
}

/// Runs the clients and records their history. `faults` ends after the last fault.
pub async fn drive<D: Doors>(
    doors: &D,
    plan: &Plan,
    recorder: &Recorder,
    faults: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let played = Box::pin(play(doors, plan, recorder, faults));
    let heard = Box::pin(hear_devices(doors, recorder, &plan.usage));
    match select(played, heard).await {
        Either::Left((played, _)) => played?,
        Either::Right((never, _)) => match never {},
    }
    for group in plan.groups.iter().filter(|_| plan.usage.presence) {
        presence(doors, recorder, group).await?;
    }
    Ok(())
}

/// Records what devices are notified of, and never returns.
async fn hear_devices<D: Doors>(doors: &D, recorder: &Recorder, usage: &Usage) -> Infallible {
    if usage.away.is_zero() {
        return pending().await;
    }
    loop {
        for notice in doors.take_notices() {
            recorder.record(None, Event::Notified(notice));
        }
        sleep(BETWEEN_NOTICES).await;
    }
}

/// Runs the clients, and reads every room at the end.
async fn play<D: Doors>(
    doors: &D,
    plan: &Plan,
    recorder: &Recorder,
    faults: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let mut away: BTreeMap<usize, Away> = BTreeMap::new();
    let mut own: BTreeMap<(usize, RoomId), Own> = BTreeMap::new();
    let mut invites: BTreeMap<RoomId, Invites> = BTreeMap::new();
    let mut clients = Vec::new();
    for Group { room, people } in &plan.groups {
        recorder.record(None, Event::Group { room: *room, people: people.clone() });
    }
    for number in 0..plan.clients + plan.group_clients {
        let Some((room, group, person)) = plan.seat(number) else { continue };
        let login = log_in(doors, recorder, Some(number), person, Instant::now() + PATIENCE).await;
        clients.push(Client {
            number,
            person,
            room,
            group,
            seed: plan.seed,
            usage: plan.usage.clone(),
            doors,
            recorder,
            own: Arc::clone(own.entry((person, room)).or_default()),
            invites: Arc::clone(invites.entry(room).or_default()),
            away: Arc::clone(away.entry(person).or_insert_with(|| Arc::new(watch::Sender::new(Instant::now())))),
            state: Mutex::new(State::new(login.context("a client could not log in")?)),
            updates: Notify::new(),
            reconnect: Notify::new(),
        });
    }
    let until = Instant::now() + plan.lasts;
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
    let pairs = plan.rooms.iter().map(|(room, people)| (*room, None, people.to_vec()));
    let everybody = |group: &Group| group.people.iter().map(|member| member.person).collect();
    let groups = plan.groups.iter().map(|group| (group.room, Some(group), everybody(group)));
    for (room, group, people) in pairs.chain(groups) {
        let mut logins = Vec::new();
        for person in people {
            logins.extend(log_in(doors, recorder, None, person, deadline).await);
        }
        let mut logins = logins.into_iter();
        let two = logins.next().zip(logins.next()).context("the checker could not log in")?;
        let (logins, others, totals) = ([two.0, two.1], logins.collect(), plan.usage.totals);
        let files = files_of(&own, room);
        let stranger = match plan.stranger(room).filter(|_| !files.is_empty()) {
            Some((other, person)) => log_in(doors, recorder, None, person, deadline).await.map(|login| (other, login)),
            None => None,
        };
        let ending = Ending { doors, recorder, room, logins, totals, others, files, stranger };
        match group {
            Some(group) => ending.add_all(&group.people, deadline).await?,
            None if plan.usage.blocks > 0 => ending.lift_blocks(deadline).await?,
            None => {}
        }
        ending.record(deadline).await?;
    }
    let deadline = Instant::now() + PATIENCE;
    join_all(clients.iter().map(|client| client.settle(deadline))).await;
    Ok(())
}

/// Once quiet, a friend sees online who is connected and nobody else: some of a group's people connect, the others do not.
async fn presence<D: Doors>(doors: &D, recorder: &Recorder, group: &Group) -> anyhow::Result<()> {
    let room = group.room;
    let deadline = Instant::now() + PRESENCE;
    let enter = async |person| log_in(doors, recorder, None, person, deadline).await.context("nobody can log in");
    let Some((watcher, friends)) = group.people.split_first() else { return Ok(()) };
    let mut connected = BTreeMap::new();
    for friend in friends.iter().step_by(2) {
        let login = enter(friend.person).await?;
        while !connected.contains_key(&friend.person) && Instant::now() < deadline {
            let (pushes, _) = mpsc::unbounded_channel();
            let Ok(ticket) = doors.ticket(&login.session).await else { continue };
            let hello = doors.connect(ticket, room, 0, pushes).await;
            connected.extend(hello.map(|hello| (friend.person, hello.socket)));
        }
    }
    let login = enter(watcher.person).await?;
    for number in 0.. {
        // What is pushed finds the connections whose end nobody told.
        let client_id = format!("presence-{number}").into();
        let request = Request::Send { room, client_id, content: "anybody there?".into(), file: None };
        doors.ask(&login.session, &request).await;
        sleep(BETWEEN_LOOKS).await;
        let answer = doors.ask(&login.session, &Request::Friends { room }).await;
        let is_online = |friend: &Member| matches!(&answer, Answer::Online(people) if people.contains(&friend.id));
        let is_settled = friends.iter().all(|friend| is_online(friend) == connected.contains_key(&friend.person));
        if is_settled || Instant::now() > deadline {
            for friend in friends {
                let (of, online, connected) =
                    (friend.person, is_online(friend), connected.contains_key(&friend.person));
                recorder.record(None, Event::Presence { room, of, online, connected });
            }
            break;
        }
    }
    Ok(())
}

/// Reads a whole room in every possible way.
struct Ending<'w, D: Doors> {
    doors: &'w D,
    recorder: &'w Recorder,
    room: RoomId,
    logins: [Login<D::Session>; 2],
    /// Whether to ask what is unread in all.
    totals: bool,
    /// The other members of a group.
    others: Vec<Login<D::Session>>,
    /// The messages that were sent with files, and the files.
    files: Vec<(Arc<str>, Arc<str>)>,
    /// Somebody of another room.
    stranger: Option<(RoomId, Login<D::Session>)>,
}

impl<D: Doors> Ending<'_, D> {
    /// Lifts the blocks that may still stand between the two people.
    async fn lift_blocks(&self, deadline: Instant) -> anyhow::Result<()> {
        for login in &self.logins {
            while self.call(Via::Http, login, Request::Unblock { room: self.room }).await != Answer::Done {
                self.wait(deadline, "rid of its blocks").await?;
            }
        }
        Ok(())
    }

    /// Adds everybody who may be out.
    async fn add_all(&self, people: &[Member], deadline: Instant) -> anyhow::Result<()> {
        let [owner, _] = &self.logins;
        for member in people.iter().skip(1) {
            let (room, of) = (self.room, member.person);
            while self.call(Via::Http, owner, Request::Add { room, of }).await != Answer::Done {
                self.call(Via::Http, owner, Request::Unban { room, of }).await;
                self.wait(deadline, "filled again").await?;
            }
        }
        Ok(())
    }

    /// Reads until no change happened meanwhile, and records the result.
    async fn record(&self, deadline: Instant) -> anyhow::Result<()> {
        let [one, other] = &self.logins;
        loop {
            let (head, by_sync) = self.by_sync(deadline, Via::Http, one).await?;
            let mut ways = vec![
                ("by sync", by_sync),
                ("by sync over a socket", self.by_sync(deadline, Via::Socket, other).await?.1),
                ("by list before", self.by_list(deadline, one, Window::Before).await?),
                ("by list after", self.by_list(deadline, other, Window::After).await?),
                ("by list around", self.by_list(deadline, one, Window::Around).await?),
            ];
            for other in &self.others {
                ways.push(("by sync of another member", self.by_sync(deadline, Via::Http, other).await?.1));
            }
            for login in self.logins.iter().chain(&self.others) {
                self.call(Via::Http, login, Request::Unread { room: self.room }).await;
                if self.totals {
                    self.call(Via::Http, login, Request::Total { room: self.room }).await;
                }
            }
            if self.by_sync(deadline, Via::Http, other).await?.0 == head {
                for (way, messages) in ways {
                    self.recorder.record(None, Event::Ending { room: self.room, way, messages });
                }
                return self.ask_links(deadline).await;
            }
            if Instant::now() > deadline {
                bail!("room {} still changes {} s after the last client was done", self.room, PATIENCE.as_secs());
            }
        }
    }

    /// Asks for a link to every file that was sent, whatever became of its message.
    async fn ask_links(&self, deadline: Instant) -> anyhow::Result<()> {
        for (message, file) in &self.files {
            let stranger = self.stranger.iter().map(|(room, login)| (*room, login));
            for (room, login) in self.logins.iter().map(|login| (self.room, login)).chain(stranger) {
                let request = Request::Link { room, message: Arc::clone(message), file: Arc::clone(file) };
                while matches!(self.call(Via::Http, login, request.clone()).await, Answer::Unknown(_)) {
                    self.wait(deadline, "asked for its files").await?;
                }
            }
        }
        Ok(())
    }

    /// The head, and all rows of a sync from 0 in the room's order.
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

    /// All rows by pages of a list, walked backwards, forwards, or from item to item.
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
