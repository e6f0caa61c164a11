use crate::scene::{ANNA, Scene, refusal, texts};
use domain::Code;

#[tokio::test]
async fn ended_session_changes_nothing() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "hi").await.unwrap().message;
    scene.end_sessions().await;

    assert_eq!(refusal(scene.send(ANNA, "b", "late").await), Code::Unauthenticated);
    assert_eq!(refusal(scene.edit(ANNA, sent.id, "late").await), Code::Unauthenticated);
    assert_eq!(refusal(scene.delete(ANNA, sent.id).await), Code::Unauthenticated);

    let page = scene.sync_settled(ANNA, 0, 10).await;
    assert_eq!((texts(&page.items), page.head), (vec!["hi"], sent.rev));
}

#[tokio::test]
async fn ended_session_gets_no_answer_to_a_retry() {
    let scene = Scene::new().await;
    scene.send(ANNA, "a", "hi").await.unwrap();
    scene.end_sessions().await;

    assert_eq!(refusal(scene.send(ANNA, "a", "hi").await), Code::Unauthenticated);
}
