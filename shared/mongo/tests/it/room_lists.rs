use crate::scene::{
    ANNA, AT, BORA, EVE, ROOM, collection, delete, draft, fill, group, insert, open, private, reserve, say, scene,
    set_room, write,
};
use domain::{MessageDraft, PageSize, RoomKey, RoomKind, Seq, Timestamp, UserId, notification::RoomSettings};
use mongo::{Messages, Mongo, Placement, RoomSummary, UnreadRoom};
use mongodb::bson::{DateTime, doc, oid::ObjectId};
use testkit::mongo::{Database, mark};

fn size(limit: i64) -> PageSize {
    PageSize::parse(Some(limit)).unwrap()
}

async fn list(mongo: &Mongo, user: UserId, kind: RoomKind) -> Vec<RoomSummary> {
    mongo.rooms().list(user, kind, None, PageSize::LARGEST).await.unwrap().rooms.items
}

async fn keys(mongo: &Mongo, user: UserId, kind: RoomKind) -> Vec<RoomKey> {
    list(mongo, user, kind).await.into_iter().map(|summary| summary.room).collect()
}

/// Says when something last happened in a room; the store's own clock would say now.
async fn set_activity(database: &Database, room: RoomKey, at: Timestamp) {
    set_room(database, room, doc! { "last_at": DateTime::from_millis(at.millis()) }).await;
}

fn seconds(number: i32) -> Timestamp {
    Timestamp::from_millis(AT.millis() + 1_000 * i64::from(number))
}

/// Sixty rooms of Anna's, of which twelve each share a moment.
async fn sixty(database: &Database) {
    for id in 1..=60 {
        open(&database.mongo, private(id), &[ANNA, BORA], seconds(id % 5)).await;
    }
}

#[tokio::test]
async fn the_newest_activity_comes_first() {
    let database = scene().await;
    for (id, later) in [(2, 30), (3, 10), (4, 20)] {
        open(&database.mongo, private(id), &[ANNA, BORA], seconds(later)).await;
    }

    let rooms = keys(&database.mongo, ANNA, RoomKind::Private).await;

    assert_eq!(rooms, [private(2), private(4), private(3), private(1)]);
}

#[tokio::test]
async fn a_message_moves_its_room_up() {
    let database = Database::new().await;
    let long_ago = Timestamp::from_millis(1_000);
    open(&database.mongo, private(1), &[ANNA, BORA], long_ago).await;
    open(&database.mongo, private(2), &[ANNA, BORA], Timestamp::from_millis(2_000)).await;

    say(&database.mongo, private(1), BORA, "안녕").await;

    assert_eq!(keys(&database.mongo, ANNA, RoomKind::Private).await, [private(1), private(2)]);
}

#[tokio::test]
async fn rooms_of_one_moment_have_one_order() {
    let database = Database::new().await;
    for id in [2, 10, 1] {
        open(&database.mongo, private(id), &[ANNA, BORA], AT).await;
    }

    // By name as text, from the last.
    assert_eq!(keys(&database.mongo, ANNA, RoomKind::Private).await, [private(2), private(10), private(1)]);
}

#[tokio::test]
async fn a_room_without_messages_stands_as_of_its_making() {
    let database = scene().await;

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    let empty = RoomSummary { room: ROOM, last_at: AT, last_message: None, unread: 0 };
    assert_eq!(rooms, [empty]);
}

#[tokio::test]
async fn pages_of_seven_are_the_whole_list() {
    let database = Database::new().await;
    sixty(&database).await;
    let whole = list(&database.mongo, ANNA, RoomKind::Private).await;

    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = database.mongo.rooms().list(ANNA, RoomKind::Private, before.as_ref(), size(7)).await.unwrap().rooms;
        pages.extend(page.items);
        before = page.next;
        if before.is_none() {
            break;
        }
    }

    assert_eq!((whole.len(), pages), (60, whole));
}

#[tokio::test]
async fn a_list_that_fills_its_page_has_no_other() {
    let database = Database::new().await;
    for id in 1..=3 {
        open(&database.mongo, private(id), &[ANNA, BORA], AT).await;
    }

    let page = database.mongo.rooms().list(ANNA, RoomKind::Private, None, size(3)).await.unwrap().rooms;

    assert_eq!((page.items.len(), page.next), (3, None));
}

#[tokio::test]
async fn a_room_shows_its_newest_message_a_deleted_one_too() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "older").await;
    let newest = say(&database.mongo, ROOM, BORA, "newest").await;
    delete(&database.mongo, &newest).await;

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    let last = rooms[0].last_message.as_ref().unwrap();
    assert_eq!((last.id, last.deleted_at.is_some()), (newest.id, true));
}

#[tokio::test]
async fn a_room_counts_what_came_after_its_readers_cursor() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 5).await;
    mark(&database.mongo, ROOM, ANNA, Seq(2)).await.unwrap();

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    assert_eq!(rooms[0].unread, 3);
}

