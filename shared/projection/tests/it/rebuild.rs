use crate::stores::{NOON, Stores, join, note, open_room, touch_people};
use domain::{
    Access, Aggregate, Code, Fault, Member, Person, Role, RoomId, RoomKey, RoomKind, SessionId, Timestamp, UserId,
};
use mysql::Tx;
use projection::{Cursor, Rebuilt};
use std::time::Duration;
use testkit::mongo::refuse;
use tokio::task::JoinSet;

/// A version that MySQL had before it was restored.
const LOST: i64 = 1_000;

async fn end_session(tx: &mut Tx, (id, user): (SessionId, UserId)) -> Result<bool, Fault> {
    tx.sessions().revoke(&id, user, NOON).await
}

impl Stores {
    /// A rebuild from the start to the end.
    async fn rebuild(&self) -> Rebuilt {
        self.projector.rebuild(None, later()).await.unwrap()
    }

    /// A room in MySQL alone.
    async fn open_unprojected(&self) -> RoomId {
        self.mysql().transact(self.pair, open_room).await.unwrap().answer
    }

    /// A person as MySQL knew them before it was restored.
    async fn lose_person(&self, user: UserId) -> Person {
        let mut person = self.mysql().users().find_snapshot(user).await.unwrap().unwrap().person;
        (person.version, person.blocked) = (LOST, vec![UserId(99)]);
        self.projector.mongo.people().project(&person).await.unwrap();
        person
    }

    /// A room as MySQL knew it before it was restored.
    async fn lose_room(&self, room: RoomId, members: &[UserId]) -> Access {
        let members = members.iter().map(|user| Member { user: *user, role: Role::Member }).collect();
        let access = Access { room: RoomKey::private(room), version: LOST, members, blocked: true };
        self.projector.mongo.rooms().project(&access, NOON).await.unwrap();
        access
    }
}

/// The clock of these tests stands still.
fn later() -> Timestamp {
    NOON.plus(Duration::from_hours(1))
}

#[tokio::test]
async fn rebuild_fills_an_empty_store() {
    let stores = Stores::new().await;
    let [user, other] = stores.pair;
    let room = stores.open_unprojected().await;
    let session = stores.log_in(user, 1).await;
    stores.mysql().transact((session.clone(), user), end_session).await.unwrap();

    let rebuilt = stores.rebuild().await;

    assert_eq!(rebuilt, Rebuilt { people: 2, rooms: 1, sessions: 1, ..Rebuilt::default() });
    assert_eq!(stores.person(other).await.unwrap().username, "bb");
    assert_eq!(stores.room(room).await.unwrap().members.len(), 2);
    assert!(stores.is_ended(user, &session).await);
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn restored_person_wins_over_newer_projection() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    stores.lose_person(user).await;

    let rebuilt = stores.rebuild().await;

    let known = stores.person(user).await.unwrap();
    assert_eq!((known.version, known.blocked), (LOST + 1, Vec::new()));
    assert_eq!((rebuilt.raised_people, rebuilt.people), (1, 2));
    assert_eq!(stores.rebuild().await.raised_people, 0);
}

#[tokio::test]
async fn restored_person_logs_in_again() {
    let stores = Stores::new().await;
    let [user, other] = stores.pair;
    let (revived, kept) = (stores.log_in(user, 1).await, stores.log_in(other, 2).await);
    stores.lose_person(user).await;

    let rebuilt = stores.rebuild().await;

    assert_eq!((rebuilt.raised_people, rebuilt.sessions), (1, 1));
    assert!(stores.is_ended(user, &revived).await);
    assert!(!stores.is_ended(other, &kept).await);
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn restored_room_wins_over_newer_projection() {
    let stores = Stores::new().await;
    let room = stores.open_unprojected().await;
    stores.lose_room(room, &stores.pair).await;

    let rebuilt = stores.rebuild().await;

    let known = stores.room(room).await.unwrap();
    assert_eq!((known.version, known.blocked), (LOST + 1, false));
    assert_eq!((rebuilt.raised_rooms, rebuilt.rooms), (1, 1));
}

#[tokio::test]
async fn change_after_rebuild_is_in_force() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    stores.lose_person(user).await;
    stores.rebuild().await;

    stores.projector.change(stores.pair, touch_people).await.unwrap();

    assert_eq!(stores.person(user).await.unwrap().version, LOST + 2);
}

#[tokio::test]
async fn room_made_after_the_backup_is_closed_and_its_id_not_reused() {
    let stores = Stores::new().await;
    stores.lose_room(RoomId(50), &stores.pair).await;

    let rebuilt = stores.rebuild().await;

    assert_eq!(rebuilt.closed_rooms, 1);
    assert_eq!(stores.room(RoomId(50)).await.unwrap().members, []);
    assert!(stores.open_unprojected().await > RoomId(50));
}

#[tokio::test]
async fn id_of_a_lost_person_is_not_reused() {
    let stores = Stores::new().await;
    let mut lost = stores.lose_person(stores.pair[0]).await;
    lost.id = UserId(70);
    stores.projector.mongo.people().project(&lost).await.unwrap();

    stores.rebuild().await;

    assert!(join(stores.mysql(), "cc").await > UserId(70));
}

