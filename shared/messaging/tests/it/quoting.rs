use crate::scene::{ANNA, BORA, Scene};
use contract::{MessageView, QuoteView};
use mongo::Anchor;
use serde_json::json;

fn quoted(view: &MessageView) -> (i32, &str, bool) {
    let QuoteView { user_id, content, is_deleted, .. } = view.quote.as_ref().unwrap();
    (user_id.0, content, *is_deleted)
}

#[tokio::test]
async fn reply_carries_its_quote_everywhere() {
    let scene = Scene::new().await;
    scene.connect(ANNA, "phone").await;
    let question = scene.send(ANNA, "a", "어디?").await.unwrap().message;

    let acknowledged = scene.reply(BORA, "b", "집", question.id).await.message;

    let listed = scene.list(ANNA, Anchor::Newest, 1).await.unwrap().items.remove(0);
    let synced = scene.sync_settled(ANNA, question.rev.0, 10).await.items.remove(0);
    for view in [&acknowledged, &listed, &synced] {
        assert_eq!(quoted(view), (ANNA.0, "어디?", false));
    }
    let pushed = scene.pushed.frames("phone").pop().unwrap();
    let expected =
        json!({"user_id": ANNA, "message_type": "text", "content": "어디?", "attachment": null, "is_deleted": false});
    assert_eq!(pushed["d"]["quote"], expected);
}

#[tokio::test]
async fn quote_of_a_long_message_is_its_beginning() {
    let scene = Scene::new().await;
    let long = scene.send(ANNA, "a", &"가".repeat(4_000)).await.unwrap().message;

    let reply = scene.reply(BORA, "b", "!", long.id).await.message;

    assert_eq!(quoted(&reply), (ANNA.0, format!("{}…", "가".repeat(100)).as_str(), false));
}

#[tokio::test]
async fn message_that_is_no_reply_has_no_quote() {
    let scene = Scene::new().await;

    assert!(scene.send(ANNA, "a", "hi").await.unwrap().message.quote.is_none());
}

#[tokio::test]
async fn quote_shows_the_current_text() {
    let scene = Scene::new().await;
    let question = scene.send(ANNA, "a", "어디?").await.unwrap().message;
    scene.reply(BORA, "b", "집", question.id).await;

    scene.edit(ANNA, question.id, "어디야?").await.unwrap();

    let listed = scene.list(BORA, Anchor::Newest, 1).await.unwrap().items.remove(0);
    assert_eq!(quoted(&listed), (ANNA.0, "어디야?", false));
}

#[tokio::test]
async fn quote_of_a_deleted_message_is_empty() {
    let scene = Scene::new().await;
    let question = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    let reply = scene.reply(BORA, "b", "!", question.id).await.message;

    scene.delete(ANNA, question.id).await.unwrap();

    let listed = scene.list(BORA, Anchor::Newest, 1).await.unwrap().items.remove(0);
    let synced = scene.sync_settled(BORA, question.rev.0, 1).await.items.remove(0);
    for view in [&listed, &synced] {
        assert_eq!((view.id, quoted(view)), (reply.id, (ANNA.0, "", true)));
    }
}

#[tokio::test]
async fn edited_reply_keeps_its_quote() {
    let scene = Scene::new().await;
    let question = scene.send(ANNA, "a", "어디?").await.unwrap().message;
    let reply = scene.reply(BORA, "b", "집", question.id).await.message;

    let edited = scene.edit(BORA, reply.id, "학교").await.unwrap();

    assert_eq!(quoted(&edited), (ANNA.0, "어디?", false));
}

#[tokio::test]
async fn reply_to_a_tombstone_quotes_nothing() {
    let scene = Scene::new().await;
    let question = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    scene.delete(ANNA, question.id).await.unwrap();

    let reply = scene.reply(BORA, "b", "?", question.id).await.message;

    assert_eq!(quoted(&reply), (ANNA.0, "", true));
}
