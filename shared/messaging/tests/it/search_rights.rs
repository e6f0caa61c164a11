//! Who finds what: members everything of their rooms, nobody else anything.

use crate::{
    scene::{ANNA, BORA, EVE, GROUP, ROOM, Scene, access, now, refusal},
    search_pages::HOUR,
    searching::{contents, words, words_in},
};
use contract::MessageSearch;
use domain::{Access, Code, PageSize, RoomId, RoomKey, UserId};
use messaging::{SearchEffort, SearchMessages, Searcher, search_messages};
use mongo::Mongo;
use std::thread;
use testkit::proxy::Proxy;

const NOBODY_THERE: RoomKey = RoomKey::group(RoomId(99));

/// How much somebody finds of a word and of a syllable in a room, and of the word in all rooms; `None` where the room is not there.
async fn finds(scene: &Scene, user: UserId, room: RoomKey) -> (Option<usize>, Option<usize>, usize) {
    let mut in_room = [None; 2];
    for (q, found) in ["회의", "회"].into_iter().zip(&mut in_room) {
        match scene.search(user, &words_in(room, q)).await {
            Ok(page) => *found = Some(page.hits.len()),
            Err(fault) => assert_eq!(fault.code, Code::RoomNotFound),
        }
    }
    (in_room[0], in_room[1], scene.search(user, &words("회의")).await.unwrap().hits.len())
}

#[tokio::test]
async fn members_find_all_and_nobody_else_anything() {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA, BORA]).await;
    scene.say(ANNA, "회의").await;
    let (all, nothing) = ((Some(1), Some(1), 1), (None, None, 0));

    assert_eq!(finds(&scene, BORA, GROUP).await, all);
    assert_eq!(finds(&scene, EVE, GROUP).await, nothing, "a stranger");
    scene.group_of(2, &[ANNA]).await;
    assert_eq!(finds(&scene, BORA, GROUP).await, nothing, "who was kicked or left");
    scene.group_of(3, &[ANNA, BORA, EVE]).await;
    assert_eq!(finds(&scene, BORA, GROUP).await, all, "who was added again");
    assert_eq!(finds(&scene, EVE, GROUP).await, all, "who was added later");
    scene.group_of(4, &[]).await;
    assert_eq!(finds(&scene, ANNA, GROUP).await, nothing, "a room that is gone");
}

#[tokio::test]
async fn room_of_others_is_as_unknown_as_one_that_does_not_exist() {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA]).await;
    scene.say(ANNA, "회의").await;

    for room in [GROUP, NOBODY_THERE] {
        let refused = scene.search(EVE, &words_in(room, "회의")).await.err().unwrap();
        assert_eq!((refused.code, refused.fields), (Code::RoomNotFound, Vec::new()));
    }
}

#[tokio::test]
async fn both_of_two_people_find_across_a_block() {
    let scene = Scene::new().await;
    scene.send(ANNA, "a", "회의").await.unwrap();
    scene.block(2).await;

    for user in [ANNA, BORA] {
        assert_eq!(finds(&scene, user, ROOM).await, (Some(1), Some(1), 1));
    }
}

#[tokio::test]
async fn messages_in_other_rooms_do_not_change_a_search() {
    let scene = Scene::new().await;
    scene.group_of(1, &[EVE]).await;
    scene.send(ANNA, "a", "회의").await.unwrap();
    let before = scene.search(BORA, &words("회의")).await.unwrap();
    for n in 0..20 {
        scene.say(EVE, &format!("회의 {n}")).await;
    }

    let after = scene.search(BORA, &words("회의")).await.unwrap();

    assert_eq!((contents(&before.hits), before.next, before.incomplete), (vec!["회의".to_owned()], None, false));
    assert_eq!((contents(&after.hits), after.next, after.incomplete), (vec!["회의".to_owned()], None, false));
}

#[tokio::test]
async fn former_member_is_found_by_those_who_stayed() {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA, BORA]).await;
    scene.say(BORA, "회의").await;
    scene.group_of(2, &[ANNA]).await;
    let theirs = MessageSearch { query: None, author: Some(BORA), ..words("x") };

    assert_eq!(scene.search(ANNA, &theirs).await.unwrap().hits.len(), 1);
    assert_eq!(scene.search(BORA, &theirs).await.unwrap().hits.len(), 0);
}

/// What Bora finds who is kicked when the server has answered a command with certain words.
async fn finds_when_kicked_after(command: &'static str, search: &MessageSearch, effort: SearchEffort) -> Vec<String> {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA, BORA]).await;
    for n in 0..12 {
        scene.say(ANNA, &format!("그룹 회의 {n}")).await;
    }
    scene.send(ANNA, "a", "둘이서 회의").await.unwrap();
    let (proxy, url) = Proxy::before(&scene.database.url).await;
    let mongo = Mongo::connect(&format!("{url}&directConnection=true")).await.unwrap();
    let (direct, kicked) = (scene.database.url.clone(), Access { room: GROUP, ..access(2, &[ANNA]) });
    proxy.once_answered(command, move || {
        let kick = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mongo = Mongo::connect(&direct).await.unwrap();
                mongo.rooms().project(&kicked, now()).await.unwrap();
            });
        });
        kick.join().unwrap();
    });
    let query = SearchMessages { user: BORA, search, size: PageSize::LARGEST, after: None };

    let found = search_messages(&scene.messenger_of(&mongo), &Searcher::new(effort), &query).await.unwrap();

    assert!(proxy.has_fired());
    assert_eq!(refusal(scene.search(BORA, &words_in(GROUP, "회의")).await), Code::RoomNotFound);
    contents(&found.hits)
}

#[tokio::test(flavor = "multi_thread")]
async fn member_kicked_during_a_search_finds_nothing() {
    let (effort, nothing) = (SearchEffort::default(), Vec::<String>::new());
    assert_eq!(finds_when_kicked_after("messages_grams_idx", &words_in(GROUP, "회의"), effort).await, nothing);
    assert_eq!(finds_when_kicked_after("messages_room_seq_key", &words_in(GROUP, "회"), effort).await, nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn member_kicked_between_two_windows_finds_only_what_is_elsewhere() {
    let windows = SearchEffort { candidates: 2, window: 3, first_try: HOUR, time: HOUR, ..SearchEffort::default() };
    for command in ["last_at", "messages_grams_idx", "skip"] {
        let found = finds_when_kicked_after(command, &words("회의"), windows).await;
        assert_eq!(found, ["둘이서 회의"], "kicked after {command}");
    }
}
