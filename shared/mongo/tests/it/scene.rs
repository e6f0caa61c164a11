pub(crate) use testkit::draft;

use domain::{
    Access, Content, Fault, Member, Mentions, Message, MessageDraft, MessageId, MessageType, Role, RoomId, RoomKey,
    RoomKind, Timestamp, UserId,
};
use mongo::{Inserted, Messages, Mongo, NewMessage, NewText, Placement, Reservation};
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
pub(crate) async fn scene() -> Database {
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
    access_as_of(1, room, users)
}

pub(crate) fn access_as_of(version: i64, room: RoomKey, users: &[UserId]) -> Access {
    let members = users.iter().map(|user| Member { user: *user, role: Role::Member }).collect();
    Access { room, version, members, blocked: false }
}

pub(crate) async fn open(mongo: &Mongo, room: RoomKey, users: &[UserId], at: Timestamp) {
    mongo.rooms().project(&access(room, users), at).await.unwrap();
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

/// Gives a message of Anna's a text that mentions nobody.
pub(crate) async fn edit(
    mongo: &Mongo,
    id: MessageId,
    content: &str,
    position: &Reservation,
) -> Result<Option<Message>, Fault> {
    let (content, mentions) = (Content::parse(content).unwrap(), Mentions::default());
    let text = NewText { author: ANNA, message_type: MessageType::Text, content: &content, mentions: &mentions };
    mongo
        .messages()
        .edit(&mut mongo.causal().await.unwrap(), id, &text, position, AT)
        .await
        .map(|edited| edited.map(|stored| stored.message))
}

/// Takes a position, whoever may write.
pub(crate) async fn reserve(mongo: &Mongo, room: RoomKey, placement: Placement) -> Reservation {
    mongo.rooms().reserve(room, None, placement).await.unwrap().unwrap()
}

/// Writes a message at a position.
pub(crate) async fn write(mongo: &Mongo, draft: &MessageDraft, id: MessageId, position: &Reservation) -> Inserted {
    let new = NewMessage { id, draft, mentions: Mentions::default(), attachments: &[], fingerprint: b"f", at: AT };
    mongo.messages().insert(&mut mongo.causal().await.unwrap(), &new, position).await.unwrap()
}

pub(crate) async fn insert(mongo: &Mongo, draft: &MessageDraft, at: Timestamp) -> (MessageId, Inserted) {
    let id = Messages::new_id();
    let position = reserve(mongo, draft.room, Placement::New(id)).await;
    let new = NewMessage { id, draft, mentions: Mentions::default(), attachments: &[], fingerprint: b"f", at };
    let mut causal = mongo.causal().await.unwrap();
    let inserted = mongo.messages().insert(&mut causal, &new, &position).await.unwrap();
    assert!(mongo.rooms().release(draft.room, &position).await.unwrap());
    (id, inserted)
}

/// Puts a message into a room.
pub(crate) async fn say(mongo: &Mongo, room: RoomKey, user: UserId, content: &str) -> Message {
    let client_id = Messages::new_id().to_string();
    match insert(mongo, &draft(room, user, &client_id, content), AT).await.1 {
        Inserted::Done(message) => *message,
        Inserted::Taken => unreachable!("nobody else writes"),
    }
}

pub(crate) async fn delete(mongo: &Mongo, message: &Message) {
    let position = reserve(mongo, message.room, Placement::Change).await;
    let mut causal = mongo.causal().await.unwrap();
    mongo.messages().delete(&mut causal, message.id, &position, AT).await.unwrap().unwrap();
    mongo.rooms().release(message.room, &position).await.unwrap();
}

/// Puts many messages into an empty room, faster than they could be sent.
pub(crate) async fn fill(database: &Database, room: RoomKey, user: UserId, number: i64) {
    let first = say(&database.mongo, room, user, "1").await;
    let messages = collection(database, "messages").await;
    let row = messages.find_one(doc! { "_id": ObjectId::from_bytes(first.id.0) }).await.unwrap().unwrap();
    let copies: Vec<_> = (2..=number)
        .map(|n| {
            let (id, text) = (ObjectId::new(), n.to_string());
            let mut copy = row.clone();
            copy.extend(doc! { "_id": id, "client_id": &text, "content": &text, "seq": n, "rev": n });
            copy
        })
        .collect();
    let newest = copies.last().unwrap_or(&row).get_object_id("_id").unwrap();
    if !copies.is_empty() {
        messages.insert_many(copies).await.unwrap();
    }
    set_room(database, room, doc! { "rev": number, "seq": number, "last_id": newest }).await;
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

/// Sets fields of a room's document, as a failover or a writer that died leaves them.
pub(crate) async fn set_room(database: &Database, room: RoomKey, fields: Document) {
    let rooms = collection(database, "rooms").await;
    rooms.update_one(doc! { "_id": room.to_string() }, doc! { "$set": fields }).await.unwrap();
}

/// A room's document as it lies in the store.
pub(crate) async fn room_document(database: &Database, room: RoomKey) -> Document {
    collection(database, "rooms").await.find_one(doc! { "_id": room.to_string() }).await.unwrap().unwrap()
}
