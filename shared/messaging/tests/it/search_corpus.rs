//! The golden cases of message search, over the store, and over a search index of Atlas where a cluster is given.

#[path = "../../../domain/tests/it/search_rows.rs"]
mod search_rows;

use crate::{
    scene::{ANNA, ROOM, Scene, now, refusal},
    search_pages::insert_texts,
    searching::words_in,
};
use contract::{MessageSearch, MessageSearchQuery, SearchPosition};
use domain::{Access, Clock, Code, Invalid, Member, PageSize, Role, Timestamp};
use messaging::{Atlas, SearchMessages, Searcher, search_messages};
use mongo::Mongo;
use mongodb::{
    Client, SearchIndexModel,
    bson::{Document, doc, oid::ObjectId},
};
use search_rows::rows;
use std::{cell::Cell, time::Duration};
use testkit::mongo::Database;

struct Case {
    query: String,
    text: String,
    matches: bool,
    /// Whether it can be asked over all rooms.
    is_for_any_room: bool,
    /// Whether a search index of Atlas must find it.
    atlas: bool,
}

fn cases() -> Vec<Case> {
    let cases = rows().map(|(query, text, [matches, scope, _ranges, atlas, _why])| Case {
        query,
        text,
        matches: matches == "yes",
        is_for_any_room: scope == "any",
        atlas: atlas == "yes",
    });
    cases.collect()
}

/// Whether a search in the room finds a text.
async fn finds(scene: &Scene, search: &MessageSearch, text: &str) -> bool {
    let found = scene.search(ANNA, search).await.unwrap();
    found.hits.iter().any(|hit| hit.message.content == text)
}

/// Anna's room with the texts of all cases.
async fn room_of(cases: &[Case]) -> Scene {
    let scene = Scene::new().await;
    let texts: Vec<String> = cases.iter().map(|case| case.text.clone()).collect();
    insert_texts(&scene, ROOM, ANNA, &texts).await;
    scene
}

#[tokio::test]
async fn every_golden_case_is_found_in_its_room() {
    let cases = cases();
    let scene = room_of(&cases).await;

    for Case { query, text, matches, .. } in &cases {
        assert_eq!(finds(&scene, &words_in(ROOM, query), text).await, *matches, "{query} in {text}");
    }
}

#[tokio::test]
async fn every_golden_case_is_found_over_all_rooms_or_is_too_short() {
    let cases = cases();
    let scene = room_of(&cases).await;

    for Case { query, text, matches, is_for_any_room, .. } in &cases {
        match asked_over_all_rooms(query).parse() {
            Ok(search) => {
                assert!(is_for_any_room, "{query}");
                assert_eq!(finds(&scene, &search, text).await, *matches, "{query} in {text}");
            }
            Err(fault) => {
                assert_eq!(fault.fields[0].reason, Invalid::TooShort, "{query}");
                assert!(!is_for_any_room, "{query}");
            }
        }
    }
}

fn asked_over_all_rooms(q: &str) -> MessageSearchQuery {
    MessageSearchQuery { q: Some(q.to_owned()), ..Default::default() }
}

#[tokio::test]
async fn server_without_atlas_is_searched_by_grams() {
    let scene = Scene::new().await;
    scene.send(ANNA, "a", "회의록").await.unwrap();
    let searcher = Searcher::default().with_atlas(Some(Atlas::new("messages_search")));
    let search = words_in(ROOM, "회의");
    let query = |after| SearchMessages { user: ANNA, search: &search, size: PageSize::LARGEST, after };

    for _ in 0..2 {
        let found = search_messages(&scene.messenger(), &searcher, &query(None)).await.unwrap();
        assert_eq!(found.hits.len(), 1);
    }
    let token = Some(SearchPosition::Token("x".to_owned()));
    let page = search_messages(&scene.messenger(), &searcher, &query(token)).await;
    assert_eq!(refusal(page), Code::InvalidFields);
}

