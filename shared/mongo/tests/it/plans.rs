//! What the store looks at to answer; a list that reads what it does not show grows slow where nobody looks.

use crate::house::{ANNA, AT, BORA, EVE, ROOM, collection, draft, fill, group, house, insert, open, private, say};
use domain::{
    ClientId, ConnectionId, Content, Fault, Limit, Locale, PageSize, Person, Rev, RoomKind, Seq, SessionId, UserId,
};
use mongo::{Anchor, Connection, Numbered};
use mongodb::{
    Client, Collection,
    bson::{Bson, Document, doc},
};
use std::time::Duration;
use testkit::mongo::Database;

const COLLECTIONS: [&str; 9] =
    ["messages", "room_heads", "rooms", "people", "read_states", "connections", "tickets", "revocations", "limits"];

const LIMIT: Limit = Limit { burst: 1_000, per_minute: 1_000 };

/// Reads the server's own notes of a database.
struct Profile {
    store: mongodb::Database,
    notes: Collection<Document>,
    seen: usize,
    wrong: Vec<String>,
}

impl Profile {
    async fn of(database: &Database) -> Self {
        let client = Client::with_uri_str(&database.url).await.unwrap();
        let store = client.default_database().unwrap();
        store.run_command(doc! { "profile": 2 }).await.unwrap();
        let notes = store.collection("system.profile");
        Self { store, notes, seen: 0, wrong: Vec::new() }
    }

    /// Does something that may look at so many documents, of whatever collections, in each of its commands.
    async fn watch<T>(&mut self, name: &str, most: i64, work: impl Future<Output = Result<T, Fault>>) -> T {
        let outcome = work.await.unwrap();
        for note in self.fresh().await {
            let plan = note.get_str("planSummary").unwrap_or_default();
            let examined = number(&note, "docsExamined");
            let command = note.get_document("command").unwrap();
            if plan.contains("COLLSCAN") || examined > most || self.walks(command).await {
                self.wrong.push(format!("{name}: {plan}, {examined} documents for at most {most}: {command}"));
            }
        }
        outcome
    }

    /// Whether a `$lookup` walks its collection, of which the notes tell only the documents, and not always those.
    async fn walks(&self, command: &Document) -> bool {
        let (Ok(of), Ok(pipeline)) = (command.get_str("aggregate"), command.get_array("pipeline")) else {
            return false;
        };
        let explain = doc! {
            "explain": { "aggregate": of, "pipeline": pipeline.clone(), "cursor": {} },
            "verbosity": "executionStats",
        };
        let told = self.store.run_command(explain).await.unwrap();
        told.get_array("stages").is_ok_and(|stages| {
            let stages = stages.iter().filter_map(Bson::as_document);
            stages.map(|stage| number(stage, "collectionScans")).sum::<i64>() > 0
        })
    }

    /// What was noted since the last look.
    async fn fresh(&mut self) -> Vec<Document> {
        let mut cursor = self.notes.find(doc! {}).await.unwrap();
        let mut notes = Vec::new();
        while cursor.advance().await.unwrap() {
            notes.push(cursor.deserialize_current().unwrap());
        }
        let fresh = notes.split_off(self.seen);
        self.seen += fresh.len();
        let of_ours = |note: &Document| {
            let of = note.get_str("ns").unwrap().split_once('.').map(|(_, name)| name);
            of.is_some_and(|name| COLLECTIONS.contains(&name))
        };
        fresh.into_iter().filter(of_ours).collect()
    }
}

fn number(note: &Document, field: &str) -> i64 {
    note.get_i64(field).or_else(|_| note.get_i32(field).map(i64::from)).unwrap_or(0)
}

fn person(id: i32) -> Person {
    Person {
        id: UserId(id),
        version: 2,
        username: "minji".to_owned(),
        locale: Locale::Ko,
        is_active: true,
        friends: Vec::new(),
        blocked: Vec::new(),
    }
}

fn connection(n: i32) -> Connection {
    Connection {
        id: ConnectionId(n.to_string()),
        user: UserId(n),
        session: session(n),
        locale: Locale::Ko,
        connected_at: AT,
    }
}

fn session(n: i32) -> SessionId {
    SessionId(n.to_string())
}

