use crate::scene::{ANNA, AT, BORA, EVE, collection, environments, scene};
use domain::{ConnectionId, Locale, Person, PresenceVisibility, Privacy, SessionId, Timestamp, UserId};
use mongo::{Attendance, Connection, Mongo, OnlineFriends, Presence};
use mongodb::bson::{DateTime, doc};
use std::time::Duration;
use testkit::{mongo::Database, person, proxy::Proxy};
use tokio::task::JoinSet;

/// What of them is told.
async fn told(mongo: &Mongo, user: UserId) -> (bool, i64) {
    let all = mongo.presence().list(&[user]).await.unwrap();
    (all[0].announced, all[0].rev)
}

/// Somebody is told to be online or not.
async fn tell(mongo: &Mongo, user: UserId, is_online: bool) {
    let before = mongo.presence().list(&[user]).await.unwrap()[0];
    assert_eq!((before.announced, announce(mongo, &[before]).await), (!is_online, vec![user]));
}

/// Of whom something else is told.
async fn announce(mongo: &Mongo, seen: &[Presence]) -> Vec<UserId> {
    let (told, outcome) = mongo.presence().announce(seen, AT).await;
    outcome.unwrap();
    told
}

/// People who all know each other; the last of them hides.
async fn circle(mongo: &Mongo, people: &[UserId]) {
    for id in people {
        let friends = people.iter().copied().filter(|friend| friend != id).collect();
        let hides = Some(id) == people.last();
        let presence_visibility = if hides { PresenceVisibility::Nobody } else { PresenceVisibility::Friends };
        project(mongo, *id, friends, Privacy { presence_visibility, read_receipts: true }).await;
    }
}

async fn project(mongo: &Mongo, id: UserId, friends: Vec<UserId>, privacy: Privacy) {
    let known = Person { privacy, friends, ..person(id, &format!("name{id}")) };
    mongo.people().project(&known).await.unwrap();
}

async fn connect(mongo: &Mongo, user: UserId, name: &str, at: Timestamp) {
    let (id, session) = (ConnectionId(name.to_owned()), SessionId(format!("session of {name}")));
    let connection =
        Connection { id, user, session, locale: Locale::En, connected_at: at, active_until: at, viewing: None };
    mongo.connections().insert(&connection).await.unwrap();
}

#[tokio::test]
async fn first_hello_is_noted_and_nothing_is_told() {
    let database = scene().await;
    let mongo = &database.mongo;

    assert!(!mongo.presence().greet(ANNA, AT).await.unwrap());

    assert_eq!(told(mongo, ANNA).await, (false, 0));
    assert_eq!(mongo.presence().list(&[BORA]).await.unwrap(), []);
    tell(mongo, ANNA, true).await;
    assert!(mongo.presence().greet(ANNA, AT).await.unwrap());
    assert_eq!(told(mongo, ANNA).await, (true, 1));
}

#[tokio::test]
async fn each_of_twenty_first_hellos_at_once_moves_the_epoch() {
    let database = scene().await;
    let mut greeting = JoinSet::new();
    for mongo in environments(&database, 20).await {
        greeting.spawn(async move { mongo.presence().greet(ANNA, AT).await });
    }

    for greeted in greeting.join_all().await {
        assert!(!greeted.unwrap());
    }

    assert_eq!(database.mongo.presence().list(&[ANNA]).await.unwrap()[0].epoch, 20);
}

#[tokio::test]
async fn one_of_twenty_looks_at_once_tells() {
    let database = scene().await;
    database.mongo.presence().greet(ANNA, AT).await.unwrap();
    let before = database.mongo.presence().list(&[ANNA]).await.unwrap()[0];
    let mut telling = JoinSet::new();
    for mongo in environments(&database, 20).await {
        telling.spawn(async move { announce(&mongo, &[before]).await });
    }

    let won = telling.join_all().await.into_iter().filter(|told| *told == [ANNA]).count();

    assert_eq!((won, told(&database.mongo, ANNA).await), (1, (true, 1)));
}

#[tokio::test]
async fn stale_look_is_not_announced() {
    let database = scene().await;
    let (mongo, presence) = (&database.mongo, database.mongo.presence());
    presence.greet(ANNA, AT).await.unwrap();
    let seen = async || presence.list(&[ANNA]).await.unwrap()[0];

    let before = seen().await;
    presence.greet(ANNA, AT).await.unwrap();
    assert_eq!(announce(mongo, &[before]).await, [], "hello");
    let before = seen().await;
    presence.stir(&[ANNA]).await.unwrap();
    assert_eq!(announce(mongo, &[before]).await, [], "a changed setting");
    let before = seen().await;
    assert!(presence.confirm(&[before], AT).await.unwrap());
    assert_eq!(announce(mongo, &[before]).await, [], "a faster look");
    let before = seen().await;
    for is_online in [true, false] {
        tell(mongo, ANNA, is_online).await;
    }
    assert_eq!(announce(mongo, &[before]).await, [], "two changes");
    assert!(!presence.confirm(&[before], AT).await.unwrap());
}

