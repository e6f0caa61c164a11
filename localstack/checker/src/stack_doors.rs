//! A real stack, over HTTP and WebSocket, with registered people and rooms.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use client::{Api, File, Method, Person, with_ticket};
use serde_json::{Value, json};
use stack::Stack;
use tokio::{
    sync::mpsc::UnboundedSender,
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    doors::{self, Doors, Hello, Standing},
    drive::Group,
    history::{Answer, Event, GROUPS, Member, Notice, Push, Recorder, Request, RoomId},
    options::Options,
    wire::{self, room_name},
};

const PASSWORD: &str = "correct horse battery staple";

/// How long a client waits for an upload.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(15);

/// Between two looks at an upload.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// The stack as its clients reach it.
pub(crate) struct StackDoors<'s> {
    stack: &'s Stack,
    people: Vec<Person>,
    rooms: BTreeMap<RoomId, [usize; 2]>,
    groups: Vec<Group>,
    reader: Reader,
    /// How many requests to push services were looked at.
    noticed: AtomicUsize,
}

/// Compares every frame that arrives with the document of frames.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    recorder: Arc<Recorder>,
    frames: Arc<AtomicUsize>,
}

impl Reader {
    /// Notes in a history which frames are not described.
    pub(crate) fn new(recorder: &Arc<Recorder>) -> Self {
        Self { recorder: Arc::clone(recorder), frames: Arc::default() }
    }

    /// How many frames arrived.
    pub(crate) fn frames(&self) -> usize {
        self.frames.load(Ordering::Relaxed)
    }

    fn read(&self, frame: &Value) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        if let Some(why) = contract::misfit_of_received(frame) {
            self.recorder.record(None, Event::Undescribed { frame: frame.to_string(), why });
        }
    }
}

/// A login: its access token outlasts the run.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    person: usize,
    login: Person,
    /// The newest refresh token.
    refresh_token: Arc<Mutex<String>>,
}

impl Session {
    async fn refresh(&self, request: &Request, attempt: &str) -> Answer {
        let token = self.token().clone();
        let body = json!({ "refresh_token": token, "attempt": attempt });
        match self.login.api.post("/auth/refresh", &body).await {
            Ok(answer) => {
                let tokens = answer.json();
                if let Some(token) = tokens["refresh_token"].as_str() {
                    token.clone_into(&mut *self.token());
                }
                wire::from_http(request, answer.status, tokens)
            }
            Err(error) => Answer::Unknown(error.root_cause().to_string()),
        }
    }

