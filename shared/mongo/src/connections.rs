use crate::{
    Causal, Crowd, Mongo,
    fault::{is_duplicate_key, store_fault},
    limits::{refilled, wait_for_tokens},
    one_batch,
    read_states::MOST_TOLD,
    schema::{ROOMS, SOCKETS},
    w1, write_once_more,
};
use domain::{ConnectionId, Fault, Limit, Locale, RoomKey, RoomKind, SessionId, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection,
    bson::{Bson, DateTime, Document, doc},
    options::{ReadConcern, ReturnDocument},
};
use serde::Deserialize;
use std::{collections::BTreeSet, time::Duration};

/// How many connections a person has at the most, unless more or fewer are allowed: a new one takes the place of the oldest.
pub const MOST_CONNECTIONS: usize = 20;

/// How long a connection counts as alive after its last frame: API Gateway's 10 idle minutes and one more.
const ALIVE_FOR: Duration = Duration::from_mins(11);

/// How long somebody counts as there after what they did last.
pub const ACTIVE_FOR: Duration = Duration::from_secs(150);

/// How often one person may say in a room that they type.
const TYPING_EVERY: Duration = Duration::from_secs(3);

/// How many closed connections are removed at once.
const MOST_GONE: usize = 200;

/// How many frames beyond its limit a connection is remembered for.
const DEEPEST_DEBT: f64 = 60.0;

/// An open WebSocket and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Which.
    pub id: ConnectionId,
    /// Whose.
    pub user: UserId,
    /// By which login.
    pub session: SessionId,
    /// The language of its texts.
    pub locale: Locale,
    /// When it was opened.
    pub connected_at: Timestamp,
    /// Until when somebody is there to see what it is told.
    pub active_until: Timestamp,
    /// The room that is open on its screen.
    pub viewing: Option<RoomKey>,
}

/// The open WebSockets of those who are to be told something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// All of them.
    All(Vec<Connection>),
    /// There are more than was asked for: they are read by pages of people.
    TooMany(Crowd),
}

/// A frame that arrived on a connection.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// On which connection.
    pub connection: &'a ConnectionId,
    /// The language that it asks for.
    pub locale: Option<Locale>,
    /// How many tokens of the person's bucket it takes.
    pub cost: u32,
    /// What else it says.
    pub effect: Effect,
    /// When.
    pub at: Timestamp,
}

/// What a frame says of the person at the other end, beside that the connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: a client sends such frames by itself.
    Alive,
    /// Somebody did something.
    Acted,
    /// Somebody did something in a room, which is open.
    ActedIn(RoomKey),
    /// Whether somebody is there, and which room is open.
    Seen {
        /// Whether the app is in front of somebody.
        active: bool,
        /// The room that is open.
        viewing: Option<RoomKey>,
    },
    /// Somebody types in a room or stopped.
    Typed {
        /// Which room.
        room: RoomKey,
        /// Whether they type.
        on: bool,
    },
}

/// A connection that sent a frame.
#[derive(Debug, Clone)]
pub struct Touched {
    /// Which.
    pub connection: Connection,
    /// How long its person must wait first, if the bucket that all of their connections share has too few tokens.
    pub wait: Option<Duration>,
    /// How many frames more this connection alone may send; below zero once it has sent too many.
    pub tokens: f64,
    /// Whether others are to be told that the person types or stopped: not again within 3 s, and of no stop of what was not told.
    pub is_typing_told: bool,
}

/// What is open of one person's.
#[derive(Deserialize)]
pub(crate) struct PersonRow {
    #[serde(rename = "_id")]
    pub(crate) user: UserId,
    #[serde(default)]
    open: Vec<ConnectionRow>,
}

#[derive(Deserialize)]
struct OwnerRow {
    #[serde(rename = "_id")]
    user: UserId,
}

#[derive(Deserialize)]
struct ConnectionRow {
    id: ConnectionId,
    session_id: SessionId,
    locale: Locale,
    connected_at: DateTime,
    expires_at: DateTime,
    // Rows of versions before 7 have none of these.
    active_until: Option<DateTime>,
    viewing: Option<RoomKey>,
    is_typing_told: Option<bool>,
}

