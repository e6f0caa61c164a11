use super::{Watch, number};
use crate::scene::{ANNA, AT, BORA, ROOM, access_as_of, collection, group, open, private, say, scene};
use domain::{PageSize, RoomKind, UserId};
use mongodb::bson::{DateTime, Document, doc};
use testkit::mongo::{Database, Profile};

/// Groups of 1,000 people with Anna in them, from the number 1 on.
async fn large_groups(database: &Database, number: i32) {
    open(&database.mongo, group(1), &(1..=1_000).map(UserId).collect::<Vec<_>>(), AT).await;
    let rooms = collection(database, "rooms").await;
    let row = rooms.find_one(doc! { "_id": group(1).to_string() }).await.unwrap().unwrap();
    let copies = (2..=number).map(|id| {
        let mut copy = row.clone();
        let at = DateTime::from_millis(AT.millis() + i64::from(id * 37 % number));
        copy.extend(doc! { "_id": group(id).to_string(), "last_at": at });
        copy
    });
    rooms.insert_many(copies).await.unwrap();
}

#[tokio::test]
async fn list_of_groups_looks_at_no_room_of_two() {
    let database = scene().await;
    let rooms = database.mongo.rooms();
    large_groups(&database, 40).await;
    for id in 2..=200 {
        open(&database.mongo, private(id), &[ANNA, BORA], AT).await;
    }
    let mut watch = Watch::over(&database).await;
    let ten = PageSize::parse(Some(10)).unwrap();

    let page = watch.watch("groups", 40, rooms.list(ANNA, RoomKind::Group, None, ten)).await;
    watch.watch("more groups", 40, rooms.list(ANNA, RoomKind::Group, page.rooms.next.as_ref(), ten)).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
    assert!(page.rooms.items.is_sorted_by_key(|room| std::cmp::Reverse(room.last_at)));
}

#[tokio::test]
async fn message_in_a_group_of_1000_moves_no_entry_of_an_index() {
    let database = scene().await;
    large_groups(&database, 2).await;
    let mut profile = Profile::of(&database).await;
    let mut moved = Vec::new();
    for room in [ROOM, group(1)] {
        say(&database.mongo, room, ANNA, "안녕").await;
        let notes = profile.fresh().await;
        let is_of_rooms = |note: &&Document| note.get_str("ns").unwrap().rsplit('.').next() == Some("rooms");
        let of_rooms = notes.iter().filter(is_of_rooms);
        moved.push(of_rooms.map(|note| number(note, "keysInserted") + number(note, "keysDeleted")).sum::<i64>());
    }

    // Two people's room moves up in the list of each.
    assert_eq!(moved, [4, 0]);
}

#[tokio::test]
async fn change_of_one_member_moves_the_entries_of_one() {
    let database = scene().await;
    large_groups(&database, 2).await;
    let mut profile = Profile::of(&database).await;
    let others = (2..=1_001).map(UserId).collect::<Vec<_>>();

    database.mongo.rooms().project(&access_as_of(2, group(1), &others), AT).await.unwrap();

    let notes = profile.fresh().await;
    assert_eq!(notes.len(), 1);
    assert_eq!((number(&notes[0], "keysInserted"), number(&notes[0], "keysDeleted")), (1, 1));
}

#[tokio::test]
async fn a_page_of_groups_looks_at_no_other_rooms() {
    let database = scene().await;
    let rooms = database.mongo.rooms();
    let row = collection(&database, "rooms").await.find_one(doc! { "_id": ROOM.to_string() }).await.unwrap().unwrap();
    let copy = |name: String, members: Vec<i32>, n: i32| {
        let mut copy = row.clone();
        copy.extend(
            doc! { "_id": name, "members": members, "last_at": DateTime::from_millis(i64::from(n)), "seq": 1_i64 },
        );
        copy
    };
    let many = (2..=3_000).map(|id| copy(private(id).to_string(), vec![ANNA.0, id + 10], id));
    // Of the groups she is in every fifth.
    let groups = (1..=500).map(|id| {
        let members = (1_000..1_020).chain([if id % 5 == 0 { ANNA.0 } else { BORA.0 }]);
        copy(group(id).to_string(), members.collect(), id)
    });
    collection(&database, "rooms").await.insert_many(many.chain(groups)).await.unwrap();
    let mut watch = Watch::over(&database).await;
    let two = PageSize::parse(Some(2)).unwrap();
    let middle = (250, group(250));

    let page = watch.watch("first page", 100, rooms.list(ANNA, RoomKind::Group, None, two)).await;
    assert_eq!(page.rooms.items[0].room, group(500));
    let page = watch.watch("page in the middle", 100, rooms.list(ANNA, RoomKind::Group, Some(&middle), two)).await;
    assert_eq!(page.rooms.items[0].room, group(245));
    // The page of a thousand rooms, and whether there are more.
    let unread = watch.watch("unread", 1_001, rooms.list_unread(ANNA, Some(group(40)), two)).await;
    assert!(unread.next.is_some());

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}