    fn token(&self) -> MutexGuard<'_, String> {
        self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'s> StackDoors<'s> {
    /// Registers two people for each room and the people of each group, and opens the rooms and the groups.
    pub(crate) async fn open(stack: &'s Stack, options: &Options, reader: Reader) -> anyhow::Result<Self> {
        let api = Api::new(&stack.urls().http);
        let noticed = AtomicUsize::new(stack.providers().records(0).len());
        let (people, rooms, groups) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut doors = Self { stack, people, rooms, groups, reader, noticed };
        for number in 0..options.rooms {
            let (one, other) = (register(&api).await?, register(&api).await?);
            let room = RoomId::try_from(one.room_with(other.id).await?)?;
            doors.rooms.insert(room, [number * 2, number * 2 + 1]);
            doors.people.extend([one, other]);
        }
        for _ in 0..options.groups {
            doors.open_group(&api, options.people).await?;
        }
        Ok(doors)
    }

    /// A group of new people who are all friends, since everybody may come to add anybody.
    async fn open_group(&mut self, api: &Api, size: usize) -> anyhow::Result<()> {
        let mut people: Vec<Person> = Vec::new();
        for _ in 0..size {
            let person = register(api).await?;
            for other in &people {
                person.befriend(other).await?;
            }
            people.push(person);
        }
        let (owner, others) = people.split_first().context("a group has people")?;
        let others: Vec<i64> = others.iter().map(|person| person.id).collect();
        let room = GROUPS + RoomId::try_from(owner.make_group("checker", &others).await?)?;
        let first = self.people.len();
        let member = |(index, person): (usize, &Person)| {
            let name = person.account["username"].as_str().context("an account has a username")?.into();
            anyhow::Ok(Member { person: first + index, id: u64::try_from(person.id)?, name })
        };
        let members = people.iter().enumerate().map(member).collect::<anyhow::Result<_>>()?;
        self.groups.push(Group { room, people: members });
        self.people.extend(people);
        Ok(())
    }

    /// The groups and their people.
    pub(crate) fn groups(&self) -> Vec<Group> {
        self.groups.clone()
    }

    /// The rooms and their members.
    pub(crate) fn rooms(&self) -> Vec<(RoomId, [usize; 2])> {
        self.rooms.iter().map(|(room, people)| (*room, *people)).collect()
    }

    async fn log_in(&self, person: usize) -> anyhow::Result<Session> {
        let login = self.people.get(person).context("nobody has this number")?.login().await?;
        let refresh_token = Arc::new(Mutex::new(login.refresh_token.clone()));
        Ok(Session { person, login, refresh_token })
    }

    /// The id of the other person whom a person's request concerns.
    fn other(&self, request: &Request, person: usize) -> i64 {
        let other = match request {
            Request::Kick { of, .. }
            | Request::Add { of, .. }
            | Request::SetRole { of, .. }
            | Request::Transfer { of, .. }
            | Request::Ban { of, .. }
            | Request::Unban { of, .. } => Some(*of),
            _ => self.rooms.get(&request.room()).into_iter().flatten().copied().find(|other| *other != person),
        };
        other.and_then(|other| self.people.get(other)).map_or(0, |person| person.id)
    }
}

async fn register(api: &Api) -> anyhow::Result<Person> {
    let name = format!("checker-{:016x}", rand::random::<u64>());
    Person::register(api, &format!("{name}@example.com"), &name, PASSWORD).await
}

impl Doors for StackDoors<'_> {
    type Session = Session;
    type Ticket = String;
    type Socket = Connection;

    async fn login(&self, person: usize) -> Result<Session, String> {
        self.log_in(person).await.map_err(|error| format!("{error:#}"))
    }

    async fn ask(&self, session: &Session, request: &Request) -> Answer {
        if let Request::Refresh { attempt, .. } = request {
            return session.refresh(request, attempt).await;
        }
        let Some((method, path, body)) = wire::http(request, self.other(request, session.person)) else {
            return Answer::Unknown("no route for this".to_owned());
        };
        match session.login.api.call(method, &path, body.as_ref()).await {
            Ok(answer) => wire::from_http(request, answer.status, answer.json()),
            Err(error) => Answer::Unknown(error.root_cause().to_string()),
        }
    }

