//! A small room server in memory that reserves, writes and releases, with one optional mistake.
//!
//! Time is virtual and every choice comes from the seed, so that a run is the same every time.

#![expect(clippy::result_large_err, reason = "a refusal is an answer like any")]

mod doors;
mod reads;
mod rights;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use checker::history::{Answer, Message, Notice, Push, Request, RoomId, SignalKind};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::{
    sync::mpsc,
    task,
    time::{Instant, sleep},
};

use rights::{Event, Right, Rights};
use writes::{Change, Draft};

/// An entry in flight is dropped after this long.
const TOO_OLD: Duration = Duration::from_secs(5);

/// The mistake of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The entry is released before the row is written.
    ReleaseBeforeWrite,
    /// A sync's cursor is the head's rev, whatever is in flight.
    CursorPastEntryInFlight,
    /// Nothing keeps a `client_id` from being two rows.
    NoUniqueClientId,
    /// Nothing keeps a sequence number, or a rev, from being two rows.
    NoUniqueSeq,
    /// Nothing keeps a rev from being two rows, once a crash has set the head back.
    NoUniqueRev,
    /// A release that finds no entry counts as well.
    UncountedRelease,
    /// An edit overwrites a row of a higher rev.
    UnguardedEdit,
    /// A page that was cut answers the cursor of a whole one.
    CutPageCursor,
    /// Sync reads rows before it reads the head.
    RowsBeforeHead,
    /// A retry acknowledges a row that nobody released, as it is.
    UnstampedRetry,
    /// A retry is compared with the text as it is now.
    RetryAgainstEditedText,
    /// It is acknowledged before it is written.
    AckBeforeWrite,
    /// A search leaves out the newest message that it finds.
    ForgetfulSearch,
    /// A list answers the head's rev as its cursor, read after the rows.
    ListCursorAfterRows,
    /// An edit writes over a row that was deleted meanwhile.
    RevivingEdit,
    /// An edit of a deleted message is acknowledged, with the tombstone.
    EditOfTombstone,
    /// A delete overwrites a row of a higher rev.
    UnguardedDelete,
    /// A read cursor is what was asked for last.
    FallingReadCursor,
    /// A read cursor is past the room's end if it was asked for so.
    UnclampedRead,
    /// Deleted messages count as unread.
    UnreadTombstones,
    /// A token outlives its session.
    LogoutKeepsToken,
    /// A socket outlives its session.
    LogoutKeepsSocket,
    /// A ticket outlives its session.
    LogoutKeepsTicket,
    /// A reservation ignores changes of the rights since they were read.
    UnfencedReserve,
    /// A block answers and leaves it to somebody else to let the room's head know.
    BlockBeforeAccess,
    /// A retry in a blocked room is refused without a look at what was there already.
    RefusedRetry,
    /// A `client_id` is unique only until the rights change.
    NameUntilRightsChange,
    /// Whoever was removed from a group still reads it.
    RemovedReader,
    /// Whoever was removed from a group still hears its messages.
    RemovedHearer,
    /// A change of a group's members is now and then answered without its system message.
    LostEvent,
    /// Nothing keeps a change of a group's members from having two system messages.
    EventTwice,
    /// The latest change of a group's members gets its system message first.
    UnorderedEvents,
    /// An edit forgets the reactions.
    ForgottenReactions,
    /// A reaction that is repeated counts again.
    RepeatedReaction,
    /// A deleted message keeps its reactions.
    TombstoneReactions,
    /// An edit unpins the message.
    ForgottenPin,
    /// Whoever is in a group may do everything there.
    StaffForAll,
    /// Whoever passed the group on still acts as its owner.
    OwnerKeepsRole,
    /// A ban puts out, and is forgotten.
    BanOfMembersOnly,
    /// An invite lets in anybody at any time.
    EndlessInvites,
    /// Signals go to whoever listens to the room, in it or not, blocked or not.
    OpenSignals,
    /// The badge counts what is not there.
    GrowingBadge,
    /// Who is offline is told to nobody.
    EternalPresence,
    /// A text mentions whom it calls, whether they are in or not.
    MentionOfAnybody,
    /// A forward takes the mentions along.
    ForwardedMentions,
    /// Nothing keeps an upload from being in two messages.
    UploadInTwo,
    /// A deleted message keeps its file.
    TombstoneFile,
    /// Links to files are for everybody.
    OpenLinks,
    /// Devices are notified of every message of a room that their people once used, in it or not.
    NotifiedOutsiders,
    /// A device outlives its session.
    LogoutKeepsDevice,
    /// Devices are notified of what their people wrote.
    NotifiedAuthor,
}

