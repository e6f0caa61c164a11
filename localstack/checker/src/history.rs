//! What happened, as the clients saw it: every call and its answer, every pushed frame, every page.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A private room's number.
pub type RoomId = u64;

/// One message as of one of its revisions, as a client was shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The message's id, 24 hex digits.
    pub id: Arc<str>,
    /// The room that it was shown in.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: u64,
    /// The change that this is the image of.
    pub rev: u64,
    /// Who wrote it.
    pub author: u64,
    /// The sender's name for it.
    pub client_id: Option<Arc<str>>,
    /// Its text.
    pub content: Arc<str>,
}

/// What a client asks of the product.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants say what their fields are")]
pub enum Request {
    /// Send a message; the same `client_id` again is a retry.
    Send { room: RoomId, client_id: Arc<str>, content: Arc<str> },
    /// Give an own message another text.
    Edit { room: RoomId, message: Arc<str>, content: Arc<str> },
    /// A page of the room by sequence number.
    List { room: RoomId, window: Window, limit: u32 },
    /// Everything that changed after a revision.
    Sync { room: RoomId, after: u64, limit: u32 },
}

impl Request {
    /// The room that it is about.
    pub fn room(&self) -> RoomId {
        match self {
            Self::Send { room, .. } | Self::Edit { room, .. } | Self::List { room, .. } | Self::Sync { room, .. } => {
                *room
            }
        }
    }
}

/// Which part of a room a list is for, by sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The newest messages.
    Newest,
    /// Those below a sequence number.
    Before(u64),
    /// Those above a sequence number.
    After(u64),
    /// Those on both sides of a sequence number.
    Around(u64),
}

/// A page of a list, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The messages.
    pub items: Vec<Message>,
    /// Whether the room has older messages than the first item.
    pub has_before: bool,
    /// Whether the room has newer messages than the last item.
    pub has_after: bool,
    /// Where `sync` goes on for a client that enters the room with this page.
    pub cursor: u64,
}

/// A page of a sync, by revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncPage {
    /// The messages as of their latest revision.
    pub items: Vec<Message>,
    /// Where the next sync goes on.
    pub cursor: u64,
    /// The room's latest revision.
    pub head: u64,
    /// Whether the server says that there is more.
    pub more: bool,
}

/// What came back for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants say what their fields are")]
pub enum Answer {
    /// The change is durable. `dup` of a send: it had been before this attempt.
    Ack { message: Message, dup: Option<bool> },
    /// A list's page.
    Page(Page),
    /// A sync's page.
    Synced(SyncPage),
    /// Refused for good: nothing was changed.
    Refused { status: u16, code: String },
    /// No answer, or one that leaves the outcome open.
    Unknown(String),
}

/// Which way a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The HTTP API.
    Http,
    /// A frame on the client's socket.
    Socket,
}

/// What the client does with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The client's own view of the room follows from it.
    Follow,
    /// It is only looked at.
    Look,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants say what their fields are")]
pub enum Event {
    /// A request left a client. Its place in the history names the call.
    Invoked { via: Via, purpose: Purpose, request: Request },
    /// The answer of the call that was invoked at that place.
    Answered { call: usize, answer: Answer },
    /// A frame brought a message.
    Pushed(Message),
    /// The client has caught up for the last time.
    Settled { room: RoomId, cursor: u64 },
    /// A room when nothing was running any more, read whole in one of several ways.
    Ending { room: RoomId, way: &'static str, messages: Vec<Message> },
    /// Connections, faults and other scenery.
    Note(String),
}

/// An event, when it happened, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Time since the start of the run.
    pub at: Duration,
    /// The client; `None` is the checker itself.
    pub client: Option<usize>,
    /// What happened.
    pub event: Event,
}

/// All entries in the order in which they were seen to happen.
///
/// An operation that was invoked at a higher place than another one's answer began after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// What happened.
    pub entries: Vec<Entry>,
    /// Whether a frame may have reached the product twice, so that its ack is not the end of it.
    pub frames_repeat: bool,
}

