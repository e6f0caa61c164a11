//! The pages of a search are together what a comparison of every message finds, in the same order.

use crate::{
    scene::{ANNA, BORA, EVE, ROOM, Scene, now},
    search_time::ticking,
    searching::{words, words_in},
};
use contract::MessageSearch;
use domain::{
    Access, Clock, Member, MessageId, MessageType, PageSize, Role, RoomId, RoomKey, RoomKind, Timestamp, UserId,
    message_search::{Mark, MessageQuery, grams, marks},
};
use messaging::{SearchEffort, SearchMessages, Searcher, search_messages};
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use std::{cmp::Reverse, time::Duration};

/// Longer than any test.
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// The same numbers each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// A message of the corpus.
pub(crate) struct Line {
    pub(crate) id: MessageId,
    pub(crate) room: RoomKey,
    pub(crate) user: UserId,
    pub(crate) content: String,
    pub(crate) message_type: MessageType,
    pub(crate) mentions: Vec<UserId>,
    pub(crate) created_at: Timestamp,
    pub(crate) seq: i64,
}

impl Line {
    pub(crate) fn new(room: RoomKey, user: UserId, content: &str, created_at: Timestamp, seq: i64) -> Self {
        let (id, content) = (MessageId(ObjectId::new().bytes()), content.to_owned());
        Self { id, room, user, content, message_type: MessageType::Text, mentions: Vec::new(), created_at, seq }
    }

    fn marks(&self) -> Vec<Mark> {
        marks(self.user, &self.content, self.message_type, &self.mentions)
    }
}

const NOUNS: [&str; 24] = [
    "회의",
    "회의록",
    "서버",
    "배포",
    "기회",
    "의미",
    "점심",
    "밥",
    "고양이",
    "경기도",
    "김성은",
    "일정",
    "개발",
    "API",
    "deploy",
    "error",
    "v1.2.3",
    "05-01",
    "https://example.com/a",
    "👍",
    "ㅋㅋ",
    "ㄱㅅ",
    "카카오톡",
    "프로젝트",
];
const ENDINGS: [&str; 12] = ["", "", "", "를", "은", "에서", "까지", "이 있어요", "했어요", "?", "!", " 언제예요"];

fn text(dice: &mut Dice) -> String {
    let words = 1 + dice.below(4);
    let words: Vec<_> = (0..words).map(|_| format!("{}{}", dice.pick(&NOUNS), dice.pick(&ENDINGS))).collect();
    words.join(dice.pick(&[" ", " ", " ", ""]))
}

/// The row of a message.
fn row(line: &Line) -> Document {
    let found_by: Vec<i32> =
        grams(line.user, &line.content, line.message_type, &line.mentions).into_iter().map(|gram| gram.0).collect();
    let mentions: Vec<i32> = line.mentions.iter().map(|user| user.0).collect();
    let at = DateTime::from_millis(line.created_at.millis());
    doc! {
        "_id": ObjectId::from_bytes(line.id.0), "user_id": line.user.0, "room_id": line.room.id.0,
        "room_type": line.room.kind.as_str(), "content": &line.content, "message_type": line.message_type.as_str(),
        "mentions": mentions, "reply_to": Bson::Null,
        "is_edited": false, "edited_at": Bson::Null, "created_at": at, "updated_at": at, "seq": line.seq, "rev": line.seq,
        "client_id": line.seq.to_string(), "deleted_at": Bson::Null, "g": found_by,
    }
}

pub(crate) async fn insert(scene: &Scene, lines: &[Line]) {
    for lines in lines.chunks(2_000) {
        scene.collection("messages").await.insert_many(lines.iter().map(row)).await.unwrap();
    }
}