#[derive(Clone, Default)]
struct Head {
    seq: u64,
    rev: u64,
    access: u64,
    in_flight: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    rev: u64,
    op: u64,
    at: Instant,
}

#[derive(Clone)]
struct Row {
    message: Message,
    sent: Arc<str>,
    /// The upload that it was sent with.
    file: Option<Arc<str>>,
    /// Who reacted with what, in order.
    reactors: Vec<(Arc<str>, u64)>,
    version: u64,
    pending: bool,
    /// Its revision was in flight until its release, so that no cursor passed it.
    released: bool,
}

#[derive(Default)]
struct Room {
    head: Head,
    /// The head as of the last majority write: what a crash leaves, and what readers see.
    durable: Head,
    rows: Vec<Row>,
    read: BTreeMap<u64, u64>,
    /// The rights as they are on record, as they were projected, and as somebody remembers them.
    record: Rights,
    rights: Rights,
    remembered: Rights,
    /// Changes of a group's members whose system messages may not be placed yet, in order.
    events: Vec<Event>,
}

struct Session {
    person: u64,
    over: bool,
}

struct Live {
    room: RoomId,
    session: usize,
    pushes: mpsc::UnboundedSender<Push>,
}

struct Server {
    mistake: Option<Mistake>,
    rooms: BTreeMap<RoomId, Room>,
    sessions: Vec<Session>,
    tickets: BTreeMap<u64, usize>,
    connections: BTreeMap<u64, Live>,
    random: ChaCha8Rng,
    ids: u64,
    broken: bool,
    doomed: HashSet<task::Id>,
    /// Who has ever been online.
    seen: BTreeSet<u64>,
    /// The devices, with the room and the session that each was registered in.
    devices: BTreeMap<Arc<str>, (RoomId, usize)>,
    /// The messages that somebody was notified of.
    notified: BTreeSet<Arc<str>>,
    notices: Vec<Notice>,
}

/// The server; clones are the same one.
#[derive(Clone)]
pub(crate) struct ModelRoom(Arc<Mutex<Server>>);

/// Who asks: by which session, over which connection.
#[derive(Clone, Copy)]
struct Asker {
    session: usize,
    person: u64,
    connection: Option<u64>,
}

impl ModelRoom {
    pub(crate) fn new(seed: u64, mistake: Option<Mistake>) -> Self {
        let server = Server {
            mistake,
            rooms: BTreeMap::new(),
            sessions: Vec::new(),
            tickets: BTreeMap::new(),
            connections: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            ids: 0,
            broken: true,
            doomed: HashSet::new(),
            seen: BTreeSet::new(),
            devices: BTreeMap::new(),
            notified: BTreeSet::new(),
            notices: Vec::new(),
        };
        Self(Arc::new(Mutex::new(server)))
    }

    /// Loses what was not yet written with a majority, every `gap` milliseconds at most, and stops breaking things after `lasts`.
    pub(crate) async fn break_for(&self, lasts: Duration, gap: u64) {
        let until = Instant::now() + lasts;
        while Instant::now() < until {
            let wait = self.lock().random.random_range(10..gap);
            sleep(Duration::from_millis(wait)).await;
            for room in self.lock().rooms.values_mut() {
                room.head = room.durable.clone();
            }
        }
        self.lock().broken = false;
        sleep(Duration::from_secs(9)).await;
        self.sweep().await;
    }

