//! Who may do what: blocks and groups' members with their versions, sessions, tickets.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use checker::history::{Answer, RoomId, System};
use rand::RngExt;
use tokio::time::sleep;

use super::{Asker, Mistake, ModelRoom, Session, refused};

/// A room's rights as of one of their versions.
#[derive(Clone, Default)]
pub(super) struct Rights {
    version: u64,
    /// Who blocks the other person.
    blocked: BTreeSet<u64>,
    /// Who is out of the group, and whether they were removed.
    out: BTreeMap<u64, bool>,
    /// The group's admins; person 0 owns it.
    admins: BTreeSet<u64>,
}

/// A change of a group's members that has a system message.
#[derive(Clone)]
pub(super) struct Event {
    pub(super) number: u64,
    pub(super) system: System,
}

/// A change of a room's rights, and of whom.
#[derive(Clone, Copy)]
pub(super) enum Right {
    Block(u64),
    Unblock(u64),
    Kick(u64),
    Add(u64),
    Leave(u64),
    Join(u64),
    SetRole { of: u64, admin: bool },
}

impl Rights {
    /// What a change is called in a group.
    fn event(right: Right, by: u64) -> Option<System> {
        let (kind, of) = match right {
            Right::Block(_) | Right::Unblock(_) => return None,
            Right::Kick(of) => ("member_kicked", of),
            Right::Add(of) => ("member_added", of),
            Right::Leave(of) => ("member_left", of),
            Right::Join(of) => ("member_joined", of),
            Right::SetRole { of, .. } => ("role_changed", of),
        };
        Some(System { kind: kind.into(), of: Some(of), by })
    }

    fn refusal(&self, person: u64) -> Option<Answer> {
        if !self.has(person) {
            return Some(refused(404, "room_not_found"));
        }
        (!self.blocked.is_empty()).then(|| refused(403, "recipient_unavailable"))
    }

    pub(super) fn has_staff(&self, person: u64) -> bool {
        person == 0 || self.admins.contains(&person)
    }

    /// Whether somebody is in the room.
    pub(super) fn has(&self, person: u64) -> bool {
        !self.out.contains_key(&person)
    }

    /// Makes a change, or refuses it; `None` if all is so already.
    fn change(&mut self, right: Right) -> Result<Option<()>, Answer> {
        match right {
            Right::Block(person) => drop(self.blocked.insert(person)),
            Right::Unblock(person) => drop(self.blocked.remove(&person)),
            Right::Kick(person) => match self.out.get(&person) {
                Some(true) => return Ok(None),
                Some(false) => return Err(refused(404, "member_not_found")),
                None => {
                    self.out.insert(person, true);
                    self.admins.remove(&person);
                }
            },
            Right::Leave(person) => match self.out.get(&person) {
                Some(true) => return Err(refused(404, "room_not_found")),
                Some(false) => return Ok(None),
                None => {
                    self.out.insert(person, false);
                    self.admins.remove(&person);
                }
            },
            Right::SetRole { of, .. } if self.out.contains_key(&of) => return Err(refused(404, "member_not_found")),
            Right::SetRole { of, admin } if self.admins.contains(&of) == admin => return Ok(None),
            Right::SetRole { of, admin: true } => drop(self.admins.insert(of)),
            Right::SetRole { of, admin: false } => drop(self.admins.remove(&of)),
            Right::Join(person) if self.out.get(&person) == Some(&true) => {
                return Err(refused(403, "removed_from_room"));
            }
            Right::Add(person) | Right::Join(person) => match self.out.remove(&person) {
                Some(_) => {}
                None => return Ok(None),
            },
        }
        self.version += 1;
        Ok(Some(()))
    }
}

impl ModelRoom {
    /// The version of the rights by which somebody may write, or the refusal.
    ///
    /// What is remembered of them may let somebody in, since the room's head decides; only fresh rights refuse.
    pub(super) fn admit(&self, asker: Asker, room: RoomId, fresh: bool) -> Result<u64, Answer> {
        let remember = !fresh && self.lock().random.random_bool(0.5);
        self.room(room, |room| {
            if remember && room.remembered.refusal(asker.person).is_none() {
                return Ok(room.remembered.version);
            }
            room.remembered = room.rights.clone();
            room.rights.refusal(asker.person).map_or(Ok(room.rights.version), Err)
        })
    }

