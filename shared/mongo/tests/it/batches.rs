use crate::scene::{ANNA, AT, BORA, EVE, ROOM, fill, open, private, say, scene};
use domain::{ConnectionId, Fault, Locale, PageSize, RoomKey, SessionId, UserId};
use mongo::{Anchor, Connection, MOST_UNREAD};
use std::time::Duration;
use testkit::mongo::Profile;

/// More than the 101 documents of a server's own first batch.
const MANY: i64 = 150;

/// How many commands some work takes, and its outcome.
async fn commands<T>(profile: &mut Profile, work: impl Future<Output = Result<T, Fault>>) -> (usize, T) {
    profile.count().await;
    let outcome = work.await.unwrap();
    (profile.count().await, outcome)
}

#[tokio::test]
async fn list_of_150_documents_is_one_command() {
    let database = scene().await;
    let (mongo, messages) = (&database.mongo, database.mongo.messages());
    let rooms: Vec<RoomKey> = (2..=151).map(private).collect();
    for (room, n) in rooms.iter().zip(0..) {
        open(mongo, *room, &[EVE, UserId(1_000 + n)], AT).await;
        let (id, session) = (ConnectionId(n.to_string()), SessionId("s".to_owned()));
        let connection = Connection {
            id,
            user: UserId(1_000 + n),
            session,
            locale: Locale::En,
            connected_at: AT,
            active_until: AT,
            viewing: None,
        };
        mongo.connections().insert(&connection).await.unwrap();
    }
    let people: Vec<_> = (1_000..1_150).map(UserId).collect();
    fill(&database, ROOM, BORA, MANY).await;
    let page = mongo.rooms().list_messages(ROOM, ANNA, Anchor::Newest, MANY).await.unwrap().unwrap();
    let ids: Vec<_> = page.rows.iter().map(|row| row.message.id).collect();
    let mut causal = mongo.causal().await.unwrap();
    let mut profile = Profile::of(&database).await;

    let (revs, found) = commands(&mut profile, mongo.rooms().list_revs(EVE, &rooms)).await;
    let (connections, open) = commands(&mut profile, mongo.connections().list_of_people(&people, AT)).await;
    let in_session = mongo.connections().list_of_people_in(&mut causal, &people, AT);
    let (connections_in, open_in) = commands(&mut profile, in_session).await;
    let (quotes, texts) = commands(&mut profile, messages.list_quotes(&ids)).await;
    let (owed, late) = commands(&mut profile, messages.list_owed(AT.plus(Duration::from_mins(1)), MANY)).await;

    assert_eq!([found.len(), open.len(), open_in.len(), texts.len(), late.len()], [150; 5]);
    assert_eq!([revs, connections, connections_in, quotes, owed], [1; 5]);
}

#[tokio::test]
async fn full_page_of_unread_rooms_is_two_commands() {
    let database = scene().await;
    let mongo = &database.mongo;
    for n in 2..=103 {
        open(mongo, private(n), &[EVE, BORA], AT).await;
        say(mongo, private(n), BORA, "hi").await;
    }
    let mut profile = Profile::of(&database).await;

    let (count, page) = commands(&mut profile, mongo.rooms().list_unread(EVE, None, PageSize::LARGEST)).await;

    assert_eq!((page.items.len(), page.next.is_some(), count), (100, true, 2));
    assert!(page.items.iter().all(|room| room.unread == 1 && room.unread < MOST_UNREAD));
}
