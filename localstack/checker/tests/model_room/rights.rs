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
    /// Who is banned; they are out as well.
    banned: BTreeSet<u64>,
    /// Who owns the group.
    owner: u64,
    /// The group's admins.
    admins: BTreeSet<u64>,
    /// The makers of the invites that are open.
    invites: BTreeMap<u64, u64>,
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
    JoinBy { person: u64, invite: u64 },
    Ban(u64),
    Unban(u64),
    SetRole { of: u64, admin: bool },
    Transfer { by: u64, to: u64 },
}

impl Rights {
    /// What a change is called in a group.
    fn event(right: Right, by: u64) -> Option<System> {
        let (kind, of) = match right {
            Right::Block(_) | Right::Unblock(_) | Right::Unban(_) => return None,
            Right::Kick(of) => ("member_kicked", of),
            Right::Add(of) => ("member_added", of),
            Right::Leave(of) => ("member_left", of),
            Right::Join(of) | Right::JoinBy { person: of, .. } => ("member_joined", of),
            Right::Ban(of) => ("member_banned", of),
            Right::Transfer { to, .. } => ("owner_changed", to),
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
        self.owns(person) || self.admins.contains(&person)
    }

    /// Whether others hear of what somebody does here.
    pub(super) fn lets_tell(&self, person: u64) -> bool {
        self.has(person) && self.blocked.is_empty()
    }

    fn owns(&self, person: u64) -> bool {
        self.owner == person
    }

    /// Whether an admin is one no more: their invites are over.
    fn dismiss(&mut self, person: u64) {
        self.admins.remove(&person);
        self.invites.retain(|_, maker| *maker != person);
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
            Right::Kick(of) | Right::Ban(of) if self.owns(of) => return Err(refused(403, "not_permitted")),
            Right::Leave(of) if self.owns(of) => return Err(refused(409, "owner_must_transfer")),
            Right::SetRole { of, .. } if self.owns(of) => return Err(refused(403, "not_permitted")),
            Right::Add(of) if self.banned.contains(&of) => return Err(refused(409, "user_banned")),
            Right::Ban(of) if !self.banned.insert(of) => return Ok(None),
            Right::Ban(of) => {
                self.out.insert(of, true);
                self.dismiss(of);
            }
            Right::Unban(of) if self.banned.remove(&of) => {}
            Right::Unban(of) if self.out.get(&of) == Some(&true) => return Ok(None),
            Right::Unban(_) => return Err(refused(404, "member_not_found")),
            Right::Transfer { to, .. } if self.out.contains_key(&to) => return Err(refused(404, "member_not_found")),
            Right::Transfer { by, to } if self.owns(to) && self.has_staff(by) => return Ok(None),
            Right::Transfer { by, .. } if !self.owns(by) => return Err(refused(403, "not_permitted")),
            Right::Transfer { by, to } => {
                self.admins.remove(&to);
                self.admins.insert(by);
                self.owner = to;
            }
            Right::JoinBy { person, .. } if self.has(person) => return Ok(None),
            Right::JoinBy { invite, .. } if !self.invites.contains_key(&invite) => {
                return Err(refused(404, "invite_not_found"));
            }
            Right::JoinBy { person, .. } if self.out.get(&person) == Some(&true) => {
                return Err(refused(403, "removed_from_room"));
            }
            Right::JoinBy { person, invite } => {
                self.out.remove(&person);
                self.invites.remove(&invite);
            }
            Right::Kick(person) => match self.out.get(&person) {
                Some(true) => return Ok(None),
                Some(false) => return Err(refused(404, "member_not_found")),
                None => {
                    self.out.insert(person, true);
                    self.dismiss(person);
                }
            },
            Right::Leave(person) => match self.out.get(&person) {
                Some(true) => return Err(refused(404, "room_not_found")),
                Some(false) => return Ok(None),
                None => {
                    self.out.insert(person, false);
                    self.dismiss(person);
                }
            },
            Right::SetRole { of, .. } if self.out.contains_key(&of) => return Err(refused(404, "member_not_found")),
            Right::SetRole { of, admin } if self.admins.contains(&of) == admin => return Ok(None),
            Right::SetRole { of, admin: true } => drop(self.admins.insert(of)),
            Right::SetRole { of, admin: false } => self.dismiss(of),
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
        let is_own = matches!(right, Right::Leave(_) | Right::Join(_) | Right::JoinBy { .. });
        if !is_own && !self.room(room, |room| room.record.has(asker.person)) {
            return Some(refused(404, "room_not_found"));
        }
        let keeps_role = self.is(Mistake::OwnerKeepsRole) && asker.person == 0;
        let may = self.room(room, |room| match right {
            Right::Leave(_) | Right::Join(_) | Right::JoinBy { .. } | Right::Transfer { .. } => true,
            Right::SetRole { .. } => keeps_role || room.record.owns(asker.person),
            _ => room.record.has_staff(asker.person),
        });
        if !may && !self.is(Mistake::StaffForAll) {
            return Some(refused(403, "not_permitted"));
        }
        self.change_rights(asker, room, right).await
    }

    /// Makes an invite for one person, or revokes it.
    pub(super) fn change_invites(&self, asker: Asker, room: RoomId, revoked: Option<u64>) -> Answer {
        let invite = self.id();
        let staff_for_all = self.is(Mistake::StaffForAll);
        self.room(room, |room| {
            if !room.record.has(asker.person) {
                return refused(404, "room_not_found");
            }
            if !room.record.has_staff(asker.person) && !staff_for_all {
                return refused(403, "not_permitted");
            }
            if let Some(revoked) = revoked {
                room.record.invites.remove(&revoked);
                return Answer::Done;
            }
            room.record.invites.insert(invite, asker.person);
            Answer::Invited { invite, code: invite.to_string().into() }
        })
    }

    /// Whom a text calls, of those who are in.
    pub(super) fn mentioned(&self, room: RoomId, text: &str) -> Box<[u64]> {
        let anybody = self.is(Mistake::MentionOfAnybody);
        self.room(room, |room| {
            let called = text.split_whitespace().filter_map(|word| word.strip_prefix("@p")?.parse().ok());
            called.filter(|person| anybody || room.rights.has(*person)).collect()
        })
    }

    /// Commits a change of the rights, projects them, lets the head know, and answers.
    pub(super) async fn change_rights(&self, asker: Asker, room: RoomId, right: Right) -> Option<Answer> {
        let number = self.id();
        let (no_bans, keeps_invites) = (self.is(Mistake::BanOfMembersOnly), self.is(Mistake::EndlessInvites));
        let changed = self.room(room, |room| {
            let invites = room.record.invites.clone();
            // Who is out already is banned without a word.
            let is_silent = matches!(right, Right::Ban(of) if !room.record.has(of));
            if no_bans {
                room.record.banned.clear();
            }
            let changed = room.record.change(right)?;
            if keeps_invites {
                room.record.invites = invites;
            }
            let event = changed.filter(|()| !is_silent).and_then(|()| Rights::event(right, asker.person));
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
        if !self.is(Mistake::LogoutKeepsDevice) {
            self.lock().devices.retain(|_, (_, session)| *session != asker.session);
        }
        self.step().await?;
        Some(Answer::Done)
    }
}