/// Writes a history while it happens.
#[derive(Debug)]
pub struct Recorder {
    start: Instant,
    entries: Mutex<Vec<Entry>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { start: Instant::now(), entries: Mutex::default() }
    }
}

impl Recorder {
    /// Adds an event that happened right now, and answers its place.
    pub fn record(&self, client: Option<usize>, event: Event) -> usize {
        let mut entries = self.entries();
        entries.push(Entry { at: self.start.elapsed(), client, event });
        entries.len() - 1
    }

    /// Adds a remark.
    pub fn note(&self, client: Option<usize>, text: impl Into<String>) {
        self.record(client, Event::Note(text.into()));
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Everything that happened so far; the recorder starts anew.
    pub fn take(&self) -> History {
        History { entries: std::mem::take(&mut *self.entries()), frames_repeat: false }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History {
    /// The lines that concern a message: what was asked of it and every time it was seen, at most `limit` of them.
    pub fn excerpt(&self, places: impl IntoIterator<Item = usize>, limit: usize) -> Vec<String> {
        let mut places: Vec<usize> = places.into_iter().collect();
        places.sort_unstable();
        places.dedup();
        let cut = places.len().saturating_sub(limit);
        let (head, tail) = if cut == 0 { (places.len(), places.len()) } else { (limit / 2, limit / 2 + cut) };
        let line = |place: &usize| self.entries.get(*place).map(|entry| format!("#{place} {entry}"));
        let mut lines: Vec<String> = places.iter().take(head).filter_map(line).collect();
        if cut > 0 {
            lines.push(format!("... {cut} more ..."));
        }
        lines.extend(places.iter().skip(tail).filter_map(line));
        lines
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.3}s ", self.at.as_secs_f64())?;
        match self.client {
            Some(client) => write!(f, "client {client:<2} "),
            None => f.write_str("checker   "),
        }?;
        write!(f, "{}", self.event)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoked { via, request, .. } => {
                write!(f, "{} {request}", if *via == Via::Http { "http  " } else { "socket" })
            }
            Self::Answered { call, answer } => write!(f, "-> #{call} {answer}"),
            Self::Pushed(message) => write!(f, "push   {message}"),
            Self::Settled { room, cursor } => write!(f, "settled in room {room} at cursor {cursor}"),
            Self::Ending { room, way, messages } => write!(f, "room {room} {way}: {} messages", messages.len()),
            Self::Note(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { room, client_id, content } => write!(f, "send room {room} client_id {client_id} {content:?}"),
            Self::Edit { room, message, content } => write!(f, "edit room {room} message {message} {content:?}"),
            Self::List { room, window, limit } => write!(f, "list room {room} {window:?} limit {limit}"),
            Self::Sync { room, after, limit } => write!(f, "sync room {room} after rev {after} limit {limit}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ack { message, dup } => {
                write!(f, "ack{} {message}", if *dup == Some(true) { " (dup)" } else { "" })
            }
            Self::Page(Page { items, has_before, has_after, cursor }) => {
                write!(f, "page cursor {cursor} has_before {has_before} has_after {has_after}: ")?;
                list(f, items)
            }
            Self::Synced(SyncPage { items, cursor, head, more }) => {
                write!(f, "sync cursor {cursor} head {head} more {more}: ")?;
                list(f, items)
            }
            Self::Refused { status, code } => write!(f, "refused {status} {code}"),
            Self::Unknown(why) => write!(f, "unknown outcome: {why}"),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} seq {} rev {} {:?}", self.id, self.seq, self.rev, self.content)
    }
}

/// Items by sequence number and revision only, in at most a line.
fn list(f: &mut fmt::Formatter<'_>, items: &[Message]) -> fmt::Result {
    f.write_str("[")?;
    for (index, item) in items.iter().enumerate() {
        if index == 40 {
            write!(f, " ... {} in all", items.len())?;
            break;
        }
        write!(f, "{}{}@{}", if index == 0 { "" } else { " " }, item.seq, item.rev)?;
    }
    f.write_str("]")
}
