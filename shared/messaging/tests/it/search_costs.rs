//! What a search costs the store, whatever is asked for.

use crate::{
    scene::{ANNA, BORA, EVE, ROOM, Scene, now},
    search_pages::insert_texts,
    searching::{words, words_in},
};
use domain::{Access, Member, Role, RoomId, RoomKey, UserId};
use messaging::{SearchEffort, SearchMessages, Searcher, search_messages};
use mongodb::bson::{Document, doc};
use std::{collections::BTreeSet, time::Duration};
use testkit::mongo::Profile;

async fn open(scene: &Scene, room: RoomKey) {
    let members = [ANNA, BORA].map(|user| Member { user, role: Role::Member }).to_vec();
    scene.mongo().rooms().project(&Access { room, version: 1, members, blocked: false }, now()).await.unwrap();
}

/// The collections that a search asked, in order.
async fn asked(scene: &Scene, searcher: &Searcher, search: &contract::MessageSearch) -> Vec<String> {
    let size = domain::PageSize::parse(None).unwrap();
    let query = SearchMessages { user: ANNA, search, size, after: None };
    let mut profile = Profile::of(&scene.database).await;
    search_messages(&scene.messenger(), searcher, &query).await.unwrap();
    let notes = noted(&mut profile).await;
    let asked = notes.iter().filter(|note| is_read(note)).map(|note| note.get_str("ns").unwrap());
    asked.map(|name| name.split_once('.').unwrap().1.to_owned()).collect()
}

/// What was noted; nothing more is, since the server keeps only the last notes.
async fn noted(profile: &mut Profile) -> Vec<Document> {
    let notes = profile.fresh().await;
    profile.store().run_command(doc! { "profile": 0 }).await.unwrap();
    notes
}

/// What is left of a cursor is closed beside the search.
fn is_read(note: &Document) -> bool {
    !note.get_document("command").unwrap().contains_key("killCursors")
}

#[tokio::test]
async fn search_is_three_to_five_commands_and_two_for_each_chunk() {
    let scene = Scene::new().await;
    let searcher = Searcher::default();
    scene.send(ANNA, "a", "회의").await.unwrap();
    asked(&scene, &searcher, &words("회의")).await;
    let (one_gram, two_grams) = (["rooms", "messages", "rooms"], ["rooms", "messages", "messages", "rooms"]);

    assert_eq!(asked(&scene, &searcher, &words_in(ROOM, "회의")).await, one_gram);
    assert_eq!(asked(&scene, &searcher, &words("회의")).await, one_gram);
    assert_eq!(asked(&scene, &searcher, &words("회의록")).await, ["rooms", "messages"], "nothing has one of them");
    let sent = scene.send(BORA, "b", "회의록을 보냈어요").await.unwrap().message;
    assert_eq!(asked(&scene, &searcher, &words("회의록")).await, two_grams);
    assert_eq!(asked(&scene, &searcher, &words_in(ROOM, "회")).await, ["rooms", "messages", "messages", "rooms"]);
    scene.reply(ANNA, "r", "회의록이 없어요", sent.id).await;
    let with_quote = ["rooms", "messages", "messages", "rooms", "messages"];
    assert_eq!(asked(&scene, &searcher, &words("회의록")).await, with_quote);
    for id in 2..=401 {
        open(&scene, RoomKey::private(RoomId(id))).await;
    }
    open(&scene, RoomKey::group(RoomId(1))).await;
    // 200 rooms of two people, 200 and one more, and the group.
    let chunks = asked(&scene, &searcher, &words("회의록")).await.len();
    assert!((5 + 3..=5 + 3 * 2).contains(&chunks), "{chunks}");
}

/// What a search read, and counted.
async fn looked_at(scene: &Scene, search: &contract::MessageSearch, effort: SearchEffort) -> (i64, i64) {
    let mut profile = Profile::of(&scene.database).await;
    scene.search_page(ANNA, search, 30, None, effort).await.unwrap();
    let notes = noted(&mut profile).await;
    let sum = |field: &str| {
        let numbers = notes.iter().filter(|note| note.get_str("ns").unwrap().ends_with(".messages"));
        numbers.map(|note| i64::from(note.get_i32(field).unwrap_or(0))).sum()
    };
    (sum("docsExamined"), sum("keysExamined"))
}

/// Searches that try to cost much, in a room where everything is said all the time.
#[tokio::test]
async fn no_search_looks_at_more_than_its_share() {
    let scene = Scene::new().await;
    let long = "ㅋ".repeat(50);
    let texts: Vec<String> = (0..4_000)
        .map(|n| match n % 4 {
            0 => format!("{long} {n}"),
            1 => "👍👍🎉".to_owned(),
            2 => format!("a.b*c(d|e)+ {n} the error 가나다라"),
            _ => "에서 에게 를 는 회의를 했어요".to_owned(),
        })
        .collect();
    insert_texts(&scene, ROOM, ANNA, &texts).await;
    let effort =
        SearchEffort { candidates: 500, window: 500, time: Duration::ZERO, walk: 500, ..SearchEffort::default() };
    let nfd: String = "회의를했어요".chars().flat_map(unicode_nfd).collect();
    let mixed = "가a나b다c라d마e바f사g아h자i차j".to_owned();
    for q in [
        "밥".to_owned(),
        "ㅋ".to_owned(),
        "ㅋ".repeat(100),
        "를 는 을".to_owned(),
        ".*".to_owned(),
        "(a+)+$".to_owned(),
        "a.b*c(d|e)+".to_owned(),
        "👍".to_owned(),
        "🎉👍👍👍👍".to_owned(),
        nfd,
        mixed,
        "\"".repeat(99),
        "the error 없는말이지만 가나 나다 다라 the err 회의 를".to_owned(),
        "b c d e f g h i j k".to_owned(),
    ] {
        let Ok(query) = domain::message_search::MessageQuery::parse(&q) else { continue };
        let search = contract::MessageSearch { query: Some(query), ..words_in(ROOM, "x") };

        let (documents, keys) = looked_at(&scene, &search, effort).await;

        // A window or a walk of one batch, and the page; of keys also what was counted.
        assert!(documents <= 500 + 2 * 38, "{q}: {documents} documents");
        assert!(keys <= 8 * 1_001 + 4 * 1_001, "{q}: {keys} keys");
    }
}

