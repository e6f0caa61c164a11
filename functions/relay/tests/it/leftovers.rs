use domain::{
    Aggregate, Email, Fault, FriendshipStatus, Locale, MessageId, Rev, RoomId, RoomKey, SessionId, Timestamp, UserId,
    Username,
};
use mysql::{Mysql, NewSession, NewUser, Tx};
use projection::Projector;
use relay::Report;
use std::{ops::Deref, time::Duration};
use testkit::{LIFETIME, NOON, Stores, draft};
use tokio::task::JoinSet;

/// Stores with what requests left behind when they died.
pub(crate) struct Leftovers(Stores);

/// So long ago that whoever wrote then must have died.
pub(crate) fn long_ago() -> Timestamp {
    NOON.minus(Duration::from_secs(6))
}

impl Deref for Leftovers {
    type Target = Stores;

    fn deref(&self) -> &Stores {
        &self.0
    }
}

impl Leftovers {
    pub(crate) async fn new() -> Self {
        Self(Stores::new().await)
    }

    pub(crate) async fn run(&self) -> Report {
        relay::run(&self.projector()).await.unwrap()
    }

    /// Twenty runs at once.
    pub(crate) async fn run_at_once(&self) -> Vec<Result<Report, Fault>> {
        let mut runs = JoinSet::new();
        for _ in 0..20 {
            let projector = self.projector();
            runs.spawn(async move { relay::run(&projector).await });
        }
        runs.join_all().await
    }

    /// A run while MySQL is away.
    pub(crate) async fn run_without_mysql(&self) -> Result<Report, Fault> {
        let mysql = Mysql::connect("mysql://root@127.0.0.1:1/none", 1).unwrap();
        relay::run(&Projector { mysql, ..self.projector() }).await
    }

    /// Two people of whom MongoDB does not know.
    pub(crate) async fn two(&self) -> [UserId; 2] {
        [self.commit_user("minji").await, self.commit_user("junho").await]
    }

    async fn commit_user(&self, name: &str) -> UserId {
        let new = NewUser {
            email: Email::parse(&format!("{name}@example.com")).unwrap(),
            username: Username::parse(name).unwrap(),
            display_name: None,
            password_hash: String::new(),
            locale: Locale::En,
            at: NOON,
        };
        self.mysql().transact(new, insert_user).await.unwrap()
    }

    /// A room of which MongoDB does not know.
    pub(crate) async fn commit_room(&self, pair: [UserId; 2]) -> RoomId {
        self.mysql().transact(pair, insert_room).await.unwrap()
    }

    /// A room of which both stores know, and nothing else that MongoDB does not know.
    pub(crate) async fn open_room(&self, pair: [UserId; 2]) -> RoomKey {
        let room = self.commit_room(pair).await;
        self.run().await;
        RoomKey::private(room)
    }

    /// A request or friendship of which MongoDB does not know.
    pub(crate) async fn commit_friendship(&self, pair: [UserId; 2], status: FriendshipStatus) {
        self.mysql().transact((pair, status), set_friendship).await.unwrap();
    }

    /// A session that has ended, of which MongoDB does not know.
    pub(crate) async fn commit_logout(&self, user: UserId) -> SessionId {
        let id = SessionId::from_bytes([7; 16]);
        let session = NewSession { id: id.clone(), user, user_agent: None, at: NOON, expires_at: NOON.plus(LIFETIME) };
        self.mysql().transact(session, insert_ended_session).await.unwrap();
        id
    }

    /// A message that was written and never pushed.
    pub(crate) async fn leave_message(&self, room: RoomKey, user: UserId, since: Timestamp) -> (MessageId, Rev) {
        self.0.leave_message(&draft(room, user, "c", "안녕"), since).await
    }

    /// Waits until a majority knows that a message was delivered.
    pub(crate) async fn is_delivered(&self, id: MessageId) {
        let asking = async {
            while self.mongo().messages().find(id).await.unwrap().unwrap().fanout.is_some() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), asking).await.unwrap();
    }
}

async fn insert_user(tx: &mut Tx, new: NewUser) -> Result<UserId, Fault> {
    let id = tx.users().insert(new).await?.profile.id;
    tx.outbox().insert(&[Aggregate::Person(id)], NOON).await?;
    Ok(id)
}

async fn insert_room(tx: &mut Tx, pair: [UserId; 2]) -> Result<RoomId, Fault> {
    tx.users().lock_pair(pair).await?;
    let room = tx.private_rooms().insert(pair, NOON).await?;
    tx.outbox().insert(&[Aggregate::PrivateRoom(room)], NOON).await?;
    Ok(room)
}

async fn set_friendship(tx: &mut Tx, (pair, status): ([UserId; 2], FriendshipStatus)) -> Result<(), Fault> {
    tx.users().lock_pair(pair).await?;
    let between = tx.friendships().find_between(pair).await?;
    let friendship = match between {
        Some(friendship) => friendship,
        None => tx.friendships().insert(pair[0], pair[1], NOON).await?,
    };
    tx.friendships().update(&friendship.changed_to(status, pair[1], NOON)).await?;
    tx.users().raise_versions(&pair).await?;
    tx.outbox().insert(&pair.map(Aggregate::Person), NOON).await
}

async fn insert_ended_session(tx: &mut Tx, session: NewSession) -> Result<(), Fault> {
    let (id, user) = (session.id.clone(), session.user);
    tx.sessions().insert(session, "").await?;
    tx.sessions().revoke(&id, user, NOON).await?;
    tx.outbox().insert(&[Aggregate::Sessions(user)], NOON).await
}
