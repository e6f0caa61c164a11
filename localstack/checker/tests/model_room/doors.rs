//! How clients reach the model: calls that die or lose their answer, sockets, pushes.

use std::{sync::Arc, time::Duration};

use checker::{
    doors::{Doors, Hello, Socket, Standing},
    history::{Answer, Message, Notice, Push, Request, RoomId, Signal, SignalKind},
};
use rand::RngExt;
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use super::{Asker, Live, Mistake, ModelRoom, Server};

impl ModelRoom {
    /// Pushes to every connection but the sender's: late, twice, in another order, or not at all.
    pub(super) fn push(&self, asker: Asker, message: &Message) {
        self.notify(message);
        let mut server = self.lock();
        let Server { connections, random, broken, sessions, rooms, mistake, .. } = &mut *server;
        let rights = rooms.get(&message.room).map(|room| &room.rights);
        let hears = |live: &Live| {
            let person = sessions[live.session].person;
            *mistake == Some(Mistake::RemovedHearer) || rights.is_none_or(|rights| rights.has(person))
        };
        let others = connections.iter().filter(|(number, _)| Some(**number) != asker.connection);
        for (_, live) in others.filter(|(_, live)| live.room == message.room && hears(live)) {
            let copies = if *broken { [1, 1, 1, 1, 1, 1, 0, 2][random.random_range(0..8)] } else { 1 };
            for _ in 0..copies {
                let late = if random.random_ratio(1, 10) { 1500 } else { 40 };
                let (wait, pushes, message) = (random.random_range(0..late), live.pushes.clone(), message.clone());
                tokio::spawn(async move {
                    sleep(Duration::from_millis(wait)).await;
                    pushes.send(Push::Message(message))
                });
            }
        }
    }

    /// Notifies the devices of those who have no connection of a message, once and a little later, as they are then.
    fn notify(&self, message: &Message) {
        let late = {
            let mut server = self.lock();
            if server.devices.is_empty() || message.system.is_some() || !server.notified.insert(message.id.clone()) {
                return;
            }
            server.random.random_range(0..300)
        };
        let (server, message) = (self.clone(), message.clone());
        tokio::spawn(async move {
            sleep(Duration::from_millis(late)).await;
            let mut server = server.lock();
            let Server { connections, sessions, devices, rooms, notices, mistake, .. } = &mut *server;
            let rights = rooms.get(&message.room).map(|room| &room.rights);
            let is_told = |room: RoomId, session: usize| {
                let person = sessions[session].person;
                let is_there = connections.values().any(|live| sessions[live.session].person == person);
                let is_in =
                    *mistake == Some(Mistake::NotifiedOutsiders) || rights.is_none_or(|rights| rights.has(person));
                let is_other = *mistake == Some(Mistake::NotifiedAuthor) || message.author != person;
                room == message.room && !is_there && is_in && is_other
            };
            let told = devices.iter().filter(|(_, (room, session))| is_told(*room, *session));
            notices.extend(told.map(|(device, (room, _))| Notice {
                device: Arc::clone(device),
                room: *room,
                message: Some(Arc::clone(&message.id)),
                is_alert: true,
                badge: None,
                collapse_id: Arc::clone(&message.id),
            }));
        });
    }

    /// Stores a device, and withdraws it if the session is over.
    pub(super) async fn register(&self, asker: Asker, room: RoomId, device: Arc<str>) -> Option<Answer> {
        self.lock().devices.insert(Arc::clone(&device), (room, asker.session));
        self.step().await?;
        if self.is_over(asker.session) && !self.is(Mistake::LogoutKeepsDevice) {
            self.lock().devices.remove(&device);
            return Some(super::refused(401, "unauthenticated"));
        }
        Some(Answer::Done)
    }

    /// Tells the others in the room of a signal, unless one of two has blocked the other.
    pub(super) fn tell(&self, asker: Asker, room: RoomId, kind: SignalKind) {
        let mut server = self.lock();
        let Server { connections, sessions, rooms, mistake, .. } = &mut *server;
        let is_open = *mistake == Some(Mistake::OpenSignals);
        let rights = rooms.get(&room).map(|room| &room.rights);
        if !is_open && rights.is_some_and(|rights| !rights.lets_tell(asker.person)) {
            return;
        }
        for live in connections.values().filter(|live| live.room == room) {
            let person = sessions[live.session].person;
            let is_in = is_open || rights.is_none_or(|rights| rights.has(person));
            if person != asker.person && is_in {
                let _ = live.pushes.send(Push::Signal(Signal { kind, room, of: asker.person }));
            }
        }
    }

    /// Who has a connection.
    pub(super) fn online(&self) -> Answer {
        let mut server = self.lock();
        let now: Vec<u64> = server.connections.values().map(|live| server.sessions[live.session].person).collect();
        if server.mistake != Some(Mistake::EternalPresence) {
            server.seen.clear();
        }
        server.seen.extend(now);
        Answer::Online(server.seen.iter().copied().collect())
    }

    async fn carry(&self, session: usize, connection: Option<u64>, request: &Request) -> Answer {
        let (sender, answer) = oneshot::channel();
        let asker = Asker { session, person: self.lock().sessions[session].person, connection };
        let work = self.clone().answer(asker, request.clone());
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
    session: usize,
    number: u64,
}

impl Doors for ModelRoom {
    type Session = usize;
    type Ticket = u64;
    type Socket = Connection;

    async fn login(&self, person: usize) -> Result<usize, String> {
        Ok(self.begin_session(person as u64))
    }

    async fn ask(&self, session: &usize, request: &Request) -> Answer {
        self.carry(*session, None, request).await
    }

    async fn upload(&self, _: &usize, _: &str) -> Result<Arc<str>, String> {
        self.step().await.ok_or("the function died")?;
        Ok(format!("{:032x}", self.id()).into())
    }

    fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut self.lock().notices)
    }

    async fn ticket(&self, session: &usize) -> Result<u64, String> {
        if self.is_over(*session) {
            return Err("the session is over".to_owned());
        }
        let ticket = self.id();
        self.lock().tickets.insert(ticket, *session);
        Ok(ticket)
    }

    /// Burns the ticket, makes the connection known, and withdraws if the session is over.
    async fn connect(
        &self,
        ticket: u64,
        room: RoomId,
        cursor: u64,
        pushes: mpsc::UnboundedSender<Push>,
    ) -> Result<Hello<Connection>, String> {
        let session = self.lock().tickets.remove(&ticket).ok_or("no such ticket")?;
        let number = self.id();
        {
            let mut server = self.lock();
            let person = server.sessions[session].person;
            server.seen.insert(person);
            server.connections.insert(number, Live { room, session, pushes });
        }
        let socket = Connection { server: self.clone(), session, number };
        self.step().await.ok_or("the function died")?;
        if self.is_over(session) && !self.is(Mistake::LogoutKeepsTicket) {
            return Err("the session is over".to_owned());
        }
        Ok(Hello { socket, standing: self.standing(room, cursor) })
    }
}

impl Socket for Connection {
    async fn ask(&self, request: &Request) -> Answer {
        self.server.carry(self.session, Some(self.number), request).await
    }

    async fn ping(&self, room: RoomId, cursor: u64) -> Option<Standing> {
        self.server.step().await?;
        Some(self.server.standing(room, cursor))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.server.lock().connections.remove(&self.number);
    }
}
