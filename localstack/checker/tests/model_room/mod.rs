//! A small room server in memory that reserves, writes and releases, and can be told to do one thing wrong.
//!
//! Time is virtual and every choice comes from the seed, so that a run is the same every time.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use checker::doors::{Doors, Hello, Socket};
use checker::history::{Answer, Message, Page, Request, RoomId, SyncPage, Window};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::{mpsc, oneshot};
use tokio::task;
use tokio::time::{Instant, sleep};

/// An entry in flight is dropped after this long.
const TOO_OLD: Duration = Duration::from_secs(5);

/// What the server does wrong.
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
    /// A list answers the head's rev as its cursor, read after the rows.
    ListCursorAfterRows,
}

#[derive(Clone, Default)]
struct Head {
    seq: u64,
    rev: u64,
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
    pending: bool,
}

#[derive(Default)]
struct Room {
    head: Head,
    /// The head as of the last majority write: what a crash leaves, and what readers see.
    durable: Head,
    rows: Vec<Row>,
    sockets: BTreeMap<u64, mpsc::UnboundedSender<Message>>,
}

struct Server {
    mistake: Option<Mistake>,
    rooms: BTreeMap<RoomId, Room>,
    random: ChaCha8Rng,
    ids: u64,
    broken: bool,
    doomed: HashSet<task::Id>,
}

/// The server; clones are the same one.
#[derive(Clone)]
pub(crate) struct ModelRoom(Arc<Mutex<Server>>);

enum Written {
    Ok(Message),
    Duplicate,
    Lost,
}

