//! What the message path relies on, on a real MongoDB.
#![expect(clippy::unwrap_used, reason = "what fails in a test's house ends the test")]

use domain::{
    Access, ClientId, Content, Member, MessageDraft, MessageId, MessageType, Rev, Role, RoomId, RoomKey, Seq,
    Timestamp, UserId,
};
use mongo::{Inserted, Mongo, NewMessage, Numbered};
use mongodb::{
    Client,
    bson::{Document, doc},
};
use testkit::mongo::Database;

const ROOM: RoomKey = RoomKey::private(RoomId(1));
const AT: Timestamp = Timestamp::from_millis(4_000_000_000_000);

async fn house() -> Database {
    let database = Database::new().await;
    let members = vec![Member { user: UserId(1), role: Role::Member }];
    database.mongo.project_room(&Access { room: ROOM, version: 1, members }).await.unwrap();
    database
}

async fn insert(mongo: &Mongo, client_id: &str) -> (MessageId, Inserted) {
    let place = mongo.reserve(ROOM, 1, Numbered::Message).await.unwrap().unwrap();
    let draft = MessageDraft {
        room: ROOM,
        user: UserId(1),
        content: Content::parse("안녕").unwrap(),
        message_type: MessageType::Text,
        reply_to: None,
        client_id: ClientId::parse(client_id).unwrap(),
    };
    let id = Mongo::new_message_id();
    let inserted =
        mongo.insert_message(&NewMessage { id, draft: &draft, fingerprint: b"f", at: AT }, place).await.unwrap();
    mongo.release(ROOM, place).await.unwrap();
    (id, inserted)
}

/// As a failover leaves it that lost reservations.
async fn set_head_back(database: &Database, rev: i64, seq: i64) {
    let client = Client::with_uri_str(&database.url).await.unwrap();
    let heads = client.default_database().unwrap().collection::<Document>("room_heads");
    let back = doc! { "$set": { "rev": rev, "seq": seq } };
    heads.update_one(doc! { "_id": ROOM.to_string() }, back).await.unwrap();
}

#[tokio::test]
async fn a_place_that_is_given_out_twice_is_taken_once() {
    let database = house().await;
    let mongo = &database.mongo;
    let (first, _) = insert(mongo, "a").await;
    let (_, second) = insert(mongo, "b").await;
    assert!(matches!(second, Inserted::Done(message) if (message.rev, message.seq) == (Rev(2), Seq(2))));

    // The same `rev` under another `seq`, as after a failover that lost an edit's reservation.
    set_head_back(&database, 1, 2).await;
    assert!(matches!(insert(mongo, "c").await, (_, Inserted::Taken)));

    set_head_back(&database, 1, 2).await;
    let place = mongo.reserve(ROOM, 1, Numbered::Change).await.unwrap().unwrap();
    assert_eq!(place.rev, Rev(2));
    assert!(mongo.edit_message(first, &Content::parse("x").unwrap(), place, AT).await.unwrap().is_none());
    assert!(mongo.stamp_message(first, place, AT).await.unwrap().is_none());
}

#[tokio::test]
async fn a_ticket_is_burnt_once_and_in_time() {
    let database = house().await;
    let session = domain::SessionId("s".to_owned());
    for hash in ["one", "late"] {
        database.mongo.insert_ticket(hash, UserId(1), &session, AT).await.unwrap();
    }
    let before = Timestamp::from_millis(AT.millis() - 1);

    let burnt = futures_util::future::join_all((0..8).map(|_| database.mongo.burn_ticket("one", before))).await;

    assert_eq!(burnt.into_iter().filter_map(Result::unwrap).collect::<Vec<_>>(), [(UserId(1), session)]);
    assert_eq!(database.mongo.burn_ticket("late", AT).await.unwrap(), None);
}

#[tokio::test]
async fn a_schema_newer_than_the_code_is_refused() {
    let database = house().await;
    assert!(database.mongo.schema_version().await.unwrap().is_current());
    let client = Client::with_uri_str(&database.url).await.unwrap();
    let schema = client.default_database().unwrap().collection::<Document>("schema");
    schema.update_one(doc! {}, doc! { "$set": { "number": 99 } }).await.unwrap();

    assert!(database.mongo.ensure_schema().await.is_err());
}
