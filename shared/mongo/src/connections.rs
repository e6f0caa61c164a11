mod list;
mod remove;

use crate::{
    Causal, Crowd, Mongo,
    fault::{is_duplicate_key, store_fault},
    limits::{Once, refilled, wait_for_tokens},
    schema::SOCKETS,
    w1, write_once_more,
};
use domain::{ConnectionId, Fault, Limit, Locale, RoomKey, RoomKind, SessionId, Timestamp, UserId};
use mongodb::{
    Collection,
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
    options::ReturnDocument,
};
use serde::Deserialize;
use std::time::Duration;

/// How many connections a person has at the most, unless more or fewer are allowed: a new one takes the place of the oldest.
pub const MOST_CONNECTIONS: usize = 20;

/// How long a connection counts as alive after its last frame: API Gateway's 10 idle minutes and one more.
const ALIVE_FOR: Duration = Duration::from_mins(11);

/// How long a person counts as active after their last action.
pub const ACTIVE_FOR: Duration = Duration::from_secs(150);

/// How often one person may say in a room that they type.
const TYPING_EVERY: Duration = Duration::from_secs(3);

/// How many frames of a connection may be refused before it is to be closed.
const REFUSALS: Limit = Limit { burst: 30, per_minute: 10 };

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
    /// Until when its person counts as active.
    pub active_until: Timestamp,
    /// The room that is open on its screen.
    pub viewing: Option<RoomKey>,
}

/// The open WebSockets to which an event is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// All of them.
    All(Vec<Connection>),
    /// There are more than the limit; read them in pages of people.
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

/// What a frame tells about its person, beside that the connection is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: clients send such frames without their person.
    Alive,
    /// The person acted.
    Acted,
    /// The person acted in a room, which is open.
    ActedIn(RoomKey),
    /// The person has read a room: whoever counts as active stays so in that room, and nobody becomes active by it.
    ReadIn(RoomKey),
    /// Whether the app is in the foreground, and which room is open.
    Seen {
        /// Whether the app is in the foreground.
        active: bool,
        /// The room that is open.
        viewing: Option<RoomKey>,
    },
    /// The person types in a room or stopped.
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
    /// The time to wait if the bucket that all connections of the person share has too few tokens.
    pub wait: Option<Duration>,
    /// Whether too many frames of this connection were refused: it goes on after it was told to wait, and is to be closed.
    pub is_flooding: bool,
    /// Whether to tell others that the person types or stopped: at most every 3 s, and a stop only if typing was told.
    pub is_typing_told: bool,
}

/// Whether a person is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attendance {
    /// They are.
    Connected,
    /// They are not, and their last connection was closed at a time.
    Left(Timestamp),
}

/// What is open of one person's.
#[derive(Deserialize)]
pub(crate) struct PersonRow {
    #[serde(rename = "_id")]
    pub(crate) user: UserId,
    #[serde(default)]
    open: Vec<ConnectionRow>,
    left_at: Option<DateTime>,
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
    // Absent before the first frame; the refusals that are left.
    tokens: Option<f64>,
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

    /// Stores a connection and returns those that were removed to make room for it. Idempotent.
    pub async fn insert(self, connection: &Connection) -> Result<Vec<Connection>, Fault> {
        self.insert_in(&mut self.0.causal().await?, connection, MOST_CONNECTIONS).await
    }

    /// The same with another limit of connections; later reads in the causal session include this write.
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
            // Another request just inserted the document, or the id was that of a connection whose end went unnoticed.
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

