use crate::scene::{ANNA, AT, ROOM, delete, draft, edit, eventually, insert, reserve, scene};
use domain::{ConnectionId, MessageId, Rev, Seq, Timestamp};
use mongo::{Fanout, Placement};
use std::time::Duration;
use testkit::mongo::Database;

/// A message whose delivery is owed for so long.
async fn owed(database: &Database, client_id: &str, seconds: u64) -> MessageId {
    let since = AT.minus(Duration::from_secs(seconds));
    insert(&database.mongo, &draft(ROOM, ANNA, client_id, "안녕"), since).await.0
}

async fn list(database: &Database, limit: i64) -> Vec<MessageId> {
    let owed = database.mongo.messages().list_owed(AT, limit).await.unwrap();
    owed.into_iter().map(|stored| stored.message.id).collect()
}

async fn fanout(database: &Database, id: MessageId) -> Option<Fanout> {
    database.mongo.messages().find(id).await.unwrap().unwrap().fanout
}

fn connections(number: usize) -> Vec<ConnectionId> {
    (0..number).map(|n| ConnectionId(n.to_string())).collect()
}

/// Moves a message to a new position and returns its `rev`.
async fn change(database: &Database, id: MessageId, since: Timestamp) -> Rev {
    let mongo = &database.mongo;
    let message = mongo.messages().find(id).await.unwrap().unwrap().message;
    let position = reserve(mongo, ROOM, Placement::Above { id, rev: message.rev, seq: message.seq }).await;
    let mut causal = mongo.causal().await.unwrap();
    let fanout = Fanout::new(since, 0);
    mongo.messages().stamp(&mut causal, &message, &position, fanout).await.unwrap().unwrap();
    assert!(mongo.rooms().release(ROOM, &position).await.unwrap());
    position.rev
}

#[tokio::test]
async fn a_delivery_is_owed_after_more_than_five_seconds() {
    let database = scene().await;
    owed(&database, "new", 0).await;
    owed(&database, "young", 5).await;
    let old = owed(&database, "old", 6).await;

    assert_eq!(list(&database, 10).await, [old]);
}

#[tokio::test]
async fn the_oldest_owed_delivery_says_since_when() {
    let database = scene().await;
    let oldest = async || database.mongo.messages().find_oldest_owed().await.unwrap();
    assert_eq!(oldest().await, None);
    owed(&database, "new", 2).await;
    let delivered = owed(&database, "old", 60).await;

    assert_eq!(oldest().await, Some(AT.minus(Duration::from_mins(1))));
    database.mongo.messages().clear_fanout(delivered, Rev(1)).await.unwrap();
    database.mongo.messages().clear_fanout(delivered, Rev(2)).await.unwrap();
    eventually(async || oldest().await == Some(AT.minus(Duration::from_secs(2)))).await;
}

#[tokio::test]
async fn a_delivered_message_is_owed_no_more() {
    let database = scene().await;
    let delivered = owed(&database, "delivered", 60).await;

    database.mongo.messages().clear_fanout(delivered, Rev(1)).await.unwrap();

    eventually(async || list(&database, 10).await.is_empty()).await;
}

#[tokio::test]
async fn a_message_that_changed_after_its_delivery_is_owed_again() {
    let database = scene().await;
    let id = owed(&database, "edited", 60).await;
    change(&database, id, AT.minus(Duration::from_secs(6))).await;

    database.mongo.messages().clear_fanout(id, Rev(1)).await.unwrap();

    assert_eq!(list(&database, 10).await, [id]);
}

#[tokio::test]
async fn the_longest_waiting_come_first_and_not_too_many_at_once() {
    let database = scene().await;
    let second = owed(&database, "b", 30).await;
    owed(&database, "c", 20).await;
    let first = owed(&database, "a", 40).await;

    assert_eq!(list(&database, 2).await, [first, second]);
}

#[tokio::test]
async fn a_failed_push_is_noted_with_the_connections_that_missed_it() {
    let database = scene().await;
    let id = owed(&database, "a", 60).await;
    let at = AT.minus(Duration::from_secs(7));

    database.mongo.messages().note_failed(id, Rev(1), &connections(2), 1, at).await.unwrap();

    let noted = Some(Fanout { at, tries: 1, released: true, failed: Some(connections(2)), news: false });
    eventually(async || fanout(&database, id).await == noted).await;
    assert_eq!(list(&database, 10).await, [id]);
}

#[tokio::test]
async fn a_released_message_is_not_abandoned() {
    let database = scene().await;
    let id = owed(&database, "a", 60).await;
    let find = async || database.mongo.messages().find(id).await.unwrap().unwrap();
    assert!(find().await.is_abandoned(AT));
    let long_ago = AT.minus(Duration::from_mins(1));

    database.mongo.messages().note_failed(id, Rev(1), &connections(1), 0, long_ago).await.unwrap();

    eventually(async || !find().await.is_abandoned(AT)).await;
}

