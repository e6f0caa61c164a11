use domain::{
    Access, ClientId, Content, Member, Message, MessageDraft, MessageId, MessageType, Rev, Role, RoomId, RoomKey,
    RoomKind, Seq, Timestamp, UserId,
};
use mongo::{Inserted, Mongo, NewMessage, Numbered};
use mongodb::{
    Client, Collection,
    bson::{Document, doc, oid::ObjectId},
};
use std::time::Duration;
use testkit::mongo::Database;

pub(crate) const ROOM: RoomKey = RoomKey::private(RoomId(1));
pub(crate) const ANNA: UserId = UserId(1);
pub(crate) const BORA: UserId = UserId(2);
pub(crate) const EVE: UserId = UserId(3);
/// So late that nothing expires while a test runs.
pub(crate) const AT: Timestamp = Timestamp::from_millis(4_000_000_000_000);

/// A database with one room of two people.
pub(crate) async fn house() -> Database {
    let database = Database::new().await;
    open(&database.mongo, ROOM, &[ANNA, BORA], AT).await;
    database
}

pub(crate) fn private(id: i32) -> RoomKey {
    RoomKey::private(RoomId(id))
}

pub(crate) fn group(id: i32) -> RoomKey {
    RoomKey { kind: RoomKind::Group, id: RoomId(id) }
}

pub(crate) fn access(room: RoomKey, users: &[UserId]) -> Access {
    let members = users.iter().map(|user| Member { user: *user, role: Role::Member }).collect();
    Access { room, version: 1, members, blocked: false }
}

pub(crate) async fn open(mongo: &Mongo, room: RoomKey, users: &[UserId], at: Timestamp) {
    mongo.project_room(&access(room, users), at).await.unwrap();
}

/// As many clients as environments of a Lambda would have: one client has only two connections.
pub(crate) async fn environments(database: &Database, number: usize) -> Vec<Mongo> {
    let mut clients = Vec::new();
    for _ in 0..number {
        clients.push(Mongo::connect(&database.url).await.unwrap());
    }
    clients
}

/// A collection as it lies in the store.
pub(crate) async fn collection(database: &Database, name: &str) -> Collection<Document> {
    Client::with_uri_str(&database.url).await.unwrap().default_database().unwrap().collection(name)
}

pub(crate) fn draft(room: RoomKey, user: UserId, client_id: &str, content: &str) -> MessageDraft {
    MessageDraft {
        room,
        user,
        content: Content::parse(content).unwrap(),
        message_type: MessageType::Text,
        reply_to: None,
        client_id: ClientId::parse(client_id).unwrap(),
    }
}

pub(crate) async fn insert(mongo: &Mongo, draft: &MessageDraft, at: Timestamp) -> (MessageId, Inserted) {
    let place = mongo.reserve(draft.room, 1, Numbered::Message).await.unwrap().unwrap();
    let id = Mongo::new_message_id();
    let inserted = mongo.insert_message(&NewMessage { id, draft, fingerprint: b"f", at }, place).await.unwrap();
    mongo.release(draft.room, place).await.unwrap();
    (id, inserted)
}

/// Puts a message into a room.
pub(crate) async fn say(mongo: &Mongo, room: RoomKey, user: UserId, content: &str) -> Message {
    let client_id = Mongo::new_message_id().to_string();
    match insert(mongo, &draft(room, user, &client_id, content), AT).await.1 {
        Inserted::Done(message) => message,
        Inserted::Taken => unreachable!("nobody else writes"),
    }
}

pub(crate) async fn delete(mongo: &Mongo, message: &Message) {
    let place = mongo.reserve(message.room, 1, Numbered::Change).await.unwrap().unwrap();
    mongo.delete_message(message.id, place, AT).await.unwrap().unwrap();
    mongo.release(message.room, place).await.unwrap();
}

/// Puts many messages into an empty room, faster than they could be sent.
pub(crate) async fn fill(database: &Database, room: RoomKey, user: UserId, number: i64) {
    let first = say(&database.mongo, room, user, "1").await;
    let messages = collection(database, "messages").await;
    let row = messages.find_one(doc! { "_id": ObjectId::from_bytes(first.id.0) }).await.unwrap().unwrap();
    let copies = (2..=number).map(|n| {
        let mut copy = row.clone();
        copy.extend(
            doc! { "_id": ObjectId::new(), "client_id": n.to_string(), "content": n.to_string(), "seq": n, "rev": n },
        );
        copy
    });
    if number > 1 {
        messages.insert_many(copies).await.unwrap();
    }
    set_head(database, room, Rev(number), Seq(number)).await;
}

/// Asks until the answer is yes, for 5 s at the most: what was written with `w: 1` is read once it is replicated.
pub(crate) async fn eventually(ask: impl AsyncFn() -> bool) {
    let asking = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), asking).await.unwrap();
}

/// Sets the numbers of a room's head.
pub(crate) async fn set_head(database: &Database, room: RoomKey, rev: Rev, seq: Seq) {
    let set = doc! { "$set": { "rev": rev.0, "seq": seq.0 } };
    let heads = collection(database, "room_heads").await;
    heads.update_one(doc! { "_id": room.to_string() }, set).await.unwrap();
}
