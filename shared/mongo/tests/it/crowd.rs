//! Connections of people who have more of them than are read at once.

use crate::scene::{ANNA, AT, collection, scene};
use domain::{SessionId, UserId};
use mongo::{Connection, Crowd, Mongo, Recipients};
use mongodb::bson::{DateTime, doc};
use std::time::Duration;
use testkit::mongo::{Database, Profile};

/// So many people, each with a live connection and one that is over.
async fn town(people: i32) -> (Database, Vec<UserId>) {
    let database = scene().await;
    let date = |minutes| DateTime::from_millis(AT.plus(Duration::from_mins(minutes)).millis());
    let socket = |user: i32| {
        let row = |name: &str, minutes| {
            doc! {
                "id": format!("{name}{user}"), "session_id": "s", "locale": "en", "connected_at": date(0),
                "expires_at": date(minutes),
            }
        };
        doc! { "_id": user, "open": [row("old", 0), row("live", 9)], "expires_at": date(9) }
    };
    let users = 1_000..1_000 + people;
    collection(&database, "sockets").await.insert_many(users.clone().map(socket)).await.unwrap();
    (database, users.map(UserId).collect())
}

async fn read(mongo: &Mongo, crowd: &Crowd) -> Vec<Connection> {
    let mut all = Vec::new();
    for page in crowd.pages() {
        all.extend(mongo.connections().list_page(crowd, page, AT).await.unwrap());
    }
    all
}

#[tokio::test]
async fn pages_of_a_crowd_have_each_live_connection_once() {
    let (database, users) = town(600).await;
    let connections = database.mongo.connections();
    let Recipients::TooMany(crowd) = connections.list_recipients(&users, 200, AT).await.unwrap() else {
        panic!("200 is too few")
    };
    let mut profile = Profile::of(&database).await;

    let all = read(&database.mongo, &crowd).await;

    assert_eq!(profile.count().await, 3);
    let mut names: Vec<_> = all.iter().map(|connection| connection.id.0.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((all.len(), names.len()), (600, 600));
    assert!(names.iter().all(|name| name.starts_with("live")));
}

#[tokio::test]
async fn crowd_found_in_a_session_is_read_as_of_its_writes() {
    let (database, users) = town(3).await;
    let (mongo, connections) = (&database.mongo, database.mongo.connections());
    let mut causal = mongo.causal().await.unwrap();
    let late = Connection {
        id: domain::ConnectionId("late".to_owned()),
        user: ANNA,
        session: SessionId("s".to_owned()),
        locale: domain::Locale::En,
        connected_at: AT,
        active_until: AT,
        viewing: None,
    };
    connections.insert_in(&mut causal, &late, mongo::MOST_CONNECTIONS).await.unwrap();
    let people = [&users[..], &[ANNA]].concat();

    let found = connections.list_recipients_in(&mut causal, &people, 3, AT).await.unwrap();

    let Recipients::TooMany(crowd) = found else { panic!("3 is too few") };
    assert_eq!(crowd.people(), people);
    assert!(read(mongo, &crowd).await.contains(&late));
}
