use crate::Projector;
use domain::{Aggregate, Fault, OrLog as _, RoomId, Timestamp, UserId};
use futures_util::future::{try_join, try_join_all};
use mongo::GroupRights;
use mysql::{Ended, GroupSnapshot, OutboxId, PersonSnapshot, Snapshot, Tx};
use std::{collections::HashMap, time::Duration};
use tracing::error;

/// How far the clock that lets the end of sessions expire may be ahead of the one by which tokens do.
pub(crate) const CLOCKS_DIFFER: Duration = Duration::from_mins(1);

/// The versions in which people are known to MongoDB.
pub(crate) type Versions = HashMap<UserId, i64>;

impl Projector {
    /// Brings MongoDB to the newest committed state of each, all at the same time; see `project`.
    pub(crate) async fn project_all(&self, touched: &[Aggregate]) -> Result<Versions, Fault> {
        let versions = try_join_all(touched.iter().map(|aggregate| self.project_version(*aggregate))).await?;
        Ok(versions.into_iter().flatten().collect())
    }

    /// Brings MongoDB to the newest state of those of some aggregates that a request found unchanged and whose change may not be
    /// projected yet: whoever repeats a request is answered when it has taken effect.
    pub async fn catch_up(&self, found: &[Aggregate]) -> Result<(), Fault> {
        let waiting = self.mysql.outbox().list_waiting(found).await?;
        self.project_all(&waiting).await.map(drop)
    }

    /// Brings MongoDB to the newest committed state of an aggregate. Safe to repeat, and for two at once.
    pub async fn project(&self, aggregate: Aggregate) -> Result<(), Fault> {
        // Boxed, or the futures of functions that call it nest too deep for the compiler.
        Box::pin(self.project_version(aggregate)).await.map(drop)
    }

    async fn project_version(&self, aggregate: Aggregate) -> Result<Option<(UserId, i64)>, Fault> {
        match aggregate {
            Aggregate::PrivateRoom(room) => self.project_private_room(room).await.map(|()| None),
            Aggregate::GroupRoom(room) => self.project_group_room(room).await.map(|()| None),
            Aggregate::Person(user) => self.project_person(user).await.map(|version| version.map(|it| (user, it))),
            Aggregate::Sessions(user) => self.project_sessions(user).await.map(|()| None),
        }
    }

    async fn project_private_room(&self, room: RoomId) -> Result<(), Fault> {
        let snapshot = self.mysql.private_rooms().find_snapshot(room).await?;
        let Some(Snapshot { access, created_at, outbox }) = snapshot else {
            return self.mysql.outbox().remove_all(Aggregate::PrivateRoom(room)).await;
        };
        let projected = self.mongo.rooms().project(&access, created_at).await?;
        if projected > access.version {
            let newest = self.mysql.private_rooms().find_snapshot(room).await?;
            if is_restored(Aggregate::PrivateRoom(room), projected, newest.map(|it| it.access.version)) {
                return Ok(());
            }
        }
        self.forget(&outbox).await;
        Ok(())
    }

    /// The rights first: a message that begins after the answer finds those of after the change. Then the system messages.
    async fn project_group_room(&self, room: RoomId) -> Result<(), Fault> {
        let snapshot = self.mysql.groups().find_snapshot(room).await?;
        let Some(GroupSnapshot { access, name, wide_mentions, is_public, picture, created_at, events, outbox }) =
            snapshot
        else {
            return self.mysql.outbox().remove_all(Aggregate::GroupRoom(room)).await;
        };
        let picture = picture.as_ref();
        let group = GroupRights { access: &access, name: &name, wide_mentions, is_public, picture };
        let projected = self.mongo.rooms().project_group(group, created_at).await?;
        if projected > access.version {
            let newest = self.mysql.groups().find_snapshot(room).await?;
            if is_restored(Aggregate::GroupRoom(room), projected, newest.map(|it| it.access.version)) {
                return Ok(());
            }
        }
        self.place_events(room, &events).await?;
        self.forget(&outbox).await;
        Ok(())
    }