    /// Notes a frame of a connection and answers whose it is and whether it is refused; `None` if the connection is unknown or expired,
    /// since friends may have been told that its person is offline.
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
            // Of refusals alone: buckets of frames for each connection would together give far more than the one that they share.
            "tokens": { "$subtract": [
                refilled(REFUSALS, "$$socket.tokens", "$$socket.at"), { "$cond": ["$allowed", 0, 1] },
            ] },
            "at": "$$NOW",
        };
        if let Some(locale) = locale {
            moved.insert("locale", locale.as_str());
        }
        moved.extend(effect.fields(at));
        let moved = doc! { "$cond": [&is_it, { "$mergeObjects": ["$$socket", moved] }, "$$socket"] };
        let kept = filter_open(&doc! { "$or": [&is_it, is_alive(at)] });
        let refilled = refilled(limit, "$frames.tokens", "$frames.at");
        let may = doc! { "$gte": ["$frames.tokens", i64::from(cost)] };
        let Once { allowed, takes, by } = Once::new("$frames.by", ObjectId::new(), may);
        let update = vec![
            doc! { "$set": {
                "frames": { "tokens": refilled, "at": "$$NOW" },
                "expires_at": { "$max": ["$expires_at", expires_at] },
            } },
            doc! { "$set": { "allowed": allowed } },
            doc! { "$set": {
                "open": { "$map": { "input": kept, "as": "socket", "in": moved } },
                "frames.tokens": { "$subtract": ["$frames.tokens", { "$cond": [takes, i64::from(cost), 0] }] },
                "frames.by": by,
            } },
        ];
        let is_live = doc! { "id": id, "expires_at": { "$gt": date(at) } };
        let live = doc! { "open.id": id, "open": { "$elemMatch": is_live } };
        let sockets = self.0.collection::<Row>(SOCKETS);
        let touch = || async {
            sockets
                .find_one_and_update(live.clone(), update.clone())
                .projection(doc! { "open": { "$elemMatch": { "id": id } }, "allowed": 1, "frames.tokens": 1 })
                .return_document(ReturnDocument::After)
                .write_concern(w1())
                .await
        };
        let touched = write_once_more(touch).await.map_err(store_fault)?;
        let Some(Row { user, open, allowed, frames }) = touched else { return Ok(None) };
        let wait = (!allowed).then(|| wait_for_tokens(f64::from(cost) - frames.tokens, limit));
        let is_typing_told = open.first().and_then(|row| row.is_typing_told).unwrap_or(false);
        let is_flooding = open.first().and_then(|row| row.tokens).is_some_and(|tokens| tokens < 0.0);
        let connection = PersonRow { user, open, left_at: None }.live(at).pop();
        Ok(connection.map(|connection| Touched { connection, wait, is_flooding, is_typing_told }))
    }
}

impl Connection {
    /// Whether its person counts as active.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.active_until > now
    }

    /// Whether it gets the signals of a room: its person is active, and a group must be open.
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
            // Clients also say what was read when they lose the focus, and it may arrive after the frame that says so.
            Self::ReadIn(room) => {
                let is_active = doc! { "$gt": ["$$socket.active_until", date(at)] };
                doc! {
                    "active_until": { "$cond": [&is_active, active_until, "$$socket.active_until"] },
                    "viewing": { "$cond": [is_active, room.to_string(), "$$socket.viewing"] },
                }
            }
            Self::Seen { active, viewing } => {
                // Long ago, so that a read of another environment, whose clock may be behind, finds nobody active.
                let until = if active { active_until } else { date(at.minus(ACTIVE_FOR)) };
                doc! { "active_until": until, "viewing": name(viewing) }
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

impl PersonRow {
    /// The connections that are alive at a time, the oldest first.
    pub(crate) fn live(self, now: Timestamp) -> Vec<Connection> {
        let Self { user, open, .. } = self;
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

/// Those of a person's connections, each as `$$socket`, for which a condition holds.
fn filter_open(condition: &Document) -> Document {
    doc! { "$filter": { "input": { "$ifNull": ["$open", []] }, "as": "socket", "cond": condition } }
}

fn is_alive(now: Timestamp) -> Document {
    doc! { "$gt": ["$$socket.expires_at", date(now)] }
}

/// Notes that a person left at a time. The last to note it wins, since its job looks after all others have.
fn left(at: Timestamp) -> Document {
    doc! { "$set": { "left_at": date(at) } }
}

/// A person's document is over when the last of their connections is; without one it keeps its time.
fn last_expiry() -> Document {
    doc! { "$set": { "expires_at": { "$ifNull": [{ "$max": "$open.expires_at" }, "$expires_at"] } } }
}

fn of_people(users: &[UserId]) -> Document {
    doc! { "_id": { "$in": users.iter().map(|user| user.0).collect::<Vec<_>>() } }
}

fn name(room: Option<RoomKey>) -> Bson {
    room.map_or(Bson::Null, |room| Bson::String(room.to_string()))
}

fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.millis())
}