#[tokio::test]
async fn those_who_have_not_moved_are_announced_together() {
    let database = scene().await;
    let (mongo, presence) = (&database.mongo, database.mongo.presence());
    for user in [ANNA, BORA, EVE] {
        presence.greet(user, AT).await.unwrap();
    }
    tell(mongo, EVE, true).await;
    let seen = presence.list(&[ANNA, BORA, EVE]).await.unwrap();
    presence.stir(&[BORA]).await.unwrap();

    let mut announced = announce(mongo, &seen).await;

    announced.sort_unstable();
    assert_eq!(announced, [ANNA, EVE]);
    for (user, now) in [(ANNA, (true, 1)), (BORA, (false, 0)), (EVE, (false, 2))] {
        assert_eq!(told(mongo, user).await, now, "{user}");
    }
}

#[tokio::test]
async fn announcement_whose_answer_is_lost_is_known_to_be_written() {
    let database = scene().await;
    for user in [ANNA, BORA] {
        database.mongo.presence().greet(user, AT).await.unwrap();
    }
    let seen = database.mongo.presence().list(&[ANNA, BORA]).await.unwrap();
    let (proxy, url) = Proxy::before(&database.url).await;
    let mongo = Mongo::connect(&format!("{url}&directConnection=true")).await.unwrap();
    mongo.ping().await.unwrap();
    proxy.lose_answer("teller");

    let mut announced = announce(&mongo, &seen).await;

    announced.sort_unstable();
    assert!(proxy.has_fired());
    assert_eq!(announced, [ANNA, BORA]);
    assert_eq!((told(&mongo, ANNA).await, told(&mongo, BORA).await), ((true, 1), (true, 1)));
}

#[tokio::test]
async fn going_offline_is_remembered() {
    let database = scene().await;
    database.mongo.presence().greet(ANNA, AT).await.unwrap();
    let last_seen = async || database.mongo.presence().list(&[ANNA]).await.unwrap()[0].last_seen_at;

    tell(&database.mongo, ANNA, true).await;
    assert_eq!(last_seen().await, None);
    tell(&database.mongo, ANNA, false).await;
    assert_eq!(last_seen().await, Some(AT));
}

#[tokio::test]
async fn unconfirmed_and_unseen_people_are_due() {
    let database = scene().await;
    let (mongo, presence) = (&database.mongo, database.mongo.presence());
    for user in [ANNA, BORA, EVE] {
        presence.greet(user, AT).await.unwrap();
    }
    tell(mongo, ANNA, true).await;
    let seen = presence.list(&[EVE]).await.unwrap();
    assert!(presence.confirm(&seen, AT).await.unwrap());

    assert_eq!(presence.list_due(AT, 10).await.unwrap(), [BORA], "greeted and not looked at");
    let later = AT.plus(Duration::from_mins(10));
    assert_eq!(presence.list_due(later, 10).await.unwrap(), [ANNA, BORA], "told ten minutes ago");
    presence.greet(ANNA, later).await.unwrap();
    assert_eq!(presence.list_due(later, 1).await.unwrap(), [ANNA, BORA], "a hello of who is online is no look");
    presence.stir(&[ANNA]).await.unwrap();
    assert_eq!(presence.list_due(AT, 10).await.unwrap(), [ANNA, BORA], "stirred");
}

#[tokio::test]
async fn friends_who_are_online_are_found_by_who_does_not_hide() {
    let database = scene().await;
    let (mongo, presence) = (&database.mongo, database.mongo.presence());
    let people: Vec<_> = (1..=6).map(UserId).collect();
    circle(mongo, &people).await;
    for user in &people[..4] {
        presence.greet(*user, AT).await.unwrap();
        tell(mongo, *user, true).await;
    }
    tell(mongo, people[3], false).await;
    let online = async |user, most| {
        let OnlineFriends { mut online, more, .. } = presence.list_online_friends(user, most).await.unwrap();
        online.sort_unstable();
        (online, more)
    };

    assert_eq!(online(people[0], 500).await, (vec![people[1], people[2]], false));
    let is_shown = async |user| presence.list_online_friends(user, 1).await.unwrap().is_shown;
    assert_eq!((is_shown(people[0]).await, is_shown(people[5]).await), (true, false));
    assert_eq!(online(people[4], 3).await, (people[..3].to_vec(), false));
    let (some, more) = online(people[4], 2).await;
    assert_eq!((some.len(), more), (2, true));
    assert_eq!(online(people[5], 500).await, (vec![], false), "who hides sees nobody");
    assert_eq!(online(UserId(99), 500).await, (vec![], false));
}