/// The repository of `sockets`: one document per person with their open connections and the bucket of frames that they share.
///
/// One document, so that the number of connections and of frames holds whatever happens at once, and a frame is one write.
#[derive(Debug, Clone, Copy)]
pub struct Connections<'a>(pub(crate) &'a Mongo);

impl Connections<'_> {
    fn collection(self) -> Collection<PersonRow> {
        self.0.collection(SOCKETS)
    }

    /// Stores a connection, and returns those that had to make place for it and are forgotten. Repeating it is harmless.
    pub async fn insert(self, connection: &Connection) -> Result<Vec<Connection>, Fault> {
        self.insert_in(&mut self.0.causal().await?, connection, MOST_CONNECTIONS).await
    }

    /// The same where a person may have so many; what is read in the causal session afterwards includes what was written before.
    pub async fn insert_in(
        self,
        Causal(causal): &mut Causal,
        connection: &Connection,
        most: usize,
    ) -> Result<Vec<Connection>, Fault> {
        let Connection { id, user, session, locale, connected_at, active_until, viewing } = connection;
        let expires_at = date(connected_at.plus(ALIVE_FOR));
        let row = doc! {
            "id": &id.0, "session_id": &session.0, "locale": locale.as_str(), "connected_at": date(*connected_at),
            "expires_at": expires_at, "active_until": date(*active_until), "viewing": name(*viewing),
        };
        let is_other = doc! { "$and": [{ "$ne": ["$$socket.id", &id.0] }, is_alive(*connected_at)] };
        let kept = i64::try_from(most).unwrap_or(i64::MAX);
        let update = [
            doc! { "$set": { "open": { "$concatArrays": [filter_open(&is_other), [{ "$literal": row }]] } } },
            doc! { "$set": {
                "open": { "$slice": ["$open", -kept] },
                "expires_at": { "$max": ["$expires_at", expires_at] },
            } },
        ];
        let people = self.collection();
        let write = || {
            people
                .find_one_and_update(doc! { "_id": user.0 }, update.to_vec())
                .upsert(true)
                .projection(doc! { "open": 1 })
                .return_document(ReturnDocument::Before)
        };
        let before = match write().session(&mut *causal).await {
            // Another request has just made the document, or the id was somebody's whose connection ended unnoticed.
            Err(error) if is_duplicate_key(&error) => {
                self.remove(id).await?;
                write().session(causal).await
            }
            outcome => outcome,
        };
        let before = before.map_err(store_fault)?.map(|row| row.live(*connected_at)).unwrap_or_default();
        let mut others: Vec<_> = before.into_iter().filter(|other| other.id != *id).collect();
        others.truncate((others.len() + 1).saturating_sub(most));
        Ok(others)
    }

    /// Notes a frame of a connection and answers whose it is, and how many more may be sent; `None` where it is not known or over:
    /// its person may have been told to be gone.
    ///
    /// `w: 1`: a note lost in a failover is written again by the next ping.
    pub async fn touch(self, arrival: Arrival<'_>, limit: Limit) -> Result<Option<Touched>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            user: UserId,
            open: Vec<ConnectionRow>,
            allowed: bool,
            frames: Bucket,
            own: f64,
        }
        #[derive(Deserialize)]
        struct Bucket {
            tokens: f64,
        }
        let Arrival { connection: ConnectionId(id), locale, cost, effect, at } = arrival;
        // A frame that costs more than the bucket holds would never pass.
        let cost = cost.min(limit.burst);
        let expires_at = date(at.plus(ALIVE_FOR));
        let is_it = doc! { "$eq": ["$$socket.id", id] };
        let mut moved = doc! {
            "expires_at": expires_at,
            // A debt has an end, or whoever was once too fast would wait for hours.
            "tokens": { "$max": [{ "$subtract": [refilled(limit, "$$socket.tokens", "$$socket.at"), 1] }, -DEEPEST_DEBT] },
            "at": "$$NOW",
        };
        if let Some(locale) = locale {
            moved.insert("locale", locale.as_str());
        }
        moved.extend(effect.fields(at));
        let moved = doc! { "$cond": [&is_it, { "$mergeObjects": ["$$socket", moved] }, "$$socket"] };
        let kept = filter_open(&doc! { "$or": [&is_it, is_alive(at)] });
        let refilled = refilled(limit, "$frames.tokens", "$frames.at");
        let update = vec![
            doc! { "$set": {
                "open": { "$map": { "input": kept, "as": "socket", "in": moved } },
                "frames": { "tokens": refilled, "at": "$$NOW" },
                "expires_at": { "$max": ["$expires_at", expires_at] },
            } },
            doc! { "$set": {
                "allowed": { "$gte": ["$frames.tokens", i64::from(cost)] },
                "own": { "$first": { "$map": { "input": filter_open(&is_it), "as": "socket", "in": "$$socket.tokens" } } },
            } },
            doc! { "$set": {
                "frames.tokens": { "$subtract": ["$frames.tokens", { "$cond": ["$allowed", i64::from(cost), 0] }] },
            } },
        ];
        let is_live = doc! { "id": id, "expires_at": { "$gt": date(at) } };
        let live = doc! { "open.id": id, "open": { "$elemMatch": is_live } };
        let sockets = self.0.collection::<Row>(SOCKETS);
        let touch = || async {
            sockets
                .find_one_and_update(live.clone(), update.clone())
                .projection(doc! { "open": { "$elemMatch": { "id": id } }, "allowed": 1, "frames.tokens": 1, "own": 1 })
                .return_document(ReturnDocument::After)
                .write_concern(w1())
                .await
        };
        let touched = write_once_more(touch).await.map_err(store_fault)?;
        let Some(Row { user, open, allowed, frames, own }) = touched else { return Ok(None) };
        let wait = (!allowed).then(|| wait_for_tokens(f64::from(cost) - frames.tokens, limit));
        let is_typing_told = open.first().and_then(|row| row.is_typing_told).unwrap_or(false);
        let connection = PersonRow { user, open }.live(at).pop();
        Ok(connection.map(|connection| Touched { connection, wait, tokens: own, is_typing_told }))
    }

    /// The live connections of people, as a majority knows them.
    pub async fn list_of_people(self, users: &[UserId], now: Timestamp) -> Result<Vec<Connection>, Fault> {
        Ok(live(self.list(of_people(users), users.len(), ReadConcern::majority()).await?, now))
    }

    /// The same for a signal, as the primary has them: a touch is `w: 1`, and under load a majority knows only later that somebody has
    /// come back to their screen, who would miss what they look at. Nothing durable may follow from it, as a failover may undo a touch.
    pub async fn list_for_signal(self, users: &[UserId], now: Timestamp) -> Result<Vec<Connection>, Fault> {
        Ok(live(self.list(of_people(users), users.len(), ReadConcern::local()).await?, now))
    }

    /// The same, including what was written in the session.
    pub async fn list_of_people_in(
        self,
        Causal(session): &mut Causal,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<Connection>, Fault> {
        let rows: Vec<_> = async {
            let people = self.collection();
            let open = people.find(of_people(users)).projection(doc! { "open": 1 }).batch_size(one_batch(users.len()));
            let mut cursor = open.session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(live(rows, now))
    }

    /// The live connections of people, as a majority knows them, if there are at most so many; no more are read.
    pub async fn list_recipients(self, users: &[UserId], most: usize, now: Timestamp) -> Result<Recipients, Fault> {
        let (people, limit) = (self.collection(), one_batch(most));
        let open = people.find(connected(users, now)).projection(doc! { "open": 1 }).limit(i64::from(limit));
        let open = open.batch_size(limit.saturating_add(1));
        let rows: Vec<_> = async { open.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(Recipients::of(live(rows, now), most, || Crowd::of(users)))
    }

    /// The same, including what was written in the session.
    pub async fn list_recipients_in(
        self,
        causal: &mut Causal,
        users: &[UserId],
        most: usize,
        now: Timestamp,
    ) -> Result<Recipients, Fault> {
        let Causal(session) = causal;
        let rows: Vec<_> = async {
            let (people, limit) = (self.collection(), one_batch(most));
            let open = people.find(connected(users, now)).projection(doc! { "open": 1 }).limit(i64::from(limit));
            let mut cursor = open.batch_size(limit.saturating_add(1)).session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(Recipients::of(live(rows, now), most, || Crowd::in_session(users, causal)))
    }

    /// The connections of a small room's other members where somebody is there, and in a group has the room open; for signals alone,
    /// as [`Connections::list_for_signal`]. None for who is not in the room, where one of two has blocked the other, and in a larger
    /// room.
    pub async fn list_onlookers(self, room: RoomKey, user: UserId, now: Timestamp) -> Result<Vec<Connection>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            people: Vec<PersonRow>,
        }
        let others = doc! { "_id": { "$ne": user.0 }, "open.active_until": { "$gt": date(now) } };
        let pipeline = [
            doc! { "$match": {
                "_id": room.to_string(), "members": user.0, "blocked": false,
                format!("members.{MOST_TOLD}"): { "$exists": false },
            } },
            doc! { "$lookup": {
                "from": SOCKETS, "localField": "members", "foreignField": "_id", "as": "people",
                "pipeline": [{ "$match": others }, { "$project": { "open": 1 } }],
            } },
            doc! { "$project": { "_id": 0, "people": 1 } },
        ];
        let rooms = self.0.documents(ROOMS);
        let found = async {
            let aggregate = rooms.aggregate(pipeline).read_concern(ReadConcern::local());
            aggregate.with_type::<Row>().await?.try_next().await
        };
        let people = found.await.map_err(store_fault)?.map(|row| row.people).unwrap_or_default();
        let mut onlookers = live(people, now);
        onlookers.retain(|connection| connection.sees(room, now));
        Ok(onlookers)
    }

    /// Those of some connections that are live and belong to one of some people, as a majority knows them.
    pub async fn list_live(
        self,
        ids: &[ConnectionId],
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<Connection>, Fault> {
        let mut filter = of_people(users);
        filter.insert("open.id", doc! { "$in": names(ids) });
        let mut all = live(self.list(filter, users.len(), ReadConcern::majority()).await?, now);
        all.retain(|connection| ids.contains(&connection.id));
        Ok(all)
    }

    async fn list(self, filter: Document, most: usize, concern: ReadConcern) -> Result<Vec<PersonRow>, Fault> {
        let people = self.collection();
        let open = people.find(filter).projection(doc! { "open": 1 }).batch_size(one_batch(most)).read_concern(concern);
        async { open.await?.try_collect().await }.await.map_err(store_fault)
    }

    /// Removes the connections of some sessions.
    pub async fn remove_of_sessions(self, sessions: &[SessionId]) -> Result<(), Fault> {
        if sessions.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = sessions.iter().map(|session| session.0.as_str()).collect();
        let pull = doc! { "$pull": { "open": { "session_id": { "$in": ids } } } };
        self.collection().update_many(of_sessions(sessions), pull).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes a connection and answers whose it was; one that is not there is removed already.
    pub async fn remove(self, ConnectionId(id): &ConnectionId) -> Result<Option<UserId>, Fault> {
        let rest = filter_open(&doc! { "$ne": ["$$socket.id", id] });
        self.update_of(id, vec![doc! { "$set": { "open": rest } }, last_expiry()]).await
    }

    /// Lets a connection be over at a time at the latest, so that the sweep finds its person; see [`Connections::list_ghosts`].
    pub async fn expire(self, ConnectionId(id): &ConnectionId, at: Timestamp) -> Result<(), Fault> {
        let over =
            doc! { "$mergeObjects": ["$$socket", { "expires_at": { "$min": ["$$socket.expires_at", date(at)] } }] };
        let over = doc! { "$cond": [{ "$eq": ["$$socket.id", id] }, over, "$$socket"] };
        let open = doc! { "$map": { "input": "$open", "as": "socket", "in": over } };
        self.update_of(id, vec![doc! { "$set": { "open": open } }, last_expiry()]).await.map(drop)
    }

    async fn update_of(self, id: &str, update: Vec<Document>) -> Result<Option<UserId>, Fault> {
        let people = self.0.collection::<OwnerRow>(SOCKETS);
        let update = people.find_one_and_update(doc! { "open.id": id }, update).projection(doc! { "_id": 1 });
        Ok(update.await.map_err(store_fault)?.map(|row| row.user))
    }

    /// Whose connection it is.
    pub async fn find_owner(self, ConnectionId(id): &ConnectionId) -> Result<Option<UserId>, Fault> {
        let people = self.0.collection::<OwnerRow>(SOCKETS);
        let owner = people.find_one(doc! { "open.id": id }).projection(doc! { "_id": 1 });
        Ok(owner.await.map_err(store_fault)?.map(|row| row.user))
    }

    /// Some of the people who have connections and none that is alive: their ends were not heard of.
    pub async fn list_ghosts(self, now: Timestamp, most: i64) -> Result<Vec<UserId>, Fault> {
        let ghosts = doc! { "expires_at": { "$lte": date(now) }, "open.id": { "$exists": true } };
        let (people, batch) = (self.0.collection::<OwnerRow>(SOCKETS), usize::try_from(most).unwrap_or_default());
        let people = people.find(ghosts).sort(doc! { "expires_at": 1 }).limit(most).projection(doc! { "_id": 1 });
        let rows: Vec<_> =
            async { people.batch_size(one_batch(batch)).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.user).collect())
    }

    /// Removes those connections of people that are over.
    pub async fn remove_expired(self, users: &[UserId], now: Timestamp) -> Result<(), Fault> {
        if users.is_empty() {
            return Ok(());
        }
        let rest = vec![doc! { "$set": { "open": filter_open(&is_alive(now)) } }];
        self.collection().update_many(of_people(users), rest).await.map_err(store_fault)?;
        Ok(())
    }

    /// Removes connections that answered 410, unless their ids were given out anew; each once, and a few hundred at once, since what a
    /// person keeps is compared with all of them. The look at these people that follows sees it.
    pub async fn remove_gone<'a>(
        self,
        gone: impl IntoIterator<Item = (&'a ConnectionId, Timestamp)>,
    ) -> Result<(), Fault> {
        let gone: BTreeSet<_> = gone.into_iter().map(|(ConnectionId(id), connected_at)| (id, connected_at)).collect();
        let gone: Vec<_> = gone.into_iter().collect();
        for gone in gone.chunks(MOST_GONE) {
            self.remove_some_gone(gone).await?;
        }
        Ok(())
    }

    async fn remove_some_gone(self, gone: &[(&String, Timestamp)]) -> Result<(), Fault> {
        let each = gone.iter().map(|(id, connected_at)| {
            doc! { "$and": [
                { "$eq": ["$$socket.id", *id] }, { "$eq": ["$$socket.connected_at", date(*connected_at)] },
            ] }
        });
        let rest = filter_open(&doc! { "$not": { "$or": each.collect::<Vec<_>>() } });
        let pull = vec![doc! { "$set": { "open": rest } }, last_expiry()];
        let theirs = doc! { "open.id": { "$in": gone.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>() } };
        self.collection().update_many(theirs, pull).await.map_err(store_fault)?;
        Ok(())
    }
}

impl Connection {
    /// Whether somebody is there to see what it is told.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.active_until > now
    }

    /// Whether somebody is there to see what others do in a room: of two people's at all, of a group's if it is open.
    pub fn sees(&self, room: RoomKey, now: Timestamp) -> bool {
        self.is_active(now) && (room.kind == RoomKind::Private || self.viewing == Some(room))
    }
}

impl Effect {
    /// What it changes in the row of the connection, which is `$$socket`.
    fn fields(self, at: Timestamp) -> Document {
        let active_until = date(at.plus(ACTIVE_FOR));
        match self {
            Self::Alive => doc! {},
            Self::Acted => doc! { "active_until": active_until },
            Self::ActedIn(room) => doc! { "active_until": active_until, "viewing": room.to_string() },
            Self::Seen { active, viewing } => {
                doc! { "active_until": if active { active_until } else { date(at) }, "viewing": name(viewing) }
            }
            Self::Typed { room, on } => {
                let room = room.to_string();
                let is_same = doc! { "$eq": ["$$socket.typing_room", &room] };
                let was_told = doc! { "$and": [&is_same, { "$eq": ["$$socket.is_typing", true] }] };
                let mut fields = doc! { "active_until": active_until };
                if on {
                    let is_early = doc! { "$gt": ["$$socket.typing_at", date(at.minus(TYPING_EVERY))] };
                    let is_early = doc! { "$and": [is_same, is_early] };
                    fields.extend(doc! {
                        "is_typing_told": { "$not": &is_early },
                        "is_typing": { "$or": [{ "$not": &is_early }, was_told] },
                        "typing_room": room,
                        "typing_at": { "$cond": [is_early, "$$socket.typing_at", date(at)] },
                    });
                } else {
                    fields.extend(doc! { "is_typing_told": was_told, "is_typing": false });
                }
                fields
            }
        }
    }
}

impl Recipients {
    fn of(connections: Vec<Connection>, most: usize, crowd: impl FnOnce() -> Crowd) -> Self {
        if connections.len() > most { Self::TooMany(crowd()) } else { Self::All(connections) }
    }
}

impl PersonRow {
    /// The connections that are alive at a time, the oldest first.
    pub(crate) fn live(self, now: Timestamp) -> Vec<Connection> {
        let Self { user, open } = self;
        let alive = open.into_iter().filter(|row| row.expires_at.timestamp_millis() > now.millis());
        let each = alive.map(|row| Connection {
            id: row.id,
            user,
            session: row.session_id,
            locale: row.locale,
            connected_at: Timestamp::from_millis(row.connected_at.timestamp_millis()),
            active_until: Timestamp::from_millis(row.active_until.map_or(0, DateTime::timestamp_millis)),
            viewing: row.viewing,
        });
        each.collect()
    }
}

fn live(people: Vec<PersonRow>, now: Timestamp) -> Vec<Connection> {
    people.into_iter().flat_map(|person| person.live(now)).collect()
}

/// Those of a person's connections, each as `$$socket`, for which a condition holds.
fn filter_open(condition: &Document) -> Document {
    doc! { "$filter": { "input": { "$ifNull": ["$open", []] }, "as": "socket", "cond": condition } }
}

fn is_alive(now: Timestamp) -> Document {
    doc! { "$gt": ["$$socket.expires_at", date(now)] }
}

/// A person's document is over when the last of their connections is; without one it keeps its time.
fn last_expiry() -> Document {
    doc! { "$set": { "expires_at": { "$ifNull": [{ "$max": "$open.expires_at" }, "$expires_at"] } } }
}

fn of_people(users: &[UserId]) -> Document {
    doc! { "_id": { "$in": users.iter().map(|user| user.0).collect::<Vec<_>>() } }
}

/// Those of some people who have a live connection.
fn connected(users: &[UserId], now: Timestamp) -> Document {
    let mut filter = of_people(users);
    filter.insert("open.expires_at", doc! { "$gt": date(now) });
    filter
}

fn of_sessions(sessions: &[SessionId]) -> Document {
    doc! { "open.session_id": { "$in": sessions.iter().map(|session| session.0.as_str()).collect::<Vec<_>>() } }
}

fn names(ids: &[ConnectionId]) -> Vec<&str> {
    ids.iter().map(|id| id.0.as_str()).collect()
}

fn name(room: Option<RoomKey>) -> Bson {
    room.map_or(Bson::Null, |room| Bson::String(room.to_string()))
}

fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.millis())
}
