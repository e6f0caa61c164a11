//! What happened, as the clients saw it: every call and its answer, every pushed frame, every page.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A room's number: a room of two has its id, and a group its id above [`GROUPS`].
pub type RoomId = u64;

/// The numbers of groups are above this, since a group and a room of two may have the same id.
pub const GROUPS: RoomId = 1 << 32;

/// One of a group's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The person's number in the run.
    pub person: usize,
    /// The id by which the product names them.
    pub id: u64,
    /// The name by which texts call them.
    pub name: Arc<str>,
}

/// What a system message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// What happened.
    pub kind: Arc<str>,
    /// Whom it happened to.
    pub of: Option<u64>,
    /// Who did it.
    pub by: u64,
}

/// One message as of one of its revisions, as a client was shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The message's id, 24 hex digits.
    pub id: Arc<str>,
    /// The room that it was shown in.
    pub room: RoomId,
    /// Its position in the room.
    pub seq: u64,
    /// The change that this is the image of.
    pub rev: u64,
    /// Who wrote it.
    pub author: u64,
    /// The sender's name for it.
    pub client_id: Option<Arc<str>>,
    /// Its text; a deleted message has none.
    pub content: Arc<str>,
    /// Whether it is only the tombstone of a message.
    pub deleted: bool,
    /// Whether it is pinned.
    pub pinned: bool,
    /// The members whom its text calls by their names.
    pub mentions: Box<[u64]>,
    /// Who wrote the text, of a forwarded message.
    pub forwarded_from: Option<u64>,
    /// The files that it lists, by their ids.
    pub files: Box<[Arc<str>]>,
    /// How many people reacted with each emoji.
    pub reactions: Box<[(Arc<str>, u64)]>,
    /// What it says of the group, in a system message.
    pub system: Option<Box<System>>,
}

impl Message {
    /// What it says; a tombstone says nothing.
    pub fn text(&self) -> Option<&str> {
        (!self.deleted).then_some(&*self.content)
    }
}

/// What somebody is told of another one's doings in a room, and nothing keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// What it tells of.
    pub kind: SignalKind,
    /// The room.
    pub room: RoomId,
    /// Whose doing it is, by the id that the product names them by.
    pub of: u64,
}

/// What a signal tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// Somebody types, or stopped.
    Typing,
    /// How far somebody has read, or has everything.
    Receipt,
}

/// What a push service was sent for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The device's token.
    pub device: Arc<str>,
    /// The room that it is about.
    pub room: RoomId,
    /// The message that it shows, or takes back.
    pub message: Option<Arc<str>>,
    /// Whether it shows a message; else it takes back what is shown.
    pub is_alert: bool,
    /// The number at the app's icon from now on.
    pub badge: Option<u64>,
    /// A later notice with the same one takes its place.
    pub collapse_id: Arc<str>,
}

/// A frame that was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push {
    /// A message as of a change of it.
    Message(Message),
    /// A signal.
    Signal(Signal),
}

/// What a client asks of the product.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants say what their fields are")]
pub enum Request {
    /// Send a message, perhaps with an uploaded file; the same `client_id` again is a retry.
    Send { room: RoomId, client_id: Arc<str>, content: Arc<str>, file: Option<Arc<str>> },
    /// Give an own message another text.
    Edit { room: RoomId, message: Arc<str>, content: Arc<str> },
    /// A page of the room by sequence number.
    List { room: RoomId, window: Window, limit: u32 },
    /// The messages of the room that say some plain words.
    Search { room: RoomId, text: Arc<str> },
    /// A link to a file of a message, which may be of another room than the client's.
    Link { room: RoomId, message: Arc<str>, file: Arc<str> },
    /// Everything that changed after a revision.
    Sync { room: RoomId, after: u64, limit: u32 },
    /// Delete an own message.
    Delete { room: RoomId, message: Arc<str> },
    /// Say that the room was read up to a sequence number.
    Read { room: RoomId, seq: u64 },
    /// Ask how many messages of the room are unread.
    Unread { room: RoomId },
    /// Ask how many messages are unread in all rooms; the person has this one alone.
    Total { room: RoomId },
    /// Say that the client has everything up to a sequence number.
    Delivered { room: RoomId, seq: u64 },
    /// Say that the person types in the room.
    Typing { room: RoomId },
    /// Ask which friends are online.
    Friends { room: RoomId },
    /// Block the other person of the room.
    Block { room: RoomId },
    /// Lift one's own block of the other person of the room.
    Unblock { room: RoomId },
    /// Remove a member from the group.
    Kick { room: RoomId, of: usize },
    /// Add a friend to the group.
    Add { room: RoomId, of: usize },
    /// Leave the group.
    Leave { room: RoomId },
    /// Join the group, which is public.
    Join { room: RoomId },
    /// React to a message, or take the reaction back.
    React { room: RoomId, message: Arc<str>, emoji: Arc<str>, takes_back: bool },
    /// Pin a message of the group, or unpin it.
    Pin { room: RoomId, message: Arc<str>, takes_back: bool },
    /// Send the text of a message to the room again; the same `client_id` again is a retry.
    Forward { room: RoomId, message: Arc<str>, client_id: Arc<str> },
    /// Make a member an admin, or an admin a member.
    SetRole { room: RoomId, of: usize, admin: bool },
    /// Make a member the owner.
    Transfer { room: RoomId, of: usize },
    /// Ban a person from the group.
    Ban { room: RoomId, of: usize },
    /// Lift a ban.
    Unban { room: RoomId, of: usize },
    /// Make an invite that lets one person in.
    Invite { room: RoomId },
    /// Revoke an invite.
    Revoke { room: RoomId, invite: u64 },
    /// Join the group by an invite.
    JoinBy { room: RoomId, code: Arc<str> },
    /// Exchange the session's refresh token; the same attempt again is a retry.
    Refresh { room: RoomId, attempt: Arc<str> },
    /// Have a device, by its token, notified of what the person does not see, until the session ends.
    Register { room: RoomId, device: Arc<str> },
    /// End the session that asks.
    Logout { room: RoomId },
    /// Open a socket with a ticket of the session.
    Connect { room: RoomId },
}

