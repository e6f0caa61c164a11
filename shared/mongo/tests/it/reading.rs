use crate::house::{ANNA, BORA, EVE, ROOM, collection, delete, environments, fill, house, private, say};
use domain::{Code, Seq};
use mongo::Marked;
use mongodb::bson::doc;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_cursor_moves_forward() {
    let database = house().await;
    fill(&database, ROOM, BORA, 3).await;
    database.mongo.mark_read(ROOM, ANNA, Seq(1)).await.unwrap();

    let marked = database.mongo.mark_read(ROOM, ANNA, Seq(2)).await.unwrap();

    assert_eq!(marked, Marked { read: Seq(2), has_moved: true });
}

#[tokio::test]
async fn a_cursor_never_moves_back() {
    let database = house().await;
    fill(&database, ROOM, BORA, 3).await;
    database.mongo.mark_read(ROOM, ANNA, Seq(3)).await.unwrap();

    let marked = database.mongo.mark_read(ROOM, ANNA, Seq(1)).await.unwrap();

    assert_eq!(marked, Marked { read: Seq(3), has_moved: false });
}

#[tokio::test]
async fn a_cursor_that_is_set_again_has_not_moved() {
    let database = house().await;
    fill(&database, ROOM, BORA, 3).await;
    database.mongo.mark_read(ROOM, ANNA, Seq(3)).await.unwrap();

    let marked = database.mongo.mark_read(ROOM, ANNA, Seq(3)).await.unwrap();

    assert_eq!(marked, Marked { read: Seq(3), has_moved: false });
}

#[tokio::test]
async fn nobody_reads_beyond_the_newest_message() {
    let database = house().await;
    fill(&database, ROOM, BORA, 3).await;

    let marked = database.mongo.mark_read(ROOM, ANNA, Seq(i64::MAX)).await.unwrap();

    assert_eq!(marked, Marked { read: Seq(3), has_moved: true });
}

#[tokio::test]
async fn in_an_empty_room_there_is_nothing_to_read() {
    let database = house().await;

    for seq in [Seq(-1), Seq(0), Seq(1)] {
        let marked = database.mongo.mark_read(ROOM, ANNA, seq).await.unwrap();
        assert_eq!(marked, Marked { read: Seq(0), has_moved: false }, "{seq}");
    }
}

#[tokio::test]
async fn everybody_has_a_cursor_of_their_own() {
    let database = house().await;
    fill(&database, ROOM, BORA, 3).await;
    database.mongo.mark_read(ROOM, ANNA, Seq(3)).await.unwrap();

    let marked = database.mongo.mark_read(ROOM, BORA, Seq(1)).await.unwrap();

    assert_eq!(marked, Marked { read: Seq(1), has_moved: true });
}

#[tokio::test]
async fn twenty_cursors_at_once_end_at_the_highest() {
    let database = house().await;
    fill(&database, ROOM, BORA, 20).await;
    let mut marking = JoinSet::new();
    for (seq, mongo) in (1..).zip(environments(&database, 20).await) {
        marking.spawn(async move { (seq, mongo.mark_read(ROOM, ANNA, Seq(seq)).await.unwrap()) });
    }

    let marked = marking.join_all().await;

    assert!(marked.iter().all(|(seq, marked)| marked.read >= Seq(*seq)), "{marked:?}");
    let last = database.mongo.mark_read(ROOM, ANNA, Seq(1)).await.unwrap();
    assert_eq!(last, Marked { read: Seq(20), has_moved: false });
}

#[tokio::test]
async fn of_twenty_at_once_one_is_told_that_it_moved_the_cursor() {
    let database = house().await;
    fill(&database, ROOM, BORA, 1).await;
    let mut marking = JoinSet::new();
    for mongo in environments(&database, 20).await {
        marking.spawn(async move { mongo.mark_read(ROOM, ANNA, Seq(1)).await.unwrap() });
    }

    let marked = marking.join_all().await;

    assert_eq!(marked.iter().filter(|marked| marked.has_moved).count(), 1, "{marked:?}");
}

#[tokio::test]
async fn a_stranger_reads_nothing_and_leaves_no_trace() {
    let database = house().await;
    say(&database.mongo, ROOM, ANNA, "안녕").await;

    for (room, user) in [(ROOM, EVE), (private(99), ANNA)] {
        let refused = database.mongo.mark_read(room, user, Seq(1)).await.unwrap_err();
        assert_eq!(refused.code, Code::RoomNotFound, "{room} {user}");
    }

    let states = collection(&database, "read_states").await;
    assert_eq!(states.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn own_and_deleted_messages_are_not_unread() {
    let database = house().await;
    say(&database.mongo, ROOM, BORA, "unread").await;
    say(&database.mongo, ROOM, ANNA, "own").await;
    let regretted = say(&database.mongo, ROOM, BORA, "regretted").await;
    delete(&database.mongo, &regretted).await;
    say(&database.mongo, ROOM, BORA, "unread").await;

    assert_eq!(database.mongo.count_unread(ROOM, ANNA, Seq(0)).await.unwrap(), 2);
}

#[tokio::test]
async fn only_what_lies_after_the_cursor_is_unread() {
    let database = house().await;
    fill(&database, ROOM, BORA, 5).await;

    assert_eq!(database.mongo.count_unread(ROOM, ANNA, Seq(3)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_hundred_unread_messages_are_as_many_as_counted() {
    let database = house().await;
    fill(&database, ROOM, BORA, 120).await;

    assert_eq!(database.mongo.count_unread(ROOM, ANNA, Seq(0)).await.unwrap(), mongo::MOST_UNREAD);
}
