use crate::house::{ANNA, BORA, EVE, House, ROOM, refusal, texts};
use domain::Code;
use mongo::{Anchor, Numbered};

#[tokio::test]
async fn across_a_block_neither_writes() {
    let house = House::new().await;
    house.block(2).await;

    for user in [ANNA, BORA] {
        assert_eq!(refusal(house.send(user, "a", "hi").await), Code::RecipientUnavailable);
    }
}

#[tokio::test]
async fn across_a_block_neither_changes_what_they_wrote() {
    let house = House::new().await;
    let mut sent = Vec::new();
    for user in [ANNA, BORA] {
        sent.push((user, house.send(user, "a", "hi").await.unwrap().message.id));
    }
    house.block(2).await;

    for (user, id) in sent {
        assert_eq!(refusal(house.edit(user, id, "x").await), Code::RecipientUnavailable);
        assert_eq!(refusal(house.delete(user, id).await), Code::RecipientUnavailable);
    }
}

#[tokio::test]
async fn across_a_block_both_read_on() {
    let house = House::new().await;
    house.send(ANNA, "a", "hi").await.unwrap();
    house.block(2).await;

    for user in [ANNA, BORA] {
        assert_eq!(texts(&house.list(user, Anchor::Newest, 10).await.unwrap().items), ["hi"]);
        assert_eq!(texts(&house.sync_settled(user, 0, 10).await.items), ["hi"]);
    }
}

#[tokio::test]
async fn a_block_tells_a_stranger_nothing() {
    let house = House::new().await;
    house.block(2).await;

    assert_eq!(refusal(house.send(EVE, "a", "hi").await), Code::RoomNotFound);
}

#[tokio::test]
async fn what_another_one_wrote_is_theirs_across_a_block_too() {
    let house = House::new().await;
    let id = house.send(ANNA, "a", "hi").await.unwrap().message.id;
    house.block(2).await;

    assert_eq!(refusal(house.edit(BORA, id, "x").await), Code::NotAuthor);
}

#[tokio::test]
async fn a_retry_of_what_was_written_before_the_block_answers_the_original() {
    let house = House::new().await;
    let sent = house.send(ANNA, "a", "hi").await.unwrap().message;
    house.is_delivered(sent.id).await;
    house.block(2).await;

    let retry = house.send(ANNA, "a", "hi").await.unwrap();

    assert_eq!((retry.duplicate, retry.message.id, retry.message.rev), (true, sent.id, sent.rev));
}

#[tokio::test]
async fn a_delete_repeated_across_a_block_answers_the_tombstone() {
    let house = House::new().await;
    let sent = house.send(ANNA, "a", "hi").await.unwrap().message;
    house.delete(ANNA, sent.id).await.unwrap();
    house.block(2).await;

    assert!(house.delete(ANNA, sent.id).await.unwrap().is_deleted);
}

#[tokio::test]
async fn rights_read_before_a_block_get_no_place_after_it() {
    let house = House::new().await;
    house.block(2).await;

    for numbered in [Numbered::Message, Numbered::Change] {
        assert!(house.mongo().reserve(ROOM, 1, numbered).await.unwrap().is_none(), "{numbered:?}");
    }
}

#[tokio::test]
async fn a_message_refused_across_a_block_is_in_nobodys_list() {
    let house = House::new().await;
    house.connect(BORA, "tablet").await;
    house.block(2).await;

    assert_eq!(refusal(house.send(ANNA, "a", "hi").await), Code::RecipientUnavailable);

    assert_eq!((house.list(BORA, Anchor::Newest, 10).await.unwrap().items.len(), house.pushed.count()), (0, 0));
}

#[tokio::test]
async fn after_the_block_both_write_again() {
    let house = House::new().await;
    house.block(2).await;
    house.project(&crate::house::access(3, &[ANNA, BORA])).await;

    for user in [ANNA, BORA] {
        house.send(user, "a", "hi").await.unwrap();
    }
}
