use crate::scene::{
    ANNA, AT, BORA, EVE, ROOM, delete, draft, environments, eventually, fill, insert, private, reserve, room_document,
    say, scene, set_room, write,
};
use domain::{MessageDraft, Rev, RoomKey, Seq, UserId};
use mongo::{Anchor, Feed, FeedSize, Messages, Mongo, Placement, Window};
use mongodb::bson::{DateTime, doc};
use testkit::mongo::Profile;
use tokio::task::JoinSet;

async fn changes(mongo: &Mongo, after: i64, limit: i64) -> Feed {
    mongo.rooms().list_changes(ROOM, BORA, Rev(after), limit).await.unwrap().unwrap()
}

async fn messages(mongo: &Mongo, anchor: Anchor, limit: i64) -> Window {
    mongo.rooms().list_messages(ROOM, BORA, anchor, limit).await.unwrap().unwrap()
}

fn revs(feed: &Feed) -> Vec<i64> {
    feed.rows.iter().map(|row| row.message.rev.0).collect()
}

fn seqs(window: &Window) -> Vec<i64> {
    window.rows.iter().map(|row| row.message.seq.0).collect()
}

#[tokio::test]
async fn a_stranger_reads_neither_messages_nor_changes() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "a secret").await;
    let rooms = database.mongo.rooms();

    for (room, user) in [(ROOM, EVE), (private(99), ANNA)] {
        assert!(rooms.list_messages(room, user, Anchor::Newest, 10).await.unwrap().is_none(), "{room} {user}");
        assert!(rooms.list_changes(room, user, Rev(0), 10).await.unwrap().is_none(), "{room} {user}");
    }
}

#[tokio::test]
async fn pages_of_messages_lie_where_they_were_asked_for() {
    let database = scene().await;
    fill(&database, ROOM, ANNA, 5).await;

    for (anchor, limit, expected, has_before, has_after) in [
        (Anchor::Newest, 2, &[4, 5][..], true, false),
        (Anchor::Newest, 5, &[1, 2, 3, 4, 5], false, false),
        (Anchor::Before(Seq(4)), 2, &[2, 3], true, true),
        (Anchor::Before(Seq(3)), 2, &[1, 2], false, true),
        (Anchor::Before(Seq(100)), 2, &[4, 5], true, false),
        (Anchor::Before(Seq(1)), 2, &[], false, true),
        (Anchor::After(Seq(1)), 2, &[2, 3], true, true),
        (Anchor::After(Seq(3)), 2, &[4, 5], true, false),
        (Anchor::After(Seq(0)), 2, &[1, 2], false, true),
        (Anchor::After(Seq(5)), 2, &[], true, false),
        (Anchor::After(Seq(i64::MAX)), 2, &[], true, false),
        (Anchor::Around(Seq(3)), 3, &[2, 3, 4], true, true),
        (Anchor::Around(Seq(1)), 3, &[1, 2], false, true),
    ] {
        let page = messages(&database.mongo, anchor, limit).await;
        let seen = (seqs(&page), page.has_before, page.has_after);
        assert_eq!(seen, (expected.to_vec(), has_before, has_after), "{anchor:?} {limit}");
    }
}

#[tokio::test]
async fn changes_come_by_rev_and_are_cut_at_their_limit() {
    let database = scene().await;
    fill(&database, ROOM, ANNA, 5).await;

    let cut = changes(&database.mongo, 1, 3).await;
    let rest = changes(&database.mongo, 4, 3).await;

    assert_eq!((revs(&cut), cut.cut, cut.head), (vec![2, 3, 4], true, Rev(5)));
    assert_eq!((revs(&rest), rest.cut, rest.safe), (vec![5], false, Rev(5)));
}

#[tokio::test]
async fn rows_that_do_not_fit_do_not_leave_the_store() {
    let database = scene().await;
    let mongo = &database.mongo;
    for _ in 0..5 {
        say(mongo, ROOM, ANNA, &"가".repeat(4_000)).await;
    }
    let read = async |after, bytes| {
        let size = FeedSize { rows: 100, bytes: Some(bytes) };
        mongo.rooms().list_changes(ROOM, BORA, Rev(after), size).await.unwrap().unwrap()
    };
    eventually(async || read(0, 1_000_000).await.safe == Rev(5)).await;
    let mut profile = Profile::of(&database).await;

    let page = read(0, 30_000).await;

    assert_eq!((revs(&page), page.cut), (vec![1, 2, 3], true));
    let sent = profile.fresh().await[0].get_i32("responseLength").unwrap();
    assert!(sent < 40_000, "{sent} bytes");
    let rest = read(3, 30_000).await;
    assert_eq!((revs(&rest), rest.cut), (vec![4, 5], false));
    assert_eq!(revs(&read(0, 0).await), [1], "one is always there");
    assert_eq!((revs(&read(5, 0).await), read(5, 0).await.cut), (vec![], false));
}

#[tokio::test]
async fn no_reader_passes_a_change_in_flight() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "one").await;
    let in_flight = reserve(&database.mongo, ROOM, Placement::Change).await;
    say(&database.mongo, ROOM, ANNA, "three").await;

    let feed = changes(&database.mongo, 0, 10).await;
    let page = messages(&database.mongo, Anchor::Newest, 10).await;

    assert_eq!((revs(&feed), feed.safe, feed.head, feed.cut), (vec![1], Rev(1), Rev(3), false));
    // A page is a view and no feed: it shows what is there, and where to go on.
    assert_eq!((seqs(&page), page.cursor), (vec![1, 2], Rev(1)));
    assert!(database.mongo.rooms().release(ROOM, &in_flight).await.unwrap(), "reading drops no live entry");
}

