use crate::stores::{NOON, Stores, open_room, touch_room};
use domain::{Access, Aggregate, Code, Member, Role, RoomId, RoomKey};
use tokio::task::JoinSet;

#[tokio::test]
async fn change_is_projected_before_the_answer() {
    let stores = Stores::new().await;

    let room = stores.projector.change(stores.pair, open_room).await.unwrap();

    let members = stores.pair.map(|user| Member { user, role: Role::Member }).to_vec();
    let access = Access { room: RoomKey::private(room), version: 1, members, blocked: false };
    assert_eq!(stores.room(room).await, Some(access));
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn repeated_request_projects_a_lost_change() {
    let stores = Stores::new().await;
    let committed = stores.mysql().transact(stores.pair, open_room).await.unwrap().answer;
    assert_eq!((stores.room(committed).await, stores.waiting().await), (None, 1));

    let again = stores.projector.change(stores.pair, open_room).await.unwrap();

    assert_eq!(again, committed);
    assert!(stores.room(committed).await.is_some());
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn unprojected_change_fails_and_stays_in_the_outbox() {
    let stores = Stores::new().await;

    let fault = stores.cut_off().await.change(stores.pair, open_room).await.unwrap_err();

    assert_eq!(fault.code, Code::Unavailable);
    assert_eq!(stores.waiting().await, 1);
}

#[tokio::test]
async fn projecting_again_changes_nothing() {
    let stores = Stores::new().await;
    let room = stores.projector.change(stores.pair, open_room).await.unwrap();
    let before = stores.room(room).await;

    stores.projector.project(Aggregate::PrivateRoom(room)).await.unwrap();

    assert_eq!(stores.room(room).await, before);
}

#[tokio::test]
async fn missing_room_projects_nothing() {
    let stores = Stores::new().await;

    stores.projector.project(Aggregate::PrivateRoom(RoomId(7))).await.unwrap();

    assert_eq!(stores.room(RoomId(7)).await, None);
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

    assert_eq!(stores.room(room).await.unwrap().version, 21);
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn stale_room_projection_is_ignored() {
    let stores = Stores::new().await;
    let room = stores.projector.change(stores.pair, open_room).await.unwrap();
    let old = stores.mysql().private_rooms().find_snapshot(room).await.unwrap().unwrap().access;
    stores.projector.change(room, touch_room).await.unwrap();

    stores.projector.mongo.rooms().project(&Access { members: Vec::new(), ..old }, NOON).await.unwrap();

    let known = stores.room(room).await.unwrap();
    assert_eq!((known.version, known.members.len()), (2, 2));
}

#[tokio::test]
async fn newer_of_two_first_projections_wins() {
    let stores = Stores::new().await;
    let mongo = &stores.projector.mongo;
    for id in 1..=100 {
        let room = RoomKey::private(RoomId(id));
        let older = Access { room, version: 1, members: Vec::new(), blocked: false };
        let newer = Access { version: 2, ..older.clone() };

        let (one, two) = tokio::join!(mongo.rooms().project(&older, NOON), mongo.rooms().project(&newer, NOON));

        one.and(two).unwrap();
        assert_eq!(stores.room(RoomId(id)).await.unwrap().version, 2, "room {id}");
    }
}
