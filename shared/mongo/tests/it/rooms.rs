use crate::scene::{
    ANNA, AT, BORA, EVE, ROOM, access, access_as_of, environments, group, open, private, reserve, room_document, say,
    scene, set_room,
};
use domain::{Access, Member, Rev, Rights, Role, RoomKey, Seq, Timestamp, UserId};
use mongo::{Messages, Mongo, Placement};
use mongodb::bson::{DateTime, Document, oid::ObjectId};
use testkit::mongo::{Database, Profile};
use tokio::task::JoinSet;

/// The numbers of a room's document, which no projection knows.
async fn numbers(database: &Database, room: RoomKey) -> Document {
    let mut document = room_document(database, room).await;
    for projected in ["_id", "version", "members", "staff", "blocked"] {
        document.remove(projected).unwrap();
    }
    document
}

async fn project(mongo: &Mongo, access: &Access) {
    mongo.rooms().project(access, AT).await.unwrap();
}

async fn rights(mongo: &Mongo, room: RoomKey, user: UserId) -> Option<Rights> {
    let found = mongo.rooms().find_rights(room, user).await.unwrap();
    assert_eq!(mongo.rooms().find_rights_now(room, user).await.unwrap(), found);
    found
}

async fn may_reserve(mongo: &Mongo, room: RoomKey, user: UserId) -> bool {
    let mut answers = Vec::new();
    for placement in [
        Placement::New(Messages::new_id()),
        Placement::Change,
        Placement::Above { id: Messages::new_id(), rev: Rev(1), seq: Seq(1) },
    ] {
        let reservation = mongo.rooms().reserve(room, Some(user), placement).await.unwrap();
        if let Some(reservation) = &reservation {
            assert!(mongo.rooms().release(room, reservation).await.unwrap());
        }
        answers.push(reservation.is_some());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    answers[0]
}

#[tokio::test]
async fn a_projection_keeps_the_numbers_of_a_room() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "안녕").await;
    reserve(&database.mongo, ROOM, Placement::New(Messages::new_id())).await;
    let before = numbers(&database, ROOM).await;

    project(&database.mongo, &access_as_of(2, ROOM, &[ANNA])).await;

    assert_eq!(numbers(&database, ROOM).await, before);
    assert_eq!(rights(&database.mongo, ROOM, BORA).await, None);
}

#[tokio::test]
async fn a_room_begins_empty_as_of_its_creation() {
    let database = scene().await;

    let numbers = numbers(&database, ROOM).await;

    let at = DateTime::from_millis(AT.millis());
    let expected = mongodb::bson::doc! { "seq": 0_i64, "rev": 0_i64, "last_at": at, "last_id": null, "inflight": [] };
    let sorted = |document: Document| document.into_iter().collect::<std::collections::BTreeMap<_, _>>();
    assert_eq!(sorted(numbers), sorted(expected));
}

#[tokio::test]
async fn the_newest_version_of_a_room_stays_in_any_order() {
    let database = scene().await;
    for (id, order) in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]].into_iter().enumerate() {
        let room = private(100 + i32::try_from(id).unwrap());
        for version in order {
            let members = [ANNA, UserId(100 + i32::try_from(version).unwrap())];
            project(&database.mongo, &access_as_of(version, room, &members)).await;
        }

        let members = database.mongo.rooms().list_members(room).await.unwrap();
        let version = rights(&database.mongo, room, ANNA).await.unwrap().version;
        assert_eq!((version, members), (3, vec![ANNA, UserId(103)]), "{order:?}");
    }
}

#[tokio::test]
async fn newest_of_twenty_concurrent_first_projections_stays() {
    let database = scene().await;
    let mut projecting = JoinSet::new();
    for (version, mongo) in (1..).zip(environments(&database, 20).await) {
        projecting.spawn(async move { mongo.rooms().project(&access_as_of(version, private(7), &[ANNA]), AT).await });
    }

    for projected in projecting.join_all().await {
        projected.unwrap();
    }

    assert_eq!(rights(&database.mongo, private(7), ANNA).await.unwrap().version, 20);
}

