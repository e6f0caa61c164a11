use crate::house::{ANNA, BORA, EVE, House, ROOM, access, refusal};
use domain::{Code, RoomId, RoomKey};
use mongo::{Anchor, Numbered};

#[tokio::test]
async fn a_stranger_and_an_unknown_room_get_one_answer() {
    let house = House::new().await;
    let message = house.send(ANNA, "a", "secret").await.unwrap().message;

    assert_eq!(refusal(house.send(EVE, "e", "hi").await), Code::RoomNotFound);
    assert_eq!(refusal(house.list(EVE, Anchor::Newest, 10).await), Code::RoomNotFound);
    assert_eq!(refusal(house.sync(EVE, 0, 10).await), Code::RoomNotFound);
    assert_eq!(refusal(house.edit(EVE, message.id, "x").await), Code::MessageNotFound);
    assert_eq!(refusal(house.edit(BORA, message.id, "x").await), Code::NotAuthor);
    let unknown = house.mongo().find_access(RoomKey::private(RoomId(99))).await.unwrap();
    assert_eq!(unknown, None);
}

#[tokio::test]
async fn rights_read_before_a_change_reserve_nothing_after_it() {
    let house = House::new().await;
    house.project(&access(2, &[ANNA])).await;

    assert!(house.mongo().reserve(ROOM, 1, Numbered::Message).await.unwrap().is_none());
    assert!(house.mongo().reserve(ROOM, 2, Numbered::Message).await.unwrap().is_some());
    assert_eq!(refusal(house.send(BORA, "b", "late").await), Code::RoomNotFound);
}

#[tokio::test]
async fn an_older_projection_never_replaces_a_newer_one() {
    let house = House::new().await;
    house.project(&access(3, &[ANNA])).await;
    house.project(&access(2, &[ANNA, BORA])).await;
    house.project(&access(3, &[ANNA])).await;

    assert_eq!(house.mongo().find_access(ROOM).await.unwrap(), Some(access(3, &[ANNA])));
}

#[tokio::test]
async fn whoever_was_removed_is_sent_nothing_more() {
    let house = House::new().await;
    house.connect(BORA, "tablet").await;
    house.project(&access(2, &[ANNA])).await;

    house.send(ANNA, "a", "alone").await.unwrap();

    assert_eq!(house.pushed.count(), 0);
}
