use crate::house::{ANNA, BORA, House, ROOM, long_ago, now, texts};
use domain::{MessageId, Rev, Timestamp};
use messaging::{Swept, sweep};
use mongo::Anchor;

const END_OF_TIME: Timestamp = Timestamp::from_millis(i64::MAX);

/// A message that was written, and of which nobody was told since.
async fn left_behind(house: &House, client_id: &str, since: Timestamp) -> (MessageId, Rev) {
    let sent = house.send(ANNA, client_id, client_id).await.unwrap().message;
    let place = house.mongo().reserve_above(ROOM, sent.rev, sent.seq).await.unwrap().unwrap();
    house.mongo().stamp_message(sent.id, place, since).await.unwrap().unwrap();
    assert!(house.mongo().release(ROOM, place).await.unwrap());
    (sent.id, place.rev)
}

async fn sweep_up(house: &House, limit: i64) -> Swept {
    sweep(house.messenger(), &house.pushed, limit, END_OF_TIME).await.unwrap()
}

#[tokio::test]
async fn what_a_dead_writer_left_is_delivered() {
    let house = House::new().await;
    let (id, passed) = left_behind(&house, "a", long_ago()).await;
    house.connect(BORA, "tablet").await;

    let swept = sweep_up(&house, 10).await;

    assert_eq!(swept, Swept { delivered: 1, failed: 0 });
    assert_eq!(house.pushed.frames("tablet")[0]["d"]["id"], id.to_string());
    assert_eq!(texts(&house.sync_settled(BORA, passed.0, 10).await.items), ["a"]);
}

#[tokio::test]
async fn what_was_delivered_is_not_swept_again() {
    let house = House::new().await;
    let (id, _) = left_behind(&house, "a", long_ago()).await;
    house.connect(BORA, "tablet").await;
    sweep_up(&house, 10).await;
    house.is_delivered(id).await;

    let swept = sweep_up(&house, 10).await;

    assert_eq!((swept, house.pushed.count()), (Swept::default(), 1));
}

#[tokio::test]
async fn a_writer_has_five_seconds_to_deliver() {
    let house = House::new().await;
    left_behind(&house, "a", now()).await;

    assert_eq!(sweep_up(&house, 10).await, Swept::default());
}

#[tokio::test]
async fn a_sweep_does_no_more_than_it_was_asked_to() {
    let house = House::new().await;
    for client_id in ["a", "b", "c"] {
        left_behind(&house, client_id, long_ago()).await;
    }

    assert_eq!(sweep_up(&house, 2).await, Swept { delivered: 2, failed: 0 });
}

#[tokio::test]
async fn a_tombstone_that_was_left_is_delivered_as_one() {
    let house = House::new().await;
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;
    let place = house.mongo().reserve_above(ROOM, sent.rev, sent.seq).await.unwrap().unwrap();
    house.mongo().delete_message(sent.id, place, long_ago()).await.unwrap().unwrap();
    house.mongo().release(ROOM, place).await.unwrap();
    house.connect(BORA, "tablet").await;

    sweep_up(&house, 10).await;

    assert_eq!(house.pushed.frames("tablet")[0]["t"], "message.deleted");
}

#[tokio::test]
async fn what_was_left_before_a_block_is_delivered_after_it() {
    let house = House::new().await;
    left_behind(&house, "a", long_ago()).await;
    house.block(2).await;

    let swept = sweep_up(&house, 10).await;

    assert_eq!(swept.delivered, 1);
    assert_eq!(texts(&house.list(BORA, Anchor::Newest, 10).await.unwrap().items), ["a"]);
}

#[tokio::test]
async fn a_sweep_whose_time_is_over_leaves_the_rest_to_the_next() {
    let house = House::new().await;
    left_behind(&house, "a", long_ago()).await;

    let swept = sweep(house.messenger(), &house.pushed, 10, long_ago()).await.unwrap();

    assert_eq!(swept, Swept { delivered: 0, failed: 0 });
    assert_eq!(sweep_up(&house, 10).await.delivered, 1);
}
