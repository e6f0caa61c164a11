//! People with open sockets, in rooms of different sizes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use client::{Api, Person, Socket, group_name, with_ticket};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use stack::{Progress, Step};
use tokio::task::JoinSet;

use super::board::Board;

/// Preparations at the same time.
const AT_ONCE: usize = 8;

/// Connections that a person may have beside their first.
const MORE: usize = 19;

const PASSWORD: &str = "down-the-rabbit-hole";

/// People, each with a socket.
pub(super) struct Crowd {
    people: Vec<Person>,
    /// Rooms by their size.
    rooms: BTreeMap<usize, i64>,
    sender: Arc<Socket>,
    /// What reads the sockets of the others.
    _readers: JoinSet<()>,
}

impl Crowd {
    /// Registers people, makes a room of each size, then opens everybody's socket.
    pub(super) async fn gather(
        url: &str,
        number: usize,
        sizes: impl Iterator<Item = &usize>,
        board: &Board,
        progress: &Progress,
    ) -> Result<Self> {
        let anyone = Api::new(url);
        let step = progress.step(&format!("{number} people"));
        let enter = async |at: usize| {
            step.at(&format!("{at} of {number} people"));
            Person::enter(&anyone, &format!("member{at}"), PASSWORD).await
        };
        let people: Vec<Person> = stream::iter(0..number).map(enter).buffered(AT_ONCE).try_collect().await?;
        step.done(&format!("{number} people"));
        let mut rooms = BTreeMap::new();
        for size in sizes.copied().collect::<BTreeSet<_>>() {
            rooms.insert(size, fill(&people, size, progress).await?);
        }
        let step = progress.step(&format!("{number} sockets"));
        let open = async |person: &Person| Ok::<_, anyhow::Error>(Arc::new(person.connect(json!({})).await?.0));
        let sockets: Vec<Arc<Socket>> = stream::iter(&people).map(open).buffered(AT_ONCE).try_collect().await?;
        step.done(&format!("{number} sockets"));
        let mut readers = JoinSet::new();
        for socket in &sockets {
            let (socket, board) = (Arc::clone(socket), board.clone());
            readers.spawn(async move {
                while let Some(frame) = socket.next_push().await {
                    board.note(&frame);
                }
            });
        }
        let sender = sockets.into_iter().next().context("somebody sends")?;
        Ok(Self { people, rooms, sender, _readers: readers })
    }

    /// The name of the room of a size.
    pub(super) fn room(&self, size: usize) -> Result<String> {
        Ok(group_name(self.rooms.get(&size).context("each size has a room")?))
    }

    /// The socket of somebody who is in every room.
    pub(super) fn sender(&self) -> &Socket {
        &self.sender
    }

    /// More connections, as many for everybody, which say nothing.
    pub(super) async fn idle(&self, number: usize, step: &Step) -> Result<Vec<Socket>> {
        let number = number.min(self.people.len() * MORE);
        let open = async |at: usize| {
            step.at(&format!("{at} of {number} idle connections"));
            let (url, ticket) = self.people[at % self.people.len()].ticket().await?;
            Socket::connect(&with_ticket(&url, &ticket)).await
        };
        stream::iter(0..number).map(open).buffered(AT_ONCE).try_collect().await
    }
}

/// A public group of the first so many people.
async fn fill(people: &[Person], size: usize, progress: &Progress) -> Result<i64> {
    let step = progress.step(&format!("a room of {size}"));
    ensure!((2..=people.len()).contains(&size), "a room has 2 to {} members", people.len());
    let group = json!({ "name": format!("room of {size}"), "is_private": false, "max_members": size });
    let answer = people[0].api.post("/group-rooms", &group).await?.expect(&[201])?;
    let room = answer["id"].as_i64().context("a room has an id")?;
    let join = async |person: &Person| {
        let path = format!("/group-rooms/{room}/join");
        person.api.post(&path, &Value::Null).await?.expect(&[200]).map(drop)
    };
    stream::iter(&people[1..size]).map(join).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    step.done(&format!("a room of {size}"));
    Ok(room)
}