/// Puts texts into an empty room, one each millisecond.
pub(crate) async fn insert_texts(scene: &Scene, room: RoomKey, user: UserId, texts: &[String]) {
    let (at, mut seq) = (now(), 0);
    let lines: Vec<_> = texts
        .iter()
        .map(|content| {
            seq += 1;
            Line::new(room, user, content, Timestamp::from_millis(at.millis() + seq), seq)
        })
        .collect();
    insert(scene, &lines).await;
}

/// Anna's rooms of both kinds, one with most of the messages, and many messages of the same moments.
async fn corpus(scene: &Scene, number: usize) -> Vec<Line> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let rooms: Vec<_> = (1..=12)
        .map(|id| RoomKey { kind: if id <= 8 { RoomKind::Private } else { RoomKind::Group }, id: RoomId(id) })
        .collect();
    for room in &rooms {
        let members = [ANNA, BORA].map(|user| Member { user, role: Role::Member }).to_vec();
        let access = Access { room: *room, version: 2, members, blocked: false };
        scene.mongo().rooms().project(&access, now()).await.unwrap();
    }
    let mut lines = Vec::new();
    let mut last = [0; 12];
    for _ in 0..number {
        let room = if dice.below(2) == 0 { 0 } else { dice.below(12) };
        last[room] += 1;
        let millis = 1_700_000_000_000 + i64::try_from(dice.below(number / 4)).unwrap();
        let (user, content) = (*dice.pick(&[&ANNA, &BORA, &BORA, &EVE]), text(&mut dice));
        lines.push(Line {
            message_type: if dice.below(8) == 0 { MessageType::Image } else { MessageType::Text },
            mentions: if dice.below(8) == 0 { vec![ANNA] } else { Vec::new() },
            ..Line::new(rooms[room], user, &content, Timestamp::from_millis(millis), last[room])
        });
    }
    insert(scene, &lines).await;
    lines
}

/// What somebody who compares each message finds.
fn compare(lines: &[Line], search: &MessageSearch) -> Vec<MessageId> {
    let MessageSearch { query, room, author, has, mentions_me, since, until, .. } = search;
    let matches = |line: &&Line| {
        room.is_none_or(|room| room == line.room)
            && author.is_none_or(|author| author == line.user)
            && since.is_none_or(|since| since <= line.created_at)
            && until.is_none_or(|until| line.created_at < until)
            && has.is_none_or(|has| line.marks().contains(&has))
            && (!mentions_me || line.mentions.contains(&ANNA))
            && query.as_ref().is_none_or(|query| query.find(&line.content).is_some())
    };
    let mut found: Vec<_> = lines.iter().filter(matches).collect();
    let can_be_looked_up = search.has_grams();
    found.sort_by_key(|line| {
        if can_be_looked_up {
            (Reverse(line.created_at.millis()), Reverse(line.id))
        } else {
            (Reverse(line.seq), Reverse(line.id))
        }
    });
    found.into_iter().map(|line| line.id).collect()
}

/// All pages of a search one after the other, and how many were incomplete.
async fn pages(
    scene: &Scene,
    search: &MessageSearch,
    size: i64,
    effort: SearchEffort,
    clock: Clock,
) -> (Vec<MessageId>, usize) {
    let (messenger, searcher) = (scene.messenger_at(scene.mongo(), clock), Searcher::new(effort));
    let (mut found, mut after, mut incomplete) = (Vec::new(), None, 0);
    for _ in 0..5_000 {
        let query = SearchMessages { user: ANNA, search, size: PageSize::parse(Some(size)).unwrap(), after };
        let page = search_messages(&messenger, &searcher, &query).await.unwrap();
        assert!(page.hits.len() <= usize::try_from(size).unwrap());
        assert!(page.incomplete || page.next.is_none() || page.hits.len() == usize::try_from(size).unwrap());
        found.extend(page.hits.iter().map(|hit| hit.message.id));
        incomplete += usize::from(page.incomplete);
        after = page.next;
        if after.is_none() {
            return (found, incomplete);
        }
    }
    panic!("the pages come to no end");
}

