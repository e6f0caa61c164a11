//! The stack's two doors, for people who registered and know each other.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
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
    token: Mutex<String>,
}

impl StackDoors {
    /// Registers two people for each room, and opens the rooms.
    pub(crate) async fn open(url: &str, rooms: usize) -> anyhow::Result<Self> {
        let client = Client::builder().timeout(PATIENCE).build()?;
        let mut doors = Self { client, url: url.to_owned(), people: Vec::new(), rooms: BTreeMap::new() };
        for number in 0..rooms {
            let one = doors.register(number * 2).await?;
            let other = doors.register(number * 2 + 1).await?;
            let (status, room) =
                doors.post(one, "/chat-rooms", json!({ "participant_id": doors.id_of(other) })).await?;
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
        let person = Person { id, email, token: Mutex::default() };
        self.login(&person).await?;
        self.people.push(person);
        Ok(self.people.len() - 1)
    }

    async fn login(&self, person: &Person) -> anyhow::Result<()> {
        let login = json!({ "email": person.email, "password": PASSWORD });
        let answer = self.client.post(format!("{}/auth/login", self.url)).json(&login).send().await?;
        let status = answer.status().as_u16();
        let answer: Value = answer.json().await.with_context(|| format!("POST /auth/login answered {status}"))?;
        let Some(token) = answer.get("access_token").and_then(Value::as_str) else {
            bail!("{} could not log in: {status} {answer}", person.email);
        };
        token.clone_into(&mut person.token.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    fn id_of(&self, person: usize) -> u64 {
        self.people.get(person).map_or(0, |person| person.id)
    }

    async fn post(&self, person: usize, path: &str, body: Value) -> anyhow::Result<(u16, Value)> {
        self.request(person, Method::POST, path, Some(body)).await
    }

    /// Asks with the person's token; one that has expired is replaced.
    async fn request(
        &self,
        person: usize,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<(u16, Value)> {
        let person = self.people.get(person).context("nobody has this number")?;
        let mut first = true;
        loop {
            let token = person.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut request = self.client.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(token);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            let body: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
            if first && status == 401 && body.get("code").and_then(Value::as_str) == Some("token_expired") {
                first = false;
                self.login(person).await?;
                continue;
            }
            return Ok((status, body));
        }
    }
}

impl Doors for StackDoors {
    type Socket = Line;

    async fn ask(&self, person: usize, request: &Request) -> Answer {
        let (method, path, body) = wire::http(request);
        match self.request(person, method, &path, body).await {
            Ok((status, body)) => wire::from_http(request, status, body),
            Err(error) => Answer::Unknown(error.root_cause().to_string()),
        }
    }

    async fn connect(
        &self,
        person: usize,
        room: RoomId,
        cursor: u64,
        pushes: UnboundedSender<Message>,
    ) -> Result<Hello<Line>, String> {
        let ticket = self.post(person, "/auth/ticket", json!({})).await.map_err(|error| format!("{error:#}"))?;
        let text = |name: &str| ticket.1.get(name).and_then(Value::as_str);
        let (Some(url), Some(secret)) = (text("url"), text("ticket")) else {
            return Err(format!("no ticket: {} {}", ticket.0, ticket.1));
        };
        Line::open(&format!("{url}?ticket={secret}"), room, cursor, pushes).await
    }
}
