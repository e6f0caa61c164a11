//! What a search looks at: no message to count or to find a boundary, and no more of them than have the rarest gram.

use crate::scene::{ANNA, AT, BORA, collection, group, open, private, say, scene};
use domain::{
    MessageType, RoomId, RoomKey, RoomKind, Timestamp, UserId,
    message_search::{Gram, Mark, MessageQuery, grams},
};
use mongo::{Messages, Reading, ReadingEnd, SearchArea, Span, Stored};
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use std::{ops::ControlFlow, time::Duration};
use testkit::mongo::{Database, Profile};

const INDEX: &str = "messages_grams_idx";
const ROOMS: i32 = 200;
const EACH: i64 = 30;

/// Rooms of Anna's and Bora's: in each Anna says something rare, then the same five times; the others talk of something else.
async fn talk() -> Database {
    let database = scene().await;
    let mongo = &database.mongo;
    let first = say(mongo, private(1), ANNA, "1").await;
    let messages = collection(&database, "messages").await;
    let row = messages.find_one(doc! { "_id": ObjectId::from_bytes(first.id.0) }).await.unwrap().unwrap();
    messages.delete_many(doc! {}).await.unwrap();
    let mut rows = Vec::new();
    for room in 1..=ROOMS {
        open(mongo, private(room), &[ANNA, BORA], AT).await;
        for seq in 1..=EACH {
            let (user, content) = match seq {
                1 => (ANNA, format!("서버 배포 {room}")),
                2..=6 => (ANNA, format!("서버 회의 {seq}")),
                _ => (BORA, format!("점심 {seq}")),
            };
            let found_by: Vec<i32> =
                grams(user, &content, MessageType::Text, &[]).into_iter().map(|gram| gram.0).collect();
            let mut copy = row.clone();
            copy.extend(doc! {
                "_id": ObjectId::new(), "client_id": seq.to_string(), "content": content, "room_id": room, "seq": seq,
                "rev": seq, "g": found_by, "user_id": user.0,
                "created_at": DateTime::from_millis(AT.millis() + seq * 1_000 + i64::from(room)),
            });
            rows.push(copy);
        }
    }
    messages.insert_many(rows).await.unwrap();
    database
}

fn area(rooms: i32) -> SearchArea {
    SearchArea { kind: RoomKind::Private, rooms: (1..=rooms).map(RoomId).collect(), span: Span::default() }
}

fn grams_of(q: &str) -> Vec<Gram> {
    MessageQuery::parse(q).unwrap().grams()
}

const EVERYTHING: Reading = Reading { batch: 40, most_time: Some(Duration::from_secs(5)) };

