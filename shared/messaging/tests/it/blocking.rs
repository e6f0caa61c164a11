use crate::scene::{ANNA, BORA, EVE, ROOM, Scene, refusal, texts};
use domain::Code;
use mongo::{Anchor, Messages, Placement};

#[tokio::test]
async fn across_a_block_neither_writes() {
    let scene = Scene::new().await;
    scene.block(2).await;

    for user in [ANNA, BORA] {
        assert_eq!(refusal(scene.send(user, "a", "hi").await), Code::RecipientUnavailable);
    }
}

#[tokio::test]
async fn neither_may_edit_across_a_block() {
    let scene = Scene::new().await;
    let mut sent = Vec::new();
    for user in [ANNA, BORA] {
        sent.push((user, scene.send(user, "a", "hi").await.unwrap().message.id));
    }
    scene.block(2).await;

    for (user, id) in sent {
        assert_eq!(refusal(scene.edit(user, id, "x").await), Code::RecipientUnavailable);
    }
}

#[tokio::test]
async fn both_may_delete_only_their_own_messages_across_a_block() {
    let scene = Scene::new().await;
    let (annas, boras) =
        (scene.send(ANNA, "a", "hi").await.unwrap().message, scene.send(BORA, "b", "hello").await.unwrap().message);
    scene.connect(BORA, "tablet").await;
    scene.block(2).await;

    assert_eq!(refusal(scene.delete(BORA, annas.id).await), Code::NotAuthor);
    assert_eq!(refusal(scene.delete(EVE, annas.id).await), Code::MessageNotFound);
    for (user, id) in [(ANNA, annas.id), (BORA, boras.id)] {
        assert!(scene.delete(user, id).await.unwrap().is_deleted);
    }

    assert_eq!(texts(&scene.list(BORA, Anchor::Newest, 10).await.unwrap().items), ["", ""]);
    assert_eq!(scene.pushed.frames("tablet").len(), 2);
}

#[tokio::test]
async fn across_a_block_both_read_on() {
    let scene = Scene::new().await;
    scene.send(ANNA, "a", "hi").await.unwrap();
    scene.block(2).await;

    for user in [ANNA, BORA] {
        assert_eq!(texts(&scene.list(user, Anchor::Newest, 10).await.unwrap().items), ["hi"]);
        assert_eq!(texts(&scene.sync_settled(user, 0, 10).await.items), ["hi"]);
    }
}

#[tokio::test]
async fn a_block_tells_a_stranger_nothing() {
    let scene = Scene::new().await;
    scene.block(2).await;

    assert_eq!(refusal(scene.send(EVE, "a", "hi").await), Code::RoomNotFound);
}

#[tokio::test]
async fn edit_of_another_authors_message_is_refused_across_a_block() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "hi").await.unwrap().message.id;
    scene.block(2).await;

    assert_eq!(refusal(scene.edit(BORA, id, "x").await), Code::NotAuthor);
}

#[tokio::test]
async fn a_retry_of_what_was_written_before_the_block_answers_the_original() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "hi").await.unwrap().message;
    scene.is_delivered(sent.id).await;
    scene.block(2).await;

    let retry = scene.send(ANNA, "a", "hi").await.unwrap();

    assert_eq!((retry.duplicate, retry.message.id, retry.message.rev), (true, sent.id, sent.rev));
}

#[tokio::test]
async fn a_delete_repeated_across_a_block_answers_the_tombstone() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "hi").await.unwrap().message;
    scene.delete(ANNA, sent.id).await.unwrap();
    scene.block(2).await;

    assert!(scene.delete(ANNA, sent.id).await.unwrap().is_deleted);
}

#[tokio::test]
async fn only_deletions_and_retractions_get_a_position_across_a_block() {
    let scene = Scene::new().await;
    scene.block(2).await;

    let id = Messages::new_id();
    for placement in [Placement::Deletion(id), Placement::Retraction] {
        let rooms = scene.mongo().rooms();
        assert!(rooms.reserve(ROOM, Some(ANNA), placement).await.unwrap().is_some(), "{placement:?}");
        assert!(rooms.reserve(ROOM, Some(EVE), placement).await.unwrap().is_none(), "{placement:?}");
    }

    for placement in [Placement::New(id), Placement::Change, Placement::Pin(id), Placement::Unpin(id)] {
        let reserved = scene.mongo().rooms().reserve(ROOM, Some(ANNA), placement).await.unwrap();
        assert!(reserved.is_none(), "{placement:?}");
    }
}

#[tokio::test]
async fn a_message_refused_across_a_block_is_in_nobodys_list() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    scene.block(2).await;

    assert_eq!(refusal(scene.send(ANNA, "a", "hi").await), Code::RecipientUnavailable);

    assert_eq!((scene.list(BORA, Anchor::Newest, 10).await.unwrap().items.len(), scene.pushed.count()), (0, 0));
}

#[tokio::test]
async fn after_the_block_both_write_again() {
    let scene = Scene::new().await;
    scene.block(2).await;
    scene.project(&crate::scene::access(3, &[ANNA, BORA])).await;

    for user in [ANNA, BORA] {
        scene.send(user, "a", "hi").await.unwrap();
    }
}
