use crate::{Projector, project::CLOCKS_DIFFER};
use domain::{Access, Aggregate, Code, Fault, RoomId, RoomKey, RoomKind, Timestamp, UserId};
use futures_util::future::try_join3;
use mongo::KnownRoom;
use mysql::{RoomVersion, Tx};
use std::{collections::HashMap, fmt, str::FromStr, time::Duration};
use tokio::time::timeout;

/// How many aggregates are looked at together.
const BATCH: u32 = 100;

/// How long one aggregate may take.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Where a rebuild goes on: behind an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// At the people with higher ids; then come the rooms.
    People(UserId),
    /// At the rooms of this kind with higher ids; then come the other kind, and the rooms of MongoDB.
    Rooms(RoomKey),
    /// At the rooms of this kind that MongoDB knows, by name.
    KnownRooms(RoomKey),
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorError;

/// What a rebuild did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// People who were projected.
    pub people: usize,
    /// Rooms that were projected.
    pub rooms: usize,
    /// People whose ended sessions are refused.
    pub sessions: usize,
    /// People whose version in MySQL was raised above MongoDB's.
    pub raised_people: usize,
    /// Rooms whose version in MySQL was raised above MongoDB's.
    pub raised_rooms: usize,
    /// Rooms that MySQL does not know; nobody is in them any more.
    pub closed_rooms: usize,
    /// 1:1 rooms that other people have in MongoDB under the same id; they were left alone.
    pub foreign_rooms: usize,
    /// What could not be projected and is left to the relay; the log says why.
    pub failed: usize,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

impl Projector {
    /// Projects everything that MySQL knows, from a cursor on until the end or until the time is over, at least one aggregate.
    ///
    /// Where MongoDB has a newer version, since MySQL was restored from a backup, MySQL's is raised above it, so that what MySQL
    /// says is in force. Safe to repeat, beside live traffic, and for two at once.
    pub async fn rebuild(&self, from: Option<Cursor>, until: Timestamp) -> Result<Rebuilt, Fault> {
        let (mut rebuilt, mut cursor) = (Rebuilt::default(), from.unwrap_or(Cursor::People(UserId(0))));
        if from.is_none() {
            self.skip_used_ids().await?;
        }
        loop {
            let next = match cursor {
                Cursor::People(after) => self.rebuild_people(after, until, &mut rebuilt).await?,
                Cursor::Rooms(after) => self.rebuild_rooms(after, until, &mut rebuilt).await?,
                Cursor::KnownRooms(after) => match self.close_unknown_rooms(after, &mut rebuilt).await? {
                    Some(next) => next,
                    None => return Ok(rebuilt),
                },
            };
            if self.clock.now() >= until {
                return Ok(Rebuilt { next: Some(next), ..rebuilt });
            }
            cursor = next;
        }
    }

    /// A restored MySQL would give the ids of people and rooms that it lost to others, who would find the messages of before.
    async fn skip_used_ids(&self) -> Result<(), Fault> {
        let (people, rooms) = (self.mongo.people(), self.mongo.rooms());
        let (person, private, group) =
            try_join3(people.find_last(), rooms.find_last(RoomKind::Private), rooms.find_last(RoomKind::Group)).await?;
        let used =
            [person.map(Aggregate::Person), private.map(Aggregate::PrivateRoom), group.map(Aggregate::GroupRoom)];
        for used in used.into_iter().flatten() {
            if self.mysql.versions().skip_ids(used).await? {
                tracing::info!(?used, "The next ids are above the last one that MongoDB knows");
            }
        }
        self.mysql.versions().skip_event_ids(self.clock.now()).await
    }

    async fn rebuild_people(&self, after: UserId, until: Timestamp, rebuilt: &mut Rebuilt) -> Result<Cursor, Fault> {
        let people = self.mysql.versions().list_people(after, BATCH).await?;
        let ids: Vec<_> = people.iter().map(|(id, _)| *id).collect();
        let (Some(first), Some(last)) = (ids.first().copied(), ids.last().copied()) else {
            return Ok(Cursor::Rooms(RoomKey::private(RoomId(0))));
        };
        let known = self.mongo.people().list_versions(&ids).await?;
        let since = self.clock.now().minus(self.token_lifetime + CLOCKS_DIFFER);
        let ended = self.mysql.sessions().list_people_with_ended(first..=last, since).await?;
        for (user, version) in people {
            let known = known.get(&user).copied().filter(|known| *known > version);
            let is_raised = self.raise(Aggregate::Person(user), known).await?;
            rebuilt.raised_people += usize::from(is_raised);
            rebuilt.people += self.replay(Aggregate::Person(user), rebuilt).await?;
            if is_raised || ended.contains(&user) {
                rebuilt.sessions += self.replay(Aggregate::Sessions(user), rebuilt).await?;
            }
            if self.clock.now() >= until {
                return Ok(Cursor::People(user));
            }
        }
        Ok(Cursor::People(last))
    }

