use crate::scene::{
    ANNA, AT, BORA, ROOM, collection, draft, eventually, group, insert, open, reserve, room_document, say, scene,
    set_room, write,
};
use domain::{CHANNEL_COST, CHANNEL_LIMIT, ClientId, MentionsAll, Message, MessageId, Rev, RoomKey, Seq};
use mongo::{Fanout, Inserted, Messages, Mongo, Placement, Reservation, Stored};
use mongodb::bson::{Document, doc, oid::ObjectId};
use testkit::mongo::Database;

async fn find(mongo: &Mongo, id: MessageId) -> Stored {
    mongo.messages().find(id).await.unwrap().unwrap()
}

async fn row(database: &Database, id: MessageId) -> Document {
    let messages = collection(database, "messages").await;
    messages.find_one(doc! { "_id": ObjectId::from_bytes(id.0) }).await.unwrap().unwrap()
}

async fn stamp(mongo: &Mongo, message: &Message, position: &Reservation) -> Option<Message> {
    let mut causal = mongo.causal().await.unwrap();
    mongo
        .messages()
        .stamp(&mut causal, message, position, Fanout::new(AT, 0))
        .await
        .unwrap()
        .map(|stored| stored.message)
}

async fn edit(mongo: &Mongo, id: MessageId, position: &Reservation) -> Option<Message> {
    crate::scene::edit(mongo, id, "edited", position).await.unwrap()
}

async fn above(mongo: &Mongo, message: &Message) -> Reservation {
    reserve(mongo, ROOM, Placement::Above { id: message.id, rev: message.rev, seq: message.seq }).await
}

#[tokio::test]
async fn a_position_that_is_given_out_twice_is_used_once() {
    let database = scene().await;
    let mongo = &database.mongo;
    let (first, _) = insert(mongo, &draft(ROOM, ANNA, "a", "안녕"), AT).await;
    let (_, second) = insert(mongo, &draft(ROOM, ANNA, "b", "안녕"), AT).await;
    assert!(matches!(second, Inserted::Done(message) if (message.rev, message.seq) == (Rev(2), Seq(2))));

    // The same `rev` under another `seq`, as after a failover that lost an edit's reservation.
    set_room(&database, ROOM, doc! { "rev": 1_i64, "seq": 2_i64 }).await;
    assert!(matches!(insert(mongo, &draft(ROOM, ANNA, "c", "안녕"), AT).await, (_, Inserted::Taken)));

    set_room(&database, ROOM, doc! { "rev": 1_i64, "seq": 2_i64 }).await;
    let position = reserve(mongo, ROOM, Placement::Change).await;
    assert_eq!(position.rev, Rev(2));
    assert!(edit(mongo, first, &position).await.is_none());
    assert!(stamp(mongo, &find(mongo, first).await.message, &position).await.is_none());
    let withdrawn = mongo.messages().withdraw(first, Rev(1), &position, AT).await.unwrap();
    assert!(matches!(withdrawn, Some(Inserted::Taken)), "{withdrawn:?}");
}

#[tokio::test]
async fn a_seq_that_is_given_out_twice_is_used_once() {
    let database = scene().await;
    insert(&database.mongo, &draft(ROOM, ANNA, "a", "안녕"), AT).await;

    set_room(&database, ROOM, doc! { "rev": 7_i64, "seq": 0_i64 }).await;

    assert!(matches!(insert(&database.mongo, &draft(ROOM, ANNA, "b", "안녕"), AT).await, (_, Inserted::Taken)));
}

#[tokio::test]
async fn a_client_id_names_one_message_of_its_author_in_a_room() {
    let database = scene().await;
    let (first, _) = insert(&database.mongo, &draft(ROOM, ANNA, "a", "one"), AT).await;

    assert!(matches!(insert(&database.mongo, &draft(ROOM, ANNA, "a", "two"), AT).await, (_, Inserted::Taken)));
    assert!(matches!(insert(&database.mongo, &draft(ROOM, BORA, "a", "two"), AT).await, (_, Inserted::Done(_))));

    let name = ClientId::parse("a").unwrap();
    let found = database.mongo.messages().find_by_client_id(ROOM, ANNA, &name).await.unwrap().unwrap();
    assert_eq!(found.message.id, first);
}

