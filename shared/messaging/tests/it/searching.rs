//! What a search finds: the messages as they are now.

use crate::scene::{ANNA, BORA, EVE, GROUP, ROOM, Scene, draft, long_ago, refusal};
use contract::{MessageHit, MessageSearch, SearchPosition};
use domain::{
    Access, Code, Fault, Member, MessageDraft, MessageType, PageSize, Role, RoomId, RoomKey, UserId,
    message_search::{Mark, MessageQuery, grams},
};
use messaging::{FoundMessages, SearchEffort, SearchMessages, Searcher, hide_message, search_messages};
use mongo::Mongo;
use mongodb::bson::{doc, oid::ObjectId};
use std::time::Duration;
use testkit::mongo::Profile;

/// A search for words in all rooms.
pub(crate) fn words(q: &str) -> MessageSearch {
    MessageSearch {
        query: Some(MessageQuery::parse(q).unwrap()),
        text: Some(q.to_owned()),
        room: None,
        author: None,
        has: None,
        mentions_me: false,
        since: None,
        until: None,
    }
}

/// The same in one room.
pub(crate) fn words_in(room: RoomKey, q: &str) -> MessageSearch {
    MessageSearch { room: Some(room), ..words(q) }
}

impl Scene {
    /// A page of a search.
    pub(crate) async fn search(&self, user: UserId, search: &MessageSearch) -> Result<FoundMessages, Fault> {
        self.search_page(user, search, 100, None, SearchEffort::default()).await
    }

    pub(crate) async fn search_page(
        &self,
        user: UserId,
        search: &MessageSearch,
        size: i64,
        after: Option<SearchPosition>,
        effort: SearchEffort,
    ) -> Result<FoundMessages, Fault> {
        let size = PageSize::parse(Some(size)).unwrap();
        let query = SearchMessages { user, search, size, after };
        search_messages(&self.messenger(), &Searcher::new(effort), &query).await
    }

    /// The texts that somebody finds in their rooms.
    pub(crate) async fn finds(&self, user: UserId, q: &str) -> Vec<String> {
        contents(&self.search(user, &words(q)).await.unwrap().hits)
    }
}

pub(crate) fn contents(hits: &[MessageHit]) -> Vec<String> {
    hits.iter().map(|hit| hit.message.content.clone()).collect()
}

#[tokio::test]
async fn word_is_found_in_all_rooms_the_newest_first() {
    let scene = Scene::new().await;
    scene.group(1, ANNA, EVE, &[BORA]).await;
    scene.send(ANNA, "1", "회의 언제예요?").await.unwrap();
    scene.say(BORA, "회의록을 보냈어요").await;
    scene.send(BORA, "2", "내일 기회가 있어요").await.unwrap();
    scene.send(BORA, "3", "세 시 회의예요").await.unwrap();

    let found = scene.search(ANNA, &words("회의")).await.unwrap();

    assert_eq!(contents(&found.hits), ["세 시 회의예요", "회의록을 보냈어요", "회의 언제예요?"]);
    assert_eq!((found.next, found.incomplete), (None, false));
    let ranges = serde_json::to_value(&found.hits[0].ranges).unwrap();
    assert_eq!(ranges, serde_json::json!([[4, 6]]));
    let one_room = scene.search(ANNA, &words_in(GROUP, "회의")).await.unwrap();
    assert_eq!(contents(&one_room.hits), ["회의록을 보냈어요"]);
}

#[tokio::test]
async fn message_is_found_as_soon_as_it_is_acknowledged() {
    let scene = Scene::new().await;
    let other = Mongo::connect(&scene.database.url).await.unwrap();
    let elsewhere = scene.messenger_of(&other);
    let find = async |q: &str| {
        let search = words(q);
        let query = SearchMessages { user: BORA, search: &search, size: PageSize::LARGEST, after: None };
        search_messages(&elsewhere, &Searcher::default(), &query).await.unwrap().hits.len()
    };
    for n in 0..10 {
        let (first, second) = (format!("처음 보낸 글 {n}번"), format!("고친 다음 글 {n}번"));
        let sent = scene.send(ANNA, &n.to_string(), &first).await.unwrap().message;
        assert_eq!(find(&format!("\"{first}\"")).await, 1);
        scene.edit(ANNA, sent.id, &second).await.unwrap();
        assert_eq!((find(&format!("\"{first}\"")).await, find(&format!("\"{second}\"")).await), (0, 1));
        scene.delete(ANNA, sent.id).await.unwrap();
        assert_eq!(find(&format!("\"{second}\"")).await, 0);
    }
}

#[tokio::test]
async fn message_of_a_writer_who_died_is_found_and_delivered() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "회의").await.unwrap().message;
    scene.is_delivered(sent.id).await;
    let rev = scene.abandon(sent.id, long_ago()).await;

    let found = scene.search(BORA, &words("회의")).await.unwrap();

    assert_eq!(found.hits.len(), 1);
    // As with a list, nobody sees what `sync` would not bring.
    assert!(found.hits[0].message.rev > rev);
}