#[tokio::test]
async fn friends_who_hide_or_have_blocked_are_not_found_online() {
    let database = scene().await;
    let (mongo, presence) = (&database.mongo, database.mongo.presence());
    let people: Vec<_> = (1..=6).map(UserId).collect();
    circle(mongo, &people).await;
    for user in &people {
        presence.greet(*user, AT).await.unwrap();
        // Also of who hides: what follows from the setting may not have been told yet.
        tell(mongo, *user, true).await;
    }
    let rows = collection(&database, "people").await;
    for (id, known) in [
        (3, doc! { "$pull": { "friends": 1 } }),
        (4, doc! { "$set": { "blocked": [1] } }),
        (5, doc! { "$set": { "is_active": false } }),
    ] {
        rows.update_one(doc! { "_id": id }, known).await.unwrap();
    }

    assert_eq!(presence.list_online_friends(people[0], 500).await.unwrap().online, [people[1]]);
}

#[tokio::test]
async fn hidden_and_deleted_people_are_not_shown() {
    let database = scene().await;
    let mongo = &database.mongo;
    circle(mongo, &[ANNA, BORA]).await;
    let people = collection(&database, "people").await;
    people.insert_one(doc! { "_id": 7, "version": 1_i64, "is_active": false }).await.unwrap();
    // As a version wrote it that knew no settings.
    people.insert_one(doc! { "_id": 8, "version": 1_i64, "is_active": true }).await.unwrap();

    let mut shown = mongo.presence().list_shown(&[ANNA, BORA, UserId(7), UserId(8), UserId(9)]).await.unwrap();

    shown.sort_unstable();
    assert_eq!(shown, [ANNA, UserId(8)]);
}

/// The names of the connections that are told about somebody.
async fn onlookers(mongo: &Mongo, of: UserId) -> Vec<String> {
    let all = mongo.presence().list_onlookers(&[of], 500, AT).await.unwrap();
    let each = all.into_iter().flat_map(|onlookers| onlookers.connections);
    let mut names: Vec<_> = each.map(|connection| connection.id.0).collect();
    names.sort();
    names
}

/// Lets connections be active until a while after the test.
async fn activate(database: &Database, names: &[&str]) {
    let sockets = collection(database, "sockets").await;
    for name in names {
        let active = doc! { "$set": { "open.$.active_until": DateTime::from_millis(AT.millis() + 1) } };
        sockets.update_one(doc! { "open.id": name }, active).await.unwrap();
    }
}

#[tokio::test]
async fn friends_who_are_there_and_do_not_hide_are_told() {
    let database = scene().await;
    let mongo = &database.mongo;
    let hidden = UserId(9);
    circle(mongo, &[ANNA, BORA, EVE, hidden]).await;
    for (user, name) in [(BORA, "phone"), (BORA, "laptop"), (BORA, "tv"), (EVE, "idle"), (hidden, "hidden")] {
        connect(mongo, user, name, AT).await;
    }
    connect(mongo, UserId(10), "stranger", AT).await;
    activate(&database, &["phone", "laptop", "hidden", "stranger"]).await;

    assert_eq!(onlookers(mongo, ANNA).await, ["laptop", "phone"]);
}

#[tokio::test]
async fn nobody_is_told_across_a_block_that_is_half_known() {
    let database = scene().await;
    let mongo = &database.mongo;
    circle(mongo, &[ANNA, BORA, EVE]).await;
    connect(mongo, BORA, "phone", AT).await;
    activate(&database, &["phone"]).await;
    assert_eq!(onlookers(mongo, ANNA).await, ["phone"]);
    let people = collection(&database, "people").await;

    for half in [doc! { "$pull": { "friends": ANNA.0 } }, doc! { "$set": { "friends": [1], "blocked": [1] } }] {
        people.update_one(doc! { "_id": BORA.0 }, half).await.unwrap();
        assert_eq!(onlookers(mongo, ANNA).await, [""; 0]);
    }
}

