use crate::scene::{ANNA, AT, BORA, EVE, ROOM, collection, environments, group, private, say, scene, set_room};
use domain::{PageSize, Rev, Rights, Role, RoomId, RoomKey, RoomKind, Seq, SessionId};
use mongo::{Anchor, Mongo, SchemaVersion};
use mongodb::{
    Client, IndexModel,
    bson::{DateTime, Document, doc, oid::ObjectId},
    options::IndexOptions,
};
use std::time::Duration;
use testkit::mongo::Database;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_schema_newer_than_the_code_is_refused() {
    let database = scene().await;
    assert!(database.mongo.schema().version().await.unwrap().is_current());
    let schema = collection(&database, "schema").await;
    schema.update_one(doc! { "_id": "version" }, doc! { "$set": { "number": 99 } }).await.unwrap();

    assert!(database.mongo.schema().ensure().await.is_err());
}

/// A row as version 2 wrote it.
fn row(room: RoomKey, number: i64, user: i32) -> Document {
    let RoomKey { kind, id: RoomId(id) } = room;
    doc! {
        "_id": ObjectId::new(), "user_id": user, "room_id": id, "room_type": kind.as_str(), "content": number.to_string(),
        "message_type": "text", "reply_to": null, "is_edited": false, "edited_at": null,
        "created_at": DateTime::from_millis(number), "updated_at": DateTime::from_millis(number),
        "seq": number, "rev": number, "client_id": number.to_string(), "deleted_at": null,
    }
}

fn head(room: RoomKey, number: i64) -> Document {
    let entry = doc! { "rev": number, "op": ObjectId::new(), "at": DateTime::from_millis(1) };
    doc! {
        "_id": room.to_string(), "access": 7_i64, "seq": number, "rev": number,
        "last_at": DateTime::from_millis(AT.millis() + number), "inflight": [entry],
    }
}

fn member(user: i32, role: &str) -> Document {
    doc! { "user_id": user, "role": role }
}

/// A development database as version 2 left it: rooms and their heads, messages, cursors, sessions that ended.
async fn version_2() -> Database {
    let database = Database::empty().await;
    let both = vec![member(ANNA.0, "member"), member(BORA.0, "member")];
    let rooms = [
        doc! { "_id": ROOM.to_string(), "version": 3_i64, "members": both.clone(), "blocked": false },
        // As the first version left it.
        doc! { "_id": private(2).to_string(), "version": 1_i64, "members": both.clone() },
        doc! { "_id": private(3).to_string(), "version": 2_i64, "members": both, "blocked": true },
        doc! { "_id": private(4).to_string(), "version": 9_i64, "members": [], "blocked": false },
        doc! {
            "_id": group(1).to_string(), "version": 5_i64, "blocked": false,
            "members": [member(ANNA.0, "owner"), member(BORA.0, "admin"), member(EVE.0, "member")],
        },
    ];
    let client = Client::with_uri_str(&database.url).await.unwrap();
    let store = client.default_database().unwrap();
    let old = store.collection::<Document>("rooms");
    old.insert_many(rooms).await.unwrap();
    let by_member = IndexOptions::builder().name("rooms_member_idx".to_owned()).build();
    let by_member = IndexModel::builder().keys(doc! { "members.user_id": 1 }).options(by_member).build();
    old.create_index(by_member).await.unwrap();
    let heads = [head(ROOM, 3), head(private(3), 0), head(private(4), 8), head(group(1), 2)];
    store.collection("room_heads").insert_many(heads).await.unwrap();
    let rows: Vec<_> = (1..=3).map(|n| row(ROOM, n, BORA.0)).chain((1..=2).map(|n| row(group(1), n, BORA.0))).collect();
    store.collection("messages").insert_many(rows).await.unwrap();
    let cursor = doc! { "_id": { "room": ROOM.to_string(), "user": ANNA.0 }, "read_seq": 1_i64 };
    store.collection("read_states").insert_one(cursor).await.unwrap();
    let ended = doc! { "_id": "over", "expires_at": DateTime::from_millis(AT.millis()) };
    let revocations = store.collection("revocations");
    revocations.insert_one(ended).await.unwrap();
    let expiring = IndexOptions::builder().name("revocations_ttl".to_owned()).expire_after(Duration::ZERO).build();
    revocations
        .create_index(IndexModel::builder().keys(doc! { "expires_at": 1 }).options(expiring).build())
        .await
        .unwrap();
    let open = doc! { "_id": "phone", "user_id": ANNA.0, "session_id": "s" };
    store.collection("connections").insert_one(open).await.unwrap();
    store.collection("schema").insert_one(doc! { "_id": "version", "number": 2 }).await.unwrap();
    database
}

