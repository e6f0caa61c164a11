//! Who may do what: blocks with their versions, sessions, tickets.

use std::{collections::BTreeSet, time::Duration};

use checker::history::{Answer, RoomId};
use rand::RngExt;
use tokio::time::sleep;

use super::{Asker, Mistake, ModelRoom, Session, refused};

/// A room's rights as of one of their versions.
#[derive(Clone, Default)]
pub(super) struct Rights {
    version: u64,
    /// Who blocks the other person.
    blocked: BTreeSet<u64>,
}

impl ModelRoom {
    /// The version of the rights by which somebody may write, or the refusal.
    ///
    /// What is remembered of them may let somebody in, since the room's head decides; only fresh rights refuse.
    pub(super) fn admit(&self, room: RoomId, fresh: bool) -> Result<u64, Answer> {
        let remember = !fresh && self.lock().random.random_bool(0.5);
        self.room(room, |room| {
            if remember && room.remembered.blocked.is_empty() {
                return Ok(room.remembered.version);
            }
            room.remembered = room.rights.clone();
            if room.rights.blocked.is_empty() {
                Ok(room.rights.version)
            } else {
                Err(refused(403, "recipient_unavailable"))
            }
        })
    }

    /// Commits a change of the rights, projects them, lets the head know, and answers.
    pub(super) async fn change_rights(
        &self,
        room: RoomId,
        change: impl FnOnce(&mut BTreeSet<u64>) -> bool,
    ) -> Option<Answer> {
        self.room(room, |room| {
            room.record.version += 1;
            change(&mut room.record.blocked);
        });
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
        Some(Answer::Done)
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