    async fn rebuild_rooms(&self, after: RoomKey, until: Timestamp, rebuilt: &mut Rebuilt) -> Result<Cursor, Fault> {
        let rooms = self.mysql.versions().list_rooms(after.kind, after.id, BATCH).await?;
        let Some(last) = rooms.last().map(|room| room.room) else {
            return Ok(match after.kind {
                RoomKind::Private => Cursor::Rooms(RoomKey::group(RoomId(0))),
                RoomKind::Group => Cursor::KnownRooms(RoomKey::private(RoomId(0))),
            });
        };
        let keys: Vec<_> = rooms.iter().map(|room| room.room).collect();
        let known: HashMap<_, _> =
            self.mongo.rooms().list_known(&keys).await?.into_iter().map(|known| (known.room, known)).collect();
        for RoomVersion { room, pair, version } in rooms {
            let known = known.get(&room);
            if known.zip(pair).is_some_and(|(known, pair)| is_of_others(known, pair)) {
                tracing::error!(%room, "MongoDB knows this room as one of other people: it was left alone");
                rebuilt.foreign_rooms += 1;
            } else {
                let newer = known.map(|known| known.version).filter(|known| *known > version);
                rebuilt.raised_rooms += usize::from(self.raise(aggregate(room), newer).await?);
                rebuilt.rooms += self.replay(aggregate(room), rebuilt).await?;
            }
            if self.clock.now() >= until {
                return Ok(Cursor::Rooms(room));
            }
        }
        Ok(Cursor::Rooms(last))
    }

    /// Rooms that were made after the backup. MongoDB is read first: a room is committed before it is projected.
    async fn close_unknown_rooms(&self, after: RoomKey, rebuilt: &mut Rebuilt) -> Result<Option<Cursor>, Fault> {
        let known = self.mongo.rooms().list_open(after, BATCH).await?;
        let Some(last) = known.last().map(|known| known.room) else {
            let is_private = after.kind == RoomKind::Private;
            return Ok(is_private.then_some(Cursor::KnownRooms(RoomKey::group(RoomId(0)))));
        };
        let ids: Vec<_> = known.iter().map(|known| known.room.id).collect();
        let there = self.mysql.versions().list_existing(after.kind, &ids).await?;
        for KnownRoom { room, version, .. } in known.into_iter().filter(|known| !there.contains(&known.room.id)) {
            let closed = Access { room, version: version + 1, members: Vec::new(), blocked: false };
            self.mongo.rooms().project(&closed, self.clock.now()).await?;
            tracing::info!(%room, "Closed a room that MySQL does not know");
            rebuilt.closed_rooms += 1;
        }
        Ok(Some(Cursor::KnownRooms(last)))
    }

    /// Raises a version in MySQL above the one that MongoDB had before, unless it is above by now.
    async fn raise(&self, aggregate: Aggregate, known: Option<i64>) -> Result<bool, Fault> {
        let Some(known) = known else { return Ok(false) };
        let is_raised = self.mysql.transact((aggregate, known, self.clock.now()), raise_above).await?;
        if is_raised {
            tracing::info!(?aggregate, known, "Raised a version above the one that MongoDB knows");
        }
        Ok(is_raised)
    }

    /// 1 if it was projected. A store that is unavailable ends the rebuild.
    async fn replay(&self, aggregate: Aggregate, rebuilt: &mut Rebuilt) -> Result<usize, Fault> {
        let late = |late| Err(Fault::internal(late));
        match timeout(TIME_LIMIT, self.project(aggregate)).await.unwrap_or_else(late) {
            Ok(()) => Ok(1),
            Err(fault) if fault.code == Code::Unavailable => Err(fault),
            Err(fault) => {
                fault.log(&format!("project {aggregate:?}"));
                self.mysql.transact((vec![aggregate], self.clock.now()), note).await?;
                rebuilt.failed += 1;
                Ok(0)
            }
        }
    }
}

/// A pair never changes: an id with another one was given out twice, before and after MySQL was restored.
fn is_of_others(known: &KnownRoom, pair: [UserId; 2]) -> bool {
    !known.members.is_empty() && known.members.iter().any(|member| !pair.contains(member))
}

fn aggregate(room: RoomKey) -> Aggregate {
    match room.kind {
        RoomKind::Private => Aggregate::PrivateRoom(room.id),
        RoomKind::Group => Aggregate::GroupRoom(room.id),
    }
}

async fn raise_above(tx: &mut Tx, (aggregate, known, at): (Aggregate, i64, Timestamp)) -> Result<bool, Fault> {
    let is_raised = tx.versions().raise_above(aggregate, known).await?;
    if is_raised {
        tx.outbox().insert(&[aggregate], at).await?;
    }
    if let (true, Aggregate::Person(user)) = (is_raised, aggregate) {
        // The backup may have sessions as live that were ended after it, by their owner against a thief for one.
        tx.sessions().revoke_all(user, at).await?;
        tx.outbox().insert(&[Aggregate::Sessions(user)], at).await?;
    }
    Ok(is_raised)
}

async fn note(tx: &mut Tx, (aggregates, at): (Vec<Aggregate>, Timestamp)) -> Result<(), Fault> {
    tx.outbox().insert(&aggregates, at).await
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::People(after) => write!(f, "people {after}"),
            Self::Rooms(after) => write!(f, "rooms {after}"),
            Self::KnownRooms(after) => write!(f, "known-rooms {after}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (part, after) = text.split_once(' ').ok_or(CursorError)?;
        let room = || after.parse().map_err(|_| CursorError);
        match part {
            "people" => after.parse().map(Self::People).map_err(|_| CursorError),
            "rooms" => room().map(Self::Rooms),
            "known-rooms" => room().map(Self::KnownRooms),
            _ => Err(CursorError),
        }
    }
}
