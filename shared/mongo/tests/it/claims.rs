//! Who notifies members of a message: one of however many ask at once, and nobody of those who have read it.

use crate::scene::{ANNA, AT, BORA, EVE, ROOM, environments, fill, group, open, say, scene};
use domain::{Seq, Timestamp, UserId, notification::RoomSettings};
use mongo::{Claim, Mongo, ReadState};
use std::time::Duration;
use testkit::mongo::{Database, Profile, mark};
use tokio::task::JoinSet;

const NOBODY: &[UserId] = &[];

async fn room_of_five() -> Database {
    let database = scene().await;
    fill(&database, ROOM, BORA, 5).await;
    database
}

async fn claim(mongo: &Mongo, seq: i64, users: &[UserId], at: Timestamp) -> Claim {
    mongo.read_states().claim(ROOM, Seq(seq), users, users, at).await.unwrap()
}

async fn notify(mongo: &Mongo, seq: i64, users: &[UserId]) {
    let claim = claim(mongo, seq, users, AT).await;
    mongo.read_states().finish(&claim, AT).await.unwrap();
}

async fn state(mongo: &Mongo, user: UserId) -> ReadState {
    mongo.read_states().list(ROOM, user..=user).await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn one_of_twenty_concurrent_claims_gets_a_member() {
    let database = room_of_five().await;
    let mut claiming = JoinSet::new();
    for mongo in environments(&database, 20).await {
        claiming.spawn(async move { claim(&mongo, 5, &[ANNA, EVE], AT).await.users.len() });
    }

    let claimed: usize = claiming.join_all().await.into_iter().sum();

    assert_eq!(claimed, 2);
}

#[tokio::test]
async fn notified_member_is_claimed_for_later_messages_only() {
    let database = room_of_five().await;
    notify(&database.mongo, 4, &[ANNA]).await;

    for (seq, expected) in [(3, NOBODY), (4, NOBODY), (5, &[ANNA])] {
        assert_eq!(claim(&database.mongo, seq, &[ANNA], AT).await.users, expected, "{seq}");
    }
}

#[tokio::test]
async fn reader_is_claimed_for_later_messages_only() {
    let database = room_of_five().await;
    mark(&database.mongo, ROOM, ANNA, Seq(4)).await.unwrap();

    for (seq, expected) in [(3, NOBODY), (4, NOBODY), (5, &[ANNA])] {
        assert_eq!(claim(&database.mongo, seq, &[ANNA], AT).await.users, expected, "{seq}");
    }
}

#[tokio::test]
async fn unfinished_claim_expires() {
    let database = room_of_five().await;
    claim(&database.mongo, 5, &[ANNA], AT).await;

    for (seconds, expected) in [(89, NOBODY), (90, &[ANNA])] {
        let later = AT.plus(Duration::from_secs(seconds));
        assert_eq!(claim(&database.mongo, 5, &[ANNA], later).await.users, expected, "{seconds}");
    }
}

#[tokio::test]
async fn a_newer_message_takes_a_claim_over_and_an_older_one_does_not() {
    let database = room_of_five().await;
    let first = claim(&database.mongo, 4, &[ANNA], AT).await;
    let newer = claim(&database.mongo, 5, &[ANNA], AT).await;
    assert_eq!(newer.users, [ANNA]);
    assert_eq!(claim(&database.mongo, 3, &[ANNA], AT).await.users, NOBODY);

    database.mongo.read_states().finish(&first, AT).await.unwrap();

    assert_eq!(state(&database.mongo, ANNA).await.notified, Seq(4));
    assert_eq!(claim(&database.mongo, 5, &[ANNA], AT).await.users, NOBODY, "the newer claim holds");
}

#[tokio::test]
async fn notified_seq_never_moves_back() {
    let database = room_of_five().await;
    let older = claim(&database.mongo, 4, &[ANNA], AT).await;
    notify(&database.mongo, 5, &[ANNA]).await;

    database.mongo.read_states().finish(&older, AT.minus(Duration::from_secs(1))).await.unwrap();

    let expected = ReadState {
        user: ANNA,
        read: Seq(0),
        notified: Seq(5),
        claimed: None,
        notified_at: Some(AT),
        settings: RoomSettings::default(),
    };
    assert_eq!(state(&database.mongo, ANNA).await, expected);
}

#[tokio::test]
async fn states_of_a_room_are_one_range_and_of_no_other_room() {
    let database = room_of_five().await;
    let mongo = &database.mongo;
    for room in [group(1), group(11)] {
        open(mongo, room, &[ANNA, BORA, EVE], AT).await;
        say(mongo, room, BORA, "hi").await;
        mark(mongo, room, ANNA, Seq(1)).await.unwrap();
    }
    notify(mongo, 5, &[ANNA, BORA, EVE]).await;

    let users = |states: Vec<ReadState>| states.into_iter().map(|state| state.user).collect::<Vec<_>>();
    let everybody = UserId(0)..=UserId(i32::MAX);
    assert_eq!(users(mongo.read_states().list(ROOM, everybody.clone()).await.unwrap()), [ANNA, BORA, EVE]);
    assert_eq!(users(mongo.read_states().list(ROOM, BORA..=BORA).await.unwrap()), [BORA]);
    assert_eq!(users(mongo.read_states().list(group(1), everybody).await.unwrap()), [ANNA]);
}

#[tokio::test]
async fn reading_a_notified_message_is_reported_once() {
    let database = room_of_five().await;
    notify(&database.mongo, 4, &[ANNA]).await;

    let mut told = Vec::new();
    for seq in [3, 4, 4, 5] {
        told.push(mark(&database.mongo, ROOM, ANNA, Seq(seq)).await.unwrap().was_notified);
    }

    assert_eq!(told, [false, true, false, false]);
}

#[tokio::test]
async fn reading_a_message_on_its_way_to_devices_is_reported_once() {
    let database = room_of_five().await;
    let underway = claim(&database.mongo, 4, &[ANNA], AT).await;

    let mut told = Vec::new();
    for seq in [3, 4, 4] {
        told.push(mark(&database.mongo, ROOM, ANNA, Seq(seq)).await.unwrap().was_notified);
    }
    database.mongo.read_states().finish(&underway, AT).await.unwrap();
    told.push(mark(&database.mongo, ROOM, ANNA, Seq(5)).await.unwrap().was_notified);

    assert_eq!(told, [false, true, false, false]);
}

#[tokio::test]
async fn a_claim_is_two_writes_and_a_read_only_where_others_claim() {
    let database = room_of_five().await;
    let (states, users) = (database.mongo.read_states(), [ANNA, BORA, EVE]);
    let mut profile = Profile::of(&database).await;

    let first = states.claim(ROOM, Seq(4), &users, &users, AT).await.unwrap();
    assert_eq!(profile.count().await, 2);
    states.finish(&first, AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
    states.claim(ROOM, Seq(5), &users, NOBODY, AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
    states.claim(ROOM, Seq(5), &users, NOBODY, AT).await.unwrap();
    assert_eq!(profile.count().await, 2);
}