#[tokio::test]
async fn missing_index_of_atlas_is_looked_for_once_a_minute() {
    thread_local!(static NOW: Cell<Timestamp> = Cell::new(now()));
    let scene = Scene::new().await;
    let messenger = scene.messenger_at(scene.mongo(), Clock(|| NOW.get()));
    let searcher = Searcher::default().with_atlas(Some(Atlas::new("messages_search")));
    let search = words_in(ROOM, "회의");
    let looks = async |after| {
        let query = SearchMessages { user: ANNA, search: &search, size: PageSize::LARGEST, after };
        let lines = testkit::lines(async || drop(search_messages(&messenger, &searcher, &query).await)).await;
        lines.iter().filter(|line| line.contains("Found no search index of Atlas")).count()
    };

    assert_eq!((looks(None).await, looks(None).await), (1, 0));
    assert_eq!(looks(Some(SearchPosition::Behind(5, None))).await, 0);
    let elsewhere = Some(SearchPosition::Token("x".to_owned()));
    assert_eq!(looks(elsewhere).await, 1, "another environment has found it");
    NOW.set(NOW.get().plus(Duration::from_mins(1)));
    assert_eq!(
        looks(Some(SearchPosition::Behind(5, None))).await,
        0,
        "a search that began without it goes on without it"
    );
    assert_eq!((looks(None).await, looks(None).await), (1, 0));
}

#[expect(clippy::disallowed_methods, reason = "tests find their servers in the environment")]
fn atlas_url() -> Option<String> {
    std::env::var("ATLAS_TEST_URL").ok().filter(|url| !url.is_empty())
}

/// `localstack/guides/search.md` has the same.
fn index() -> SearchIndexModel {
    let number = doc! { "type": "number", "representation": "int64" };
    let fields = doc! {
        "_id": { "type": "objectId" }, "content": { "type": "string", "analyzer": "lucene.nori" }, "g": &number,
        "room_id": &number, "user_id": number, "room_type": { "type": "token" }, "created_at": { "type": "date" },
    };
    let definition: Document = doc! { "mappings": { "dynamic": false, "fields": fields } };
    SearchIndexModel::builder().name("messages_search".to_owned()).definition(definition).build()
}

#[tokio::test]
async fn every_golden_case_of_atlas_is_found_by_its_index() {
    let Some(server) = atlas_url() else {
        println!("Atlas Search NOT CHECKED: ATLAS_TEST_URL names no cluster");
        return;
    };
    let (server, options) = server.split_once('?').unwrap_or((&server, ""));
    let name = format!("test_{}", ObjectId::new());
    let url = format!("{}/{name}?{options}", server.trim_end_matches('/'));
    let store = Client::with_uri_str(&url).await.unwrap().default_database().unwrap();
    let mongo = Mongo::connect(&url).await.unwrap();
    mongo.schema().ensure().await.unwrap();
    let scene = Scene::over(Database { mongo, url }).await;
    let cases = cases();
    let room = ROOM;
    let members = vec![Member { user: ANNA, role: Role::Member }];
    scene.mongo().rooms().project(&Access { room, version: 3, members, blocked: false }, now()).await.unwrap();
    let texts: Vec<String> = cases.iter().map(|case| case.text.clone()).collect();
    insert_texts(&scene, room, ANNA, &texts).await;
    store.collection::<Document>("messages").create_search_index(index()).await.unwrap();
    let searcher = Searcher::default().with_atlas(Some(Atlas::new("messages_search")));
    let wait = async {
        while !scene.mongo().messages().has_search_index("messages_search").await.unwrap() {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(10), wait).await.unwrap();
    let mut missed = Vec::new();
    for Case { query, text, .. } in cases.iter().filter(|case| case.atlas) {
        let search = words_in(room, query);
        let query = SearchMessages { user: ANNA, search: &search, size: PageSize::LARGEST, after: None };
        let found = search_messages(&scene.messenger(), &searcher, &query).await.unwrap();
        if !found.hits.iter().any(|hit| &hit.message.content == text) {
            missed.push(text.clone());
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}