#[tokio::test]
async fn up_to_25_failed_connections_are_named() {
    let database = scene().await;
    let id = owed(&database, "a", 60).await;
    for (number, named) in [(25, Some(connections(25))), (26, None)] {
        database.mongo.messages().note_failed(id, Rev(1), &connections(number), 0, AT).await.unwrap();

        let noted = Some(Fanout { at: AT, tries: 0, released: true, failed: named, news: false });
        eventually(async || fanout(&database, id).await == noted).await;
    }
}

#[tokio::test]
async fn a_note_of_an_older_push_does_not_land_on_a_newer_change() {
    let database = scene().await;
    let id = owed(&database, "a", 60).await;
    change(&database, id, AT).await;

    database.mongo.messages().note_failed(id, Rev(1), &connections(1), 1, AT).await.unwrap();

    // A later write with a majority, after which the note would be seen.
    owed(&database, "b", 0).await;
    assert_eq!(fanout(&database, id).await, Some(Fanout { news: true, ..Fanout::new(AT, 0) }));
}

#[tokio::test]
async fn a_message_is_news_until_it_is_delivered_whatever_changes() {
    let database = scene().await;
    let id = owed(&database, "a", 60).await;
    let is_news = async || fanout(&database, id).await.is_some_and(|fanout| fanout.news);

    change(&database, id, AT).await;
    assert!(is_news().await);
    let position = reserve(&database.mongo, ROOM, Placement::Change).await;
    edit(&database.mongo, id, "edited", &position).await.unwrap().unwrap();
    assert!(is_news().await);

    database.mongo.messages().clear_fanout(id, position.rev).await.unwrap();
    let position = reserve(&database.mongo, ROOM, Placement::Change).await;
    edit(&database.mongo, id, "edited again", &position).await.unwrap().unwrap();
    assert!(!is_news().await);
}

#[tokio::test]
async fn a_failed_push_is_not_noted_on_a_delivered_message() {
    let database = scene().await;
    let id = owed(&database, "a", 60).await;
    database.mongo.messages().clear_fanout(id, Rev(1)).await.unwrap();

    database.mongo.messages().note_failed(id, Rev(1), &connections(1), 1, AT).await.unwrap();

    owed(&database, "b", 0).await;
    assert_eq!(fanout(&database, id).await, None);
}

#[tokio::test]
async fn a_change_forgets_which_pushes_failed_before_it() {
    let database = scene().await;
    let id = owed(&database, "a", 60).await;
    database.mongo.messages().note_failed(id, Rev(1), &connections(1), 2, AT).await.unwrap();
    eventually(async || fanout(&database, id).await.is_some_and(|fanout| fanout.released)).await;

    let rev = change(&database, id, AT).await;

    let stored = database.mongo.messages().find(id).await.unwrap().unwrap();
    assert_eq!((stored.message.rev, stored.message.seq), (rev, Seq(1)));
    assert_eq!(stored.fanout, Some(Fanout::new(AT, 0)));
}

#[tokio::test]
async fn postponed_delivery_is_owed_last() {
    let database = scene().await;
    let (first, second) = (owed(&database, "a", 20).await, owed(&database, "b", 10).await);
    let message = database.mongo.messages().find(first).await.unwrap().unwrap().message;

    database.mongo.messages().postpone(first, message.rev, AT.minus(Duration::from_secs(6))).await.unwrap();

    eventually(async || list(&database, 10).await == [second, first]).await;
}

#[tokio::test]
async fn an_owed_notification_is_listed_until_it_is_cleared() {
    let database = scene().await;
    let messages = database.mongo.messages();
    let mut sent = Vec::new();
    for (name, minutes) in [("late", 2), ("soon", 1), ("done", 3), ("deleted", 4)] {
        let (id, _) = insert(&database.mongo, &draft(ROOM, ANNA, name, "안녕"), AT).await;
        messages.owe_notification(id, AT.plus(Duration::from_mins(minutes))).await.unwrap();
        sent.push(id);
    }
    let [late, soon, done, deleted] = sent[..] else { unreachable!("four were sent") };
    messages.clear_owed_notifications(&[done]).await.unwrap();
    delete(&database.mongo, &messages.find(deleted).await.unwrap().unwrap().message).await;

    eventually(async || {
        let owed = messages.list_owed_notifications(10).await.unwrap();
        owed.iter().map(|owed| owed.id).collect::<Vec<_>>() == [soon, late]
    })
    .await;
}

#[tokio::test]
async fn recent_messages_are_those_from_a_moment_on() {
    let database = scene().await;
    for (name, minutes) in [("old", 20), ("older", 15), ("recent", 14), ("new", 0)] {
        let at = AT.minus(Duration::from_mins(minutes));
        insert(&database.mongo, &draft(ROOM, ANNA, name, name), at).await;
    }

    let recent = database.mongo.messages().list_recent(ROOM, AT.minus(Duration::from_mins(14)), 20).await.unwrap();

    assert_eq!(recent.iter().map(|message| message.content.as_str()).collect::<Vec<_>>(), ["new", "recent"]);
}