#[tokio::test]
async fn hidden_message_is_not_found_by_the_member_who_hid_it() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "회의").await.unwrap().message;
    hide_message(&scene.messenger(), BORA, sent.id).await.unwrap();

    assert_eq!(scene.finds(BORA, "회의").await, Vec::<String>::new());
    assert_eq!(scene.finds(ANNA, "회의").await, ["회의"]);
    let walked = scene.search(BORA, &words_in(ROOM, "회")).await.unwrap();
    assert_eq!(walked.hits.len(), 0);
}

#[tokio::test]
async fn notices_and_tombstones_are_not_found() {
    let scene = Scene::new().await;
    let notice = scene.send(ANNA, "n", "회의 알림").await.unwrap().message;
    scene.make_system(notice.id).await;
    let this = doc! { "_id": ObjectId::from_bytes(notice.id.0) };
    scene.collection("messages").await.update_one(this, doc! { "$unset": { "g": "" } }).await.unwrap();
    let deleted = scene.send(ANNA, "d", "회의 취소").await.unwrap().message;
    scene.delete(ANNA, deleted.id).await.unwrap();

    for search in [words("회의"), words_in(ROOM, "회"), MessageSearch { query: None, author: Some(ANNA), ..words("x") }]
    {
        assert_eq!(scene.search(ANNA, &search).await.unwrap().hits.len(), 0);
    }
}

#[tokio::test]
async fn filters_narrow_a_search_and_do_without_words() {
    let scene = Scene::new().await;
    scene.send(ANNA, "1", "회의 https://example.com").await.unwrap();
    scene.send(BORA, "2", "회의").await.unwrap();
    let picture = scene.send(BORA, "3", "사진").await.unwrap().message;
    let as_picture = grams(BORA, "사진", MessageType::Image, &[]);
    let as_picture: Vec<_> = as_picture.into_iter().map(|gram| gram.0).collect();
    let this = doc! { "_id": ObjectId::from_bytes(picture.id.0) };
    let set = doc! { "$set": { "message_type": "image", "g": as_picture } };
    scene.collection("messages").await.update_one(this, set).await.unwrap();

    let finds = async |search: MessageSearch| contents(&scene.search(BORA, &search).await.unwrap().hits);
    let any = || MessageSearch { query: None, ..words("x") };
    assert_eq!(finds(MessageSearch { author: Some(BORA), ..words("회의") }).await, ["회의"]);
    assert_eq!(finds(MessageSearch { author: Some(BORA), ..any() }).await, ["사진", "회의"]);
    assert_eq!(finds(MessageSearch { author: Some(EVE), ..any() }).await, Vec::<String>::new());
    let (link, image, file) = (Mark::Link, Mark::Image, Mark::File);
    assert_eq!(finds(MessageSearch { has: Some(link), ..any() }).await, ["회의 https://example.com"]);
    assert_eq!(finds(MessageSearch { has: Some(image), ..any() }).await, ["사진"]);
    assert_eq!(finds(MessageSearch { has: Some(file), ..any() }).await, Vec::<String>::new());
    assert_eq!(finds(MessageSearch { author: Some(BORA), has: Some(link), ..any() }).await, Vec::<String>::new());
}

#[tokio::test]
async fn mentions_of_oneself_are_found() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "1", "@bora 확인 부탁해요").await.unwrap().message;
    scene.send(ANNA, "2", "확인했어요").await.unwrap();
    let grams = grams(ANNA, "@bora 확인 부탁해요", MessageType::Text, &[BORA]);
    let grams: Vec<_> = grams.into_iter().map(|gram| gram.0).collect();
    let this = doc! { "_id": ObjectId::from_bytes(sent.id.0) };
    let mentioning = doc! { "$set": { "mentions": [BORA.0], "g": grams } };
    scene.collection("messages").await.update_one(this, mentioning).await.unwrap();
    let mine = MessageSearch { mentions_me: true, ..words("확인") };

    assert_eq!(contents(&scene.search(BORA, &mine).await.unwrap().hits), ["@bora 확인 부탁해요"]);
    assert_eq!(scene.search(ANNA, &mine).await.unwrap().hits.len(), 0);
}

#[tokio::test]
async fn span_includes_its_beginning_and_not_its_end() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "회의 밥").await.unwrap().message;
    let at = sent.created_at;
    let (before, after) = (at.minus(Duration::from_millis(1)), at.plus(Duration::from_millis(1)));

    for q in ["회의", "밥"] {
        for (since, until, found) in [
            (Some(at), Some(after), 1),
            (Some(before), Some(at), 0),
            (Some(after), None, 0),
            (None, Some(after), 1),
            (None, Some(at), 0),
        ] {
            let search = MessageSearch { since, until, ..words_in(ROOM, q) };
            assert_eq!(scene.search(ANNA, &search).await.unwrap().hits.len(), found, "{q} {since:?} {until:?}");
        }
    }
}

