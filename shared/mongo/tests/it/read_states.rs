use crate::scene::{
    ANNA, AT, BORA, EVE, ROOM, access, collection, delete, draft, environments, fill, private, reserve, say, scene,
    set_room, write,
};
use domain::{Access, Code, PageSize, Seq, UserId};
use mongo::{Messages, Mongo, Outlook, Placement, Progress, Readers, Receipt};
use mongodb::bson::{DateTime, doc};
use testkit::mongo::{Database, mark};
use tokio::task::JoinSet;

/// How much Anna has not read after a number.
async fn unread(mongo: &Mongo, read: Seq) -> i32 {
    let newest = mark(mongo, ROOM, ANNA, Seq(0)).await.unwrap().newest;
    mongo.read_states().count_unread(ROOM, ANNA, read, newest).await.unwrap()
}

#[tokio::test]
async fn a_cursor_moves_forward() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 3).await;
    mark(&database.mongo, ROOM, ANNA, Seq(1)).await.unwrap();

    let marked = mark(&database.mongo, ROOM, ANNA, Seq(2)).await.unwrap();

    assert_eq!((marked.read, marked.has_moved), (Seq(2), true));
}

#[tokio::test]
async fn a_cursor_never_moves_back() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 3).await;
    mark(&database.mongo, ROOM, ANNA, Seq(3)).await.unwrap();

    let marked = mark(&database.mongo, ROOM, ANNA, Seq(1)).await.unwrap();

    assert_eq!((marked.read, marked.has_moved), (Seq(3), false));
}

#[tokio::test]
async fn a_cursor_that_is_set_again_has_not_moved() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 3).await;
    mark(&database.mongo, ROOM, ANNA, Seq(3)).await.unwrap();

    let marked = mark(&database.mongo, ROOM, ANNA, Seq(3)).await.unwrap();

    assert_eq!((marked.read, marked.has_moved), (Seq(3), false));
}

#[tokio::test]
async fn nobody_reads_beyond_the_newest_message() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 3).await;

    let marked = mark(&database.mongo, ROOM, ANNA, Seq(i64::MAX)).await.unwrap();

    assert_eq!((marked.read, marked.has_moved), (Seq(3), true));
}

#[tokio::test]
async fn nobody_reads_a_message_that_is_still_being_written() {
    let database = scene().await;
    let (mongo, six, seven) = (&database.mongo, Messages::new_id(), Messages::new_id());
    fill(&database, ROOM, BORA, 5).await;
    // Two frames of one sender land as 7, 6.
    let late = reserve(mongo, ROOM, Placement::New(six)).await;
    let soon = reserve(mongo, ROOM, Placement::New(seven)).await;
    write(mongo, &draft(ROOM, BORA, "seven", "7"), seven, &soon).await;
    mongo.rooms().release(ROOM, &soon).await.unwrap();

    for seq in [7, 999_999] {
        let marked = mark(mongo, ROOM, ANNA, Seq(seq)).await.unwrap();
        assert_eq!((marked.read, marked.newest), (Seq(5), Seq(5)), "{seq}");
    }
    write(mongo, &draft(ROOM, BORA, "six", "6"), six, &late).await;
    mongo.rooms().release(ROOM, &late).await.unwrap();

    assert_eq!(unread(mongo, Seq(5)).await, 2);
    assert_eq!(mark(mongo, ROOM, ANNA, Seq(7)).await.unwrap().read, Seq(7));
    assert_eq!(unread(mongo, Seq(7)).await, 0);
}

#[tokio::test]
async fn a_message_whose_writer_died_before_its_release_holds_no_reader_up() {
    let database = scene().await;
    let (mongo, six) = (&database.mongo, Messages::new_id());
    fill(&database, ROOM, BORA, 5).await;
    let position = reserve(mongo, ROOM, Placement::New(six)).await;
    assert_eq!(mark(mongo, ROOM, ANNA, Seq(6)).await.unwrap().read, Seq(5));

    write(mongo, &draft(ROOM, BORA, "six", "6"), six, &position).await;

    assert_eq!(mark(mongo, ROOM, ANNA, Seq(6)).await.unwrap().read, Seq(6));
}