#[tokio::test]
async fn a_room_counts_neither_own_nor_deleted_messages() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "own").await;
    let regretted = say(&database.mongo, ROOM, BORA, "regretted").await;
    delete(&database.mongo, &regretted).await;
    say(&database.mongo, ROOM, BORA, "unread").await;

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    assert_eq!(rooms[0].unread, 1);
}

#[tokio::test]
async fn one_new_message_counts_unless_it_is_own_or_deleted() {
    let database = scene().await;
    let unread = async || list(&database.mongo, ANNA, RoomKind::Private).await[0].unread;
    let read = async |seq| mark(&database.mongo, ROOM, ANNA, Seq(seq)).await.unwrap();

    let regretted = say(&database.mongo, ROOM, BORA, "regretted").await;
    let of_another = unread().await;
    delete(&database.mongo, &regretted).await;
    let deleted = unread().await;
    read(1).await;
    say(&database.mongo, ROOM, ANNA, "own").await;

    assert_eq!((of_another, deleted, unread().await), (1, 0, 0));
}

#[tokio::test]
async fn a_room_counts_up_to_a_hundred() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 120).await;

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    assert_eq!(rooms[0].unread, mongo::MOST_UNREAD);
}

#[tokio::test]
async fn a_private_and_a_group_room_of_one_number_are_two() {
    let database = scene().await;
    open(&database.mongo, group(1), &[ANNA, BORA], AT).await;
    fill(&database, ROOM, BORA, 2).await;
    fill(&database, group(1), BORA, 3).await;

    let of = async |kind| {
        let rooms = list(&database.mongo, ANNA, kind).await;
        rooms.into_iter().map(|room| (room.room, room.last_message.unwrap().seq, room.unread)).collect::<Vec<_>>()
    };

    assert_eq!(of(RoomKind::Private).await, [(ROOM, Seq(2), 2)]);
    assert_eq!(of(RoomKind::Group).await, [(group(1), Seq(3), 3)]);
}

#[tokio::test]
async fn nobody_lists_a_room_of_others() {
    let database = scene().await;
    say(&database.mongo, ROOM, ANNA, "secret").await;

    assert_eq!(list(&database.mongo, EVE, RoomKind::Private).await, []);
}

#[tokio::test]
async fn a_room_by_itself_is_as_in_the_list() {
    let database = scene().await;
    fill(&database, ROOM, BORA, 3).await;
    mark(&database.mongo, ROOM, ANNA, Seq(1)).await.unwrap();
    let listed = list(&database.mongo, ANNA, RoomKind::Private).await.pop();

    let found = database.mongo.rooms().find(ROOM, ANNA).await.unwrap();

    assert!(found.is_some());
    assert_eq!(found.map(|(room, _)| room), listed);
}

#[tokio::test]
async fn a_room_of_others_and_none_are_not_found() {
    let database = scene().await;

    for (room, user) in [(ROOM, EVE), (private(99), ANNA)] {
        assert!(database.mongo.rooms().find(room, user).await.unwrap().is_none(), "{room} {user}");
    }
}

#[tokio::test]
async fn unread_rooms_come_by_name_without_those_that_are_read() {
    let database = scene().await;
    for room in [group(1), private(2), private(3), private(4)] {
        open(&database.mongo, room, &[ANNA, BORA], AT).await;
    }
    for (room, user) in [(private(3), BORA), (group(1), BORA), (private(2), ANNA), (private(4), BORA)] {
        say(&database.mongo, room, user, "안녕").await;
    }
    mark(&database.mongo, private(4), ANNA, Seq(1)).await.unwrap();

    let page = database.mongo.rooms().list_unread(ANNA, None, size(10)).await.unwrap();

    let unread = |room| UnreadRoom { room, read_seq: Seq(0), unread: 1, members: 2, settings: RoomSettings::default() };
    assert_eq!((page.items, page.next), (vec![unread(group(1)), unread(private(3))], None));
}

#[tokio::test]
async fn few_and_many_unread_messages_are_counted_in_rooms_of_both_kinds() {
    let database = scene().await;
    for (room, count) in [(group(1), 2), (group(2), 101), (ROOM, 3), (private(2), 150), (private(3), 100)] {
        open(&database.mongo, room, &[ANNA, BORA], AT).await;
        fill(&database, room, BORA, count).await;
    }
    say(&database.mongo, group(1), ANNA, "안녕").await;
    mark(&database.mongo, private(2), ANNA, Seq(148)).await.unwrap();

    let page = database.mongo.rooms().list_unread(ANNA, None, PageSize::LARGEST).await.unwrap();

    let counts: Vec<_> = page.items.iter().map(|room| (room.room, room.unread)).collect();
    let all = [(group(1), 2), (group(2), 100), (ROOM, 3), (private(2), 2), (private(3), 100)];
    assert_eq!(counts, all);
}

