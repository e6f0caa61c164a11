use crate::scene::{
    ANNA, AT, BORA, EVE, ROOM, collection, delete, draft, edit, fill, group, open, private, reserve, say, scene,
};
use domain::{
    Mentions, PageSize, RoomKey, Seq, Timestamp, UserId,
    notification::{
        Days, Level, NotificationSettings, Preview, QuietHours, RoomSettings, TimeOfDay, TimeZone, UnreadTotal,
    },
};
use mongo::{Messages, Mongo, NewMessage, Placement};
use std::time::Duration;
use testkit::mongo::{Profile, mark};

fn muted(until: Timestamp) -> RoomSettings {
    RoomSettings { muted_until: Some(until), ..RoomSettings::default() }
}

fn at_level(level: Level) -> RoomSettings {
    RoomSettings { level: Some(level), ..RoomSettings::default() }
}

fn full() -> NotificationSettings {
    let [from, to] = ["22:00", "07:00"].map(|text| TimeOfDay::parse(text).unwrap());
    let zone = TimeZone::parse("Asia/Seoul").unwrap();
    NotificationSettings {
        level: Level::Mentions,
        large_room_level: Level::None,
        preview: Preview::Sender,
        paused_until: Some(AT),
        quiet: Some(QuietHours::new(from, to, Days::parse(&[1, 5]).unwrap(), Some(zone)).unwrap()),
        friend_requests: false,
        wide: false,
    }
}

/// Sends a message that mentions people.
async fn call(mongo: &Mongo, room: RoomKey, user: UserId, people: &[UserId]) {
    let id = Messages::new_id();
    let position = reserve(mongo, room, Placement::New(id)).await;
    let mentions = Mentions { people: people.to_vec(), all: None };
    let draft = draft(room, user, &id.to_string(), "@you");
    let new = NewMessage { id, draft: &draft, mentions, attachments: &[], fingerprint: b"f", at: AT };
    mongo.messages().insert(&mut mongo.causal().await.unwrap(), &new, &position).await.unwrap();
    mongo.rooms().release(room, &position).await.unwrap();
}

async fn total(mongo: &Mongo, user: UserId) -> UnreadTotal {
    mongo.rooms().count_unread_of_person(user, AT).await.unwrap().total
}

#[tokio::test]
async fn settings_read_back() {
    let database = scene().await;
    let notifications = database.mongo.notifications();
    assert_eq!(notifications.find(ANNA).await.unwrap(), NotificationSettings::default());

    notifications.replace(ANNA, &full()).await.unwrap();
    notifications.replace(BORA, &NotificationSettings::default()).await.unwrap();

    assert_eq!(notifications.find(ANNA).await.unwrap(), full());
    let all = notifications.list(&[ANNA, BORA, EVE]).await.unwrap();
    assert_eq!(all, [(ANNA, full()), (BORA, NotificationSettings::default())].into());
    notifications.remove(ANNA).await.unwrap();
    assert_eq!(notifications.find(ANNA).await.unwrap(), NotificationSettings::default());
}

#[tokio::test]
async fn settings_of_a_room_stand_beside_the_cursor() {
    let database = scene().await;
    let (mongo, notifications) = (&database.mongo, database.mongo.notifications());
    fill(&database, ROOM, BORA, 3).await;
    let settings = RoomSettings { level: Some(Level::None), muted_until: Some(AT), wide: Some(false) };

    notifications.replace_of_room(ROOM, ANNA, settings).await.unwrap();
    let marked = mark(mongo, ROOM, ANNA, Seq(2)).await.unwrap();

    assert_eq!((marked.read, marked.has_moved), (Seq(2), true));
    assert_eq!(notifications.find_of_room(ROOM, ANNA).await.unwrap(), settings);
    assert_eq!(notifications.find_of_room(ROOM, BORA).await.unwrap(), RoomSettings::default());
    notifications.replace_of_room(ROOM, ANNA, RoomSettings::default()).await.unwrap();
    assert_eq!(notifications.find_of_room(ROOM, ANNA).await.unwrap(), RoomSettings::default());
    assert_eq!(mark(mongo, ROOM, ANNA, Seq(0)).await.unwrap().read, Seq(2));
}

#[tokio::test]
async fn rooms_with_settings_are_paged_by_name() {
    let database = scene().await;
    let (mongo, notifications) = (&database.mongo, database.mongo.notifications());
    for id in 2..=6 {
        open(mongo, private(id), &[ANNA, BORA], AT).await;
    }
    // One that she has left, one as everywhere again, and somebody else's.
    for room in [private(2), private(3), private(4), private(5), private(9)] {
        notifications.replace_of_room(room, ANNA, muted(AT)).await.unwrap();
    }
    notifications.replace_of_room(private(3), ANNA, RoomSettings::default()).await.unwrap();
    notifications.replace_of_room(private(6), BORA, muted(AT)).await.unwrap();
    let two = PageSize::parse(Some(2)).unwrap();

    let first = notifications.list_of_rooms(ANNA, None, two).await.unwrap();
    let second = notifications.list_of_rooms(ANNA, first.next, two).await.unwrap();

    let rooms = |items: Vec<(RoomKey, RoomSettings)>| items.into_iter().map(|(room, _)| room).collect::<Vec<_>>();
    assert_eq!(first.items[0].1, muted(AT));
    assert_eq!((rooms(first.items), first.next), (vec![private(2), private(4)], Some(private(4))));
    assert_eq!((rooms(second.items), second.next), (vec![private(5)], None));
}

