//! A change in both stores, on real databases.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

use domain::{Access, Clock, Code, Email, Fault, Locale, Member, Role, RoomId, RoomKey, Timestamp, UserId, Username};
use mongo::Mongo;
use mysql::{Mysql, NewUser, Tx};
use projection::{Changed, Projector};
use testkit::{mongo::Database as MongoDatabase, mysql::Database as MysqlDatabase};
use tokio::task::JoinSet;

const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

struct Stores {
    projector: Projector,
    pair: [UserId; 2],
    _databases: (MysqlDatabase, MongoDatabase),
}

impl Stores {
    async fn new() -> Self {
        let (mysql, mongo) = tokio::join!(MysqlDatabase::new(), MongoDatabase::new());
        let pair = [join(&mysql.mysql, "aa").await, join(&mysql.mysql, "bb").await];
        let projector = Projector { mysql: mysql.mysql.clone(), mongo: mongo.mongo.clone() };
        Self { projector, pair, _databases: (mysql, mongo) }
    }

    fn mysql(&self) -> &Mysql {
        &self.projector.mysql
    }

    async fn known(&self, room: RoomId) -> Option<Access> {
        self.projector.mongo.find_access(RoomKey::private(room)).await.unwrap()
    }
}

async fn join(mysql: &Mysql, name: &str) -> UserId {
    let new = NewUser {
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        username: Username::parse(name).unwrap(),
        display_name: None,
        password_hash: String::new(),
        locale: Locale::En,
        at: Clock(|| NOON).now(),
    };
    mysql.users().insert(new).await.unwrap().profile.id
}

async fn open_room(tx: &mut Tx, pair: [UserId; 2]) -> Result<Changed<RoomId>, Fault> {
    tx.users().lock_pair(pair).await?;
    let room = if let Some(room) = tx.private_rooms().find_by_pair(pair).await? {
        room
    } else {
        let room = tx.private_rooms().insert(pair, NOON).await?;
        tx.outbox().insert(RoomKey::private(room), NOON).await?;
        room
    };
    Ok(Changed { room, answer: room })
}

async fn touch_room(tx: &mut Tx, room: RoomId) -> Result<Changed<()>, Fault> {
    tx.private_rooms().lock(room, NOON).await?;
    tx.outbox().insert(RoomKey::private(room), NOON).await?;
    Ok(Changed { room, answer: () })
}

#[tokio::test]
async fn a_change_is_known_to_mongodb_when_it_is_answered() {
    let stores = Stores::new().await;

    let room = stores.projector.change(stores.pair, open_room).await.unwrap();

    let members = stores.pair.map(|user| Member { user, role: Role::Member }).to_vec();
    assert_eq!(stores.known(room).await, Some(Access { room: RoomKey::private(room), version: 1, members }));
    assert_eq!(stores.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn what_died_between_commit_and_projection_is_mended_by_the_same_request() {
    let stores = Stores::new().await;
    let committed = stores.mysql().transact(stores.pair, open_room).await.unwrap().room;
    assert_eq!(stores.known(committed).await, None);
    assert_eq!(stores.mysql().outbox().count().await.unwrap(), 1);

    let again = stores.projector.change(stores.pair, open_room).await.unwrap();

    assert_eq!(again, committed);
    assert!(stores.known(committed).await.is_some());
    assert_eq!(stores.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_change_that_mongodb_did_not_learn_is_no_success_and_is_not_forgotten() {
    let stores = Stores::new().await;
    let away = Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();
    let cut_off = Projector { mongo: away, ..stores.projector.clone() };

    let fault = cut_off.change(stores.pair, open_room).await.unwrap_err();

    assert_eq!(fault.code, Code::Unavailable);
    assert_eq!(stores.mysql().outbox().count().await.unwrap(), 1);
}

#[tokio::test]
async fn projecting_again_changes_nothing() {
    let stores = Stores::new().await;
    let room = stores.projector.change(stores.pair, open_room).await.unwrap();
    let before = stores.known(room).await;

    stores.projector.project_private_room(room).await.unwrap();
    stores.projector.project_private_room(RoomId(room.0 + 1)).await.unwrap();

    assert_eq!(stores.known(room).await, before);
    assert_eq!(stores.known(RoomId(room.0 + 1)).await, None);
}

#[tokio::test]
async fn changes_at_once_leave_the_newest_version() {
    let stores = Stores::new().await;
    let room = stores.projector.change(stores.pair, open_room).await.unwrap();
    let mut changes = JoinSet::new();
    for _ in 0..20 {
        let projector = stores.projector.clone();
        changes.spawn(async move { projector.change(room, touch_room).await });
    }

    changes.join_all().await.into_iter().for_each(Result::unwrap);

    assert_eq!(stores.known(room).await.unwrap().version, 21);
    assert_eq!(stores.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_late_projection_of_an_older_version_is_ignored() {
    let stores = Stores::new().await;
    let room = stores.projector.change(stores.pair, open_room).await.unwrap();
    let old = stores.mysql().private_rooms().find_snapshot(room).await.unwrap().unwrap().access;
    stores.projector.change(room, touch_room).await.unwrap();

    stores.projector.mongo.project_room(&Access { members: Vec::new(), ..old }).await.unwrap();

    let known = stores.known(room).await.unwrap();
    assert_eq!((known.version, known.members.len()), (2, 2));
}

#[tokio::test]
async fn of_two_first_projections_at_once_the_newer_stays() {
    let stores = Stores::new().await;
    let mongo = &stores.projector.mongo;
    for id in 1..=100 {
        let older = Access { room: RoomKey::private(RoomId(id)), version: 1, members: Vec::new() };
        let newer = Access { version: 2, ..older.clone() };

        let (one, two) = tokio::join!(mongo.project_room(&older), mongo.project_room(&newer));

        one.and(two).unwrap();
        assert_eq!(stores.known(RoomId(id)).await.unwrap().version, 2, "room {id}");
    }
}