#[tokio::test]
async fn number_of_told_friends_is_capped() {
    let database = scene().await;
    let mongo = &database.mongo;
    let people: Vec<_> = (1..=8).map(UserId).collect();
    circle(mongo, &people).await;
    for user in &people[1..7] {
        let name = user.to_string();
        connect(mongo, *user, &name, AT).await;
        activate(&database, &[&name]).await;
    }

    let some = mongo.presence().list_onlookers(&people[..1], 4, AT).await.unwrap();

    assert_eq!((some.len(), some[0].connections.len()), (1, 4));
}

#[tokio::test]
async fn ghosts_are_found_and_forgotten() {
    let database = scene().await;
    let connections = database.mongo.connections();
    let later = AT.plus(Duration::from_mins(5));
    connect(&database.mongo, ANNA, "lost", AT).await;
    connect(&database.mongo, BORA, "lost too", AT).await;
    connect(&database.mongo, BORA, "alive", later).await;
    let over = AT.plus(Duration::from_mins(11));
    assert_eq!(connections.list_ghosts(AT, 10).await.unwrap(), []);

    assert_eq!(connections.list_ghosts(over, 10).await.unwrap(), [ANNA]);
    connections.remove_expired(&[ANNA, BORA], over).await.unwrap();

    assert_eq!(connections.list_ghosts(over, 10).await.unwrap(), []);
    assert_eq!(connections.find_owner(&ConnectionId("lost".to_owned())).await.unwrap(), None);
    assert_eq!(connections.find_owner(&ConnectionId("alive".to_owned())).await.unwrap(), Some(BORA));
}

#[tokio::test]
async fn ghost_is_found_though_a_later_connection_was_closed() {
    let database = scene().await;
    let connections = database.mongo.connections();
    connect(&database.mongo, ANNA, "lost", AT).await;
    connect(&database.mongo, ANNA, "closed", AT.plus(Duration::from_mins(10))).await;

    let owner = connections.remove(&ConnectionId("closed".to_owned())).await.unwrap();

    assert_eq!(owner, Some(ANNA));
    assert_eq!(connections.list_ghosts(AT.plus(Duration::from_mins(11)), 10).await.unwrap(), [ANNA]);
}

#[tokio::test]
async fn ghost_is_found_though_a_later_login_has_ended() {
    let database = scene().await;
    let connections = database.mongo.connections();
    let later = AT.plus(Duration::from_mins(10));
    connect(&database.mongo, ANNA, "lost", AT).await;
    connect(&database.mongo, ANNA, "ended", later).await;

    connections.remove_of_sessions(&[SessionId("session of ended".to_owned())], later).await.unwrap();

    assert_eq!(connections.list_ghosts(AT.plus(Duration::from_mins(11)), 10).await.unwrap(), [ANNA]);
}

#[tokio::test]
async fn last_departure_of_a_person_without_connections_is_known() {
    let database = scene().await;
    let connections = database.mongo.connections();
    for (user, names) in [(ANNA, ["a", "b"]), (BORA, ["c", "d"]), (EVE, ["e", "f"])] {
        for name in names {
            connect(&database.mongo, user, name, AT).await;
        }
    }
    let at = |seconds| AT.plus(Duration::from_secs(seconds));

    connections.leave(&ConnectionId("a".to_owned()), at(1)).await.unwrap();
    connections.leave(&ConnectionId("c".to_owned()), at(1)).await.unwrap();
    connections.remove_gone([(&ConnectionId("d".to_owned()), AT)], at(2)).await.unwrap();
    for name in ["e", "f"] {
        connections.remove(&ConnectionId(name.to_owned())).await.unwrap();
    }

    let found = connections.list_attendance(&[ANNA, BORA, EVE, UserId(77)], at(3)).await.unwrap();
    assert_eq!(found, [(ANNA, Attendance::Connected), (BORA, Attendance::Left(at(2)))].into());
}

#[tokio::test]
async fn connection_that_is_let_expire_is_a_ghost() {
    let database = scene().await;
    let connections = database.mongo.connections();
    for name in ["phone", "laptop"] {
        connect(&database.mongo, ANNA, name, AT).await;
    }

    connections.expire(&ConnectionId("phone".to_owned()), AT).await.unwrap();
    assert_eq!(connections.list_ghosts(AT, 10).await.unwrap(), []);
    assert_eq!(connections.list_of_people(&[ANNA], AT).await.unwrap().len(), 1);
    connections.expire(&ConnectionId("laptop".to_owned()), AT).await.unwrap();

    assert_eq!(connections.list_ghosts(AT, 10).await.unwrap(), [ANNA]);
    assert_eq!(connections.list_of_people(&[ANNA], AT).await.unwrap(), []);
}