/// The candidates of some grams, until so many are read.
async fn candidates(
    messages: Messages<'_>,
    causal: &mut mongo::Causal,
    area: &SearchArea,
    grams: &[Gram],
    most: usize,
) -> (ReadingEnd, Vec<Stored>) {
    let mut rows = Vec::new();
    let take = |row| {
        rows.push(row);
        if rows.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let end = messages.read_candidates(causal, area, grams, EVERYTHING, take).await.unwrap();
    (end, rows)
}

/// The commands of a search since the last look.
async fn noted(profile: &mut Profile) -> Vec<Document> {
    let is_of_messages = |note: &Document| note.get_str("ns").is_ok_and(|name| name.ends_with(".messages"));
    // The driver ends a cursor that is dropped whenever it comes to it.
    let ends = |note: &Document| note.get_document("command").is_ok_and(|command| command.contains_key("killCursors"));
    let notes = profile.fresh().await;
    notes.into_iter().filter(|note| is_of_messages(note) && !ends(note)).collect()
}

fn number(note: &Document, field: &str) -> i64 {
    note.get_i64(field).or_else(|_| note.get_i32(field).map(i64::from)).unwrap_or(0)
}

/// Whatever a plan says of its indexes and documents, however deep.
fn gather(plan: &Document, indexes: &mut Vec<String>, examined: &mut i64) {
    for (name, value) in plan {
        match (name.as_str(), value) {
            ("rejectedPlans" | "allPlansExecution" | "command", _) => {}
            ("indexName", Bson::String(index)) => indexes.push(index.clone()),
            ("docsExamined" | "totalDocsExamined", _) => *examined += number(plan, name),
            (_, Bson::Document(inner)) => gather(inner, indexes, examined),
            (_, Bson::Array(all)) => {
                all.iter().filter_map(Bson::as_document).for_each(|inner| gather(inner, indexes, examined));
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn counting_reads_no_message() {
    let database = talk().await;
    let messages = database.mongo.messages();
    let mut causal = database.mongo.causal().await.unwrap();
    let mut profile = Profile::of(&database).await;
    let mut grams = grams_of("서버 회의 배포");
    grams.push(Mark::Author(ANNA).gram());
    grams.push(Mark::Author(UserId(9)).gram());

    let counts = messages.count_grams(&mut causal, &area(ROOMS), &grams, 1_000).await.unwrap();

    assert_eq!(counts, [1_000, 1_000, 200, 1_000, 0]);
    let [note] = &noted(&mut profile).await[..] else { panic!("one command") };
    let command = note.get_document("command").unwrap();
    assert_eq!((number(note, "docsExamined"), command.get_str("hint").ok()), (0, Some(INDEX)), "{command}");
    let explain = doc! {
        "explain": {
            "aggregate": "messages", "pipeline": command.get_array("pipeline").unwrap().clone(), "hint": INDEX, "cursor": {},
        },
        "verbosity": "executionStats",
    };
    let plan = profile.store().run_command(explain).await.unwrap();
    let (mut indexes, mut examined) = (Vec::new(), 0);
    gather(&plan, &mut indexes, &mut examined);
    assert!(indexes.iter().all(|index| index == INDEX) && indexes.len() >= grams.len(), "{indexes:?}");
    assert_eq!(examined, 0, "{plan}");
}

#[tokio::test]
async fn boundary_reads_no_message() {
    let database = talk().await;
    let messages = database.mongo.messages();
    let mut causal = database.mongo.causal().await.unwrap();
    let mut profile = Profile::of(&database).await;
    let gram = grams_of("배포")[0];

    let boundary = messages.find_boundary(&mut causal, &area(ROOMS), gram, 150).await.unwrap();
    let none = messages.find_boundary(&mut causal, &area(ROOMS), gram, 201).await.unwrap();

    // The newest of them are in the rooms with the highest numbers.
    assert_eq!((boundary, none), (Some(Timestamp::from_millis(AT.millis() + 1_000 + 51)), None));
    for note in noted(&mut profile).await {
        let command = note.get_document("command").unwrap();
        assert_eq!((number(&note, "docsExamined"), command.get_str("hint").ok()), (0, Some(INDEX)), "{command}");
    }
}

#[tokio::test]
async fn candidates_of_200_rooms_are_merged_in_order() {
    let database = talk().await;
    let messages = database.mongo.messages().seen_by(BORA);
    let mut causal = database.mongo.causal().await.unwrap();
    let mut profile = Profile::of(&database).await;
    let [server, meeting] = grams_of("서버 회의")[..] else { panic!("two grams") };

    let (end, rows) = candidates(messages, &mut causal, &area(ROOMS), &[meeting, server], 31).await;

    assert_eq!((end, rows.len()), (ReadingEnd::Stopped, 31));
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row.message.created_at)));
    let [note] = &noted(&mut profile).await[..] else { panic!("one batch") };
    assert!(!note.get_bool("hasSortStage").unwrap_or(false), "{note}");
    assert_eq!(note.get_document("command").unwrap().get_str("hint").ok(), Some(INDEX));
    // One more of each room, from which the newest is chosen.
    assert!(number(note, "docsExamined") <= 40 + i64::from(ROOMS), "{note}");
}

#[tokio::test]
async fn candidates_are_no_more_than_have_the_rarest_gram() {
    let database = talk().await;
    let messages = database.mongo.messages().seen_by(BORA);
    let mut causal = database.mongo.causal().await.unwrap();
    let mut profile = Profile::of(&database).await;
    let [server, deployed] = grams_of("서버 배포")[..] else { panic!("two grams") };

    let (end, rows) = candidates(messages, &mut causal, &area(ROOMS), &[deployed, server], usize::MAX).await;

    assert_eq!((end, rows.len()), (ReadingEnd::Complete, 200));
    let notes = noted(&mut profile).await;
    assert_eq!(notes.iter().map(|note| number(note, "docsExamined")).sum::<i64>(), 200);
}

#[tokio::test]
async fn walk_reads_a_batch_at_a_time() {
    let database = talk().await;
    let messages = database.mongo.messages().seen_by(BORA);
    let mut causal = database.mongo.causal().await.unwrap();
    let mut profile = Profile::of(&database).await;
    let mut seqs = Vec::new();

    let take = |row: mongo::WalkedMessage| {
        seqs.push(row.seq.0);
        if seqs.len() == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let end = messages.walk(&mut causal, private(7), Some(domain::Seq(21)), 10, take).await.unwrap();

    assert_eq!((end, seqs), (ReadingEnd::Stopped, (11..=20).rev().collect()));
    let [note] = &noted(&mut profile).await[..] else { panic!("one batch") };
    assert_eq!(number(note, "docsExamined"), 10);
    assert_eq!(note.get_document("command").unwrap().get_str("hint").ok(), Some("messages_room_seq_key"));
}

#[tokio::test]
async fn newest_rooms_are_listed_with_one_command() {
    let database = talk().await;
    let mongo = &database.mongo;
    let earlier = |seconds| AT.minus(Duration::from_secs(seconds));
    for (room, at) in [(group(1), earlier(5)), (group(2), earlier(1)), (private(201), earlier(3))] {
        open(mongo, room, &[ANNA, UserId(9)], at).await;
    }
    open(mongo, group(3), &[BORA], AT).await;
    let rooms = collection(&database, "rooms").await;
    let old = doc! { "$set": { "last_at": DateTime::from_millis(0) } };
    rooms.update_many(doc! { "members": [ANNA.0, BORA.0] }, old).await.unwrap();
    let mut causal = mongo.causal().await.unwrap();
    let mut profile = Profile::of(&database).await;

    let newest = mongo.rooms().list_latest(&mut causal, ANNA, 4).await.unwrap();
    let all = mongo.rooms().list_latest(&mut causal, ANNA, 1_000).await.unwrap();

    assert_eq!(newest[..3], [group(2), private(201), group(1)]);
    assert_eq!((newest.len(), all.len()), (4, 203));
    let notes = profile.fresh().await;
    assert_eq!(notes.len(), 2);
    // Private rooms come in order; of groups all are looked at.
    assert!(number(&notes[0], "docsExamined") <= 4 + 2, "{}", notes[0]);
}

#[tokio::test]
async fn only_rooms_that_one_is_in_are_entered() {
    let database = talk().await;
    let mongo = &database.mongo;
    open(mongo, group(3), &[BORA], AT).await;
    let mut causal = mongo.causal().await.unwrap();
    let asked: std::collections::HashSet<RoomKey> = [private(1), private(2), group(3), group(4)].into();

    let entered = mongo.rooms().list_entered(&mut causal, ANNA, &asked).await.unwrap();

    assert_eq!(entered, [private(1), private(2)].into());
}