#[tokio::test]
async fn projections_and_messages_at_once_lose_neither() {
    let database = scene().await;
    let mut work = JoinSet::new();
    for (n, mongo) in (0..20).zip(environments(&database, 20).await) {
        work.spawn(async move {
            if n % 2 == 0 {
                project(&mongo, &access_as_of(2 + n, ROOM, &[ANNA, BORA])).await;
            } else {
                let reservation = reserve(&mongo, ROOM, Placement::Change).await;
                assert!(mongo.rooms().release(ROOM, &reservation).await.unwrap());
            }
        });
    }

    work.join_all().await;

    let room = room_document(&database, ROOM).await;
    assert_eq!((room.get_i64("rev").unwrap(), room.get_i64("version").unwrap()), (10, 20));
}

#[tokio::test]
async fn each_member_has_the_rights_of_their_role() {
    let database = scene().await;
    let roles = [(ANNA, Role::Owner), (BORA, Role::Admin), (EVE, Role::Member)];
    let members = roles.map(|(user, role)| Member { user, role }).to_vec();
    project(&database.mongo, &Access { room: group(1), version: 7, members, blocked: false }).await;

    for (user, role) in roles {
        let expected = Rights { room: group(1), version: 7, role, blocked: false };
        assert_eq!(rights(&database.mongo, group(1), user).await, Some(expected), "{user}");
    }
    assert_eq!(rights(&database.mongo, group(1), UserId(9)).await, None);
}

#[tokio::test]
async fn a_role_that_was_taken_away_is_gone() {
    let database = scene().await;
    let owner = |role| vec![Member { user: ANNA, role }];
    project(&database.mongo, &Access { room: group(1), version: 1, members: owner(Role::Owner), blocked: false }).await;

    project(&database.mongo, &Access { room: group(1), version: 2, members: owner(Role::Member), blocked: false })
        .await;

    assert_eq!(rights(&database.mongo, group(1), ANNA).await.unwrap().role, Role::Member);
}

#[tokio::test]
async fn a_block_is_part_of_the_rights_of_both() {
    let database = scene().await;
    project(&database.mongo, &Access { blocked: true, ..access_as_of(2, ROOM, &[ANNA, BORA]) }).await;

    for user in [ANNA, BORA] {
        assert!(rights(&database.mongo, ROOM, user).await.unwrap().blocked, "{user}");
    }
}

#[tokio::test]
async fn nobody_has_rights_in_a_room_that_is_gone_or_unknown() {
    let database = scene().await;
    project(&database.mongo, &access_as_of(2, ROOM, &[])).await;

    for room in [ROOM, private(99)] {
        assert_eq!(rights(&database.mongo, room, ANNA).await, None, "{room}");
        assert_eq!(database.mongo.rooms().list_members(room).await.unwrap(), [], "{room}");
    }
}

#[tokio::test]
async fn newest_changes_are_listed_of_a_persons_own_rooms_only() {
    let database = scene().await;
    open(&database.mongo, private(2), &[BORA, EVE], AT).await;
    open(&database.mongo, private(3), &[ANNA, EVE], AT).await;
    for room in [ROOM, private(2), private(3)] {
        say(&database.mongo, room, BORA, "안녕").await;
    }

    let revs = database.mongo.rooms().list_revs(ANNA, &[ROOM, private(2), private(99)]).await.unwrap();

    assert_eq!(revs, [(ROOM, Rev(1))]);
}

#[tokio::test]
async fn only_members_without_a_block_reserve() {
    let database = scene().await;
    let mongo = &database.mongo;

    assert!(may_reserve(mongo, ROOM, ANNA).await);
    assert!(!may_reserve(mongo, ROOM, EVE).await);
    assert!(!may_reserve(mongo, private(99), ANNA).await);
    project(mongo, &Access { blocked: true, ..access_as_of(2, ROOM, &[ANNA, BORA]) }).await;
    assert!(!may_reserve(mongo, ROOM, ANNA).await);
    project(mongo, &access_as_of(3, ROOM, &[ANNA])).await;
    assert!(may_reserve(mongo, ROOM, ANNA).await && !may_reserve(mongo, ROOM, BORA).await);
    project(mongo, &access_as_of(4, ROOM, &[])).await;
    assert!(!may_reserve(mongo, ROOM, ANNA).await);
}

