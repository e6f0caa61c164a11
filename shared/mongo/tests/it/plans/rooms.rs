use super::{Watch, town};
use crate::scene::{ANNA, AT, BORA, EVE, ROOM, access_as_of, collection, group, private, reserve, scene};
use domain::{PageSize, RoomKind, Seq, UserId};
use mongo::{Messages, Placement, Progress};
use mongodb::bson::{DateTime, doc};
use testkit::mongo::{Profile, mark};

#[tokio::test]
async fn no_command_on_rooms_walks_a_collection() {
    let database = town().await;
    let (rooms, states) = (database.mongo.rooms(), database.mongo.read_states());
    let mut watch = Watch::over(&database).await;

    watch.watch("project", 1, rooms.project(&access_as_of(1, private(500), &[ANNA, BORA]), AT)).await;
    watch.watch("project again", 1, rooms.project(&access_as_of(2, private(500), &[ANNA, BORA]), AT)).await;
    watch.watch("find_rights", 1, rooms.find_rights(ROOM, ANNA)).await.unwrap();
    watch.watch("find_rights_now", 1, rooms.find_rights_now(ROOM, ANNA)).await.unwrap();
    watch.watch("list_members", 1, rooms.list_members(ROOM)).await;
    watch.watch("list_known", 2, rooms.list_known(&[ROOM, private(2)])).await;
    watch.watch("list_open", 11, rooms.list_open(private(2), 10)).await;
    watch.watch("list_revs", 3, rooms.list_revs(ANNA, &[ROOM, private(2), private(100)])).await;
    watch.watch("forget what was read", 2, states.remove(EVE, &[private(100), private(101)])).await;
    watch.watch("look and advance", 2, mark(&database.mongo, ROOM, ANNA, Seq(290))).await;
    watch.watch("advance", 1, states.advance(ROOM, ANNA, Progress::Delivered, Seq(299), Seq(300))).await;
    // The room, its two people and their cursors.
    watch.watch("list_receipts", 5, states.list_receipts(ROOM, ANNA)).await.unwrap();
    watch.watch("list_readers", 5, states.list_readers(ROOM, ANNA, Seq(290))).await.unwrap();
    watch.watch("list_onlookers", 3, database.mongo.connections().list_onlookers(ROOM, ANNA, AT)).await;
    watch.watch("count_unread", 10, states.count_unread(ROOM, ANNA, Seq(290), Seq(300))).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn a_room_list_looks_at_what_it_shows() {
    let database = town().await;
    let (mongo, rooms) = (&database.mongo, database.mongo.rooms());
    mark(mongo, ROOM, ANNA, Seq(290)).await.unwrap();
    mark(mongo, private(2), ANNA, Seq(10)).await.unwrap();
    let mut watch = Watch::over(&database).await;
    let five = PageSize::parse(Some(5)).unwrap();
    let after = (AT.millis(), private(9));

    // The room, its cursor and its last message; what is unread is counted by another command.
    watch.watch("find", 10, rooms.find(ROOM, ANNA)).await.unwrap();
    watch.watch("find a group", 50, rooms.find(group(1), ANNA)).await.unwrap();
    // Six of Anna's 20 rooms, and of each the cursor and the last message, or what is unread.
    watch.watch("list", 6 * 10, rooms.list(ANNA, RoomKind::Private, None, five)).await;
    watch.watch("list", 6 * 10, rooms.list(ANNA, RoomKind::Private, Some(&after), five)).await;
    // Unread rooms may be the last ones: all of Anna's are looked at, each with its cursor; then what is unread in six.
    watch.watch("list_unread", 5 * 10 + 50, rooms.list_unread(ANNA, None, five)).await;
    // All rooms with their cursors; what is unread in 19 of them; the settings and nothing that mentions her.
    let total = watch.watch("count_unread_of_person", 21 * 2 + 19 * 50, rooms.count_unread_of_person(ANNA, AT)).await;
    assert_eq!(total.total.rooms, 20);
    // The newest row of a room whose writer died.
    reserve(mongo, private(3), Placement::New(Messages::new_id())).await;
    watch.profile.fresh().await;
    watch.watch("list beside a dead writer", 6 * 10, rooms.list(ANNA, RoomKind::Private, None, five)).await;
    watch.watch("find beside a dead writer", 10, rooms.find(private(3), ANNA)).await.unwrap();

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn a_page_of_ten_thousand_rooms_looks_at_its_rooms() {
    let database = scene().await;
    let rooms = database.mongo.rooms();
    let row = collection(&database, "rooms").await.find_one(doc! { "_id": ROOM.to_string() }).await.unwrap().unwrap();
    let many = (2..=10_000).map(|id| {
        let mut copy = row.clone();
        let at = DateTime::from_millis(AT.millis() + i64::from(id));
        copy.extend(doc! { "_id": private(id).to_string(), "members": [ANNA.0, id + 10], "last_at": at });
        copy
    });
    collection(&database, "rooms").await.insert_many(many).await.unwrap();
    let mut watch = Watch::over(&database).await;
    let one = PageSize::parse(Some(1)).unwrap();
    let middle = (AT.millis() + 5_000, private(5_000));

    watch.watch("first page", 2, rooms.list(ANNA, RoomKind::Private, None, one)).await;
    let page = watch.watch("page in the middle", 3, rooms.list(ANNA, RoomKind::Private, Some(&middle), one)).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
    assert_eq!(page.rooms.items[0].room, private(4_999));
}

#[tokio::test]
async fn a_room_list_is_one_read_and_one_count() {
    let database = town().await;
    let (mongo, rooms) = (&database.mongo, database.mongo.rooms());
    let mut profile = Profile::of(&database).await;

    for limit in [2, 20] {
        let size = PageSize::parse(Some(limit)).unwrap();
        rooms.list(ANNA, RoomKind::Private, None, size).await.unwrap();
        assert_eq!(profile.count().await, 2, "{limit} rooms");
        rooms.list_unread(ANNA, None, size).await.unwrap();
        assert_eq!(profile.count().await, 2, "{limit} unread rooms");
    }
    rooms.find(ROOM, ANNA).await.unwrap();
    assert_eq!(profile.count().await, 2);
    mark(mongo, ROOM, ANNA, Seq(300)).await.unwrap();
    assert_eq!(profile.count().await, 2);
    rooms.find(ROOM, ANNA).await.unwrap();
    assert_eq!(profile.count().await, 1, "nothing is unread");
    rooms.list(UserId(9), RoomKind::Private, None, PageSize::LARGEST).await.unwrap();
    assert_eq!(profile.count().await, 1, "no room");
}
