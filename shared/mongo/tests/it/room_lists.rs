use crate::house::{ANNA, AT, BORA, EVE, ROOM, collection, delete, fill, group, house, open, private, say};
use domain::{PageSize, RoomKey, RoomKind, Seq, Timestamp, UserId};
use mongo::{Mongo, RoomSummary};
use mongodb::bson::{DateTime, doc};
use testkit::mongo::Database;

fn size(limit: i64) -> PageSize {
    PageSize::parse(Some(limit)).unwrap()
}

async fn list(mongo: &Mongo, user: UserId, kind: RoomKind) -> Vec<RoomSummary> {
    mongo.list_rooms(user, kind, None, PageSize::LARGEST).await.unwrap().items
}

async fn keys(mongo: &Mongo, user: UserId, kind: RoomKind) -> Vec<RoomKey> {
    list(mongo, user, kind).await.into_iter().map(|summary| summary.room).collect()
}

/// Says when something last happened in a room; the store's own clock would say now.
async fn set_activity(database: &Database, room: RoomKey, at: Timestamp) {
    let set = doc! { "$set": { "last_at": DateTime::from_millis(at.millis()) } };
    collection(database, "room_heads").await.update_one(doc! { "_id": room.to_string() }, set).await.unwrap();
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
    let database = house().await;
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
    let database = house().await;

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    let empty = RoomSummary { room: ROOM, last_at: AT, last_message: None, read_seq: Seq(0), unread: 0 };
    assert_eq!(rooms, [empty]);
}

#[tokio::test]
async fn pages_of_seven_are_the_whole_list() {
    let database = Database::new().await;
    sixty(&database).await;
    let whole = list(&database.mongo, ANNA, RoomKind::Private).await;

    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = database.mongo.list_rooms(ANNA, RoomKind::Private, before.as_ref(), size(7)).await.unwrap();
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

    let page = database.mongo.list_rooms(ANNA, RoomKind::Private, None, size(3)).await.unwrap();

    assert_eq!((page.items.len(), page.next), (3, None));
}

#[tokio::test]
async fn a_room_shows_its_newest_message_a_deleted_one_too() {
    let database = house().await;
    say(&database.mongo, ROOM, ANNA, "older").await;
    let newest = say(&database.mongo, ROOM, BORA, "newest").await;
    delete(&database.mongo, &newest).await;

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    let last = rooms[0].last_message.as_ref().unwrap();
    assert_eq!((last.id, last.deleted_at.is_some()), (newest.id, true));
}

#[tokio::test]
async fn a_room_counts_what_came_after_its_readers_cursor() {
    let database = house().await;
    fill(&database, ROOM, BORA, 5).await;
    database.mongo.mark_read(ROOM, ANNA, Seq(2)).await.unwrap();

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    assert_eq!((rooms[0].read_seq, rooms[0].unread), (Seq(2), 3));
}

#[tokio::test]
async fn a_room_counts_neither_own_nor_deleted_messages() {
    let database = house().await;
    say(&database.mongo, ROOM, ANNA, "own").await;
    let regretted = say(&database.mongo, ROOM, BORA, "regretted").await;
    delete(&database.mongo, &regretted).await;
    say(&database.mongo, ROOM, BORA, "unread").await;

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    assert_eq!(rooms[0].unread, 1);
}

#[tokio::test]
async fn a_room_counts_up_to_a_hundred() {
    let database = house().await;
    fill(&database, ROOM, BORA, 120).await;

    let rooms = list(&database.mongo, ANNA, RoomKind::Private).await;

    assert_eq!(rooms[0].unread, mongo::MOST_UNREAD);
}

#[tokio::test]
async fn a_private_and_a_group_room_of_one_number_are_two() {
    let database = house().await;
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
    let database = house().await;
    say(&database.mongo, ROOM, ANNA, "secret").await;

    assert_eq!(list(&database.mongo, EVE, RoomKind::Private).await, []);
}

#[tokio::test]
async fn a_room_by_itself_is_as_in_the_list() {
    let database = house().await;
    fill(&database, ROOM, BORA, 3).await;
    database.mongo.mark_read(ROOM, ANNA, Seq(1)).await.unwrap();
    let listed = list(&database.mongo, ANNA, RoomKind::Private).await.pop();

    let found = database.mongo.find_room(ROOM, ANNA).await.unwrap();

    assert!(found.is_some());
    assert_eq!(found, listed);
}

#[tokio::test]
async fn a_room_of_others_and_none_are_not_found() {
    let database = house().await;

    assert_eq!(database.mongo.find_room(ROOM, EVE).await.unwrap(), None);
    assert_eq!(database.mongo.find_room(private(99), ANNA).await.unwrap(), None);
}

#[tokio::test]
async fn unread_rooms_come_by_name_without_those_that_are_read() {
    let database = house().await;
    for room in [group(1), private(2), private(3), private(4)] {
        open(&database.mongo, room, &[ANNA, BORA], AT).await;
    }
    for (room, user) in [(private(3), BORA), (group(1), BORA), (private(2), ANNA), (private(4), BORA)] {
        say(&database.mongo, room, user, "안녕").await;
    }
    database.mongo.mark_read(private(4), ANNA, Seq(1)).await.unwrap();

    let page = database.mongo.list_unread(ANNA, None, size(10)).await.unwrap();

    let unread: Vec<_> = page.items.iter().map(|room| (room.room, room.unread)).collect();
    assert_eq!((unread, page.next), (vec![(group(1), 1), (private(3), 1)], None));
}

#[tokio::test]
async fn pages_of_unread_rooms_are_all_of_them() {
    let database = Database::new().await;
    sixty(&database).await;
    for id in (1..=60).filter(|id| id % 3 != 0) {
        say(&database.mongo, private(id), BORA, "안녕").await;
    }
    let whole = database.mongo.list_unread(ANNA, None, PageSize::LARGEST).await.unwrap().items;

    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = database.mongo.list_unread(ANNA, after, size(7)).await.unwrap();
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
    let first = database.mongo.list_rooms(ANNA, RoomKind::Private, None, size(2)).await.unwrap();
    set_activity(&database, private(1), seconds(60)).await;

    let rest = database.mongo.list_rooms(ANNA, RoomKind::Private, first.next.as_ref(), size(10)).await.unwrap();

    let rest: Vec<_> = rest.items.iter().map(|room| room.room).collect();
    assert_eq!(rest, [private(4), private(3), private(2)]);
}