#[tokio::test]
async fn a_refused_reservation_changes_nothing() {
    let database = scene().await;
    let before = numbers(&database, ROOM).await;

    assert!(!may_reserve(&database.mongo, ROOM, EVE).await);

    assert_eq!(numbers(&database, ROOM).await, before);
}

#[tokio::test]
async fn a_reservation_names_the_members_as_of_itself() {
    let database = scene().await;
    let mongo = &database.mongo;
    let both = reserve(mongo, ROOM, Placement::New(Messages::new_id())).await;
    project(mongo, &access_as_of(2, ROOM, &[BORA])).await;
    let one = reserve(mongo, ROOM, Placement::Change).await;

    assert_eq!((both.members, one.members), (vec![ANNA, BORA], vec![BORA]));
}

#[tokio::test]
async fn reservation_without_a_writer_ignores_rights() {
    let database = scene().await;
    let mongo = &database.mongo;
    project(mongo, &Access { blocked: true, ..access_as_of(2, ROOM, &[]) }).await;

    let above = Placement::Above { id: Messages::new_id(), rev: Rev(0), seq: Seq(0) };

    assert!(mongo.rooms().reserve(ROOM, None, above).await.unwrap().is_some());
    assert!(mongo.rooms().reserve(private(99), None, above).await.unwrap().is_none());
}

#[tokio::test]
async fn a_new_message_raises_both_numbers_and_a_change_one() {
    let database = scene().await;
    let id = Messages::new_id();

    let new = reserve(&database.mongo, ROOM, Placement::New(id)).await;
    let change = reserve(&database.mongo, ROOM, Placement::Change).await;

    assert_eq!([(new.rev, new.seq), (change.rev, change.seq)], [(Rev(1), Seq(1)), (Rev(2), Seq(1))]);
    let room = room_document(&database, ROOM).await;
    assert_eq!(room.get_object_id("last_id").unwrap(), ObjectId::from_bytes(id.0));
    assert_eq!(room.get_array("inflight").unwrap().len(), 2);
}

#[tokio::test]
async fn only_new_messages_lift_a_room() {
    let database = scene().await;
    open(&database.mongo, ROOM, &[ANNA, BORA], Timestamp::from_millis(1_000)).await;
    let long_ago = DateTime::from_millis(1_000);
    let above = |seq| Placement::Above { id: Messages::new_id(), rev: Rev(1), seq: Seq(seq) };
    for (placement, lifts) in [
        (Placement::New(Messages::new_id()), true),
        (Placement::Change, false),
        (above(1), false),
        // The room forgot its message in a failover.
        (above(9), true),
    ] {
        set_room(&database, ROOM, mongodb::bson::doc! { "last_at": long_ago }).await;

        reserve(&database.mongo, ROOM, placement).await;

        let is_lifted = *room_document(&database, ROOM).await.get_datetime("last_at").unwrap() > long_ago;
        assert_eq!(is_lifted, lifts, "{placement:?}");
    }
}

#[tokio::test]
async fn a_position_above_a_message_is_above_all_others() {
    let database = scene().await;
    let old = say(&database.mongo, ROOM, ANNA, "old").await;
    let newest = say(&database.mongo, ROOM, BORA, "newest").await;

    let above = Placement::Above { id: old.id, rev: old.rev, seq: old.seq };
    let reservation = reserve(&database.mongo, ROOM, above).await;

    assert_eq!((reservation.rev, reservation.seq), (Rev(3), Seq(2)));
    let last = *room_document(&database, ROOM).await.get("last_id").unwrap().as_object_id().as_ref().unwrap();
    assert_eq!(last, ObjectId::from_bytes(newest.id.0), "an older message is not the last one");
}

