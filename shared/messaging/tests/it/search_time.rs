//! Searches that look at very much which does not match: a page ends in time, reads nothing twice, and brings the next one further.

use crate::{
    scene::{ANNA, EVE, ROOM, Scene, now},
    search_pages::{HOUR, Line, insert},
    searching::{words, words_in},
};
use contract::MessageSearch;
use domain::{Access, Clock, Member, MessageType, PageSize, Role, RoomId, RoomKey, Timestamp};
use messaging::{SearchEffort, SearchMessages, Searcher, search_messages};
use std::{cell::Cell, time::Duration};
use testkit::mongo::Profile;

/// Every two neighbouring syllables are the gram of a word, and nowhere is the word.
const NEAR: &str = "회 의 회 의 회 의 회 의";
const SIZE: i64 = 2;
/// Messages that one command brings.
const BATCH: i64 = SIZE + 8;
const AT: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// By this clock each look takes a millisecond. Each test has its own.
pub(crate) fn ticking() -> Timestamp {
    thread_local!(static LOOKS: Cell<i64> = const { Cell::new(0) });
    LOOKS.set(LOOKS.get() + 1);
    Timestamp::from_millis(1_800_000_000_000 + LOOKS.get())
}

fn seconds(number: i64) -> Timestamp {
    Timestamp::from_millis(AT.millis() + number * 1_000)
}

/// Opens rooms with Anna and fills them, one message a second, after a message of Anna's own.
async fn fill(rooms: i32, each: i64) -> Scene {
    let scene = Scene::new().await;
    let mut lines = vec![Line::new(ROOM, ANNA, "회의", AT, 1)];
    for id in 0..rooms {
        let room = RoomKey::private(RoomId(10 + id));
        let members = [ANNA, EVE].map(|user| Member { user, role: Role::Member }).to_vec();
        scene.project(&Access { room, version: 1, members, blocked: false }).await;
        lines.extend((1..=each).map(|seq| Line::new(room, EVE, NEAR, seconds(i64::from(id) * each + seq), seq)));
    }
    insert(&scene, &lines).await;
    scene
}

/// What all pages of Anna's search find, and how many messages the server looked at for each.
async fn pages(scene: &Scene, search: &MessageSearch, effort: SearchEffort, clock: Clock) -> (Vec<String>, Vec<i64>) {
    let (messenger, searcher) = (scene.messenger_at(scene.mongo(), clock), Searcher::new(effort));
    let mut profile = Profile::of(&scene.database).await;
    let (mut found, mut documents, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let query = SearchMessages { user: ANNA, search, size: PageSize::parse(Some(SIZE)).unwrap(), after };
        let page = search_messages(&messenger, &searcher, &query).await.unwrap();
        assert_eq!(page.incomplete, page.next.is_some(), "no page is full");
        found.extend(page.hits.into_iter().map(|hit| hit.message.content));
        let notes = profile.fresh().await;
        let of_messages = notes.iter().filter(|note| note.get_str("ns").unwrap().ends_with(".messages"));
        documents.push(of_messages.map(|note| i64::from(note.get_i32("docsExamined").unwrap_or(0))).sum());
        after = page.next;
        if after.is_none() {
            return (found, documents);
        }
    }
}

fn effort(time: Duration) -> SearchEffort {
    let unlimited =
        SearchEffort { candidates: usize::MAX, window: 1_000_000, first_try: HOUR, ..SearchEffort::default() };
    SearchEffort { time, pace: 10, walk: 20, ..unlimited }
}

#[tokio::test]
async fn first_try_that_is_given_up_is_not_read_again() {
    let scene = fill(1, 600).await;

    for effort in [
        SearchEffort { candidates: 100, window: 100, ..effort(HOUR) },
        SearchEffort { first_try: Duration::ZERO, window: 100, ..effort(HOUR) },
    ] {
        let (found, documents) = pages(&scene, &words("회의"), effort, Clock(now)).await;

        assert_eq!((found, documents.len()), (vec!["회의".to_owned()], 1));
        assert!(documents[0] <= 601 + 3 * BATCH, "{documents:?}");
    }
}

#[tokio::test]
async fn page_ends_among_candidates_when_its_time_is_over() {
    let scene = fill(1, 300).await;

    let (found, documents) = pages(&scene, &words("회의"), effort(Duration::from_millis(6)), Clock(ticking)).await;

    assert_eq!(found, ["회의"]);
    // Of ten messages between two looks at most, those of the batches that are begun, and a last window of ten.
    assert!(documents.iter().all(|documents| *documents <= 6 * 10 + 10 + 3 * BATCH), "{documents:?}");
    assert!(documents.len() <= 300 / 10 + 1, "each page comes further: {documents:?}");
}

#[tokio::test]
async fn window_ends_among_candidates_when_the_time_is_over() {
    let scene = fill(1, 300).await;
    let effort = SearchEffort { first_try: Duration::ZERO, ..effort(Duration::from_millis(8)) };

    let (found, documents) = pages(&scene, &words("회의"), effort, Clock(ticking)).await;

    assert_eq!(found, ["회의"]);
    assert!(documents.len() > 3 && documents.iter().all(|documents| *documents <= 8 * 10 + 3 * BATCH), "{documents:?}");
}

#[tokio::test]
async fn time_of_a_page_is_that_of_all_chunks_of_rooms() {
    let scene = fill(11, 20).await;
    let chunks = SearchEffort { chunk: 2, pace: 20, ..effort(Duration::ZERO) };

    let (found, documents) = pages(&scene, &words("회의"), chunks, Clock(now)).await;

    assert_eq!(found, ["회의"]);
    // Twenty of each of six chunks, and as many as their batches bring beyond.
    assert!(documents.iter().all(|documents| *documents <= 6 * (20 + BATCH)), "{documents:?}");
}

#[tokio::test]
async fn walk_ends_where_the_span_begins() {
    let scene = Scene::new().await;
    let since = seconds(1_000);
    let mut lines: Vec<_> = (1..=1_000).map(|seq| Line::new(ROOM, EVE, "옛날 밥", seconds(seq - 500), seq)).collect();
    let notice = Line::new(ROOM, EVE, "밥", AT, 1_002);
    lines.extend([
        Line::new(ROOM, EVE, "오늘 밥", seconds(1_010), 1_001),
        Line { message_type: MessageType::System, ..notice },
        // By a clock that is behind.
        Line::new(ROOM, EVE, "어제 밥", seconds(999), 1_003),
    ]);
    insert(&scene, &lines).await;
    let search = MessageSearch { since: Some(since), ..words_in(ROOM, "밥") };

    let (found, documents) = pages(&scene, &search, effort(HOUR), Clock(now)).await;

    assert_eq!(found, ["오늘 밥"]);
    assert!(documents.len() == 1 && documents[0] <= 20 + SIZE, "{documents:?}");
}

#[tokio::test]
async fn walk_ends_within_a_batch_when_its_time_is_over() {
    let scene = Scene::new().await;
    let lines: Vec<_> =
        (1..=300).map(|seq| Line::new(ROOM, EVE, if seq == 1 { "밥" } else { "떡" }, AT, seq)).collect();
    insert(&scene, &lines).await;
    let effort = SearchEffort { walk: 1_000, ..effort(Duration::from_millis(4)) };

    let (found, documents) = pages(&scene, &words_in(ROOM, "밥"), effort, Clock(ticking)).await;

    assert_eq!(found, ["밥"]);
    assert!(documents.len() >= 300 / (4 * 10), "{documents:?}");
}