/// So little effort that everything happens: chunks, first tries that are given up, windows, pages that end early.
fn little(time: Duration) -> SearchEffort {
    SearchEffort {
        chunk: 5,
        grams: 3,
        counted: 30,
        candidates: 60,
        first_try: HOUR,
        window: 150,
        time,
        pace: 40,
        walk: 300,
        rooms: 1_000,
    }
}

/// Clocks by which a search is never late, late at once, tries for no time at all, and is late after some looks at the clock, wherever
/// it is then.
fn efforts() -> [(SearchEffort, Clock); 4] {
    [
        (little(HOUR), Clock(now)),
        (little(Duration::ZERO), Clock(now)),
        (SearchEffort { first_try: Duration::ZERO, ..little(HOUR) }, Clock(now)),
        (SearchEffort { candidates: 1_000, ..little(Duration::from_millis(9)) }, Clock(ticking)),
    ]
}

fn searches(lines: &[Line]) -> Vec<MessageSearch> {
    let any = || MessageSearch { query: None, ..words("x") };
    let big = RoomKey::private(RoomId(1));
    let mut searches: Vec<_> = [
        "회의록",
        "서버배포",
        "deploy error",
        "카카오톡 v1.2.3 회의",
        "05-01",
        "👍 ㅋㅋ",
        "\"점심 언제예요\"",
        "없는말",
    ]
    .map(words)
    .into();
    searches.extend([
        MessageSearch { room: Some(big), ..words("ㄱㅅ") },
        MessageSearch { room: Some(big), ..words("밥") },
        MessageSearch { author: Some(EVE), ..words("프로젝트") },
        MessageSearch { author: Some(EVE), room: Some(RoomKey::group(RoomId(9))), ..any() },
        MessageSearch { has: Some(Mark::Link), ..words("경기도") },
        MessageSearch { has: Some(Mark::Image), ..words("회의") },
        MessageSearch { has: Some(Mark::Image), room: Some(big), ..any() },
        MessageSearch { mentions_me: true, ..words("서버") },
        MessageSearch { mentions_me: true, has: Some(Mark::Image), author: Some(BORA), ..any() },
    ]);
    let middle = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(lines.len() / 8).unwrap());
    searches.push(MessageSearch { since: Some(middle), ..words("고양이") });
    searches.push(MessageSearch { until: Some(middle), ..words("개발") });
    // Parts of messages that are there.
    let mut dice = Dice(7);
    for _ in 0..4 {
        let content: Vec<char> = lines[dice.below(lines.len())].content.chars().collect();
        let length = (2 + dice.below(6)).min(content.len());
        let from = dice.below(content.len() - length + 1);
        let q: String = content[from..from + length].iter().collect();
        if let Ok(query) = MessageQuery::parse(&q)
            && !query.grams().is_empty()
        {
            searches.push(MessageSearch { query: Some(query), ..any() });
        }
    }
    searches
}

#[tokio::test]
async fn pages_are_what_a_comparison_of_every_message_finds() {
    let scene = Scene::new().await;
    let lines = corpus(&scene, 20_000).await;
    let (mut all, mut early, efforts) = (0, 0, efforts());
    for (n, search) in searches(&lines).into_iter().enumerate() {
        let expected = compare(&lines, &search);
        let (size, (effort, clock)) = ([7, 30, 100][n % 3], efforts[n % 4]);

        let (found, incomplete) = pages(&scene, &search, size, effort, clock).await;

        assert_eq!(found.len(), expected.len(), "{n}: {:?}", search.query);
        assert_eq!(found, expected, "{n}: {:?}", search.query);
        all += found.len();
        early += incomplete;
    }
    assert!(all > 2_000 && early > 0, "{all} messages, {early} pages that ended early");
}