    fn lock(&self) -> MutexGuard<'_, Server> {
        self.0.lock().unwrap()
    }

    fn is(&self, mistake: Mistake) -> bool {
        self.lock().mistake == Some(mistake)
    }

    fn has_unique_revs(&self) -> bool {
        !self.is(Mistake::NoUniqueRev) && !self.is(Mistake::NoUniqueSeq)
    }

    fn room<T>(&self, room: RoomId, act: impl FnOnce(&mut Room) -> T) -> T {
        act(self.lock().rooms.entry(room).or_default())
    }

    fn id(&self) -> u64 {
        let mut server = self.lock();
        server.ids += 1;
        server.ids
    }

    /// A moment between two steps, now and then a long one, often the last but one; `None` is death.
    async fn step(&self) -> Option<()> {
        let (wait, dies) = {
            let mut server = self.lock();
            let doomed = task::try_id().is_some_and(|task| server.doomed.remove(&task));
            let stopped = server.broken && server.random.random_ratio(1, 60);
            if stopped && server.random.random_bool(0.5) {
                server.doomed.extend(task::try_id());
            }
            let wait = if stopped { server.random.random_range(0..8000) } else { server.random.random_range(0..15) };
            (wait, doomed || server.broken && server.random.random_ratio(1, 60))
        };
        sleep(Duration::from_millis(wait)).await;
        (!dies).then_some(())
    }

    async fn answer(self, asker: Asker, request: Request) -> Option<Answer> {
        self.step().await?;
        if let Some(refused) = self.authenticate(asker) {
            return Some(refused);
        }
        match request {
            Request::Send { room, client_id, content, file } => {
                let (sent, mentioned) = (Arc::clone(&content), Some(Arc::clone(&content)));
                self.send(asker, room, client_id, Draft { sent, content, mentioned, from: None, file }).await
            }
            Request::Forward { room, message, client_id } => self.forward(asker, room, &message, client_id).await,
            Request::Edit { room, message, content } => self.edit(asker, room, &message, &content).await,
            Request::Delete { room, message } => self.delete(asker, room, &message).await,
            Request::Pin { room, message, takes_back } => {
                self.change(asker, room, &message, &Change::Pin { takes_back }).await
            }
            Request::SetRole { room, of, admin } => {
                self.change_members(asker, room, Right::SetRole { of: of as u64, admin }).await
            }
            Request::React { room, message, emoji, takes_back } => {
                let change = Change::Reaction { by: asker.person, emoji, takes_back };
                self.change(asker, room, &message, &change).await
            }
            Request::Link { room, message, file } => Some(self.link(asker, room, &message, &file)),
            Request::Search { room, text } => self.search(asker, room, &text).await,
            Request::List { room, window, limit } => self.list(asker, room, window, limit as usize).await,
            Request::Sync { room, after, limit } => self.sync(asker, room, after, limit as usize).await,
            Request::Read { room, seq } => {
                self.tell(asker, room, SignalKind::Receipt);
                self.read(asker, room, seq).await
            }
            Request::Unread { room } => self.read(asker, room, 0).await,
            Request::Total { room } => match self.read(asker, room, 0).await? {
                Answer::Read { unread, .. } => {
                    let badge = if self.is(Mistake::GrowingBadge) { unread + 1 } else { unread };
                    Some(Answer::Total { messages: unread, badge })
                }
                refused => Some(refused),
            },
            Request::Delivered { room, .. } => {
                self.tell(asker, room, SignalKind::Receipt);
                Some(Answer::Done)
            }
            Request::Typing { room } => {
                self.tell(asker, room, SignalKind::Typing);
                Some(Answer::Done)
            }
            Request::Friends { .. } => Some(self.online()),
            Request::Block { room } => self.change_rights(asker, room, Right::Block(asker.person)).await,
            Request::Unblock { room } => self.change_rights(asker, room, Right::Unblock(asker.person)).await,
            Request::Kick { room, of } => self.change_members(asker, room, Right::Kick(of as u64)).await,
            Request::Add { room, of } => self.change_members(asker, room, Right::Add(of as u64)).await,
            Request::Leave { room } => self.change_members(asker, room, Right::Leave(asker.person)).await,
            Request::Join { room } => self.change_members(asker, room, Right::Join(asker.person)).await,
            Request::Ban { room, of } => self.change_members(asker, room, Right::Ban(of as u64)).await,
            Request::Unban { room, of } => self.change_members(asker, room, Right::Unban(of as u64)).await,
            Request::Transfer { room, of } => {
                self.change_members(asker, room, Right::Transfer { by: asker.person, to: of as u64 }).await
            }
            Request::Invite { room } => Some(self.change_invites(asker, room, None)),
            Request::Revoke { room, invite } => Some(self.change_invites(asker, room, Some(invite))),
            Request::JoinBy { room, code } => {
                let right = Right::JoinBy { person: asker.person, invite: code.parse().unwrap_or_default() };
                self.change_members(asker, room, right).await
            }
            Request::Refresh { .. } => Some(Answer::Done),
            Request::Register { room, device } => self.register(asker, room, device).await,
            Request::Logout { .. } => self.log_out(asker).await,
            Request::Connect { .. } => None,
        }
    }
}

fn refused(status: u16, code: &str) -> Answer {
    Answer::Refused { status, code: code.to_owned() }
}