#[tokio::test]
async fn a_change_moves_a_message_up_and_never_down() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "안녕").await;
    let (lower, higher) = (above(mongo, &message).await, above(mongo, &message).await);

    let edited = edit(mongo, message.id, &higher).await.unwrap();
    assert_eq!((edited.rev, edited.seq), (higher.rev, message.seq));

    assert!(edit(mongo, message.id, &lower).await.is_none());
    assert!(stamp(mongo, &message, &lower).await.is_none());
    let mut causal = mongo.causal().await.unwrap();
    assert!(mongo.messages().delete(&mut causal, message.id, &lower, AT).await.unwrap().is_none());
    assert_eq!(find(mongo, message.id).await.message, edited);
}

#[tokio::test]
async fn a_stamp_changes_nothing_but_the_position() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "안녕").await;
    let position = above(mongo, &message).await;

    let stamped = stamp(mongo, &message, &position).await.unwrap();

    assert_eq!(stamped, Message { rev: position.rev, ..message });
}

#[tokio::test]
async fn a_stamp_moves_no_message_that_changed_since_it_was_read() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "안녕").await;
    let edited = edit(mongo, message.id, &above(mongo, &message).await).await.unwrap();
    let higher = above(mongo, &edited).await;

    assert!(stamp(mongo, &message, &higher).await.is_none());
    assert_eq!(find(mongo, message.id).await.message, edited);
}

#[tokio::test]
async fn a_deleted_message_keeps_nothing_of_its_text() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "a secret").await;
    assert!(find(mongo, message.id).await.fingerprint.is_some());

    crate::scene::delete(mongo, &message).await;

    let row = row(&database, message.id).await;
    assert!(!row.contains_key("fingerprint") && !format!("{row:?}").contains("secret"), "{row:?}");
    assert_eq!(row.get_str("client_id").unwrap(), message.client_id);
}

#[tokio::test]
async fn a_deleted_message_is_neither_edited_nor_deleted_again() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "a secret").await;
    crate::scene::delete(mongo, &message).await;
    let tombstone = find(mongo, message.id).await.message;
    let position = above(mongo, &tombstone).await;

    assert!(edit(mongo, message.id, &position).await.is_none());
    let mut causal = mongo.causal().await.unwrap();
    assert!(mongo.messages().delete(&mut causal, message.id, &position, AT).await.unwrap().is_none());
    assert!(stamp(mongo, &tombstone, &position).await.is_some(), "a tombstone moves like any message");
}

#[tokio::test]
async fn a_withdrawn_message_is_an_empty_tombstone_above_all_others() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "a secret").await;
    let position = above(mongo, &message).await;

    let withdrawn = mongo.messages().withdraw(message.id, message.rev, &position, AT).await.unwrap();

    let Some(Inserted::Done(tombstone)) = withdrawn else { unreachable!("nobody else writes: {withdrawn:?}") };
    assert_eq!((tombstone.rev, tombstone.seq, tombstone.deleted_at), (position.rev, message.seq, Some(AT)));
    let row = row(&database, message.id).await;
    assert!(!row.contains_key("fingerprint") && !format!("{row:?}").contains("secret"), "{row:?}");
    assert_eq!(find(mongo, message.id).await.fanout, Some(Fanout::new(AT, 0)));
}

#[tokio::test]
async fn a_withdrawn_message_frees_its_client_id() {
    let database = scene().await;
    let mongo = &database.mongo;
    let new = draft(ROOM, ANNA, "a", "안녕");
    for _ in 0..2 {
        let (id, inserted) = insert(mongo, &new, AT).await;
        let Inserted::Done(message) = inserted else { unreachable!("the name is free") };
        let position = above(mongo, &message).await;
        mongo.messages().withdraw(id, message.rev, &position, AT).await.unwrap().unwrap();
    }

    assert!(mongo.messages().find_by_client_id(ROOM, ANNA, &new.client_id).await.unwrap().is_none());
    assert!(matches!(insert(mongo, &new, AT).await, (_, Inserted::Done(_))));
}

#[tokio::test]
async fn a_message_that_somebody_moved_is_not_withdrawn() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "안녕").await;
    let first = above(mongo, &message).await;
    let moved = stamp(mongo, &message, &first).await.unwrap();
    let second = above(mongo, &moved).await;

    let withdrawn = mongo.messages().withdraw(message.id, message.rev, &second, AT).await.unwrap();

    assert!(withdrawn.is_none(), "{withdrawn:?}");
    assert_eq!(find(mongo, message.id).await.message, moved);
}

