use crate::house::{ANNA, BORA, House, ROOM, long_ago, now, texts};
use domain::{Rev, Seq};
use futures_util::future::join_all;
use mongo::{Anchor, Numbered};
use std::time::Duration;

#[tokio::test]
async fn a_cursor_never_passes_a_change_in_flight() {
    let house = House::new().await;
    house.send(ANNA, "a", "one").await.unwrap();
    house.settle().await;
    let place = house.mongo().reserve(ROOM, 1, Numbered::Message).await.unwrap().unwrap();
    house.send(BORA, "b", "three").await.unwrap();

    let page = house.sync(ANNA, 0, 100).await.unwrap();
    assert_eq!((page.cursor, page.head, page.more), (Rev(1), Rev(3), false));
    assert_eq!(texts(&page.items), ["one"]);

    assert!(house.mongo().release(ROOM, place).await.unwrap());
    let page = house.sync_settled(ANNA, 1, 100).await;
    assert_eq!((texts(&page.items), page.cursor, page.head), (vec!["three"], Rev(3), Rev(3)));
}

#[tokio::test]
async fn a_dead_writer_holds_readers_up_for_five_seconds_and_a_slow_one_finds_out() {
    let house = House::new().await;
    let dead = house.mongo().reserve(ROOM, 1, Numbered::Message).await.unwrap().unwrap();
    house.send(BORA, "b", "after").await.unwrap();
    assert_eq!(house.sync(ANNA, 0, 100).await.unwrap().cursor, Rev(0));

    // The server's clock decides; there is no way to hurry it.
    tokio::time::sleep(Duration::from_millis(5_100)).await;

    let page = house.sync(ANNA, 0, 100).await.unwrap();
    assert_eq!((texts(&page.items), page.cursor), (vec!["after"], Rev(2)));
    assert!(!house.mongo().release(ROOM, dead).await.unwrap(), "its entry was dropped, so it must stamp");
}

#[tokio::test]
async fn a_message_written_too_late_is_moved_above_what_readers_passed() {
    let house = House::new().await;
    let late = house.send(ANNA, "a", "late").await.unwrap().message;
    let passed = house.send(BORA, "b", "passed").await.unwrap().message;

    let place = house.mongo().reserve_above(ROOM, late.rev, late.seq).await.unwrap().unwrap();
    let stamped = house.mongo().stamp_message(late.id, place, now()).await.unwrap().unwrap();
    assert!(house.mongo().release(ROOM, place).await.unwrap());

    assert!(stamped.rev > passed.rev);
    assert_eq!((stamped.seq, stamped.content.as_str()), (late.seq, "late"));
    assert_eq!(texts(&house.sync_settled(BORA, passed.rev.0, 100).await.items), ["late"]);
}

#[tokio::test]
async fn a_head_that_a_failover_set_back_is_lifted() {
    let house = House::new().await;
    house.send(ANNA, "a", "one").await.unwrap();

    let place = house.mongo().reserve_above(ROOM, Rev(40), Seq(30)).await.unwrap().unwrap();
    house.mongo().release(ROOM, place).await.unwrap();

    assert_eq!((place.rev, place.seq), (Rev(41), Seq(30)));
    assert_eq!(house.send(ANNA, "b", "two").await.unwrap().message.seq, Seq(31));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_edits_are_all_acknowledged_and_the_highest_rev_stays() {
    let house = House::new().await;
    let message = house.send(ANNA, "a", "zero").await.unwrap().message;

    let edits = (0..20).map(|i| {
        let (house, id) = (&house, message.id);
        async move { house.edit(ANNA, id, &format!("edit {i}")).await.unwrap() }
    });
    let mut edits = join_all(edits).await;

    edits.sort_by_key(|edit| edit.rev);
    assert!(edits.windows(2).all(|pair| pair[0].rev < pair[1].rev));
    let last = edits.pop().unwrap();
    let page = house.list(BORA, Anchor::Newest, 10).await.unwrap();
    assert_eq!((page.items[0].rev, page.items[0].content.as_str()), (last.rev, last.content.as_str()));
    assert_eq!(house.sync_settled(BORA, last.rev.0 - 1, 10).await.items.len(), 1);
}

#[tokio::test]
async fn a_page_with_an_abandoned_message_delivers_it_first() {
    let house = House::new().await;
    house.connect(BORA, "tablet").await;
    let message = house.send(ANNA, "a", "owed").await.unwrap().message;
    let place = house.mongo().reserve_above(ROOM, message.rev, message.seq).await.unwrap().unwrap();
    house.mongo().stamp_message(message.id, place, long_ago()).await.unwrap();
    house.mongo().release(ROOM, place).await.unwrap();

    let page = house.list(ANNA, Anchor::Newest, 10).await.unwrap();

    assert!(page.items[0].rev > place.rev);
    assert_eq!(house.pushed.count(), 2);
    house.is_delivered(message.id).await;
}