#[tokio::test]
async fn changes_and_dead_writers_hold_no_reader_up() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 5).await;
    reserve(&database.mongo, ROOM, Placement::Change).await;
    assert_eq!(mark(&database.mongo, ROOM, ANNA, Seq(4)).await.unwrap().newest, Seq(5));

    reserve(&database.mongo, ROOM, Placement::New(Messages::new_id())).await;
    set_room(&database, ROOM, doc! { "inflight.1.at": DateTime::from_millis(0) }).await;

    // The message may still come, and would be read unseen.
    assert_eq!(mark(&database.mongo, ROOM, ANNA, Seq(9)).await.unwrap().read, Seq(5));
}

#[tokio::test]
async fn cursor_does_not_move_in_an_empty_room() {
    let database = scene().await;

    for seq in [Seq(-1), Seq(0), Seq(1)] {
        let marked = mark(&database.mongo, ROOM, ANNA, seq).await.unwrap();
        assert_eq!((marked.read, marked.has_moved), (Seq(0), false), "{seq}");
    }
}

#[tokio::test]
async fn everybody_has_a_cursor_of_their_own() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 3).await;
    mark(&database.mongo, ROOM, ANNA, Seq(3)).await.unwrap();

    let marked = mark(&database.mongo, ROOM, BORA, Seq(1)).await.unwrap();

    assert_eq!((marked.read, marked.has_moved), (Seq(1), true));
}

#[tokio::test]
async fn twenty_cursors_at_once_end_at_the_highest() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 20).await;
    let mut marking = JoinSet::new();
    for (seq, mongo) in (1..).zip(environments(&database, 20).await) {
        marking.spawn(async move { (seq, mark(&mongo, ROOM, ANNA, Seq(seq)).await.unwrap()) });
    }

    let marked = marking.join_all().await;

    assert!(marked.iter().all(|(seq, marked)| marked.read >= Seq(*seq)), "{marked:?}");
    let last = mark(&database.mongo, ROOM, ANNA, Seq(1)).await.unwrap();
    assert_eq!((last.read, last.has_moved), (Seq(20), false));
}

#[tokio::test]
async fn one_of_twenty_concurrent_readers_moves_the_cursor() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 1).await;
    let mut marking = JoinSet::new();
    for mongo in environments(&database, 20).await {
        marking.spawn(async move { mark(&mongo, ROOM, ANNA, Seq(1)).await.unwrap() });
    }

    let marked = marking.join_all().await;

    assert_eq!(marked.iter().filter(|marked| marked.has_moved).count(), 1, "{marked:?}");
}

#[tokio::test]
async fn a_stranger_reads_nothing_and_leaves_no_trace() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "안녕").await;

    for (room, user) in [(ROOM, EVE), (private(99), ANNA)] {
        let refused = mark(&database.mongo, room, user, Seq(1)).await.unwrap_err();
        assert_eq!(refused.code, Code::RoomNotFound, "{room} {user}");
    }

    let states = collection(&database, "read_states").await;
    assert_eq!(states.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn own_and_deleted_messages_are_not_unread() {
    let database = scene().await;
    say(&database.mongo, ROOM, BORA, "unread").await;
    say(&database.mongo, ROOM, ANNA, "own").await;
    let regretted = say(&database.mongo, ROOM, BORA, "regretted").await;
    delete(&database.mongo, &regretted).await;
    say(&database.mongo, ROOM, BORA, "unread").await;

    assert_eq!(unread(&database.mongo, Seq(0)).await, 2);
}

#[tokio::test]
async fn only_what_lies_after_the_cursor_is_unread() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 5).await;

    assert_eq!(unread(&database.mongo, Seq(3)).await, 2);
}

#[tokio::test]
async fn a_hundred_unread_messages_are_as_many_as_counted() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 120).await;

    assert_eq!(unread(&database.mongo, Seq(0)).await, mongo::MOST_UNREAD);
}

#[tokio::test]
async fn a_reader_hears_who_else_is_in_the_room() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 3).await;
    let blocked = Access { version: 2, blocked: true, ..access(ROOM, &[ANNA, BORA]) };
    database.mongo.rooms().project(&blocked, AT).await.unwrap();
    hide_receipts(&database, BORA).await;

    let outlook = database.mongo.read_states().look(ROOM, ANNA).await.unwrap().unwrap();

    let expected = Outlook { newest: Seq(3), members: vec![ANNA, BORA], blocked: true, hiding: vec![BORA] };
    assert_eq!(outlook, expected);
}