#[tokio::test]
async fn room_of_other_people_is_left_alone() {
    let stores = Stores::new().await;
    let room = stores.open_unprojected().await;
    let theirs = stores.lose_room(room, &[UserId(70), UserId(71)]).await;

    let rebuilt = stores.rebuild().await;

    assert_eq!((rebuilt.foreign_rooms, rebuilt.raised_rooms, rebuilt.rooms), (1, 0, 0));
    assert_eq!(stores.room(room).await.unwrap(), theirs);
}

#[tokio::test]
async fn rebuild_goes_on_at_its_cursor() {
    let stores = Stores::new().await;
    stores.open_unprojected().await;
    let (mut cursor, mut steps, mut total) = (None, 0, Rebuilt::default());

    loop {
        let step = stores.projector.rebuild(cursor, NOON).await.unwrap();
        (steps, total.people, total.rooms) = (steps + 1, total.people + step.people, total.rooms + step.rooms);
        cursor = step.next.map(|next| next.to_string().parse().unwrap());
        if cursor.is_none() {
            break;
        }
    }

    assert!(steps >= 3, "{steps}");
    assert_eq!((total.people, total.rooms), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn rebuilds_and_changes_at_once_agree() {
    let stores = Stores::new().await;
    let room = stores.open_unprojected().await;
    stores.lose_person(stores.pair[0]).await;
    stores.lose_room(room, &stores.pair).await;
    let mut racing = JoinSet::new();
    for _ in 0..10 {
        let (projector, pair) = (stores.projector.clone(), stores.pair);
        racing.spawn(async move {
            projector.change(pair, touch_people).await.unwrap();
            Rebuilt::default()
        });
        let projector = stores.projector.clone();
        racing.spawn(async move { projector.rebuild(None, later()).await.unwrap() });
    }

    let rebuilt = racing.join_all().await;

    assert_eq!(rebuilt.iter().map(|one| one.raised_people).sum::<usize>(), 1);
    assert_eq!(rebuilt.iter().map(|one| one.raised_rooms).sum::<usize>(), 1);
    for user in stores.pair {
        let snapshot = stores.mysql().users().find_snapshot(user).await.unwrap().unwrap();
        assert_eq!(stores.person(user).await.unwrap(), snapshot.person);
    }
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn person_who_cannot_be_projected_is_left_to_the_relay() {
    let stores = Stores::new().await;
    refuse(&stores.mongo.url, "people", stores.pair[0].0).await;

    let rebuilt = stores.rebuild().await;

    assert_eq!((rebuilt.failed, rebuilt.people), (1, 1));
    assert_eq!(stores.mysql().outbox().list(10, later()).await.unwrap(), [Aggregate::Person(stores.pair[0])]);
}

#[tokio::test]
async fn unavailable_store_ends_the_rebuild() {
    let stores = Stores::new().await;
    stores.mysql().transact(vec![Aggregate::Person(stores.pair[0])], note).await.unwrap();

    let fault = stores.cut_off().await.rebuild(None, later()).await.unwrap_err();

    assert_eq!(fault.code, Code::Unavailable);
    assert_eq!(stores.waiting().await, 1);
}

#[test]
fn cursor_is_read_back() {
    let cursors = [
        Cursor::People(UserId(7)),
        Cursor::Rooms(RoomKey::private(RoomId(0))),
        Cursor::Rooms(RoomKey::group(RoomId(7))),
        Cursor::KnownRooms(RoomKey::private(RoomId(12))),
    ];
    for cursor in cursors {
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
    for text in ["", "people", "people x", "rooms 1", "rooms dm:1"] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn restored_group_wins_over_newer_projection() {
    let stores = Stores::new().await;
    let [owner, other] = stores.pair;
    let columns = "id, name, is_private, created_by, max_members, is_active, created_at, updated_at";
    for statement in [
        format!(
            "INSERT INTO group_chat_rooms ({columns}) VALUES (5, 'hikers', FALSE, {owner}, 10, TRUE, NOW(3), NOW(3))"
        ),
        "UPDATE group_chat_rooms SET version = 3 WHERE id = 5".to_owned(),
    ] {
        testkit::mysql::execute(&stores.mysql.url, &statement).await;
    }
    for id in [5, 9] {
        let members = vec![Member { user: other, role: Role::Member }];
        let room = RoomKey::group(RoomId(id));
        let access = Access { room, version: LOST, members, blocked: false };
        stores.projector.mongo.rooms().project(&access, NOON).await.unwrap();
    }

    let rebuilt = stores.rebuild().await;

    assert_eq!((rebuilt.raised_rooms, rebuilt.closed_rooms, rebuilt.rooms), (1, 1, 1));
    for id in [5, 9] {
        let rights = stores.projector.mongo.rooms().find_rights(RoomKey::group(RoomId(id)), other);
        assert_eq!(rights.await.unwrap(), None);
    }
    let last = "INSERT INTO group_chat_rooms (name, is_private, created_by, max_members, created_at, updated_at)";
    testkit::mysql::execute(&stores.mysql.url, &format!("{last} VALUES ('next', FALSE, {owner}, 10, NOW(3), NOW(3))"))
        .await;
    let rooms = stores.mysql().versions().list_rooms(RoomKind::Group, RoomId(5), 10).await.unwrap();
    assert!(rooms[0].room.id > RoomId(9), "{rooms:?}");
}