#[tokio::test]
async fn readers_wait_for_the_lowest_of_all_changes_in_flight() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "one").await;
    let first = reserve(&database.mongo, ROOM, Placement::Change).await;
    let second = reserve(&database.mongo, ROOM, Placement::Change).await;
    assert_eq!(changes(&database.mongo, 0, 10).await.safe, Rev(1));

    database.mongo.rooms().release(ROOM, &second).await.unwrap();
    assert_eq!(changes(&database.mongo, 0, 10).await.safe, Rev(1));
    database.mongo.rooms().release(ROOM, &first).await.unwrap();
    // A majority knows of the release once it knows of a later write.
    say(&database.mongo, ROOM, ANNA, "later").await;
    crate::scene::eventually(async || changes(&database.mongo, 0, 10).await.safe == Rev(4)).await;
}

#[tokio::test]
async fn overdue_entries_are_dropped_by_the_first_reader() {
    for is_feed in [true, false] {
        let database = scene().await;
        let dead = reserve(&database.mongo, ROOM, Placement::Change).await;
        say(&database.mongo, ROOM, ANNA, "after").await;
        set_room(&database, ROOM, doc! { "inflight.0.at": DateTime::from_millis(0) }).await;

        let cursor = if is_feed {
            changes(&database.mongo, 0, 10).await.safe
        } else {
            messages(&database.mongo, Anchor::Newest, 10).await.cursor
        };

        assert_eq!(cursor, Rev(2));
        assert!(!database.mongo.rooms().release(ROOM, &dead).await.unwrap(), "its writer must find out");
    }
}

#[tokio::test]
async fn dropping_overdue_entries_keeps_those_of_live_writers() {
    let database = scene().await;
    reserve(&database.mongo, ROOM, Placement::Change).await;
    let live = reserve(&database.mongo, ROOM, Placement::Change).await;
    set_room(&database, ROOM, doc! { "inflight.0.at": DateTime::from_millis(0) }).await;

    assert_eq!(changes(&database.mongo, 0, 10).await.safe, Rev(1));

    assert!(database.mongo.rooms().release(ROOM, &live).await.unwrap());
}

#[tokio::test]
async fn pages_and_changes_show_what_their_replies_answer() {
    let database = scene().await;
    let mongo = &database.mongo;
    let question = say(mongo, ROOM, BORA, "where?").await;
    let gone = say(mongo, ROOM, BORA, "a secret").await;
    for (client_id, reply_to) in [("a", question.id), ("b", gone.id)] {
        let answer = MessageDraft { reply_to: Some(reply_to), ..draft(ROOM, ANNA, client_id, "home") };
        insert(mongo, &answer, AT).await;
    }
    delete(mongo, &gone).await;

    let page = messages(mongo, Anchor::After(Seq(2)), 10).await;
    let newest = messages(mongo, Anchor::Newest, 2).await;
    crate::scene::eventually(async || changes(mongo, 2, 10).await.safe == Rev(5)).await;
    let feed = changes(mongo, 2, 10).await;

    for quotes in [page.quotes, newest.quotes, feed.quotes] {
        let seen = [question.id, gone.id].map(|id| (quotes[&id].beginning.as_str(), quotes[&id].is_deleted));
        assert_eq!(seen, [("where?", false), ("", true)]);
    }
}

#[tokio::test]
async fn messages_and_changes_are_one_command_and_three_with_overdue_entries() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "one").await;
    let mut profile = Profile::of(&database).await;

    changes(&database.mongo, 0, 10).await;
    assert_eq!(profile.count().await, 1);
    for anchor in [Anchor::Newest, Anchor::Before(Seq(2)), Anchor::After(Seq(0)), Anchor::Around(Seq(1))] {
        messages(&database.mongo, anchor, 10).await;
        assert_eq!(profile.count().await, 1, "{anchor:?}");
    }
    reserve(&database.mongo, ROOM, Placement::Change).await;
    set_room(&database, ROOM, doc! { "inflight.0.at": DateTime::from_millis(0) }).await;
    profile.count().await;
    changes(&database.mongo, 0, 10).await;
    assert_eq!(profile.count().await, 3);
}

/// Writes a message with pauses between its steps, as a slow environment does.
async fn write_slowly(mongo: &Mongo, room: RoomKey, user: UserId, name: &str) {
    let id = Messages::new_id();
    let position = reserve(mongo, room, Placement::New(id)).await;
    tokio::time::sleep(std::time::Duration::from_millis(position.rev.0.unsigned_abs() % 7 * 5)).await;
    write(mongo, &draft(room, user, name, name), id, &position).await;
    assert!(mongo.rooms().release(room, &position).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_follows_the_cursor_misses_nothing() {
    const WRITERS: usize = 8;
    const MESSAGES: usize = 10;
    let database = scene().await;
    let mut writing = JoinSet::new();
    for (writer, mongo) in environments(&database, WRITERS).await.into_iter().enumerate() {
        writing.spawn(async move {
            for n in 0..MESSAGES {
                write_slowly(&mongo, ROOM, ANNA, &format!("{writer}-{n}")).await;
            }
        });
    }

    let (mut cursor, mut seen) = (Rev(0), Vec::new());
    while cursor.0 < i64::try_from(WRITERS * MESSAGES).unwrap() {
        let feed = changes(&database.mongo, cursor.0, 5).await;
        let last = feed.rows.last().map(|row| row.message.rev);
        seen.extend(revs(&feed));
        cursor = last.filter(|_| feed.cut).unwrap_or(feed.safe);
    }

    writing.join_all().await;
    assert_eq!(seen, (1..=cursor.0).collect::<Vec<_>>());
    assert_eq!(room_document(&database, ROOM).await.get_array("inflight").unwrap().len(), 0);
}