/// Somebody shares no more what they have read.
async fn hide_receipts(database: &Database, user: UserId) {
    let people = collection(database, "people").await;
    let hidden = doc! { "$set": { "read_receipts": false } };
    people.update_one(doc! { "_id": user.0 }, hidden).upsert(true).await.unwrap();
}

#[tokio::test]
async fn receipts_show_the_cursors_of_a_rooms_members() {
    let database = scene().await;
    let (mongo, states) = (&database.mongo, database.mongo.read_states());
    fill(&database, ROOM, BORA, 5).await;
    mark(mongo, ROOM, ANNA, Seq(2)).await.unwrap();
    states.advance(ROOM, ANNA, Progress::Delivered, Seq(4), Seq(5)).await.unwrap();
    mark(mongo, ROOM, BORA, Seq(5)).await.unwrap();

    let mut receipts = states.list_receipts(ROOM, ANNA).await.unwrap().unwrap();

    receipts.cursors.sort_by_key(|receipt| receipt.user);
    let anna = Receipt { user: ANNA, read: Seq(2), delivered: Seq(4) };
    let bora = Receipt { user: BORA, read: Seq(5), delivered: Seq(5) };
    assert_eq!((receipts.cursors, receipts.members), (vec![anna, bora], vec![ANNA, BORA]));
    assert_eq!(states.list_receipts(ROOM, EVE).await.unwrap(), None);
    let crowd: Vec<_> = (1..=51).map(UserId).collect();
    mongo.rooms().project(&Access { version: 2, ..access(ROOM, &crowd) }, AT).await.unwrap();
    let receipts = states.list_receipts(ROOM, ANNA).await.unwrap().unwrap();
    assert_eq!((receipts.members.len(), receipts.cursors), (51, vec![]));
}

#[tokio::test]
async fn readers_of_a_message_are_those_whose_cursor_is_not_before_it() {
    let database = scene().await;
    let states = database.mongo.read_states();
    fill(&database, ROOM, BORA, 5).await;
    // Another room whose name begins like this one's.
    let longer = private(11);
    database.mongo.rooms().project(&access(longer, &[ANNA, BORA]), AT).await.unwrap();
    fill(&database, longer, BORA, 5).await;
    mark(&database.mongo, longer, ANNA, Seq(5)).await.unwrap();
    mark(&database.mongo, ROOM, ANNA, Seq(3)).await.unwrap();
    hide_receipts(&database, BORA).await;

    for (seq, readers) in [(3, vec![ANNA]), (4, vec![])] {
        let found = states.list_readers(ROOM, BORA, Seq(seq)).await.unwrap().unwrap();
        let expected = Readers { members: vec![ANNA, BORA], blocked: false, hiding: vec![BORA], readers };
        assert_eq!(found, expected, "{seq}");
    }
    assert_eq!(states.list_readers(ROOM, EVE, Seq(1)).await.unwrap(), None);
}

#[tokio::test]
async fn arrivals_move_a_cursor_of_their_own_forward() {
    let database = scene().await;
    let states = database.mongo.read_states();
    fill(&database, ROOM, BORA, 5).await;

    for (seq, cursor, has_moved) in [(2, 2, true), (9, 5, true), (1, 5, false)] {
        let marked = states.advance(ROOM, ANNA, Progress::Delivered, Seq(seq), Seq(5)).await.unwrap();
        assert_eq!((marked.read, marked.has_moved), (Seq(cursor), has_moved), "{seq}");
    }

    assert_eq!(unread(&database.mongo, Seq(0)).await, 5);
    let page = database.mongo.rooms().list_unread(ANNA, None, PageSize::LARGEST).await.unwrap();
    assert_eq!((page.items[0].read_seq, page.items[0].unread), (Seq(0), 5));
}

#[tokio::test]
async fn unread_messages_are_counted_among_the_newest_thousand() {
    let database = scene().await;
    fill(&database, ROOM, ANNA, 1_005).await;
    let theirs = doc! { "seq": { "$lte": 10 } };
    let messages = collection(&database, "messages").await;
    messages.update_many(theirs, doc! { "$set": { "user_id": BORA.0 } }).await.unwrap();

    assert_eq!(unread(&database.mongo, Seq(0)).await, 5);
}