    /// Whether somebody is in the room.
    pub(super) fn is_in(&self, room: RoomId, person: u64) -> bool {
        self.room(room, |room| room.rights.has(person))
    }

    pub(super) fn may_read(&self, asker: Asker, room: RoomId) -> bool {
        self.is_in(room, asker.person) || self.is(Mistake::RemovedReader)
    }

    /// Lets members change who is in a group.
    pub(super) async fn change_members(&self, asker: Asker, room: RoomId, right: Right) -> Option<Answer> {
        let is_own = matches!(right, Right::Leave(_) | Right::Join(_));
        if !is_own && !self.room(room, |room| room.record.has(asker.person)) {
            return Some(refused(404, "room_not_found"));
        }
        let is_owners = matches!(right, Right::SetRole { .. });
        let may = self.room(room, |room| {
            let is_staff = room.record.has_staff(asker.person);
            is_own || if is_owners { asker.person == 0 } else { is_staff }
        });
        if !may && !self.is(Mistake::StaffForAll) {
            return Some(refused(403, "not_permitted"));
        }
        self.change_rights(asker, room, right).await
    }

    /// Commits a change of the rights, projects them, lets the head know, and answers.
    pub(super) async fn change_rights(&self, asker: Asker, room: RoomId, right: Right) -> Option<Answer> {
        let number = self.id();
        let changed = self.room(room, |room| {
            let changed = room.record.change(right)?;
            let event = changed.and_then(|()| Rights::event(right, asker.person));
            room.events.extend(event.map(|system| Event { number, system }));
            Ok(())
        });
        if let Err(refused) = changed {
            return Some(refused);
        }
        self.step().await?;
        let rights = self.room(room, |room| room.record.clone());
        self.step().await?;
        let version = rights.version;
        self.room(room, |room| {
            if room.rights.version < version {
                room.rights = rights;
            }
        });
        if self.is(Mistake::BlockBeforeAccess) {
            let late = self.clone();
            tokio::spawn(async move {
                let wait = late.lock().random.random_range(0..2000);
                sleep(Duration::from_millis(wait)).await;
                late.raise_access(room, version);
            });
            return Some(Answer::Done);
        }
        self.step().await?;
        self.raise_access(room, version);
        self.step().await?;
        self.place_events(asker, room).await?;
        Some(Answer::Done)
    }

    /// Places the system messages of a group's changes in their order, and forgets the changes.
    async fn place_events(&self, asker: Asker, room: RoomId) -> Option<()> {
        let mut events = self.room(room, |room| room.events.clone());
        if self.is(Mistake::UnorderedEvents) {
            events.reverse();
        }
        if self.is(Mistake::LostEvent) && self.lock().random.random_ratio(1, 4) {
            events.clear();
            self.room(room, |room| room.events.clear());
        }
        for event in events {
            self.step().await?;
            self.place(asker, room, &event).await?;
            self.room(room, |room| room.events.retain(|other| other.number != event.number));
        }
        Some(())
    }

    fn raise_access(&self, room: RoomId, version: u64) {
        self.room(room, |room| {
            room.head.access = room.head.access.max(version);
            room.durable = room.head.clone();
        });
    }

    pub(super) fn begin_session(&self, person: u64) -> usize {
        let mut server = self.lock();
        server.sessions.push(Session { person, over: false });
        server.sessions.len() - 1
    }

    pub(super) fn is_over(&self, session: usize) -> bool {
        self.lock().sessions[session].over
    }

    /// The refusal of who asks with a token or over a connection that is no more.
    pub(super) fn authenticate(&self, asker: Asker) -> Option<Answer> {
        match asker.connection {
            Some(number) if self.lock().connections.contains_key(&number) => None,
            Some(_) => Some(Answer::Unknown("connection_unknown".to_owned())),
            None if self.is_over(asker.session) && !self.is(Mistake::LogoutKeepsToken) => {
                Some(refused(401, "unauthenticated"))
            }
            None => None,
        }
    }

    /// Revokes the session, then ends its connections.
    pub(super) async fn log_out(&self, asker: Asker) -> Option<Answer> {
        self.lock().sessions[asker.session].over = true;
        self.step().await?;
        if !self.is(Mistake::LogoutKeepsSocket) {
            self.lock().connections.retain(|_, live| live.session != asker.session);
        }
        self.step().await?;
        Some(Answer::Done)
    }
}
