use crate::stores::{NOON, Stores, join, note, open_room, touch_people};
use domain::{
    Aggregate, Code, ConnectionId, Fault, FriendshipStatus, FriendshipWith, Locale, News, Notice, Person, RoomId,
    UserId,
};
use mongo::Connection;
use mysql::Tx;
use projection::Changed;
use std::time::Duration;
use testkit::person;
use tokio::task::JoinSet;

async fn befriend(tx: &mut Tx, pair: [UserId; 2]) -> Result<Changed<()>, Fault> {
    let asked = tx.friendships().insert(pair[0], pair[1], NOON).await?;
    tx.friendships().update(&asked.changed_to(FriendshipStatus::Accepted, pair[1], NOON)).await?;
    touch_people(tx, pair).await
}

async fn befriend_aloud(tx: &mut Tx, pair: [UserId; 2]) -> Result<Changed<()>, Fault> {
    let changed = befriend(tx, pair).await?;
    let between = tx.friendships().find_between(pair).await?.unwrap();
    let user = tx.users().list_profiles(&pair[..1]).await?.remove(0);
    let with = FriendshipWith { id: between.id, user, since: NOON };
    let notice = Notice { to: pair[1], news: News::Accepted, by: pair[0], with };
    Ok(Changed { notices: vec![notice], ..changed })
}

#[tokio::test]
async fn new_person_is_known_once_projected() {
    let stores = Stores::new().await;
    let id = join(stores.mysql(), "cc").await;
    stores.mysql().transact(vec![Aggregate::Person(id)], note).await.unwrap();

    stores.projector.project(Aggregate::Person(id)).await.unwrap();

    let newcomer = Person { locale: Locale::En, ..person(id, "cc") };
    assert_eq!(stores.person(id).await, Some(newcomer));
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn somebody_who_is_not_there_is_projected_as_nobody() {
    let stores = Stores::new().await;

    stores.projector.project(Aggregate::Person(UserId(999))).await.unwrap();

    assert_eq!(stores.person(UserId(999)).await, None);
}

#[tokio::test]
async fn friends_know_each_other_in_a_new_version_of_both() {
    let stores = Stores::new().await;
    let [a, b] = stores.pair;

    stores.projector.change(stores.pair, befriend).await.unwrap();

    for (user, friend) in [(a, b), (b, a)] {
        let person = stores.person(user).await.unwrap();
        assert_eq!((person.version, person.friends), (2, vec![friend]), "{user}");
    }
}

#[tokio::test]
async fn stale_person_projection_is_ignored() {
    let stores = Stores::new().await;
    let old = stores.mysql().users().find_snapshot(stores.pair[0]).await.unwrap().unwrap().person;
    stores.projector.change(stores.pair, befriend).await.unwrap();

    stores.projector.mongo.people().project(&old).await.unwrap();

    let known = stores.person(stores.pair[0]).await.unwrap();
    assert_eq!((known.version, known.friends), (2, vec![stores.pair[1]]));
}

#[tokio::test]
async fn newer_of_two_first_projections_of_a_person_wins() {
    let stores = Stores::new().await;
    let mongo = &stores.projector.mongo;
    let someone = stores.mysql().users().find_snapshot(stores.pair[0]).await.unwrap().unwrap().person;
    for id in 1000..1100 {
        let older = Person { id: UserId(id), ..someone.clone() };
        let newer = Person { version: 2, ..older.clone() };

        let (one, two) = tokio::join!(mongo.people().project(&older), mongo.people().project(&newer));

        one.and(two).unwrap();
        assert_eq!(stores.person(UserId(id)).await, Some(newer));
    }
}

#[tokio::test]
async fn changes_of_two_people_at_once_leave_the_newest_of_both() {
    let stores = Stores::new().await;
    let [a, b] = stores.pair;
    let mut changes = JoinSet::new();
    for n in 0..20 {
        let projector = stores.projector.clone();
        let pair = if n % 2 == 0 { [a, b] } else { [b, a] };
        changes.spawn(async move { projector.change(pair, touch_people).await });
    }

    changes.join_all().await.into_iter().for_each(Result::unwrap);

    for user in stores.pair {
        assert_eq!(stores.person(user).await.unwrap().version, 21, "{user}");
    }
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn next_change_projects_a_lost_one() {
    let stores = Stores::new().await;
    let fault = stores.cut_off().await.change(stores.pair, touch_people).await.unwrap_err();
    assert_eq!((fault.code, stores.waiting().await), (Code::Unavailable, 2));

    stores.projector.change(stores.pair, touch_people).await.unwrap();

    assert_eq!(stores.person(stores.pair[0]).await.unwrap().version, 3);
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn failed_push_does_not_fail_the_change() {
    let stores = Stores::new().await;
    let [_, told] = stores.pair;
    let session = stores.log_in(told, 1).await;
    let connection = Connection {
        id: ConnectionId("c1".to_owned()),
        user: told,
        session,
        locale: Locale::En,
        connected_at: NOON,
        active_until: NOON,
        viewing: None,
    };
    stores.projector.mongo.connections().insert(&connection).await.unwrap();

    stores.projector.change(stores.pair, befriend_aloud).await.unwrap();

    assert_eq!(stores.projector.mongo.connections().list_of_people(&[told], NOON).await.unwrap(), [connection]);
}

async fn is_blocked(stores: &Stores, room: RoomId) -> bool {
    stores.room(room).await.unwrap().blocked
}

#[tokio::test]
async fn closed_account_blocks_its_rooms() {
    let stores = Stores::new().await;
    let [a, b] = stores.pair;
    let other = join(stores.mysql(), "cc").await;
    let room = stores.projector.change(stores.pair, open_room).await.unwrap();
    let untouched = stores.projector.change([b, other], open_room).await.unwrap();
    stores.deactivate(a).await;

    stores.projector.relay(NOON.plus(Duration::from_secs(1))).await.unwrap();

    assert_eq!((is_blocked(&stores, room).await, is_blocked(&stores, untouched).await), (true, false));
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn reactivated_account_opens_its_rooms() {
    let stores = Stores::new().await;
    let a = stores.pair[0];
    let room = stores.projector.change(stores.pair, open_room).await.unwrap();
    stores.deactivate(a).await;
    stores.projector.relay(NOON.plus(Duration::from_secs(1))).await.unwrap();
    stores.activate(a).await;

    stores.projector.relay(NOON.plus(Duration::from_secs(1))).await.unwrap();

    assert!(!is_blocked(&stores, room).await);
}

#[tokio::test]
async fn repeated_projection_of_closed_account_changes_no_room() {
    let stores = Stores::new().await;
    let a = stores.pair[0];
    let room = stores.projector.change(stores.pair, open_room).await.unwrap();
    stores.deactivate(a).await;
    stores.projector.relay(NOON.plus(Duration::from_secs(1))).await.unwrap();
    let version = stores.room(room).await.unwrap().version;

    stores.projector.project(Aggregate::Person(a)).await.unwrap();
    stores.projector.relay(NOON.plus(Duration::from_secs(1))).await.unwrap();

    assert_eq!(stores.room(room).await.unwrap().version, version);
}

#[tokio::test]
async fn catch_up_projects_only_waiting_aggregates() {
    let stores = Stores::new().await;
    let [a, b] = stores.pair;
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();

    stores.projector.catch_up(&[Aggregate::Person(a), Aggregate::PrivateRoom(RoomId(1))]).await.unwrap();

    assert_eq!((stores.person(a).await.unwrap().version, stores.person(b).await), (2, None));
}
