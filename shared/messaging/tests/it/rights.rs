use crate::scene::{ANNA, BORA, EVE, ROOM, Scene, access, draft, refusal};
use domain::{Code, MessageDraft, RoomId, RoomKey};
use mongo::{Anchor, Messages, Placement};

#[tokio::test]
async fn stranger_and_unknown_room_get_the_same_answer() {
    let scene = Scene::new().await;
    let message = scene.send(ANNA, "a", "secret").await.unwrap().message;

    assert_eq!(refusal(scene.send(EVE, "e", "hi").await), Code::RoomNotFound);
    assert_eq!(refusal(scene.list(EVE, Anchor::Newest, 10).await), Code::RoomNotFound);
    assert_eq!(refusal(scene.sync(EVE, 0, 10).await), Code::RoomNotFound);
    assert_eq!(refusal(scene.edit(EVE, message.id, "x").await), Code::MessageNotFound);
    assert_eq!(refusal(scene.edit(BORA, message.id, "x").await), Code::NotAuthor);
    let unknown = MessageDraft { room: RoomKey::private(RoomId(99)), ..draft(EVE, "u", "hi") };
    assert_eq!(refusal(scene.send_draft(&unknown).await), Code::RoomNotFound);
}

#[tokio::test]
async fn removed_member_reserves_nothing() {
    let scene = Scene::new().await;
    scene.project(&access(2, &[ANNA])).await;

    let rooms = scene.mongo().rooms();
    for placement in [Placement::New(Messages::new_id()), Placement::Change] {
        assert!(rooms.reserve(ROOM, Some(BORA), placement).await.unwrap().is_none(), "{placement:?}");
        assert!(rooms.reserve(ROOM, Some(ANNA), placement).await.unwrap().is_some(), "{placement:?}");
    }
    assert_eq!(refusal(scene.send(BORA, "b", "late").await), Code::RoomNotFound);
}

#[tokio::test]
async fn stale_projection_never_replaces_a_newer_one() {
    let scene = Scene::new().await;
    scene.project(&access(3, &[ANNA])).await;
    scene.project(&access(2, &[ANNA, BORA])).await;
    scene.project(&access(3, &[ANNA])).await;

    let rights = scene.mongo().rooms().find_rights(ROOM, ANNA).await.unwrap().unwrap();
    assert_eq!((rights.version, scene.mongo().rooms().list_members(ROOM).await.unwrap()), (3, vec![ANNA]));
}

#[tokio::test]
async fn removed_member_receives_nothing() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    scene.project(&access(2, &[ANNA])).await;

    scene.send(ANNA, "a", "alone").await.unwrap();

    assert_eq!(scene.pushed.count(), 0);
}