/// What a command asks, without the index that it names; `None` if it names one.
fn unhinted(note: &Document) -> Option<String> {
    let command = note.get_document("command").unwrap();
    let command = note.get_document("originatingCommand").unwrap_or(command);
    if let Ok(index) = command.get_str("hint") {
        assert!(["messages_grams_idx", "messages_room_seq_key"].contains(&index), "{index}");
        return None;
    }
    let name = note.get_str("ns").unwrap().split_once('.').unwrap().1;
    let filter = command.get_document("filter").map(|filter| filter.keys().next().unwrap().as_str());
    Some(format!("{name} by {}", filter.unwrap_or("stages")))
}

#[tokio::test]
async fn commands_of_a_search_name_their_index() {
    let scene = Scene::new().await;
    open(&scene, RoomKey::private(RoomId(2))).await;
    open(&scene, RoomKey::group(RoomId(1))).await;
    let texts: Vec<String> = (0..60).map(|n| format!("회의록 {n}")).collect();
    insert_texts(&scene, RoomKey::private(RoomId(2)), BORA, &texts).await;
    let sent = scene.send(ANNA, "a", "회의록").await.unwrap().message;
    scene.reply(BORA, "r", "회의록이 없어요", sent.id).await;
    let windows = SearchEffort { candidates: 5, window: 8, chunk: 1, ..SearchEffort::default() };
    let (late, size) = (SearchEffort { time: Duration::ZERO, ..windows }, 20);
    let mut profile = Profile::of(&scene.database).await;

    for (search, effort) in [
        (words("회의록"), SearchEffort::default()),
        (words("회의록 없는말"), SearchEffort::default()),
        (words("회의록"), windows),
        (words("회의록 2"), late),
        (words_in(ROOM, "회의록"), windows),
        (words_in(ROOM, "록"), SearchEffort { walk: 1, ..windows }),
    ] {
        scene.search_page(ANNA, &search, size, None, effort).await.unwrap();
    }

    let notes = noted(&mut profile).await;
    let of_search = notes.iter().filter(|note| is_read(note));
    let (named, others): (Vec<_>, Vec<_>) = of_search.map(unhinted).partition(Option::is_none);
    let others: BTreeSet<_> = others.into_iter().flatten().collect();
    assert!(named.len() > 15, "{} commands", named.len());
    // What is asked by id has no other plan, and the list of rooms has an index for each of its parts.
    assert_eq!(
        others,
        ["messages by _id", "rooms by _id", "rooms by stages", "schema by _id"].map(str::to_owned).into()
    );
}

/// Takes a syllable apart as some keyboards send it.
fn unicode_nfd(c: char) -> Vec<char> {
    let index = u32::from(c) - 0xac00;
    let (lead, vowel, tail) = (index / 588, index % 588 / 28, index % 28);
    let parts = [Some(0x1100 + lead), Some(0x1161 + vowel), (tail > 0).then_some(0x11a7 + tail)];
    parts.into_iter().flatten().filter_map(char::from_u32).collect()
}

/// A thousand people of one room search at once; the room's document is read once or twice for each.
#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_large_room_search_at_once() {
    let scene = Scene::new().await;
    let members: Vec<_> = (1..=1_000).map(UserId).collect();
    let group = RoomKey::group(RoomId(7));
    let access = members.iter().map(|user| Member { user: *user, role: Role::Member }).collect();
    let access = Access { room: group, version: 1, members: access, blocked: false };
    scene.mongo().rooms().project(&access, now()).await.unwrap();
    let texts: Vec<String> = (0..500).map(|n| format!("회의 {n}")).collect();
    insert_texts(&scene, group, EVE, &texts).await;
    let mut crowd = tokio::task::JoinSet::new();
    for (mongo, members) in scene.environments(20).await.into_iter().zip(members.chunks(50)) {
        let (messenger, members) = (scene.messenger_of(&mongo), members.to_vec());
        crowd.spawn(async move {
            let (searcher, search) = (Searcher::default(), words_in(group, "회의"));
            let size = domain::PageSize::parse(None).unwrap();
            for user in members {
                let query = SearchMessages { user, search: &search, size, after: None };
                let found = search_messages(&messenger, &searcher, &query).await.unwrap();
                assert_eq!((found.hits.len(), found.incomplete, found.next.is_some()), (30, false, true));
            }
        });
    }
    crowd.join_all().await;
}