/// Anna's rooms of a kind: when something last happened, the newest message, and how many are unread.
async fn listed(mongo: &Mongo, kind: RoomKind) -> Vec<(RoomKey, i64, Option<String>, i32)> {
    let page = mongo.rooms().list(ANNA, kind, None, PageSize::LARGEST).await.unwrap();
    let each = page.rooms.items.into_iter().map(|room| {
        (room.room, room.last_at.millis() - AT.millis(), room.last_message.map(|message| message.content), room.unread)
    });
    each.collect()
}

async fn assert_moved(database: &Database) {
    let mongo = &database.mongo;
    let rights = async |room, user| mongo.rooms().find_rights(room, user).await.unwrap();
    let expected = |room, version, role, blocked| Some(Rights { room, version, role, blocked });
    assert_eq!(rights(ROOM, ANNA).await, expected(ROOM, 3, Role::Member, false));
    assert_eq!(rights(ROOM, EVE).await, None);
    assert_eq!(rights(private(2), BORA).await, expected(private(2), 1, Role::Member, false));
    assert_eq!(rights(private(3), ANNA).await, expected(private(3), 2, Role::Member, true));
    assert_eq!(rights(private(4), ANNA).await, None);
    for (user, role) in [(ANNA, Role::Owner), (BORA, Role::Admin), (EVE, Role::Member)] {
        assert_eq!(rights(group(1), user).await, expected(group(1), 5, role, false));
    }
    let mut revs = mongo.rooms().list_revs(ANNA, &[ROOM, private(2), private(3), private(4), group(1)]).await.unwrap();
    revs.sort_unstable();
    assert_eq!(revs, [(ROOM, Rev(3)), (private(2), Rev(0)), (private(3), Rev(0)), (group(1), Rev(2))]);

    let text = |text: &str| Some(text.to_owned());
    let private_rooms = listed(mongo, RoomKind::Private).await;
    assert_eq!(private_rooms[..2], [(ROOM, 3, text("3"), 2), (private(3), 0, None, 0)]);
    assert_eq!((private_rooms.len(), private_rooms[2].0, &private_rooms[2].2), (3, private(2), &None));
    assert_eq!(listed(mongo, RoomKind::Group).await, [(group(1), 2, text("2"), 2)]);
    let page = mongo.rooms().list_messages(ROOM, ANNA, Anchor::Newest, 10).await.unwrap().unwrap();
    let texts: Vec<_> = page.rows.iter().map(|row| row.message.content.as_str()).collect();
    assert_eq!((texts, page.cursor), (vec!["1", "2", "3"], Rev(3)));
    let feed = mongo.rooms().list_changes(ROOM, ANNA, Rev(1), 10).await.unwrap().unwrap();
    assert_eq!((feed.rows.len(), feed.safe, feed.head), (2, Rev(3), Rev(3)));

    let client = Client::with_uri_str(&database.url).await.unwrap();
    let store = client.default_database().unwrap();
    let names = store.list_collection_names().await.unwrap();
    let is_old = |name: &String| ["room_heads", "revocations", "connections"].contains(&name.as_str());
    assert!(!names.iter().any(is_old), "{names:?}");
    let indexes = store.collection::<Document>("rooms").list_index_names().await.unwrap();
    assert_eq!(indexes, ["_id_", "rooms_members_id_idx", "rooms_private_activity_idx", "rooms_ended_idx"]);
    assert!(mongo.schema().version().await.unwrap().is_current());
}

#[tokio::test]
async fn a_database_of_the_version_before_moves_without_loss() {
    let database = version_2().await;

    let version = database.mongo.schema().ensure().await.unwrap();

    assert_eq!(version, SchemaVersion { found: 10, expected: 10 });
    assert_moved(&database).await;
    let next = say(&database.mongo, ROOM, ANNA, "4").await;
    assert_eq!((next.rev, next.seq), (Rev(4), Seq(4)));
}