#[tokio::test]
async fn pages_without_limits_are_the_same() {
    let scene = Scene::new().await;
    let lines = corpus(&scene, 2_000).await;
    for search in searches(&lines) {
        let (found, incomplete) = pages(&scene, &search, 100, SearchEffort::default(), Clock(now)).await;
        assert_eq!((found, incomplete), (compare(&lines, &search), 0), "{:?}", search.query);
    }
}

/// With fewer messages between two looks at the clock than moments have.
#[tokio::test]
async fn pages_of_searches_that_are_always_late_are_the_same() {
    let scene = Scene::new().await;
    let lines = corpus(&scene, 240).await;
    let (mut all, mut early) = (0, 0);
    for (n, search) in searches(&lines).into_iter().enumerate() {
        let expected = compare(&lines, &search);
        for (time, clock) in [(Duration::ZERO, Clock(now)), (Duration::from_millis(4), Clock(ticking))] {
            let effort =
                SearchEffort { candidates: 7, window: 9, pace: 1 + u64::try_from(n % 3).unwrap(), ..little(time) };

            let (found, incomplete) = pages(&scene, &search, 7, effort, clock).await;

            assert_eq!(found, expected, "{n}: {:?}", search.query);
            all += found.len();
            early += incomplete;
        }
    }
    assert!(all > 100 && early > 100, "{all} messages, {early} pages that ended early");
}

/// What the pages are behind the first one, when meanwhile a message comes, one of the first page goes, and one of those to come.
async fn pages_after_changes(scene: &Scene, lines: &[Line], search: &MessageSearch, effort: SearchEffort) {
    let expected = compare(lines, search);
    let first = scene.search_page(ANNA, search, 5, None, effort).await.unwrap();
    let ids: Vec<_> = first.hits.iter().map(|hit| hit.message.id).collect();
    let shown = ids.len();
    assert_eq!(ids, expected[..shown]);

    let new = Line::new(ROOM, BORA, "새 회의 때 밥", now(), 100_000);
    insert(scene, &[new]).await;
    let gone = [shown.checked_sub(1), Some(shown + 2)].into_iter().flatten().map(|at| expected[at]);
    let gone: Vec<_> = gone.collect();
    let deletion = vec![doc! { "$set": { "deleted_at": "$$NOW", "content": "" } }, doc! { "$unset": "g" }];
    let ids: Vec<_> = gone.iter().map(|id| ObjectId::from_bytes(id.0)).collect();
    let these = doc! { "_id": { "$in": ids } };
    scene.collection("messages").await.update_many(these, deletion).await.unwrap();
    let (mut rest, mut after) = (Vec::new(), first.next);
    while after.is_some() {
        let page = scene.search_page(ANNA, search, 5, after, effort).await.unwrap();
        rest.extend(page.hits.iter().map(|hit| hit.message.id));
        after = page.next;
    }

    let expected: Vec<_> = expected[shown..].iter().filter(|id| !gone.contains(id)).copied().collect();
    assert_eq!(rest, expected);
}

#[tokio::test]
async fn changes_between_pages_leave_the_others_as_they_are() {
    let scene = Scene::new().await;
    let lines = corpus(&scene, 400).await;
    pages_after_changes(&scene, &lines, &words("회의"), SearchEffort::default()).await;
}

#[tokio::test]
async fn changes_between_pages_of_windows_leave_the_others_as_they_are() {
    let scene = Scene::new().await;
    let lines = corpus(&scene, 400).await;
    let effort = SearchEffort { window: 20, pace: 20, ..little(Duration::ZERO) };
    pages_after_changes(&scene, &lines, &words("회의"), effort).await;
}

#[tokio::test]
async fn changes_between_pages_of_a_walk_leave_the_others_as_they_are() {
    let scene = Scene::new().await;
    let lines = corpus(&scene, 400).await;
    let effort = SearchEffort { pace: 20, walk: 20, ..little(Duration::ZERO) };
    pages_after_changes(&scene, &lines, &words_in(ROOM, "밥"), effort).await;
}
