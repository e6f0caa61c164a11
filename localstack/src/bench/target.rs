//! A stack that is measured, with the people and rooms that the rows need.

use anyhow::{Context as _, Result};
use client::{Answer, Api, Person};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use stack::Progress;

use super::{processes::Processes, rows::ok};

/// Rooms of the people whose room list is measured.
const ROOMS: usize = 200;
/// Messages in the room that is listed and synced.
const HISTORY: usize = 60;
/// Preparations at the same time.
const AT_ONCE: usize = 8;
const PASSWORD: &str = "down-the-rabbit-hole";

/// A stack and what was prepared there.
pub(crate) struct Target {
    pub(crate) url: String,
    /// The API without a login.
    pub(crate) anyone: Api,
    /// Two people with two rooms.
    pub(crate) people: [Person; 2],
    /// The room that messages are sent to.
    pub(crate) room: i64,
    /// A room whose messages stay the same.
    pub(crate) history: i64,
    /// The newest revision there.
    pub(crate) head: u64,
    /// Someone with one unread message in each of many rooms.
    pub(crate) quiet: Person,
    /// Someone with many.
    pub(crate) busy: Person,
    crowd: Vec<Person>,
    processes: Option<Processes>,
}

impl Target {
    /// Registers the people and fills the rooms.
    pub(crate) async fn prepare(url: &str, unread: usize, progress: &Progress) -> Result<Self> {
        let step = progress.step(&format!("preparing people and rooms at {url}"));
        let anyone = Api::new(url);
        let run = format!("{:08x}", rand::random::<u32>());
        let enter = async |name: String| Person::enter(&anyone, &format!("{name}.{run}"), PASSWORD).await;
        let (one, other) = (enter("anna".to_owned()).await?, enter("bora".to_owned()).await?);
        let third = enter("chulsoo".to_owned()).await?;
        let (quiet, busy) = (enter("quiet".to_owned()).await?, enter("busy".to_owned()).await?);
        let room = one.room_with(other.id).await?;
        let history = third.room_with(other.id).await?;
        for _ in 0..HISTORY {
            send(&third, history).await?;
        }
        let head = newest(&other, history).await?;
        let fill = async |number: usize| {
            let person = enter(format!("friend{number}")).await?;
            for (reader, unread) in [(&quiet, 1), (&busy, unread)] {
                let room = person.room_with(reader.id).await?;
                for _ in 0..unread {
                    send(&person, room).await?;
                }
            }
            step.at(&format!("{number} of {ROOMS} rooms"));
            Ok::<_, anyhow::Error>(person)
        };
        let crowd = stream::iter(0..ROOMS).map(fill).buffered(AT_ONCE).try_collect().await?;
        step.done(&format!("people and rooms at {url}"));
        let processes = Processes::behind(url);
        let people = [one, other];
        Ok(Self { url: url.to_owned(), anyone, people, room, history, head, quiet, busy, crowd, processes })
    }

    /// Sends a message to the common room.
    pub(crate) async fn send(&self, sender: usize) -> Result<()> {
        send(&self.people[sender % 2], self.room).await
    }

    /// Logs somebody in, another person at each turn: a person may only have so many sessions.
    pub(crate) async fn log_in(&self, turn: usize) -> Result<Answer> {
        let email = self.crowd[turn % self.crowd.len()].email();
        self.anyone.post("/auth/login", &json!({ "email": email, "password": PASSWORD })).await
    }

    /// The processes behind the stack, if they run on this machine.
    pub(crate) fn processes(&self) -> Option<&Processes> {
        self.processes.as_ref()
    }
}

/// The newest revision of a room, once readers get it: they may lag a moment behind acknowledgements.
async fn newest(reader: &Person, room: i64) -> Result<u64> {
    loop {
        let page = reader.api.get(&format!("/messages/sync?room_id={room}&after_rev=0&limit=100")).await?;
        let page = page.expect(&[200])?;
        if page["cursor"] == page["head"] && page["more"] == false {
            return page["head"].as_u64().context("a room has a head");
        }
    }
}

async fn send(person: &Person, room: i64) -> Result<()> {
    ok(&person.send(room, "안녕하세요").await?)
}
