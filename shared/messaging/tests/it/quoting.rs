use crate::house::{ANNA, BORA, House};
use mongo::Anchor;
use realtime::{MessageView, QuoteView};

fn quoted(view: &MessageView) -> (i32, &str, bool) {
    let QuoteView { user_id, content, is_deleted } = view.quote.as_ref().unwrap();
    (user_id.0, content, *is_deleted)
}

#[tokio::test]
async fn a_reply_shows_what_it_answers_wherever_it_is_seen() {
    let house = House::new().await;
    house.connect(ANNA, "phone").await;
    let question = house.send(ANNA, "a", "어디?").await.unwrap().message;

    let acknowledged = house.reply(BORA, "b", "집", question.id).await.message;

    let listed = house.list(ANNA, Anchor::Newest, 1).await.unwrap().items.remove(0);
    let synced = house.sync_settled(ANNA, question.rev.0, 10).await.items.remove(0);
    for view in [&acknowledged, &listed, &synced] {
        assert_eq!(quoted(view), (ANNA.0, "어디?", false));
    }
    let pushed = house.pushed.frames("phone").pop().unwrap();
    assert_eq!(pushed["d"]["quote"], serde_json::json!({"user_id": ANNA, "content": "어디?", "is_deleted": false}));
}

#[tokio::test]
async fn a_reply_to_a_long_message_shows_its_beginning() {
    let house = House::new().await;
    let long = house.send(ANNA, "a", &"가".repeat(4_000)).await.unwrap().message;

    let reply = house.reply(BORA, "b", "!", long.id).await.message;

    assert_eq!(quoted(&reply), (ANNA.0, format!("{}…", "가".repeat(100)).as_str(), false));
}

#[tokio::test]
async fn what_answers_nothing_has_no_quote() {
    let house = House::new().await;

    assert!(house.send(ANNA, "a", "hi").await.unwrap().message.quote.is_none());
}

#[tokio::test]
async fn a_reply_shows_what_it_answers_as_it_is_now() {
    let house = House::new().await;
    let question = house.send(ANNA, "a", "어디?").await.unwrap().message;
    house.reply(BORA, "b", "집", question.id).await;

    house.edit(ANNA, question.id, "어디야?").await.unwrap();

    let listed = house.list(BORA, Anchor::Newest, 1).await.unwrap().items.remove(0);
    assert_eq!(quoted(&listed), (ANNA.0, "어디야?", false));
}

#[tokio::test]
async fn nothing_of_a_deleted_message_is_left_in_its_replies() {
    let house = House::new().await;
    let question = house.send(ANNA, "a", "a secret").await.unwrap().message;
    let reply = house.reply(BORA, "b", "!", question.id).await.message;

    house.delete(ANNA, question.id).await.unwrap();

    let listed = house.list(BORA, Anchor::Newest, 1).await.unwrap().items.remove(0);
    let synced = house.sync_settled(BORA, question.rev.0, 1).await.items.remove(0);
    for view in [&listed, &synced] {
        assert_eq!((view.id, quoted(view)), (reply.id, (ANNA.0, "", true)));
    }
}

#[tokio::test]
async fn a_reply_that_changes_keeps_its_quote() {
    let house = House::new().await;
    let question = house.send(ANNA, "a", "어디?").await.unwrap().message;
    let reply = house.reply(BORA, "b", "집", question.id).await.message;

    let edited = house.edit(BORA, reply.id, "학교").await.unwrap();

    assert_eq!(quoted(&edited), (ANNA.0, "어디?", false));
}

#[tokio::test]
async fn a_reply_to_a_deleted_message_quotes_nothing_of_it() {
    let house = House::new().await;
    let question = house.send(ANNA, "a", "a secret").await.unwrap().message;
    house.delete(ANNA, question.id).await.unwrap();

    let reply = house.reply(BORA, "b", "?", question.id).await.message;

    assert_eq!(quoted(&reply), (ANNA.0, "", true));
}