#[tokio::test]
async fn numbers_that_a_failover_set_back_are_lifted() {
    let database = scene().await;
    let id = Messages::new_id();

    let reservation = reserve(&database.mongo, ROOM, Placement::Above { id, rev: Rev(40), seq: Seq(30) }).await;

    assert_eq!((reservation.rev, reservation.seq), (Rev(41), Seq(30)));
    let room = room_document(&database, ROOM).await;
    assert_eq!((room.get_i64("rev").unwrap(), room.get_i64("seq").unwrap()), (41, 30));
    assert_eq!(room.get_object_id("last_id").unwrap(), ObjectId::from_bytes(id.0));
    let next = reserve(&database.mongo, ROOM, Placement::New(Messages::new_id())).await;
    assert_eq!((next.rev, next.seq), (Rev(42), Seq(31)));
}

#[tokio::test]
async fn the_newest_message_stays_the_last_one_when_it_moves() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "old").await;
    let newest = say(&database.mongo, ROOM, BORA, "newest").await;

    reserve(&database.mongo, ROOM, Placement::Above { id: newest.id, rev: newest.rev, seq: newest.seq }).await;

    let room = room_document(&database, ROOM).await;
    assert_eq!(room.get_object_id("last_id").unwrap(), ObjectId::from_bytes(newest.id.0));
}

#[tokio::test]
async fn a_release_counts_once() {
    let database = scene().await;
    let rooms = database.mongo.rooms();
    let other = reserve(&database.mongo, ROOM, Placement::Change).await;
    let reservation = reserve(&database.mongo, ROOM, Placement::Change).await;

    assert!(rooms.release(ROOM, &reservation).await.unwrap());
    assert!(!rooms.release(ROOM, &reservation).await.unwrap());
    assert!(rooms.release(ROOM, &other).await.unwrap());
}

#[tokio::test]
async fn a_release_of_a_lost_entry_does_not_count() {
    let database = scene().await;
    let reservation = reserve(&database.mongo, ROOM, Placement::Change).await;
    set_room(&database, ROOM, mongodb::bson::doc! { "inflight": [] }).await;

    assert!(!database.mongo.rooms().release(ROOM, &reservation).await.unwrap());
}

#[tokio::test]
async fn a_reservation_drops_overdue_entries() {
    let database = scene().await;
    let dead = reserve(&database.mongo, ROOM, Placement::Change).await;
    set_room(&database, ROOM, mongodb::bson::doc! { "inflight.0.at": DateTime::from_millis(0) }).await;

    let live = reserve(&database.mongo, ROOM, Placement::Change).await;

    assert!(!database.mongo.rooms().release(ROOM, &dead).await.unwrap());
    assert!(database.mongo.rooms().release(ROOM, &live).await.unwrap());
}

#[tokio::test]
async fn positions_given_out_at_once_are_all_different() {
    let database = scene().await;
    let mut reserving = JoinSet::new();
    for mongo in environments(&database, 20).await {
        reserving.spawn(async move {
            let reservation =
                mongo.rooms().reserve(ROOM, Some(ANNA), Placement::New(Messages::new_id())).await.unwrap().unwrap();
            (reservation.rev.0, reservation.seq.0)
        });
    }

    let mut given = reserving.join_all().await;

    given.sort_unstable();
    assert_eq!(given, (1..=20).map(|n| (n, n)).collect::<Vec<_>>());
}

#[tokio::test]
async fn each_step_on_a_room_is_one_command() {
    let database = scene().await;
    let rooms = database.mongo.rooms();
    let mut profile = Profile::of(&database).await;

    let reservation = rooms.reserve(ROOM, Some(ANNA), Placement::Change).await.unwrap().unwrap();
    assert_eq!(profile.count().await, 1);
    rooms.release(ROOM, &reservation).await.unwrap();
    assert_eq!(profile.count().await, 1);
    rooms.find_rights(ROOM, ANNA).await.unwrap();
    assert_eq!(profile.count().await, 1);
    rooms.list_members(ROOM).await.unwrap();
    assert_eq!(profile.count().await, 1);
    rooms.list_revs(ANNA, &[ROOM, private(2)]).await.unwrap();
    assert_eq!(profile.count().await, 1);
    rooms.list_revs(ANNA, &[]).await.unwrap();
    assert_eq!(profile.count().await, 0);
    rooms.project(&access(private(9), &[ANNA]), AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
}
