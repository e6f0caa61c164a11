use crate::scene::{ANNA, BORA, ROOM, delete, say, scene};
use domain::MessageId;

#[tokio::test]
async fn a_quote_is_the_beginning_of_its_message() {
    let database = scene().await;
    let short = say(&database.mongo, ROOM, ANNA, "안녕하세요").await;
    let long = say(&database.mongo, ROOM, BORA, &"가".repeat(101)).await;

    let quotes = database.mongo.messages().list_quotes(&[short.id, long.id]).await.unwrap();

    let seen = [short.id, long.id].map(|id| (quotes[&id].user, quotes[&id].beginning.clone(), quotes[&id].is_deleted));
    assert_eq!(seen, [(ANNA, "안녕하세요".to_owned(), false), (BORA, format!("{}…", "가".repeat(100)), false)]);
}

#[tokio::test]
async fn a_quote_counts_as_people_count() {
    let database = scene().await;
    // Seven code points each.
    let families = say(&database.mongo, ROOM, ANNA, &"👨‍👩‍👧‍👦".repeat(101)).await;

    let quotes = database.mongo.messages().list_quotes(&[families.id]).await.unwrap();

    assert_eq!(quotes[&families.id].beginning, format!("{}…", "👨‍👩‍👧‍👦".repeat(100)));
}

#[tokio::test]
async fn a_quote_of_a_deleted_message_is_empty() {
    let database = scene().await;
    let message = say(&database.mongo, ROOM, ANNA, "a secret").await;
    delete(&database.mongo, &message).await;

    let quotes = database.mongo.messages().list_quotes(&[message.id]).await.unwrap();

    assert_eq!((quotes[&message.id].beginning.as_str(), quotes[&message.id].is_deleted), ("", true));
}

#[tokio::test]
async fn an_unknown_message_has_no_quote() {
    let database = scene().await;
    let known = say(&database.mongo, ROOM, ANNA, "one").await;

    let quotes = database.mongo.messages().list_quotes(&[known.id, MessageId([7; 12])]).await.unwrap();

    assert_eq!(quotes.keys().collect::<Vec<_>>(), [&known.id]);
}