impl ModelRoom {
    pub(crate) fn new(seed: u64, mistake: Option<Mistake>) -> Self {
        let server = Server {
            mistake,
            rooms: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            ids: 0,
            broken: true,
            doomed: HashSet::new(),
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

    async fn answer(self, person: u64, connection: Option<u64>, request: Request) -> Option<Answer> {
        self.step().await?;
        match request {
            Request::Send { room, client_id, content } => self.send(person, connection, room, client_id, content).await,
            Request::Edit { room, message, content } => self.edit(connection, room, &message, &content).await,
            Request::List { room, window, limit } => self.list(room, window, limit as usize).await,
            Request::Sync { room, after, limit } => self.sync(room, after, limit as usize).await,
        }
    }

    async fn send(
        &self,
        person: u64,
        connection: Option<u64>,
        room: RoomId,
        client_id: Arc<str>,
        content: Arc<str>,
    ) -> Option<Answer> {
        loop {
            let op = self.id();
            let (seq, rev) = self.reserve(room, op, 1, 0, 0);
            self.step().await?;
            if self.is(Mistake::ReleaseBeforeWrite) {
                self.release(room, op);
                self.step().await?;
            }
            let id = format!("{:024x}", self.id()).into();
            let message = Message {
                id,
                room,
                seq,
                rev,
                author: person,
                client_id: Some(Arc::clone(&client_id)),
                content: Arc::clone(&content),
            };
            if self.is(Mistake::AckBeforeWrite) {
                let (late, lost) = (self.clone(), message.clone());
                tokio::spawn(async move {
                    late.step().await?;
                    late.insert(lost);
                    late.release(room, op).then_some(())
                });
                return Some(Answer::Ack { message, dup: Some(false) });
            }
            match self.insert(message) {
                Written::Ok(message) => return self.publish(connection, op, message, Some(false)).await,
                Written::Lost => drop(self.release(room, op)),
                Written::Duplicate => {
                    self.release(room, op);
                    self.step().await?;
                    return self.again(connection, room, &client_id, &content).await;
                }
            }
            self.step().await?;
        }
    }

    /// A retry: the row as it is, stamped if nobody knows whether it was released.
    async fn again(&self, connection: Option<u64>, room: RoomId, client_id: &str, content: &str) -> Option<Answer> {
        let same = |row: &&Row| row.message.client_id.as_deref() == Some(client_id);
        let row = self.room(room, |room| room.rows.iter().find(same).cloned())?;
        let first = if self.is(Mistake::RetryAgainstEditedText) { &row.message.content } else { &row.sent };
        if **first != *content {
            return Some(Answer::Refused { status: 409, code: "client_id_reused".to_owned() });
        }
        if !row.pending || self.is(Mistake::UnstampedRetry) {
            return Some(Answer::Ack { message: row.message, dup: Some(true) });
        }
        let message = self.stamp(room, &row.message.id).await?;
        self.push(connection, &message);
        Some(Answer::Ack { message, dup: Some(true) })
    }

    async fn edit(&self, connection: Option<u64>, room: RoomId, id: &str, content: &Arc<str>) -> Option<Answer> {
        loop {
            let op = self.id();
            let (_, rev) = self.reserve(room, op, 0, 0, 0);
            self.step().await?;
            if self.is(Mistake::ReleaseBeforeWrite) {
                self.release(room, op);
                self.step().await?;
            }
            let guarded = !self.is(Mistake::UnguardedEdit);
            let by_rev = self.has_unique_revs();
            let written = self.room(room, |room| {
                let taken = by_rev && room.rows.iter().any(|row| row.message.rev == rev);
                let row = room.rows.iter_mut().find(|row| *row.message.id == *id)?;
                if taken || guarded && row.message.rev >= rev {
                    return Some(None);
                }
                row.message.rev = rev;
                row.message.content = Arc::clone(content);
                row.pending = true;
                let image = row.message.clone();
                room.durable = room.head.clone();
                Some(Some(image))
            });
            match written {
                Some(Some(message)) => return self.publish(connection, op, message, None).await,
                Some(None) => self.release(room, op),
                None => return Some(Answer::Refused { status: 404, code: "message_not_found".to_owned() }),
            };
            self.step().await?;
        }
    }

    /// Releases until it counts, then pushes and answers.
    async fn publish(&self, connection: Option<u64>, op: u64, message: Message, dup: Option<bool>) -> Option<Answer> {
        self.step().await?;
        let unchecked = self.is(Mistake::UncountedRelease) || self.is(Mistake::ReleaseBeforeWrite);
        let message = if self.release(message.room, op) || unchecked {
            message
        } else {
            self.stamp(message.room, &message.id).await?
        };
        self.step().await?;
        self.push(connection, &message);
        self.step().await?;
        self.room(message.room, |room| {
            for row in room.rows.iter_mut().filter(|row| row.message.id == message.id && row.message.rev == message.rev)
            {
                row.pending = false;
            }
        });
        Some(Answer::Ack { message, dup })
    }

    async fn stamp(&self, room: RoomId, id: &str) -> Option<Message> {
        loop {
            let op = self.id();
            let row = self.room(room, |room| room.rows.iter().find(|row| *row.message.id == *id).cloned())?;
            let (_, rev) = self.reserve(room, op, 0, row.message.seq, row.message.rev);
            self.step().await?;
            let by_rev = self.has_unique_revs();
            let stamped = self.room(room, |room| {
                if by_rev && room.rows.iter().any(|row| row.message.rev == rev) {
                    return None;
                }
                let row = room.rows.iter_mut().find(|row| *row.message.id == *id && row.message.rev < rev)?;
                row.message.rev = rev;
                row.pending = true;
                let image = row.message.clone();
                room.durable = room.head.clone();
                Some(image)
            });
            self.step().await?;
            let counted = self.release(room, op);
            if let Some(message) = stamped.filter(|_| counted) {
                return Some(message);
            }
        }
    }

    fn reserve(&self, room: RoomId, op: u64, messages: u64, seq: u64, rev: u64) -> (u64, u64) {
        self.room(room, |room| {
            let head = &mut room.head;
            head.seq = head.seq.max(seq) + messages;
            head.rev = head.rev.max(rev) + 1;
            head.in_flight.retain(|entry| entry.at.elapsed() < TOO_OLD);
            head.in_flight.push(Entry { rev: head.rev, op, at: Instant::now() });
            (head.seq, head.rev)
        })
    }

    fn release(&self, room: RoomId, op: u64) -> bool {
        self.room(room, |room| {
            let before = room.head.in_flight.len();
            room.head.in_flight.retain(|entry| entry.op != op);
            room.head.in_flight.len() < before
        })
    }

    fn insert(&self, message: Message) -> Written {
        let by_name = !self.is(Mistake::NoUniqueClientId);
        let by_seq = !self.is(Mistake::NoUniqueSeq);
        let by_rev = self.has_unique_revs();
        self.room(message.room, |room| {
            if by_name && room.rows.iter().any(|row| row.message.client_id == message.client_id) {
                return Written::Duplicate;
            }
            let taken =
                |row: &Row| by_seq && row.message.seq == message.seq || by_rev && row.message.rev == message.rev;
            if room.rows.iter().any(taken) {
                return Written::Lost;
            }
            room.rows.push(Row { message: message.clone(), sent: Arc::clone(&message.content), pending: true });
            room.rows.sort_by_key(|row| row.message.seq);
            room.durable = room.head.clone();
            Written::Ok(message)
        })
    }

    /// The head as a majority has it, some time after the last write.
    fn head(&self, room: RoomId) -> Head {
        let caught_up = self.lock().random.random_ratio(2, 3);
        self.room(room, |room| {
            if caught_up {
                room.durable = room.head.clone();
            }
            if room.durable.in_flight.iter().any(|entry| entry.at.elapsed() >= TOO_OLD) {
                room.head.in_flight.retain(|entry| entry.at.elapsed() < TOO_OLD);
                room.durable = room.head.clone();
            }
            room.durable.clone()
        })
    }

    fn safe(&self, head: &Head) -> u64 {
        let lowest =
            head.in_flight.iter().map(|entry| entry.rev).min().filter(|_| !self.is(Mistake::CursorPastEntryInFlight));
        lowest.map_or(head.rev, |rev| rev - 1)
    }

    async fn list(&self, room: RoomId, window: Window, limit: usize) -> Option<Answer> {
        let mut head = self.head(room);
        self.step().await?;
        let rows: Vec<Message> = self.room(room, |room| room.rows.iter().map(|row| row.message.clone()).collect());
        if self.is(Mistake::ListCursorAfterRows) {
            self.step().await?;
            head = self.head(room);
        }
        let place = |bound: u64| rows.partition_point(|row| row.seq < bound);
        let (from, to) = match window {
            Window::Newest => (rows.len().saturating_sub(limit), rows.len()),
            Window::Before(bound) => (place(bound).saturating_sub(limit), place(bound)),
            Window::After(bound) => (place(bound + 1), (place(bound + 1) + limit).min(rows.len())),
            Window::Around(bound) => {
                let from = place(bound).saturating_sub(limit / 2);
                (from, (from + limit).min(rows.len()))
            }
        };
        let items = rows[from..to].to_vec();
        Some(Answer::Page(Page { items, has_before: from > 0, has_after: to < rows.len(), cursor: self.safe(&head) }))
    }

    async fn sync(&self, room: RoomId, after: u64, limit: usize) -> Option<Answer> {
        let read = || self.room(room, |room| room.rows.iter().map(|row| row.message.clone()).collect::<Vec<_>>());
        let early = read();
        if self.is(Mistake::RowsBeforeHead) {
            self.step().await?;
        }
        let head = self.head(room);
        let safe = self.safe(&head);
        self.step().await?;
        let rows = if self.is(Mistake::RowsBeforeHead) { early } else { read() };
        let mut items: Vec<Message> = rows.into_iter().filter(|row| row.rev > after && row.rev <= safe).collect();
        items.sort_by_key(|row| row.rev);
        let cut = items.len() > limit;
        items.truncate(limit);
        let last = items.last().map_or(safe, |item| item.rev);
        let cursor = if cut && !self.is(Mistake::CutPageCursor) { last } else { safe };
        Some(Answer::Synced(SyncPage { items, cursor, head: head.rev, more: cut }))
    }

    /// Pushes to every connection but the sender's: late, twice, in another order, or not at all.
    fn push(&self, connection: Option<u64>, message: &Message) {
        let mut server = self.lock();
        let Server { rooms, random, broken, .. } = &mut *server;
        let Some(room) = rooms.get(&message.room) else { return };
        for (_, socket) in room.sockets.iter().filter(|(number, _)| Some(**number) != connection) {
            let copies = if *broken { [1, 1, 1, 1, 1, 1, 0, 2][random.random_range(0..8)] } else { 1 };
            for _ in 0..copies {
                let late = if random.random_ratio(1, 10) { 1500 } else { 40 };
                let (wait, socket, message) = (random.random_range(0..late), socket.clone(), message.clone());
                tokio::spawn(async move {
                    sleep(Duration::from_millis(wait)).await;
                    socket.send(message)
                });
            }
        }
    }

    async fn carry(&self, person: usize, connection: Option<u64>, request: &Request) -> Answer {
        let (sender, answer) = oneshot::channel();
        let work = self.clone().answer(person as u64, connection, request.clone());
        let lost = {
            let mut server = self.lock();
            server.broken && server.random.random_ratio(1, 30)
        };
        tokio::spawn(async move { work.await.filter(|_| !lost).map(|answer| sender.send(answer)) });
        answer.await.unwrap_or_else(|_| Answer::Unknown("the function died or its answer was lost".to_owned()))
    }
}

pub(crate) struct Connection {
    server: ModelRoom,
    person: usize,
    room: RoomId,
    number: u64,
}

impl Doors for ModelRoom {
    type Socket = Connection;

    async fn ask(&self, person: usize, request: &Request) -> Answer {
        self.carry(person, None, request).await
    }

    async fn connect(
        &self,
        person: usize,
        room: RoomId,
        cursor: u64,
        pushes: mpsc::UnboundedSender<Message>,
    ) -> Result<Hello<Connection>, String> {
        let number = self.id();
        self.room(room, |room| room.sockets.insert(number, pushes));
        let socket = Connection { server: self.clone(), person, room, number };
        self.step().await.ok_or("the function died")?;
        Ok(Hello { socket, ahead: self.head(room).rev > cursor })
    }
}

impl Socket for Connection {
    async fn ask(&self, request: &Request) -> Answer {
        self.server.carry(self.person, Some(self.number), request).await
    }

    async fn ping(&self) -> bool {
        self.server.step().await.is_some()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.server.room(self.room, |room| room.sockets.remove(&self.number));
    }
}
