//! A real stack, over HTTP and WebSocket, with registered people and rooms.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use client::{Api, Person, room_name, with_ticket};
use serde_json::{Value, json};
use tokio::{sync::mpsc::UnboundedSender, task::JoinHandle};

use crate::{
    doors::{self, Doors, Hello, Standing},
    history::{Answer, Message, Request, RoomId},
    wire,
};

const PASSWORD: &str = "correct horse battery staple";

/// The stack as its clients reach it.
#[derive(Debug)]
pub(crate) struct StackDoors {
    people: Vec<Person>,
    rooms: BTreeMap<RoomId, [usize; 2]>,
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

impl StackDoors {
    /// Registers two people for each room, and opens the rooms.
    pub(crate) async fn open(url: &str, rooms: usize) -> anyhow::Result<Self> {
        let api = Api::new(url);
        let mut doors = Self { people: Vec::new(), rooms: BTreeMap::new() };
        for number in 0..rooms {
            let (one, other) = (register(&api).await?, register(&api).await?);
            let room = RoomId::try_from(one.room_with(other.id).await?)?;
            doors.rooms.insert(room, [number * 2, number * 2 + 1]);
            doors.people.extend([one, other]);
        }
        Ok(doors)
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

    /// The id of the other member of the room.
    fn other(&self, room: RoomId, person: usize) -> i64 {
        let people = self.rooms.get(&room).into_iter().flatten();
        let other = people.copied().find(|other| *other != person);
        other.and_then(|other| self.people.get(other)).map_or(0, |person| person.id)
    }
}

async fn register(api: &Api) -> anyhow::Result<Person> {
    let name = format!("checker-{:016x}", rand::random::<u64>());
    Person::register(api, &format!("{name}@example.com"), &name, PASSWORD).await
}

impl Doors for StackDoors {
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
        let Some((method, path, body)) = wire::http(request, self.other(request.room(), session.person)) else {
            return Answer::Unknown("no route for this".to_owned());
        };
        match session.login.api.call(method, &path, body.as_ref()).await {
            Ok(answer) => wire::from_http(request, answer.status, answer.json()),
            Err(error) => Answer::Unknown(error.root_cause().to_string()),
        }
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
        pushes: UnboundedSender<Message>,
    ) -> Result<Hello<Connection>, String> {
        Connection::open(&ticket, room, cursor, pushes).await.map_err(|error| format!("{error:#}"))
    }
}

/// An open connection after its `hello`.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Arc<client::Socket>,
    /// Passes pushed messages to the client.
    pump: JoinHandle<()>,
}

impl Connection {
    async fn open(
        url: &str,
        room: RoomId,
        cursor: u64,
        pushes: UnboundedSender<Message>,
    ) -> anyhow::Result<Hello<Self>> {
        let socket = Arc::new(client::Socket::connect(url).await?);
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

/// Passes pushed messages on until the connection ends or the server sends a fatal error.
async fn pump(socket: Arc<client::Socket>, pushes: UnboundedSender<Message>) {
    while let Some(mut frame) = socket.next_push().await {
        if is_fatal(&frame) {
            break;
        }
        let is_message = matches!(frame["t"].as_str(), Some("message.created" | "message.updated" | "message.deleted"));
        if let Some(message) = Some(frame["d"].take()).filter(|_| is_message).and_then(wire::message) {
            let _ = pushes.send(message);
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