    async fn upload(&self, session: &Session, name: &str) -> Result<Arc<str>, String> {
        let file = File { kind: "file", name, media_type: "text/plain", bytes: name.as_bytes() };
        let until = Instant::now() + UPLOAD_PATIENCE;
        loop {
            let shown = go_on_with(&session.login.api, &file).await;
            let why = match &shown {
                Ok(upload) => match (upload["state"].as_str(), upload["id"].as_str()) {
                    (Some("ready" | "attached"), Some(id)) => return Ok(id.into()),
                    (Some("rejected"), _) => return Err(format!("rejected, {}", upload["reason"])),
                    (state, _) => format!("{state:?} after {} s", UPLOAD_PATIENCE.as_secs()),
                },
                Err(error) => error.root_cause().to_string(),
            };
            if Instant::now() > until {
                return Err(why);
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }

    fn take_notices(&self) -> Vec<Notice> {
        let records = self.stack.providers().records(self.noticed.load(Ordering::Relaxed));
        self.noticed.fetch_add(records.len(), Ordering::Relaxed);
        let taken = records.iter().filter(|record| record.provider == "apns" && record.is_taken());
        let notices = taken.filter_map(|record| wire::notice(&record.target, &record.headers, &record.body));
        // Devices of an earlier run at the same stack are told later as well.
        let is_here = |room| self.rooms.contains_key(&room) || self.groups.iter().any(|group| group.room == room);
        notices.filter(|notice| is_here(notice.room)).collect()
    }

    async fn ticket(&self, session: &Session) -> Result<String, String> {
        let ticket = session.login.ticket().await;
        ticket.map(|(url, ticket)| with_ticket(&url, &ticket)).map_err(|error| format!("{error:#}"))
    }

    async fn connect(
        &self,
        ticket: String,
        room: RoomId,
        cursor: u64,
        pushes: UnboundedSender<Push>,
    ) -> Result<Hello<Connection>, String> {
        let reader = self.reader.clone();
        Connection::open(&ticket, room, cursor, pushes, reader).await.map_err(|error| format!("{error:#}"))
    }
}

/// Does what is left to do for an upload, whose name is its `client_id`, and returns it.
async fn go_on_with(api: &Api, file: &File<'_>) -> anyhow::Result<Value> {
    let upload = api.upload(file, file.name).await?;
    let path = format!("/uploads/{}", upload["id"].as_str().context("an upload has an id")?);
    let shown = api.get(&path).await?.expect(&[200])?;
    if shown["state"] != "pending" {
        return Ok(shown);
    }
    // The event that tells of its bytes may be lost.
    api.call(Method::POST, &format!("{path}/complete"), None).await?.expect(&[200])
}

/// An open connection after its `hello`.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Arc<client::Socket>,
    /// Passes pushed frames to the client.
    pump: JoinHandle<()>,
}

impl Connection {
    async fn open(
        url: &str,
        room: RoomId,
        cursor: u64,
        pushes: UnboundedSender<Push>,
        reader: Reader,
    ) -> anyhow::Result<Hello<Self>> {
        let socket = client::Socket::connect_watched(url, move |frame| reader.read(frame)).await?;
        let socket = Arc::new(socket);
        let pump = tokio::spawn(pump(Arc::clone(&socket), pushes));
        let connection = Self { socket, pump };
        let name = room_name(room);
        let ready = connection.exchange("hello", json!({ "v": 1, "lang": "en", "cursors": { &name: cursor } })).await?;
        anyhow::ensure!(ready["t"] == "ready", "no answer to hello");
        Ok(Hello { socket: connection, standing: standing(&ready["d"], &name) })
    }

    async fn exchange(&self, action: &str, body: Value) -> anyhow::Result<Value> {
        let answer = self.socket.ask(action, body).await?;
        if is_fatal(&answer) {
            self.pump.abort();
        }
        Ok(answer)
    }
}

impl doors::Socket for Connection {
    async fn ask(&self, request: &Request) -> Answer {
        let Some((action, body)) = wire::frame(request) else {
            return Answer::Unknown("no frame for this".to_owned());
        };
        match self.exchange(action, body).await {
            // The outcome behind the gateway's own error is unknown.
            Ok(answer) if answer["connectionId"].is_null() => wire::from_frame(request, answer),
            _ => Answer::Unknown("no answer on the socket".to_owned()),
        }
    }

    async fn ping(&self, room: RoomId, cursor: u64) -> Option<Standing> {
        let name = room_name(room);
        let pong = self.exchange("ping", json!({ "cursors": { &name: cursor } })).await.ok()?;
        (pong["t"] == "pong").then(|| standing(&pong["d"], &name))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Passes pushed frames on until the connection ends or the server sends a fatal error.
async fn pump(socket: Arc<client::Socket>, pushes: UnboundedSender<Push>) {
    while let Some(frame) = socket.next_push().await {
        if is_fatal(&frame) {
            break;
        }
        if let Some(push) = wire::push(frame) {
            let _ = pushes.send(push);
        }
    }
}

/// What an answer to `hello` or `ping` says of a room.
fn standing(answer: &Value, name: &str) -> Standing {
    if names(&answer["gone"], name) {
        Standing::Gone
    } else if names(&answer["gaps"], name) {
        Standing::Ahead
    } else {
        Standing::Even
    }
}

/// Whether a list of rooms has this one.
fn names(rooms: &Value, name: &str) -> bool {
    rooms.as_array().is_some_and(|rooms| rooms.iter().any(|room| *room == name))
}

fn is_fatal(frame: &Value) -> bool {
    frame["d"]["fatal"] == true
}
