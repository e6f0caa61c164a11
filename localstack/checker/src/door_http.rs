//! The stack's two doors, for people who registered and know each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::door_ws::Line;
use crate::doors::{Doors, Hello};
use crate::history::{Answer, Message, Request, RoomId};
use crate::wire;

/// API Gateway answers within 30 s.
const PATIENCE: Duration = Duration::from_secs(31);
const PASSWORD: &str = "correct horse battery staple";

/// The stack as its people reach it.
#[derive(Debug)]
pub(crate) struct StackDoors {
    client: Client,
    url: String,
    people: Vec<Person>,
    rooms: BTreeMap<RoomId, [usize; 2]>,
}

#[derive(Debug)]
struct Person {
    id: u64,
    email: String,
}

/// A login: its access token outlasts the run.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    person: usize,
    token: Arc<str>,
}

impl StackDoors {
    /// Registers two people for each room, and opens the rooms.
    pub(crate) async fn open(url: &str, rooms: usize) -> anyhow::Result<Self> {
        let client = Client::builder().timeout(PATIENCE).build()?;
        let mut doors = Self { client, url: url.to_owned(), people: Vec::new(), rooms: BTreeMap::new() };
        for number in 0..rooms {
            let one = doors.register(number * 2).await?;
            let other = doors.register(number * 2 + 1).await?;
            let session = doors.log_in(one).await?;
            let body = json!({ "participant_id": doors.id_of(other) });
            let (status, room) = doors.request(&session, Method::POST, "/chat-rooms", Some(body)).await?;
            let Some(id) = room.get("id").and_then(Value::as_u64).filter(|_| status == 201) else {
                bail!("a private room was not made: {status} {room}");
            };
            doors.rooms.insert(id, [one, other]);
        }
        Ok(doors)
    }

    /// The rooms and who is in them.
    pub(crate) fn rooms(&self) -> Vec<(RoomId, [usize; 2])> {
        self.rooms.iter().map(|(room, people)| (*room, *people)).collect()
    }

    async fn register(&mut self, number: usize) -> anyhow::Result<usize> {
        let name = format!("checker-{:08x}-{number}", rand::random::<u32>());
        let email = format!("{name}@example.com");
        let account = json!({ "email": email, "username": name, "password": PASSWORD });
        let answer = self.client.post(format!("{}/auth/register", self.url)).json(&account).send().await?;
        let status = answer.status().as_u16();
        let account: Value = answer.json().await.with_context(|| format!("POST /auth/register answered {status}"))?;
        let Some(id) = account.get("id").and_then(Value::as_u64).filter(|_| status == 201) else {
            bail!("{email} was not registered: {status} {account}");
        };
        self.people.push(Person { id, email });
        Ok(self.people.len() - 1)
    }

    async fn log_in(&self, person: usize) -> anyhow::Result<Session> {
        let email = &self.people.get(person).context("nobody has this number")?.email;
        let login = json!({ "email": email, "password": PASSWORD });
        let answer = self.client.post(format!("{}/auth/login", self.url)).json(&login).send().await?;
        let status = answer.status().as_u16();
        let answer: Value = answer.json().await.with_context(|| format!("POST /auth/login answered {status}"))?;
        let Some(token) = answer.get("access_token").and_then(Value::as_str) else {
            bail!("{email} could not log in: {status} {answer}");
        };
        Ok(Session { person, token: token.into() })
    }

    fn id_of(&self, person: usize) -> u64 {
        self.people.get(person).map_or(0, |person| person.id)
    }

    /// Who else is in the room.
    fn other(&self, room: RoomId, person: usize) -> u64 {
        let people = self.rooms.get(&room).into_iter().flatten();
        people.copied().find(|other| *other != person).map_or(0, |other| self.id_of(other))
    }

    async fn request(
        &self,
        session: &Session,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<(u16, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&session.token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
    }
}

impl Doors for StackDoors {
    type Session = Session;
    type Ticket = String;
    type Socket = Line;

    async fn login(&self, person: usize) -> Result<Session, String> {
        self.log_in(person).await.map_err(|error| format!("{error:#}"))
    }

    async fn ask(&self, session: &Session, request: &Request) -> Answer {
        let Some((method, path, body)) = wire::http(request, self.other(request.room(), session.person)) else {
            return Answer::Unknown("no route for this".to_owned());
        };
        match self.request(session, method, &path, body).await {
            Ok((status, body)) => wire::from_http(request, status, body),
            Err(error) => Answer::Unknown(anyhow::Error::from(error).root_cause().to_string()),
        }
    }

    async fn ticket(&self, session: &Session) -> Result<String, String> {
        let answer = self.request(session, Method::POST, "/auth/ticket", Some(json!({}))).await;
        let (status, ticket) = answer.map_err(|error| error.to_string())?;
        let text = |name: &str| ticket.get(name).and_then(Value::as_str);
        let (Some(url), Some(secret)) = (text("url"), text("ticket")) else {
            return Err(format!("no ticket: {status} {ticket}"));
        };
        Ok(format!("{url}?ticket={secret}"))
    }

    async fn connect(
        &self,
        ticket: String,
        room: RoomId,
        cursor: u64,
        pushes: UnboundedSender<Message>,
    ) -> Result<Hello<Line>, String> {
        Line::open(&ticket, room, cursor, pushes).await
    }
}
