//! What messages are found by follows their texts, in the same write.

use crate::scene::{ANNA, AT, BORA, ROOM, collection, delete, edit, environments, private, reserve, say, scene};
use domain::{Code, Emoji, MessageId, MessageType, message_search::grams};
use mongo::{Fanout, Mongo, Placement};
use mongodb::bson::{Bson, doc, oid::ObjectId};
use testkit::{mongo::Database, proxy::Proxy};
use tokio::task::JoinSet;

/// The grams in a message's row; `None` where it has no such field.
async fn stored(database: &Database, id: MessageId) -> Option<Vec<i32>> {
    let messages = collection(database, "messages").await;
    let row = messages.find_one(doc! { "_id": ObjectId::from_bytes(id.0) }).await.unwrap().unwrap();
    let grams = row.get_array("g").ok()?;
    Some(grams.iter().filter_map(Bson::as_i32).collect())
}

fn grams_of(content: &str) -> Vec<i32> {
    grams(ANNA, content, MessageType::Text, &[]).into_iter().map(|gram| gram.0).collect()
}

#[tokio::test]
async fn grams_follow_the_text() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "회의록을 보냈어요").await;
    assert_eq!(stored(&database, message.id).await, Some(grams_of("회의록을 보냈어요")));

    let position = reserve(mongo, ROOM, Placement::Change).await;
    edit(mongo, message.id, "배포했어요", &position).await.unwrap().unwrap();
    mongo.rooms().release(ROOM, &position).await.unwrap();
    assert_eq!(stored(&database, message.id).await, Some(grams_of("배포했어요")));

    delete(mongo, &message).await;
    assert_eq!(stored(&database, message.id).await, None);
}

#[tokio::test]
async fn changes_that_leave_the_text_leave_the_grams() {
    let database = scene().await;
    let (mongo, messages) = (&database.mongo, database.mongo.messages());
    let message = say(mongo, ROOM, ANNA, "회의").await;
    let mut causal = mongo.causal().await.unwrap();

    let above = Placement::Above { id: message.id, rev: message.rev, seq: message.seq };
    let position = reserve(mongo, ROOM, above).await;
    messages.stamp(&mut causal, &message, &position, Fanout::new(AT, 0)).await.unwrap().unwrap();
    let position = reserve(mongo, ROOM, Placement::Change).await;
    let emoji = Emoji::parse("👍").unwrap();
    messages.react(&mut causal, message.id, BORA, emoji, &position, AT).await.unwrap().unwrap();
    let position = reserve(mongo, ROOM, Placement::Pin(message.id)).await;
    messages.pin(&mut causal, message.id, BORA, &position, AT).await.unwrap().unwrap();

    assert_eq!(stored(&database, message.id).await, Some(grams_of("회의")));
}

#[tokio::test]
async fn withdrawn_message_has_no_grams() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "회의").await;

    let position = reserve(mongo, ROOM, Placement::Change).await;
    mongo.messages().withdraw(message.id, message.rev, &position, AT).await.unwrap().unwrap();

    assert_eq!(stored(&database, message.id).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_edits_at_once_leave_the_grams_of_the_last_text() {
    let database = scene().await;
    let message = say(&database.mongo, ROOM, ANNA, "처음").await;
    let mut edits = JoinSet::new();
    for (n, mongo) in environments(&database, 20).await.into_iter().enumerate() {
        let id = message.id;
        edits.spawn(async move {
            let position = reserve(&mongo, ROOM, Placement::Change).await;
            edit(&mongo, id, &format!("글자 {n}번 {}", "가나다라마바사아자차카타파하".repeat(n)), &position)
                .await
                .unwrap();
        });
    }
    edits.join_all().await;

    let last = database.mongo.messages().find(message.id).await.unwrap().unwrap().message;

    assert_eq!(stored(&database, message.id).await, Some(grams_of(&last.content)));
}

#[tokio::test]
async fn no_read_loads_the_grams() {
    let database = scene().await;
    let (mongo, messages, rooms) = (&database.mongo, database.mongo.messages(), database.mongo.rooms());
    // A text of few bytes with many grams of many bytes.
    let text: String = ('가'..='힣').step_by(7).take(1_200).collect();
    let long = say(mongo, ROOM, ANNA, &text).await;
    rooms.project(&crate::scene::access(private(2), &[ANNA, BORA]), AT).await.unwrap();
    let mut profile = testkit::mongo::Profile::of(&database).await;

    let mut causal = mongo.causal().await.unwrap();
    messages.find(long.id).await.unwrap().unwrap();
    messages.list_of_author(ANNA, None, domain::PageSize::LARGEST).await.unwrap();
    messages.list_undeleted(ANNA, AT, 5).await.unwrap();
    messages.list_recent(ROOM, AT, 5).await.unwrap();
    messages.list_owed(AT.plus(std::time::Duration::from_mins(1)), 5).await.unwrap();
    rooms.list_messages(ROOM, ANNA, mongo::Anchor::Newest, 5).await.unwrap().unwrap();
    rooms.list_changes(ROOM, ANNA, domain::Rev(0), 5).await.unwrap().unwrap();
    rooms.list(ANNA, domain::RoomKind::Private, None, domain::PageSize::LARGEST).await.unwrap();
    let position = reserve(mongo, ROOM, Placement::Change).await;
    edit(mongo, long.id, &format!("{text}!"), &position).await.unwrap().unwrap();
    let position = reserve(mongo, ROOM, Placement::Pin(long.id)).await;
    messages.pin(&mut causal, long.id, BORA, &position, AT).await.unwrap().unwrap();
    rooms.list_pinned(ROOM, ANNA, None, domain::PageSize::LARGEST).await.unwrap().unwrap();

    for note in profile.fresh().await {
        let bytes = note.get_i32("responseLength").unwrap_or(0);
        assert!(bytes < 8_000, "{bytes} bytes: {}", note.get_document("command").unwrap());
    }
}

#[tokio::test]
async fn server_that_is_away_does_not_say_that_it_has_no_atlas() {
    let database = scene().await;
    let (proxy, url) = Proxy::before(&database.url).await;
    let mongo = Mongo::connect(&format!("{url}&directConnection=true")).await.unwrap();
    assert!(!mongo.messages().has_search_index("messages_search").await.unwrap());

    proxy.cut();

    assert_eq!(mongo.messages().has_search_index("messages_search").await.unwrap_err().code, Code::Unavailable);
}
