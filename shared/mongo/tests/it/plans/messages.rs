use super::{Watch, connection, town};
use crate::scene::{ANNA, AT, BORA, ROOM, draft, edit, insert, reserve, say, scene, set_room};
use domain::{ClientId, Emoji, MessageDraft, PageSize, Rev, Seq};
use mongo::{Anchor, Fanout, Placement};
use mongodb::bson::{DateTime, doc};
use std::time::Duration;
use testkit::mongo::Profile;

#[tokio::test]
async fn no_command_on_messages_walks_a_collection() {
    let database = town().await;
    let (mongo, rooms, messages) = (&database.mongo, database.mongo.rooms(), database.mongo.messages());
    let sent = say(mongo, ROOM, ANNA, "안녕").await;
    let delivered = say(mongo, ROOM, ANNA, "안녕").await;
    let last = say(mongo, ROOM, ANNA, "안녕").await;
    let (failed, fanout) = (connection(7).id, Fanout::new(AT, 0));
    let mut causal = mongo.causal().await.unwrap();
    let mut watch = Watch::over(&database).await;

    let position = watch.watch("reserve", 1, rooms.reserve(ROOM, Some(ANNA), Placement::Change)).await.unwrap();
    let edited = watch.watch("edit", 1, edit(mongo, sent.id, "x", &position)).await.unwrap();
    watch.watch("release", 1, rooms.release(ROOM, &position)).await;
    let above = Placement::Above { id: edited.id, rev: edited.rev, seq: edited.seq };
    let position = watch.watch("reserve above", 1, rooms.reserve(ROOM, None, above)).await.unwrap();
    watch.watch("stamp", 1, messages.stamp(&mut causal, &edited, &position, fanout)).await.unwrap();
    watch.watch("note_failed", 1, messages.note_failed(sent.id, position.rev, &[failed], 1, AT)).await;
    rooms.release(ROOM, &position).await.unwrap();
    let position = reserve(mongo, ROOM, Placement::Change).await;
    watch.watch("delete", 1, messages.delete(&mut causal, sent.id, &position, AT)).await.unwrap();
    rooms.release(ROOM, &position).await.unwrap();
    watch.watch("all of a new message", 1, async { Ok(insert(mongo, &draft(ROOM, ANNA, "c", "x"), AT).await) }).await;
    watch.watch("clear_fanout", 1, messages.clear_fanout(delivered.id, delivered.rev)).await;
    watch.watch("owe_notification", 1, messages.owe_notification(delivered.id, AT)).await;
    watch.watch("list_owed_notifications", 1, messages.list_owed_notifications(5)).await;
    watch.watch("clear_owed_notifications", 1, messages.clear_owed_notifications(&[delivered.id])).await;
    watch.watch("list_recent", 5, messages.list_recent(ROOM, AT, 5)).await;
    let position = reserve(mongo, ROOM, Placement::Change).await;
    watch.watch("withdraw", 1, messages.withdraw(delivered.id, delivered.rev, &position, AT)).await.unwrap();
    rooms.release(ROOM, &position).await.unwrap();
    watch.watch("find", 1, messages.find(sent.id)).await.unwrap();
    let client_id = ClientId::parse("c").unwrap();
    watch.watch("find_by_client_id", 1, messages.find_by_client_id(ROOM, ANNA, &client_id)).await.unwrap();
    watch.watch("list_quotes", 2, messages.list_quotes(&[sent.id, delivered.id])).await;
    let emoji = Emoji::parse("👍").unwrap();
    let position = reserve(mongo, ROOM, Placement::Change).await;
    watch.profile.fresh().await;
    let reaction = messages.react(&mut causal, last.id, ANNA, emoji, &position, AT);
    watch.watch("react", 1, reaction).await.unwrap();
    let reacted = watch.watch("list_reacted", 1, messages.list_reacted(ANNA, 5)).await;
    assert_eq!(reacted.len(), 1);
    watch
        .watch("list_reactors", 2, messages.list_reactors(last.id, ANNA, None, None, PageSize::LARGEST))
        .await
        .unwrap();
    watch.watch("give_back", 1, rooms.give_back(ROOM, &position)).await;
    let position = reserve(mongo, ROOM, Placement::Retraction).await;
    watch.profile.fresh().await;
    let retraction = messages.take_reaction_back(&mut causal, last.id, ANNA, emoji, &position, AT);
    watch.watch("take_reaction_back", 1, retraction).await.unwrap();
    let position = reserve(mongo, ROOM, Placement::Pin(last.id)).await;
    watch.profile.fresh().await;
    watch.watch("pin", 1, messages.pin(&mut causal, last.id, ANNA, &position, AT)).await.unwrap();
    watch.watch("list_pinned", 2, rooms.list_pinned(ROOM, ANNA, None, PageSize::LARGEST)).await.unwrap();
    watch.watch("find_pin_places", 2, rooms.find_pin_places(ROOM)).await;
    watch.watch("free_pin_place", 1, rooms.free_pin_place(ROOM, last.id, Rev(0))).await;
    let position = reserve(mongo, ROOM, Placement::Unpin(last.id)).await;
    watch.profile.fresh().await;
    watch.watch("unpin", 1, messages.unpin(&mut causal, last.id, &position, AT)).await.unwrap();
    let five = PageSize::parse(Some(5)).unwrap();
    let page = watch.watch("list_of_author", 6, messages.list_of_author(BORA, None, five)).await;
    let after = page.next.unwrap();
    // One more of either range.
    watch.watch("a later page of an author", 8, messages.list_of_author(BORA, Some(&after), five)).await;
    watch.watch("list_undeleted", 5, messages.list_undeleted(BORA, AT, 5)).await;
    watch.watch("find_history", 1, messages.find_history(sent.id)).await.unwrap();
    watch.watch("hide", 1, messages.hide(sent.id, BORA)).await;
    watch.watch("first count_hidden", 1, mongo.read_states().count_hidden(ROOM, BORA)).await;
    watch.watch("count_hidden", 1, mongo.read_states().count_hidden(ROOM, BORA)).await;
    watch.watch("uncount_hidden", 1, mongo.read_states().uncount_hidden(ROOM, BORA)).await;
    watch.watch("find_oldest_owed", 1, messages.find_oldest_owed()).await.unwrap();
    watch.watch("list_owed", 5, messages.list_owed(AT.plus(Duration::from_mins(1)), 5)).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn a_page_of_messages_or_changes_looks_at_what_it_shows() {
    let database = town().await;
    let (mongo, rooms) = (&database.mongo, database.mongo.rooms());
    let answer = MessageDraft {
        reply_to: Some(say(mongo, ROOM, BORA, "where?").await.id),
        ..draft(ROOM, ANNA, "answer", "home")
    };
    insert(mongo, &answer, AT).await;
    let answered = answer.reply_to.unwrap();
    let mut watch = Watch::over(&database).await;

    // The room, the reply and what it answers.
    watch.watch("list_replies", 3, rooms.list_replies(ROOM, ANNA, answered, None, 10)).await.unwrap();
    // The room, ten rows, whether there are more on both sides, and what the reply answers.
    for anchor in [Anchor::Newest, Anchor::Before(Seq(200)), Anchor::After(Seq(100)), Anchor::Around(Seq(150))] {
        watch.watch("list_messages", 14, rooms.list_messages(ROOM, ANNA, anchor, 10)).await.unwrap();
    }
    for after in [100, 295, 302] {
        watch.watch("list_changes", 13, rooms.list_changes(ROOM, ANNA, Rev(after), 10)).await.unwrap();
    }
    reserve(mongo, ROOM, Placement::Change).await;
    set_room(&database, ROOM, doc! { "inflight.0.at": DateTime::from_millis(0) }).await;
    watch.profile.fresh().await;
    watch.watch("list_changes with overdue entries", 13, rooms.list_changes(ROOM, ANNA, Rev(100), 10)).await.unwrap();

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn each_step_on_a_message_is_one_command() {
    let database = scene().await;
    let (mongo, messages) = (&database.mongo, database.mongo.messages());
    let (one, two) = (say(mongo, ROOM, ANNA, "one").await, say(mongo, ROOM, ANNA, "two").await);
    let mut causal = mongo.causal().await.unwrap();
    let mut profile = Profile::of(&database).await;

    insert(mongo, &draft(ROOM, ANNA, "c", "x"), AT).await;
    assert_eq!(profile.count().await, 3, "reserve, write, release");
    let position = reserve(mongo, ROOM, Placement::Change).await;
    profile.count().await;
    edit(mongo, one.id, "x", &position).await.unwrap().unwrap();
    assert_eq!(profile.count().await, 1);
    messages.clear_fanout(one.id, position.rev).await.unwrap();
    assert_eq!(profile.count().await, 1);
    messages.note_failed(two.id, two.rev, &[], 0, AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
    messages.list_quotes(&[one.id, two.id]).await.unwrap();
    assert_eq!(profile.count().await, 1);
    messages.list_quotes(&[]).await.unwrap();
    assert_eq!(profile.count().await, 0);
    mongo.connections().list_of_people_in(&mut causal, &position.members, AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
}