#[tokio::test]
async fn total_counts_what_is_unread_and_what_of_it_rings() {
    let database = scene().await;
    let mongo = &database.mongo;
    for id in 1..=4 {
        open(mongo, group(id), &[ANNA, BORA], AT).await;
        say(mongo, group(id), BORA, "안녕").await;
        call(mongo, group(id), BORA, &[ANNA]).await;
    }
    mark(mongo, group(4), ANNA, Seq(2)).await.unwrap();
    let notifications = mongo.notifications();
    notifications.replace_of_room(group(2), ANNA, at_level(Level::Mentions)).await.unwrap();
    notifications.replace_of_room(group(3), ANNA, muted(AT.plus(Duration::from_secs(1)))).await.unwrap();

    assert_eq!(total(mongo, ANNA).await, UnreadTotal { messages: 6, rooms: 3, mentions: 3, badge: 3 });
    assert_eq!(total(mongo, BORA).await, UnreadTotal::default(), "one's own messages are never unread");
}

#[tokio::test]
async fn badge_follows_the_settings_of_the_person() {
    let database = scene().await;
    let (mongo, notifications) = (&database.mongo, database.mongo.notifications());
    say(mongo, ROOM, BORA, "안녕").await;
    let crowd: Vec<_> = (1..=101).map(UserId).collect();
    open(mongo, group(1), &crowd, AT).await;
    say(mongo, group(1), BORA, "안녕").await;

    assert_eq!(total(mongo, ANNA).await.badge, 1, "a large room rings for mentions alone");
    let settings = NotificationSettings { large_room_level: Level::All, ..NotificationSettings::default() };
    notifications.replace(ANNA, &settings).await.unwrap();
    assert_eq!(total(mongo, ANNA).await.badge, 2);
    notifications.replace_of_room(ROOM, ANNA, at_level(Level::None)).await.unwrap();
    assert_eq!(total(mongo, ANNA).await, UnreadTotal { messages: 2, rooms: 2, mentions: 0, badge: 1 });
    notifications.replace_of_room(ROOM, ANNA, muted(AT)).await.unwrap();
    assert_eq!(total(mongo, ANNA).await.badge, 2, "a mute that has ended mutes nothing");
}

#[tokio::test]
async fn mention_that_is_gone_counts_no_more() {
    let database = scene().await;
    let mongo = &database.mongo;
    say(mongo, ROOM, BORA, "안녕").await;
    for _ in 0..2 {
        call(mongo, ROOM, BORA, &[ANNA]).await;
    }
    let page = mongo.rooms().list_messages(ROOM, ANNA, mongo::Anchor::Newest, 10).await.unwrap().unwrap();
    let [deleted, edited] = [1, 2].map(|n| page.rows[n].message.clone());
    delete(mongo, &deleted).await;
    let position = reserve(mongo, ROOM, Placement::Change).await;
    edit(mongo, edited.id, "you", &position).await.unwrap();
    mongo.rooms().release(ROOM, &position).await.unwrap();

    assert_eq!(total(mongo, ANNA).await, UnreadTotal { messages: 2, rooms: 1, mentions: 0, badge: 2 });
}

#[tokio::test]
async fn total_is_three_commands_however_many_rooms() {
    let database = scene().await;
    let mongo = &database.mongo;
    for id in 2..=30 {
        open(mongo, private(id), &[ANNA, BORA], AT).await;
        say(mongo, private(id), BORA, "안녕").await;
    }
    let mut profile = Profile::of(&database).await;

    let unread = mongo.rooms().count_unread_of_person(ANNA, AT).await.unwrap();

    let commands = profile.fresh().await;
    assert_eq!(commands.len(), 3, "{commands:?}");
    assert_eq!((unread.total.messages, unread.rooms.len()), (29, 29));
}

#[tokio::test]
async fn settings_of_one_room_are_a_state_of_their_own() {
    let database = scene().await;

    database.mongo.notifications().replace_of_room(ROOM, ANNA, muted(AT)).await.unwrap();

    let states = collection(&database, "read_states").await;
    let state = states.find_one(mongodb::bson::doc! {}).await.unwrap().unwrap();
    assert_eq!(state.get_i64("read_seq").unwrap(), 0, "{state}");
    let list = database.mongo.rooms().list_unread(ANNA, None, PageSize::LARGEST).await.unwrap();
    assert_eq!(list.items, []);
}