impl Request {
    /// The room that it is about, or that its client is in.
    pub fn room(&self) -> RoomId {
        match self {
            Self::Send { room, .. }
            | Self::Edit { room, .. }
            | Self::List { room, .. }
            | Self::Search { room, .. }
            | Self::Link { room, .. }
            | Self::Sync { room, .. }
            | Self::Delete { room, .. }
            | Self::Read { room, .. }
            | Self::Unread { room }
            | Self::Total { room }
            | Self::Delivered { room, .. }
            | Self::Typing { room }
            | Self::Friends { room }
            | Self::Block { room }
            | Self::Unblock { room }
            | Self::Kick { room, .. }
            | Self::Add { room, .. }
            | Self::Leave { room }
            | Self::Join { room }
            | Self::React { room, .. }
            | Self::Pin { room, .. }
            | Self::Forward { room, .. }
            | Self::SetRole { room, .. }
            | Self::Transfer { room, .. }
            | Self::Ban { room, .. }
            | Self::Unban { room, .. }
            | Self::Invite { room }
            | Self::Revoke { room, .. }
            | Self::JoinBy { room, .. }
            | Self::Refresh { room, .. }
            | Self::Register { room, .. }
            | Self::Logout { room }
            | Self::Connect { room } => *room,
        }
    }
}

/// Who asks: a person, through one of their sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    /// The person's number in the run.
    pub person: usize,
    /// The position in the history where the session began.
    pub session: usize,
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
    /// What a search found; `whole` if that is all.
    Found { items: Vec<Message>, whole: bool },
    /// A link, or none.
    Linked(bool),
    /// A sync's page.
    Synced(SyncPage),
    /// The room is read up to here, and so many messages are not; 100 are 100 or more.
    Read { read_seq: u64, unread: u64 },
    /// So many messages are unread, and so many show on the app's icon.
    Total { messages: u64, badge: u64 },
    /// The friends who are online.
    Online(Box<[u64]>),
    /// A block, its end, a reaction, a change of a group's members, a device, or the end of a session: it is so from now on.
    Done,
    /// The invite is made.
    Invited { invite: u64, code: Arc<str> },
    /// The socket is open and was greeted.
    Connected,
    /// Refused for good: nothing was changed.
    Refused { status: u16, code: String },
    /// No answer, or one that leaves the outcome open.
    Unknown(String),
}

/// HTTP or WebSocket.
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
    /// A group as the run begins: everybody in it, the owner first.
    Group { room: RoomId, people: Vec<Member> },
    /// A person has a new session. Its position in the history names it.
    LoggedIn { person: usize },
    /// A request left a client. Its position in the history names the call.
    Invoked { via: Via, purpose: Purpose, by: Caller, request: Request },
    /// The answer of the call that was invoked at that position.
    Answered { call: usize, answer: Answer },
    /// A frame brought a message.
    Pushed(Message),
    /// A frame brought a signal.
    Heard(Signal),
    /// A push service took something for a device.
    Notified(Notice),
    /// When nothing happens any more: whether a friend is said to be online, and whether they have a connection.
    Presence { room: RoomId, of: usize, online: bool, connected: bool },
    /// The client has caught up for the last time.
    Settled { room: RoomId, cursor: u64 },
    /// A room when nothing was running any more, read whole in one of several ways.
    Ending { room: RoomId, way: &'static str, messages: Vec<Message> },
    /// A frame arrived that the document of frames does not describe.
    Undescribed { frame: String, why: String },
    /// Long after every connection ended: how many of them are still stored, and how many people are told to be online.
    Remains { connections: u64, online: u64 },
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
/// An operation that was invoked at a higher position than another one's answer began after it.
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
    /// Adds an event that happened right now, and answers its position.
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