#[tokio::test]
async fn connections_that_are_over_are_kept_for_an_hour() {
    let kept = async |database: &Database| {
        let mut indexes = collection(database, "sockets").await.list_indexes().await.unwrap();
        while indexes.advance().await.unwrap() {
            let index = indexes.deserialize_current().unwrap().options.unwrap();
            if index.name.as_deref() == Some("sockets_ttl") {
                return index.expire_after.unwrap();
            }
        }
        Duration::MAX
    };
    let database = Database::new().await;
    assert_eq!(kept(&database).await, Duration::from_hours(1));
    // As the version before left it.
    let sockets = collection(&database, "sockets").await;
    sockets.drop_index("sockets_ttl").await.unwrap();
    let at_once = IndexOptions::builder().name("sockets_ttl".to_owned()).expire_after(Duration::ZERO).build();
    sockets.create_index(IndexModel::builder().keys(doc! { "expires_at": 1 }).options(at_once).build()).await.unwrap();
    collection(&database, "schema")
        .await
        .update_one(doc! { "_id": "version" }, doc! { "$set": { "number": 6 } })
        .await
        .unwrap();

    for _ in 0..2 {
        database.mongo.schema().ensure().await.unwrap();
        assert_eq!(kept(&database).await, Duration::from_hours(1));
    }
}

#[tokio::test]
async fn index_that_another_one_replaced_is_dropped() {
    let database = Database::new().await;
    let rooms = collection(&database, "rooms").await;
    let name = IndexOptions::builder().name("rooms_members_idx".to_owned()).build();
    rooms.create_index(IndexModel::builder().keys(doc! { "members": 1 }).options(name).build()).await.unwrap();

    database.mongo.schema().ensure().await.unwrap();

    let indexes = rooms.list_index_names().await.unwrap();
    assert_eq!(indexes, ["_id_", "rooms_members_id_idx", "rooms_private_activity_idx", "rooms_ended_idx"]);
}

#[tokio::test]
async fn sessions_that_ended_before_are_listed_until_the_move() {
    let database = version_2().await;

    let sessions = database.mongo.schema().list_revoked_sessions().await.unwrap();
    database.mongo.schema().ensure().await.unwrap();

    assert_eq!(sessions, [SessionId("over".to_owned())]);
    assert_eq!(database.mongo.schema().list_revoked_sessions().await.unwrap(), []);
}

#[tokio::test]
async fn a_move_that_was_interrupted_goes_on() {
    let database = version_2().await;
    database.mongo.schema().ensure().await.unwrap();
    let schema = collection(&database, "schema").await;
    schema.update_one(doc! { "_id": "version" }, doc! { "$set": { "number": 2 } }).await.unwrap();

    database.mongo.schema().ensure().await.unwrap();

    assert_moved(&database).await;
}

#[tokio::test]
async fn a_move_does_not_touch_a_room_that_has_moved() {
    let database = version_2().await;
    let (members, nobody) = (vec![ANNA.0, BORA.0], Vec::<Document>::new());
    set_room(
        &database,
        ROOM,
        doc! { "members": members, "staff": nobody.clone(), "seq": 3_i64, "rev": 40_i64,
        "last_at": DateTime::from_millis(AT.millis() + 3), "last_id": null, "inflight": nobody },
    )
    .await;

    database.mongo.schema().ensure().await.unwrap();

    let revs = database.mongo.rooms().list_revs(ANNA, &[ROOM]).await.unwrap();
    assert_eq!(revs, [(ROOM, Rev(40))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_at_once_are_harmless() {
    for _ in 0..5 {
        let database = version_2().await;
        let mut moves = JoinSet::new();
        for mongo in environments(&database, 8).await {
            moves.spawn(async move { mongo.schema().ensure().await });
        }

        for moved in moves.join_all().await {
            moved.unwrap();
        }

        assert_moved(&database).await;
    }
}

#[tokio::test]
async fn index_on_authors_without_the_id_is_replaced() {
    let database = scene().await;
    let messages = collection(&database, "messages").await;
    let old = IndexOptions::builder().name("messages_user_created_idx".to_owned()).build();
    let old = IndexModel::builder().keys(doc! { "user_id": 1, "created_at": -1 }).options(old).build();
    messages.create_index(old).await.unwrap();
    messages.drop_index("messages_author_idx").await.unwrap();
    collection(&database, "schema")
        .await
        .update_one(doc! { "_id": "version" }, doc! { "$set": { "number": 5 } })
        .await
        .unwrap();

    for _ in 0..2 {
        database.mongo.schema().ensure().await.unwrap();
    }

    let names = messages.list_index_names().await.unwrap();
    assert!(names.contains(&"messages_author_idx".to_owned()), "{names:?}");
    assert!(!names.contains(&"messages_user_created_idx".to_owned()), "{names:?}");
}
