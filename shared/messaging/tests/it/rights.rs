use crate::house::{ANNA, BORA, EVE, House, ROOM, access};
use domain::{Code, RoomId, RoomKey};
use mongo::{Anchor, Numbered};

#[tokio::test]
async fn a_stranger_and_an_unknown_room_get_one_answer() {
    let house = House::new().await;
    let message = house.send(ANNA, "a", "secret").await.unwrap().message;

    assert_eq!(house.send(EVE, "e", "hi").await.err().unwrap().code, Code::RoomNotFound);
    assert_eq!(house.list(EVE, Anchor::Newest, 10).await.err().unwrap().code, Code::RoomNotFound);
    assert_eq!(house.sync(EVE, 0, 10).await.err().unwrap().code, Code::RoomNotFound);
    assert_eq!(house.edit(EVE, &message, "x").await.err().unwrap().code, Code::MessageNotFound);
    assert_eq!(house.edit(BORA, &message, "x").await.err().unwrap().code, Code::NotAuthor);
    let unknown = house.mongo().find_access(RoomKey::private(RoomId(99))).await.unwrap();
    assert_eq!(unknown, None);
}

#[tokio::test]
async fn rights_read_before_a_change_reserve_nothing_after_it() {
    let house = House::new().await;
    house.mongo().project_room(&access(2, &[ANNA])).await.unwrap();

    assert!(house.mongo().reserve(ROOM, 1, Numbered::Message).await.unwrap().is_none());
    assert!(house.mongo().reserve(ROOM, 2, Numbered::Message).await.unwrap().is_some());
    assert_eq!(house.send(BORA, "b", "late").await.err().unwrap().code, Code::RoomNotFound);
}

#[tokio::test]
async fn an_older_projection_never_replaces_a_newer_one() {
    let house = House::new().await;
    house.mongo().project_room(&access(3, &[ANNA])).await.unwrap();
    house.mongo().project_room(&access(2, &[ANNA, BORA])).await.unwrap();
    house.mongo().project_room(&access(3, &[ANNA])).await.unwrap();

    assert_eq!(house.mongo().find_access(ROOM).await.unwrap(), Some(access(3, &[ANNA])));
}

#[tokio::test]
async fn whoever_was_removed_is_sent_nothing_more() {
    let house = House::new().await;
    house.connect(BORA, "tablet").await;
    house.mongo().project_room(&access(2, &[ANNA])).await.unwrap();

    house.send(ANNA, "a", "alone").await.unwrap();

    assert_eq!(house.pushed.count(), 0);
}