/// A busy room of Anna and Bora, quiet ones of Anna's, and more of everything that is none of theirs.
async fn town() -> Database {
    let database = house().await;
    let mongo = &database.mongo;
    fill(&database, ROOM, BORA, 300).await;
    for id in 2..=20 {
        open(mongo, private(id), &[ANNA, BORA], AT).await;
        fill(&database, private(id), BORA, 10).await;
    }
    open(mongo, group(1), &[ANNA, BORA], AT).await;
    fill(&database, group(1), BORA, 50).await;
    for id in 100..200 {
        open(mongo, private(id), &[EVE, UserId(id)], AT).await;
        mongo.project_person(&Person { version: 1, ..person(id) }).await.unwrap();
        mongo.insert_connection(&connection(id)).await.unwrap();
        mongo.insert_ticket(&id.to_string(), UserId(id), &session(id), AT).await.unwrap();
        mongo.insert_revocations(&[session(id)], AT).await.unwrap();
        mongo.spend(&id.to_string(), LIMIT).await.unwrap();
        mongo.mark_read(private(id), EVE, Seq(1)).await.unwrap();
    }
    database
}

#[tokio::test]
async fn no_question_about_messages_walks_a_collection() {
    let database = town().await;
    let mongo = &database.mongo;
    let sent = say(mongo, ROOM, ANNA, "안녕").await;
    let (delivered, text) = (say(mongo, ROOM, ANNA, "안녕").await, Content::parse("x").unwrap());
    let mut profile = Profile::of(&database).await;

    let place = profile.watch("reserve", 1, mongo.reserve(ROOM, 1, Numbered::Change)).await.unwrap();
    profile.watch("edit_message", 1, mongo.edit_message(sent.id, &text, place, AT)).await.unwrap();
    profile.watch("release", 1, mongo.release(ROOM, place)).await;
    let place = profile.watch("reserve_above", 1, mongo.reserve_above(ROOM, sent.rev, sent.seq)).await.unwrap();
    profile.watch("stamp_message", 1, mongo.stamp_message(sent.id, place, AT)).await.unwrap();
    mongo.release(ROOM, place).await.unwrap();
    let place = mongo.reserve(ROOM, 1, Numbered::Change).await.unwrap().unwrap();
    profile.watch("delete_message", 1, mongo.delete_message(sent.id, place, AT)).await.unwrap();
    mongo.release(ROOM, place).await.unwrap();
    profile.watch("all of a new message", 1, async { Ok(insert(mongo, &draft(ROOM, ANNA, "c", "x"), AT).await) }).await;
    profile.watch("clear_fanout", 1, mongo.clear_fanout(delivered.id, delivered.rev)).await;
    profile.watch("find_message", 1, mongo.find_message(sent.id)).await.unwrap();
    let client_id = ClientId::parse("c").unwrap();
    profile.watch("find_message_by_client_id", 1, mongo.find_message_by_client_id(ROOM, ANNA, &client_id)).await;
    profile.watch("list_quotes", 2, mongo.list_quotes(&[sent.id, delivered.id])).await;
    profile.watch("list_abandoned", 5, mongo.list_abandoned(AT.plus(Duration::from_mins(1)), 5)).await;
    for anchor in [Anchor::Newest, Anchor::Before(Seq(200)), Anchor::After(Seq(100)), Anchor::Around(Seq(150))] {
        profile.watch("list_messages", 11, mongo.list_messages(ROOM, ANNA, anchor, 10)).await;
    }
    profile.watch("list_changes", 11, mongo.list_changes(ROOM, ANNA, Rev(100), 10)).await;

    assert!(profile.wrong.is_empty(), "{:#?}", profile.wrong);
}