#[tokio::test]
async fn page_of_unread_rooms_looks_at_as_many_as_it_has_place_for() {
    let database = Database::new().await;
    for (id, author) in [(1, ANNA), (2, ANNA), (3, ANNA), (4, ANNA), (5, BORA)] {
        open(&database.mongo, private(id), &[ANNA, BORA], AT).await;
        say(&database.mongo, private(id), author, "안녕").await;
    }

    let first = database.mongo.rooms().list_unread(ANNA, None, size(4)).await.unwrap();
    let second = database.mongo.rooms().list_unread(ANNA, first.next, size(4)).await.unwrap();

    assert_eq!((first.items, first.next), (vec![], Some(private(4))));
    assert_eq!((second.items.len(), second.next), (1, None));
}

#[tokio::test]
async fn pages_of_unread_rooms_are_all_of_them() {
    let database = Database::new().await;
    sixty(&database).await;
    for id in (1..=60).filter(|id| id % 3 != 0) {
        say(&database.mongo, private(id), BORA, "안녕").await;
    }
    let whole = database.mongo.rooms().list_unread(ANNA, None, PageSize::LARGEST).await.unwrap().items;

    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = database.mongo.rooms().list_unread(ANNA, after, size(7)).await.unwrap();
        pages.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }

    assert_eq!((whole.len(), pages), (40, whole));
}

#[tokio::test]
async fn a_room_that_moves_up_between_pages_leaves_the_others_in_place() {
    let database = Database::new().await;
    for id in 1..=6 {
        open(&database.mongo, private(id), &[ANNA, BORA], seconds(id)).await;
    }
    let first = database.mongo.rooms().list(ANNA, RoomKind::Private, None, size(2)).await.unwrap().rooms;
    set_activity(&database, private(1), seconds(60)).await;

    let rest = database.mongo.rooms().list(ANNA, RoomKind::Private, first.next.as_ref(), size(10)).await.unwrap().rooms;

    let rest: Vec<_> = rest.items.iter().map(|room| room.room).collect();
    assert_eq!(rest, [private(4), private(3), private(2)]);
}

/// The newest message that a room shows.
async fn last(database: &Database) -> Option<String> {
    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;
    rooms[0].last_message.as_ref().map(|message| message.content.clone())
}

#[tokio::test]
async fn a_writer_that_died_before_its_write_hides_no_message() {
    let database = scene().await;
    say(&database.mongo, ROOM, BORA, "there").await;

    reserve(&database.mongo, ROOM, Placement::New(Messages::new_id())).await;

    assert_eq!(last(&database).await.as_deref(), Some("there"));
}

#[tokio::test]
async fn a_writer_that_is_late_does_not_hide_a_newer_message() {
    let database = scene().await;
    let (late, id) = (draft(ROOM, BORA, "late", "late"), Messages::new_id());
    let position = reserve(&database.mongo, ROOM, Placement::New(id)).await;
    say(&database.mongo, ROOM, ANNA, "newest").await;
    // Its position is given out, and its row comes after all others.
    set_room(&database, ROOM, doc! { "last_id": ObjectId::from_bytes(id.0) }).await;
    write(&database.mongo, &late, id, &position).await;

    assert_eq!(last(&database).await.as_deref(), Some("newest"));
}

#[tokio::test]
async fn a_room_whose_first_message_was_never_written_has_none() {
    let database = scene().await;

    reserve(&database.mongo, ROOM, Placement::New(Messages::new_id())).await;

    assert_eq!(last(&database).await, None);
}

#[tokio::test]
async fn a_list_shows_what_its_last_messages_answer() {
    let database = scene().await;
    let question = say(&database.mongo, ROOM, BORA, "where?").await;
    let answer = MessageDraft { reply_to: Some(question.id), ..draft(ROOM, BORA, "a", "home") };
    insert(&database.mongo, &answer, AT).await;

    let page = database.mongo.rooms().list(ANNA, RoomKind::Private, None, PageSize::LARGEST).await.unwrap();

    assert_eq!(page.quotes[&question.id].beginning, "where?");
}

#[tokio::test]
async fn a_reply_beside_a_dead_writer_shows_what_it_answers() {
    let database = scene().await;
    let question = say(&database.mongo, ROOM, BORA, "where?").await;
    let answer = MessageDraft { reply_to: Some(question.id), ..draft(ROOM, BORA, "a", "home") };
    insert(&database.mongo, &answer, AT).await;
    reserve(&database.mongo, ROOM, Placement::New(Messages::new_id())).await;

    let (_, quotes) = database.mongo.rooms().find(ROOM, ANNA).await.unwrap().unwrap();

    assert_eq!(quotes[&question.id].beginning, "where?");
}

#[tokio::test]
async fn a_list_counts_unread_messages_among_the_newest_thousand() {
    let database = scene().await;
    fill(&database, ROOM, ANNA, 1_005).await;
    let messages = collection(&database, "messages").await;
    let theirs = doc! { "seq": { "$lte": 10 } };
    messages.update_many(theirs, doc! { "$set": { "user_id": BORA.0 } }).await.unwrap();

    assert_eq!(list(&database.mongo, ANNA, RoomKind::Private).await[0].unread, 5);
    assert_eq!(database.mongo.rooms().list_unread(ANNA, None, size(5)).await.unwrap().items[0].unread, 5);
}
