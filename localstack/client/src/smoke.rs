use crate::{Api, Person, Socket, message, room_name};
use anyhow::{Context as _, Result, ensure};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Amazon's mailbox for tests, which takes every mail and keeps none.
const MAILBOX: &str = "simulator.amazonses.com";

/// Two people who write to each other over both doors of a running API, as a check that all of it is there.
pub struct Smoke<F> {
    api: Api,
    tell: F,
    /// Tells this check's people and messages from those of others.
    mark: String,
    people: Mutex<Vec<Account>>,
}

struct Account {
    person: Person,
    /// Made here, and deleted in the end.
    is_ours: bool,
    password: String,
}

impl<F: Fn(&str, Duration)> Smoke<F> {
    /// A check of the API at this URL. `tell` hears of each step that is done, and how long it took.
    pub fn new(url: &str, tell: F) -> Self {
        let api = Api::new(url.trim_end_matches('/'));
        Self { api, tell, mark: format!("{:08x}", rand::random::<u32>()), people: Mutex::default() }
    }

    /// Does everything but the clean-up; with two accounts, each an address and a password, or with new ones. The first thing that is
    /// not as it must be is the error.
    pub async fn run(&self, accounts: Option<&[(String, String); 2]>) -> Result<()> {
        self.step("every store answers", async { self.api.get("/health/ready").await?.expect(&[200]).map(drop) })
            .await?;
        let [one, other] = match accounts {
            Some(accounts) => self.step("two people log in", self.log_in(accounts)).await?,
            None => self.step("two people register and log in", self.register()).await?,
        };
        let room = self.step("they have a room", one.room_with(other.id)).await?;
        let sockets = self.step("both connect with a ticket and say hello", async {
            Ok([one.connect(json!({})).await?.0, other.connect(json!({})).await?.0])
        });
        let [ones, others] = sockets.await?;
        let text = |door: &str| format!("Smoke test {} over {door}", self.mark);
        let first = self.step("a message sent over HTTP arrives", async {
            let (text, body) = (text("HTTP"), message(room, &text("HTTP")));
            let sent = one.api.post("/messages", &body).await?.expect(&[200, 201])?;
            arrives(&others, &text).await?;
            Ok(sent)
        });
        let first = first.await?;
        let second = self.step("a message sent over WebSocket is answered and arrives", async {
            let text = text("WebSocket");
            let d = json!({ "room": room_name(room), "client_id": format!("smoke-{}", self.mark), "content": text });
            let ack = others.ask("send", d).await?;
            ensure!(ack["t"] == "ack", "it was answered {ack}");
            arrives(&ones, &text).await?;
            Ok(ack["d"]["message"].clone())
        });
        let second = second.await?;
        self.step("both read both messages", async {
            for person in [&one, &other] {
                let page = person.api.get(&format!("/messages/{room}?limit=2")).await?.expect(&[200])?;
                let items = page["items"].as_array().context("a page has items")?;
                ensure!([&first, &second].iter().all(|sent| has(items, sent)), "the page is {page}");
            }
            Ok(())
        })
        .await?;
        if accounts.is_some() {
            let delete = async {
                for (person, sent) in [(&one, &first), (&other, &second)] {
                    let path = format!("/messages/{}", sent["id"].as_str().context("a message has an id")?);
                    person.api.call(Method::DELETE, &path, None).await?.expect(&[200, 204])?;
                }
                Ok(())
            };
            self.step("both delete their messages", delete).await?;
        }
        Ok(())
    }

    /// Logs out of given accounts and deletes those that were made here, whatever became of the check.
    pub async fn clean_up(&self) -> Result<()> {
        let accounts = std::mem::take(&mut *self.people.lock().unwrap_or_else(PoisonError::into_inner));
        if accounts.is_empty() {
            return Ok(());
        }
        self.step("the accounts are left as they were", async {
            for Account { person, is_ours, password } in &accounts {
                let answer = if *is_ours {
                    person.api.call(Method::DELETE, "/users/me", Some(&json!({ "password": password }))).await?
                } else {
                    person.api.call(Method::POST, "/auth/logout", None).await?
                };
                answer.expect(&[200, 202, 204])?;
            }
            Ok(())
        })
        .await
    }

    async fn register(&self) -> Result<[Person; 2]> {
        let mut people = Vec::new();
        for side in ["a", "b"] {
            let name = format!("smoke_{}_{side}", self.mark);
            // Nobody needs it again.
            let password = format!("{:032x}", rand::random::<u128>());
            let email = format!("success+{name}@{MAILBOX}");
            let person = Person::register(&self.api, &email, &name, &password).await?;
            people.push(self.keep(person, true, password));
        }
        people.try_into().ok().context("two people")
    }

    async fn log_in(&self, accounts: &[(String, String); 2]) -> Result<[Person; 2]> {
        let mut people = Vec::new();
        for (email, password) in accounts {
            let person = Person::log_in(&self.api, email, password).await?;
            people.push(self.keep(person, false, password.clone()));
        }
        people.try_into().ok().context("two people")
    }

    fn keep(&self, person: Person, is_ours: bool, password: String) -> Person {
        let account = Account { person: person.clone(), is_ours, password };
        self.people.lock().unwrap_or_else(PoisonError::into_inner).push(account);
        person
    }

    fn step<'a, T>(
        &'a self,
        what: &'static str,
        work: impl Future<Output = Result<T>> + 'a,
    ) -> LocalBoxFuture<'a, Result<T>> {
        let step = async move {
            let begun = Instant::now();
            let done = work.await.with_context(|| format!("not so: {what}"))?;
            (self.tell)(what, begun.elapsed());
            Ok(done)
        };
        step.boxed_local()
    }
}

async fn arrives(socket: &Socket, text: &str) -> Result<Value> {
    socket.push_where(|frame| frame["t"] == "message.created" && frame["d"]["content"] == text).await
}

fn has(items: &[Value], message: &Value) -> bool {
    items.iter().any(|item| item["id"] == message["id"] && item["content"] == message["content"])
}

impl<F> std::fmt::Debug for Smoke<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smoke").field("mark", &self.mark).finish_non_exhaustive()
    }
}