#[tokio::test]
async fn a_withdrawn_message_is_not_stamped() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "안녕").await;
    let position = above(mongo, &message).await;
    mongo.messages().withdraw(message.id, message.rev, &position, AT).await.unwrap().unwrap();
    let higher = above(mongo, &message).await;

    assert!(stamp(mongo, &message, &higher).await.is_none());
}

#[tokio::test]
async fn a_delivery_is_cleared_only_of_the_rev_that_was_pushed() {
    let database = scene().await;
    let mongo = &database.mongo;
    let message = say(mongo, ROOM, ANNA, "안녕").await;
    let position = above(mongo, &message).await;
    stamp(mongo, &message, &position).await.unwrap();

    mongo.messages().clear_fanout(message.id, message.rev).await.unwrap();
    // A later write with a majority, after which the clearing would be seen.
    say(mongo, ROOM, BORA, "later").await;
    assert!(find(mongo, message.id).await.fanout.is_some());

    mongo.messages().clear_fanout(message.id, position.rev).await.unwrap();
    eventually(async || find(mongo, message.id).await.fanout.is_none()).await;
}

#[tokio::test]
async fn one_of_two_writers_at_one_position_writes() {
    let database = scene().await;
    let mongo = &database.mongo;
    let (one, two) = (Messages::new_id(), Messages::new_id());
    let position = reserve(mongo, ROOM, Placement::New(one)).await;
    let (first, second) = (draft(ROOM, ANNA, "a", "one"), draft(ROOM, BORA, "b", "two"));

    let outcomes = tokio::join!(write(mongo, &first, one, &position), write(mongo, &second, two, &position));

    let outcomes = [outcomes.0, outcomes.1];
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Inserted::Done(_))).count(), 1, "{outcomes:?}");
}

#[tokio::test]
async fn call_of_the_channel_is_given_back_once_and_while_its_entry_is_there() {
    let database = scene().await;
    let (mongo, room) = (&database.mongo, group(7));
    open(mongo, room, &[ANNA, BORA], AT).await;
    let call = Placement::WideMention { new: None, word: MentionsAll::Channel };

    let (first, second) = (reserve(mongo, room, call).await, reserve(mongo, room, call).await);
    for _ in 0..2 {
        mongo.rooms().give_back(room, &first).await.unwrap();
        assert_eq!(calls_made(&database, room).await, 1);
    }
    set_room(&database, room, doc! { "inflight": [] }).await;
    mongo.rooms().give_back(room, &second).await.unwrap();
    assert_eq!(calls_made(&database, room).await, 1);

    let third = reserve(mongo, room, call).await;
    set_room(&database, room, doc! { "channel.tokens": f64::from(CHANNEL_LIMIT.burst) }).await;
    mongo.rooms().give_back(room, &third).await.unwrap();
    assert_eq!(calls_made(&database, room).await, 0);
    assert!(room_document(&database, room).await.get_array("inflight").unwrap().is_empty());
}

#[tokio::test]
async fn message_calls_the_channel_once_however_often_it_is_reserved() {
    let database = scene().await;
    let (mongo, room) = (&database.mongo, group(7));
    open(mongo, room, &[ANNA, BORA], AT).await;
    let call = || Placement::WideMention { new: Some(Messages::new_id()), word: MentionsAll::Channel };
    let reserve = async |call| mongo.rooms().reserve(room, Some(ANNA), call).await.unwrap();
    let (one, another) = (call(), call());

    for _ in 0..5 {
        reserve(one).await.unwrap();
    }
    assert_eq!(calls_made(&database, room).await, 1);

    let given_up = reserve(one).await.unwrap();
    mongo.rooms().give_back(room, &given_up).await.unwrap();
    assert_eq!(calls_made(&database, room).await, 0);
    for made in [one, another, call()] {
        reserve(made).await.unwrap();
    }
    assert_eq!(calls_made(&database, room).await, 3, "what was given back is taken anew");
    assert!(reserve(another).await.is_none());
}

/// How many tokens for `@channel` a group lacks; what comes back while a test runs is less than half of one.
async fn calls_made(database: &Database, room: RoomKey) -> u32 {
    let group = room_document(database, room).await;
    let tokens = group.get_document("channel").unwrap().get_f64("tokens").unwrap();
    let missing = f64::from(CHANNEL_LIMIT.burst) - tokens;
    assert!(missing >= 0.0, "never more than all");
    (0..10).find(|calls| missing < (f64::from(*calls) + 0.5) * f64::from(CHANNEL_COST)).unwrap()
}