    /// An account that is not active closes its rooms and takes its sessions with it. When it is active again its rooms open; its
    /// sessions stay ended, as their tokens are refused.
    async fn project_person(&self, user: UserId) -> Result<Option<i64>, Fault> {
        let (snapshot, was_inactive) =
            try_join(self.mysql.users().find_snapshot(user), self.mongo.people().is_inactive(user)).await?;
        let Some(PersonSnapshot { person, outbox }) = snapshot else {
            return self.mysql.outbox().remove_all(Aggregate::Person(user)).await.map(|()| None);
        };
        if person.is_active == was_inactive {
            // Before MongoDB learns of it, so that the next projection repeats it after a crash; `relay` projects the rooms.
            Box::pin(self.mysql.transact((user, self.clock.now()), raise_rooms)).await?;
        }
        let projected = self.mongo.people().project(&person).await?;
        if !person.is_active {
            self.mysql.transact((user, self.clock.now()), end_all).await?;
            self.project_sessions(user).await?;
        }
        if projected > person.version {
            let newest = self.mysql.users().find_snapshot(user).await?;
            if is_restored(Aggregate::Person(user), projected, newest.map(|it| it.person.version)) {
                return Ok(Some(person.version));
            }
        }
        self.forget(&outbox).await;
        Ok(Some(person.version))
    }

    /// Refuses the access tokens of sessions that ended and may have some that live, *then* ends the connections and devices of all
    /// that are over, in one causal session; a connection that opens or a device that registers meanwhile reads the person's gate
    /// after it is listed, so that one of the two sees the other. One write of the gate, however many sessions there were.
    async fn project_sessions(&self, user: UserId) -> Result<(), Fault> {
        let now = self.clock.now();
        let alive = self.token_lifetime + CLOCKS_DIFFER;
        let Ended { sessions, outbox } = self.mysql.sessions().list_ended(user, now.minus(alive)).await?;
        let mut causal = self.mongo.causal().await?;
        self.mongo.gates().end_sessions_in(&mut causal, user, &sessions, now.plus(alive)).await?;
        let ever = Timestamp::from_millis(0);
        let mut over = self.mongo.connections().list_of_people_in(&mut causal, &[user], ever).await?;
        let mut notified = self.mongo.devices().list_sessions_in(&mut causal, user).await?;
        if !over.is_empty() || !notified.is_empty() {
            // Read after the connections and devices: a session that began meanwhile is among these.
            let live = self.mysql.sessions().list_live(user, now).await?;
            notified.retain(|session| !live.contains(session));
            let notified: Vec<_> = notified.into_iter().collect();
            self.mongo.devices().remove_of_sessions(user, &notified).await?;
            over.retain(|connection| !live.contains(&connection.session));
            self.announcer.end_sessions(&over).await?;
        }
        self.forget(&outbox).await;
        Ok(())
    }

    async fn forget(&self, outbox: &[OutboxId]) {
        // What stays is projected once more, which changes nothing.
        self.mysql.outbox().remove(outbox).await.or_log("forget outbox rows");
    }
}

async fn raise_rooms(tx: &mut Tx, (user, at): (UserId, Timestamp)) -> Result<(), Fault> {
    tx.private_rooms().lock_of(user, at).await
}

/// Whether MySQL lost a version that MongoDB has. MySQL must be read after MongoDB: a version is committed before it is projected.
/// The outbox rows then stay, so that `relay` logs it again.
fn is_restored(aggregate: Aggregate, projected: i64, newest: Option<i64>) -> bool {
    let is_restored = newest.is_some_and(|newest| newest < projected);
    if is_restored {
        error!(
            ?aggregate,
            projected,
            ?newest,
            "MongoDB has a newer version than MySQL, whose changes are not enforced: was MySQL restored from a backup?"
        );
    }
    is_restored
}

async fn end_all(tx: &mut Tx, (user, at): (UserId, Timestamp)) -> Result<(), Fault> {
    tx.sessions().revoke_of_inactive(user, at).await
}
