use crate::house::{ANNA, AT, ROOM, draft, house, insert, set_head};
use domain::{Content, Rev, Seq};
use mongo::{Inserted, Numbered};

#[tokio::test]
async fn a_place_that_is_given_out_twice_is_taken_once() {
    let database = house().await;
    let mongo = &database.mongo;
    let (first, _) = insert(mongo, &draft(ROOM, ANNA, "a", "안녕"), AT).await;
    let (_, second) = insert(mongo, &draft(ROOM, ANNA, "b", "안녕"), AT).await;
    assert!(matches!(second, Inserted::Done(message) if (message.rev, message.seq) == (Rev(2), Seq(2))));

    // The same `rev` under another `seq`, as after a failover that lost an edit's reservation.
    set_head(&database, ROOM, Rev(1), Seq(2)).await;
    assert!(matches!(insert(mongo, &draft(ROOM, ANNA, "c", "안녕"), AT).await, (_, Inserted::Taken)));

    set_head(&database, ROOM, Rev(1), Seq(2)).await;
    let place = mongo.reserve(ROOM, 1, Numbered::Change).await.unwrap().unwrap();
    assert_eq!(place.rev, Rev(2));
    assert!(mongo.edit_message(first, &Content::parse("x").unwrap(), place, AT).await.unwrap().is_none());
    assert!(mongo.stamp_message(first, place, AT).await.unwrap().is_none());
}