#[tokio::test]
async fn no_question_about_people_walks_a_collection() {
    let database = town().await;
    let (mongo, mut profile) = (&database.mongo, Profile::of(&database).await);
    let (seven, eight) = (session(107), session(108));

    profile.watch("project_person", 1, mongo.project_person(&person(107))).await;
    profile.watch("find_person", 1, mongo.find_person(UserId(107))).await;
    profile.watch("insert_ticket", 0, mongo.insert_ticket("t", ANNA, &seven, AT)).await;
    profile.watch("burn_ticket", 1, mongo.burn_ticket("t", AT)).await;
    profile.watch("insert_revocations", 0, mongo.insert_revocations(&[session(1), session(2)], AT)).await;
    profile.watch("is_revoked", 1, mongo.is_revoked(&seven)).await;
    profile.watch("insert_connection", 1, mongo.insert_connection(&connection(1))).await;
    let id = connection(1).id;
    profile.watch("touch_connection", 1, mongo.touch_connection(&id, None, AT, LIMIT)).await.unwrap();
    profile.watch("list_user_connections", 2, mongo.list_user_connections(&[UserId(107), UserId(108)], AT)).await;
    let both = [seven, eight];
    profile.watch("list_session_connections", 2, mongo.list_session_connections(&both)).await;
    profile.watch("remove_session_connections", 2, mongo.remove_session_connections(&both)).await;
    let gone = [connection(109), connection(110)];
    profile.watch("remove_gone_connections", 2, mongo.remove_gone_connections(&gone)).await;
    profile.watch("remove_connection", 1, mongo.remove_connection(&connection(111).id)).await;
    profile.watch("spend", 1, mongo.spend("107", LIMIT)).await;
    profile.watch("refund", 1, mongo.refund("107")).await;
    profile.watch("begin_login", 1, mongo.begin_login("107")).await;
    profile.watch("forget_failed_logins", 1, mongo.forget_failed_logins("107")).await;

    assert!(profile.wrong.is_empty(), "{:#?}", profile.wrong);
}

#[tokio::test]
async fn no_question_about_rooms_walks_a_collection() {
    let database = town().await;
    let mongo = &database.mongo;
    let mut profile = Profile::of(&database).await;
    let access = crate::house::access(private(500), &[ANNA, BORA]);

    profile.watch("project_room", 1, mongo.project_room(&access, AT)).await;
    profile.watch("find_access", 1, mongo.find_access(ROOM)).await.unwrap();
    // Each of 22 rooms and its head.
    profile.watch("list_room_revs", 44, mongo.list_room_revs(ANNA)).await;
    profile.watch("mark_read", 2, mongo.mark_read(ROOM, ANNA, Seq(290))).await;
    profile.watch("count_unread", 10, mongo.count_unread(ROOM, ANNA, Seq(290))).await;

    assert!(profile.wrong.is_empty(), "{:#?}", profile.wrong);
}

#[tokio::test]
async fn a_room_list_looks_at_what_it_shows() {
    let database = town().await;
    let mongo = &database.mongo;
    mongo.mark_read(ROOM, ANNA, Seq(290)).await.unwrap();
    let mut profile = Profile::of(&database).await;
    let five = PageSize::parse(Some(5)).unwrap();
    let after = (AT.millis(), private(9));

    // The room, its head, its cursor, its last message, and ten that are unread.
    profile.watch("find_room", 14, mongo.find_room(ROOM, ANNA)).await.unwrap();
    profile.watch("find_room of a group", 54, mongo.find_room(group(1), ANNA)).await.unwrap();
    // All of Anna's 21 names, the heads of 20, and of six rooms the last message and what is unread.
    profile.watch("list_rooms", 21 + 20 + 6 * 12, mongo.list_rooms(ANNA, RoomKind::Private, None, five)).await;
    profile.watch("list_rooms", 21 + 20 + 6 * 12, mongo.list_rooms(ANNA, RoomKind::Private, Some(&after), five)).await;
    // Unread rooms may be the last ones: all of Anna's are looked at, each with its head, its cursor, and what is unread.
    profile.watch("list_unread", 21 * 3 + 10 + 19 * 10 + 50, mongo.list_unread(ANNA, None, five)).await;

    assert!(profile.wrong.is_empty(), "{:#?}", profile.wrong);
}

#[tokio::test]
async fn the_connections_of_a_room_are_found_by_whose_they_are() {
    let database = town().await;
    for user in [ANNA, BORA] {
        database.mongo.insert_connection(&connection(user.0)).await.unwrap();
    }
    let before = uses(&database, "connections", "connections_user_idx").await;

    let found = database.mongo.list_room_connections(ROOM, AT).await.unwrap();

    let used = uses(&database, "connections", "connections_user_idx").await - before;
    assert_eq!((found.len(), used > 0), (2, true));
}

/// How often an index was used: of a `$lookup` that is unwound no note tells.
async fn uses(database: &Database, name: &str, index: &str) -> i64 {
    let mut cursor = collection(database, name).await.aggregate([doc! { "$indexStats": {} }]).await.unwrap();
    while cursor.advance().await.unwrap() {
        let stats: Document = cursor.deserialize_current().unwrap();
        if stats.get_str("name").unwrap() == index {
            return number(stats.get_document("accesses").unwrap(), "ops");
        }
    }
    unreachable!("the schema has `{index}`")
}