#[tokio::test]
async fn reply_is_found_with_its_quote() {
    let scene = Scene::new().await;
    let question = scene.send(ANNA, "q", "어디서 봐요?").await.unwrap().message;
    scene.reply(BORA, "a", "회의실에서요", question.id).await;

    let found = scene.search(ANNA, &words("회의실")).await.unwrap();

    assert_eq!(found.hits[0].message.quote.as_ref().unwrap().content, "어디서 봐요?");
}

#[tokio::test]
async fn last_page_is_incomplete_until_old_messages_are_indexed() {
    let scene = Scene::new().await;
    scene.send(ANNA, "a", "회의").await.unwrap();
    let schema = scene.collection("schema").await;
    schema.update_one(doc! { "_id": "grams" }, doc! { "$unset": { "done_at": "" } }).await.unwrap();
    let searcher = Searcher::default();
    let search = words("회의");
    let query = SearchMessages { user: ANNA, search: &search, size: PageSize::LARGEST, after: None };
    let mut profile = Profile::of(&scene.database).await;
    let look = async || search_messages(&scene.messenger(), &searcher, &query).await.unwrap().incomplete;

    assert!(look().await && look().await);
    let looks = |notes: Vec<mongodb::bson::Document>| {
        notes.iter().filter(|note| note.get_str("ns").unwrap().ends_with(".schema")).count()
    };
    assert_eq!(looks(profile.fresh().await), 1, "once a minute");

    let done = vec![doc! { "$set": { "done_at": "$$NOW" } }];
    schema.update_one(doc! { "_id": "grams" }, done).await.unwrap();
    let later = Searcher::default();
    let done = search_messages(&scene.messenger(), &later, &query).await.unwrap();
    assert!(!done.incomplete);
    profile.fresh().await;
    search_messages(&scene.messenger(), &later, &query).await.unwrap();
    assert_eq!(looks(profile.fresh().await), 0, "never again");
}

#[tokio::test]
async fn position_of_another_kind_of_search_is_refused() {
    let scene = Scene::new().await;
    let size = 10;
    for (search, position) in [
        (words_in(ROOM, "회의"), SearchPosition::Below(domain::Seq(5))),
        (words_in(ROOM, "회"), SearchPosition::Behind(5, None)),
    ] {
        let page = scene.search_page(ANNA, &search, size, Some(position), SearchEffort::default()).await;
        assert_eq!(refusal(page), Code::InvalidFields);
    }
}

#[tokio::test]
async fn search_leaves_no_words_behind() {
    let scene = Scene::new().await;
    scene.send(ANNA, "a", "비밀 회의록을 보냈어요").await.unwrap();
    let mut profile = Profile::of(&scene.database).await;

    let lines = testkit::lines(async || {
        for q in ["비밀 회의록", "밀", "\"회의록을 보\""] {
            let found = scene.search(ANNA, &words_in(ROOM, q)).await.unwrap();
            assert_eq!(found.hits.len(), 1);
        }
    })
    .await;

    let own: Vec<_> = lines.iter().filter(|line| line.contains("Searched messages")).collect();
    assert_eq!(own.len(), 3);
    assert!(own[0].contains("rooms=1") && own[0].contains("candidates=1") && own[0].contains("hits=1"), "{own:?}");
    let notes = profile.fresh().await;
    for text in lines.iter().cloned().chain(notes.iter().map(|note| note.get_document("command").unwrap().to_string()))
    {
        assert!(!["비밀", "회의", "밀", "보냈"].iter().any(|word| text.contains(word)), "{text}");
    }
}

#[tokio::test]
async fn only_the_rooms_with_the_newest_messages_are_searched() {
    let scene = Scene::new().await;
    for id in 2..=5 {
        let room = RoomKey::private(RoomId(id));
        let members = [ANNA, UserId(10 + id)].map(|user| Member { user, role: Role::Member }).to_vec();
        scene.project(&Access { room, version: 1, members, blocked: false }).await;
        scene.send_draft(&MessageDraft { room, ..draft(ANNA, "a", &format!("회의 {id}")) }).await.unwrap();
    }
    let effort = SearchEffort { rooms: 3, ..SearchEffort::default() };

    let page = scene.search_page(ANNA, &words("회의"), 10, None, effort).await.unwrap();

    assert_eq!(contents(&page.hits), ["회의 5", "회의 4", "회의 3"]);
    assert_eq!((page.next, page.incomplete), (None, true));
    let first = scene.search_page(ANNA, &words("회의"), 2, None, effort).await.unwrap();
    assert_eq!((first.next.is_some(), first.incomplete), (true, false));
}
