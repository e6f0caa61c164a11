use crate::scene::{ANNA, AT, BORA, EVE, ROOM, access, collection, environments, eventually, group, private, scene};
use domain::{Access, ConnectionId, Limit, Locale, RoomKey, SessionId, Timestamp, UserId};
use mongo::{ACTIVE_FOR, Arrival, Connection, Effect, MOST_CONNECTIONS, Mongo, Touched};
use mongodb::bson::doc;
use std::time::Duration;
use testkit::mongo::{Database, Profile};
use tokio::task::JoinSet;

/// So slow that nothing comes back while a test runs.
const THREE: Limit = Limit { burst: 3, per_minute: 1 };
const PLENTY: Limit = Limit { burst: 1_000, per_minute: 1_000 };

fn connection(user: UserId, name: &str, at: Timestamp) -> Connection {
    Connection {
        id: ConnectionId(name.to_owned()),
        user,
        session: SessionId(format!("session of {name}")),
        locale: Locale::En,
        connected_at: at,
        active_until: at,
        viewing: None,
    }
}

/// Opens connections of one person, one after another, and answers which made place for them.
pub(crate) async fn connect(mongo: &Mongo, user: UserId, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut crowded_out = Vec::new();
    for (n, name) in (0..).zip(names) {
        let at = AT.plus(Duration::from_millis(n));
        crowded_out.extend(ids(mongo.connections().insert(&connection(user, &name, at)).await.unwrap()));
    }
    crowded_out
}

async fn open(mongo: &Mongo, user: UserId) -> Vec<String> {
    ids(mongo.connections().list_of_people(&[user], AT).await.unwrap())
}

fn ids(connections: Vec<Connection>) -> Vec<String> {
    connections.into_iter().map(|connection| connection.id.0).collect()
}

fn names(range: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    range.map(|n| format!("c{n:02}"))
}

pub(crate) async fn touch(mongo: &Mongo, name: &str, cost: u32, limit: Limit) -> Touched {
    let id = ConnectionId(name.to_owned());
    let arrival = Arrival { connection: &id, locale: None, cost, effect: Effect::Alive, at: AT };
    mongo.connections().touch(arrival, limit).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_newest_twenty_connections_of_a_person_are_kept() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, BORA, ["b".to_owned()]).await;

    let crowded_out = connect(mongo, ANNA, names(0..MOST_CONNECTIONS + 2)).await;

    assert_eq!(crowded_out, ["c00", "c01"]);
    assert_eq!(open(mongo, ANNA).await, names(2..MOST_CONNECTIONS + 2).collect::<Vec<_>>());
    assert_eq!(open(mongo, BORA).await, ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_of_forty_concurrent_connections_are_kept() {
    let database = scene().await;
    let mut connecting = JoinSet::new();
    for (n, mongo) in (0..).zip(environments(&database, 40).await) {
        connecting.spawn(async move { mongo.connections().insert(&connection(ANNA, &format!("c{n}"), AT)).await });
    }

    let outcomes = connecting.join_all().await;

    let mut all: Vec<_> = outcomes.into_iter().flat_map(|crowded_out| ids(crowded_out.unwrap())).collect();
    assert_eq!(all.len(), 40 - MOST_CONNECTIONS, "each is told once");
    all.extend(open(&database.mongo, ANNA).await);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 40);
}

#[tokio::test]
async fn connections_that_are_over_make_place_for_new_ones() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, names(0..MOST_CONNECTIONS)).await;
    mongo.connections().remove(&ConnectionId("c00".to_owned())).await.unwrap();

    assert!(connect(mongo, ANNA, ["new".to_owned()]).await.is_empty());

    let later = AT.plus(Duration::from_mins(12));
    assert_eq!(mongo.connections().insert(&connection(ANNA, "later", later)).await.unwrap(), []);
    assert_eq!(open(mongo, ANNA).await, ["later"], "all others were silent for too long");
}

#[tokio::test]
async fn a_connection_that_is_stored_again_is_one() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, names(0..MOST_CONNECTIONS)).await;

    assert!(connect(mongo, ANNA, ["c07".to_owned()]).await.is_empty());

    assert_eq!(open(mongo, ANNA).await.len(), MOST_CONNECTIONS);
}

#[tokio::test]
async fn an_id_that_is_given_out_anew_is_the_new_persons() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, ["c".to_owned()]).await;

    connect(mongo, BORA, ["c".to_owned()]).await;

    assert_eq!(touch(mongo, "c", 1, PLENTY).await.connection.user, BORA);
    assert_eq!(open(mongo, ANNA).await, [""; 0]);
    let given_out_anew = ConnectionId("c".to_owned());
    mongo.connections().remove_gone([(&given_out_anew, AT.plus(Duration::from_secs(9)))], AT).await.unwrap();
    assert_eq!(open(mongo, BORA).await, ["c"]);
}

#[tokio::test]
async fn hundreds_of_closed_connections_are_removed_each_once() {
    let database = scene().await;
    let mongo = &database.mongo;
    let people: Vec<_> = (100..111).map(UserId).collect();
    for user in &people {
        connect(mongo, *user, (0..MOST_CONNECTIONS).map(|number| format!("{user}-{number}"))).await;
    }
    let all = mongo.connections().list_of_people(&people, AT).await.unwrap();
    let (kept, gone) = all.split_first().unwrap();
    assert!(gone.len() > 200, "{}", gone.len());

    let twice = gone.iter().chain(gone).map(|gone| (&gone.id, gone.connected_at));
    mongo.connections().remove_gone(twice, AT).await.unwrap();

    let left = mongo.connections().list_of_people(&people, AT).await.unwrap();
    assert_eq!(left.iter().map(|left| &left.id).collect::<Vec<_>>(), [&kept.id]);
}

#[tokio::test]
async fn people_without_connections_do_not_collide() {
    let database = scene().await;
    let mongo = &database.mongo;
    for (user, name) in [(ANNA, "a"), (BORA, "b")] {
        connect(mongo, user, [name.to_owned()]).await;
        mongo.connections().remove(&ConnectionId(name.to_owned())).await.unwrap();
    }

    assert_eq!(collection(&database, "sockets").await.count_documents(doc! { "open": [] }).await.unwrap(), 2);
}

#[tokio::test]
async fn all_connections_of_a_person_share_one_bucket() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, names(0..4)).await;
    connect(mongo, BORA, ["b".to_owned()]).await;
    for name in names(0..3) {
        assert!(touch(mongo, &name, 1, THREE).await.wait.is_none());
    }

    let wait = touch(mongo, "c03", 1, THREE).await.wait.unwrap();

    assert!(wait > Duration::from_secs(50) && wait <= Duration::from_mins(1), "{wait:?}");
    assert!(touch(mongo, "b", 1, THREE).await.wait.is_none());
}

#[tokio::test]
async fn a_new_connection_brings_no_new_frames() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, ["a".to_owned()]).await;
    touch(mongo, "a", 3, THREE).await;
    mongo.connections().remove(&ConnectionId("a".to_owned())).await.unwrap();

    connect(mongo, ANNA, ["b".to_owned()]).await;

    assert!(touch(mongo, "b", 1, THREE).await.wait.is_some());
}

#[tokio::test]
async fn a_frame_takes_what_it_costs_and_no_more_than_there_may_be() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, ["a".to_owned()]).await;

    assert!(touch(mongo, "a", 2, THREE).await.wait.is_none());
    assert!(touch(mongo, "a", 2, THREE).await.wait.is_some());
    assert!(touch(mongo, "a", 1, THREE).await.wait.is_none(), "a refused frame takes nothing");
    connect(mongo, BORA, ["b".to_owned()]).await;
    assert!(touch(mongo, "b", 9, THREE).await.wait.is_none());
}

#[tokio::test]
async fn frames_of_many_connections_at_once_are_all_counted() {
    let database = scene().await;
    let limit = Limit { burst: 30, per_minute: 1 };
    connect(&database.mongo, ANNA, names(0..MOST_CONNECTIONS)).await;
    let mut frames = JoinSet::new();
    for (name, mongo) in
        names(0..MOST_CONNECTIONS).chain(names(0..MOST_CONNECTIONS)).zip(environments(&database, 40).await)
    {
        frames.spawn(async move { touch(&mongo, &name, 1, limit).await.wait });
    }

    let waits = frames.join_all().await;

    assert_eq!(waits.iter().filter(|wait| wait.is_none()).count(), 30);
}

#[tokio::test]
async fn a_connection_floods_after_thirty_refused_frames() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, names(0..2)).await;
    for _ in 0..THREE.burst + 30 {
        assert!(!touch(mongo, "c00", 1, THREE).await.is_flooding);
    }

    assert!(touch(mongo, "c00", 1, THREE).await.is_flooding);
    let other = touch(mongo, "c01", 1, THREE).await;
    assert!(other.wait.is_some() && !other.is_flooding, "each is judged by its own frames");
}

#[tokio::test]
async fn a_frame_keeps_its_connection_alive_and_no_other() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, names(0..2)).await;
    let (id, later) = (ConnectionId("c00".to_owned()), AT.plus(Duration::from_mins(10)));
    let arrival = Arrival { connection: &id, locale: Some(Locale::Ko), cost: 1, effect: Effect::Alive, at: later };

    let touched = mongo.connections().touch(arrival, PLENTY).await.unwrap().unwrap();

    assert_eq!(touched.connection, Connection { locale: Locale::Ko, ..connection(ANNA, "c00", AT) });
    let long_after = later.plus(Duration::from_mins(5));
    let alive = async || ids(mongo.connections().list_of_people(&[ANNA], long_after).await.unwrap());
    eventually(async || alive().await == ["c00"]).await;
    assert!(forgotten_at(&database, ANNA).await >= later.plus(Duration::from_mins(11)));
}

#[tokio::test]
async fn a_connection_that_is_over_is_not_revived() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, ["old".to_owned()]).await;
    let (id, over) = (ConnectionId("old".to_owned()), AT.plus(Duration::from_mins(11)));
    let just_before = over.minus(Duration::from_millis(1));
    mongo.connections().insert(&connection(ANNA, "new", just_before)).await.unwrap();
    connect(mongo, BORA, ["other".to_owned()]).await;
    let other = ConnectionId("other".to_owned());
    let arrival = Arrival { connection: &id, locale: None, cost: 1, effect: Effect::Acted, at: over };

    assert!(mongo.connections().touch(arrival, PLENTY).await.unwrap().is_none());

    assert_eq!(ids(mongo.connections().list_of_people(&[ANNA], over).await.unwrap()), ["new"]);
    let in_time = Arrival { connection: &other, at: just_before, ..arrival };
    assert!(mongo.connections().touch(in_time, PLENTY).await.unwrap().is_some());
}

async fn forgotten_at(database: &Database, user: UserId) -> Timestamp {
    testkit::mongo::expires_at(&database.url, "sockets", user.0).await.unwrap()
}

#[tokio::test]
async fn a_connection_that_is_not_there_counts_nothing() {
    let database = scene().await;
    let unknown = ConnectionId("unknown".to_owned());
    let arrival = Arrival { connection: &unknown, locale: None, cost: 1, effect: Effect::Alive, at: AT };

    assert!(database.mongo.connections().touch(arrival, THREE).await.unwrap().is_none());
}

#[tokio::test]
async fn only_connections_of_ended_sessions_are_removed() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, names(0..3)).await;
    let ended = [SessionId("session of c01".to_owned()), SessionId("session of nobody".to_owned())];

    mongo.connections().remove_of_sessions(&ended, AT).await.unwrap();

    assert_eq!(open(mongo, ANNA).await, ["c00", "c02"]);
}

#[tokio::test]
async fn each_step_on_connections_is_one_command() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, names(0..MOST_CONNECTIONS)).await;
    let mut profile = Profile::of(&database).await;

    connect(mongo, ANNA, ["new".to_owned()]).await;
    assert_eq!(profile.count().await, 1, "a connection takes the place of another");
    touch(mongo, "new", 1, PLENTY).await;
    assert_eq!(profile.count().await, 1, "a frame is noted, counted and told whose it is");
    mongo.connections().list_of_people(&[ANNA, BORA], AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
}

async fn act(mongo: &Mongo, name: &str, effect: Effect, at: Timestamp) -> Touched {
    let id = ConnectionId(name.to_owned());
    let arrival = Arrival { connection: &id, locale: None, cost: 1, effect, at };
    mongo.connections().touch(arrival, PLENTY).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_frame_says_whether_somebody_is_there_and_what_is_open() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, ["a".to_owned()]).await;
    let (room, later) = (Some(ROOM), AT.plus(Duration::from_secs(100)));
    let (active, long_ago) = (later.plus(ACTIVE_FOR), later.minus(ACTIVE_FOR));

    for (effect, active_until, viewing) in [
        (Effect::Alive, AT, None),
        (Effect::ActedIn(ROOM), active, room),
        (Effect::Alive, active, room),
        (Effect::Seen { active: false, viewing: None }, long_ago, None),
        (Effect::ReadIn(ROOM), long_ago, None),
        (Effect::Acted, active, None),
        (Effect::ReadIn(ROOM), active, room),
        (Effect::Seen { active: true, viewing: None }, active, None),
        (Effect::Typed { room: ROOM, on: true }, active, None),
    ] {
        let Connection { active_until: found, viewing: open, .. } = act(mongo, "a", effect, later).await.connection;
        assert_eq!((found, open), (active_until, viewing), "{effect:?}");
    }
}

#[tokio::test]
async fn a_read_keeps_its_person_active_and_makes_nobody_so() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, ["a".to_owned()]).await;
    let at = |seconds| AT.plus(Duration::from_secs(seconds));
    let until = async |effect, seconds| act(mongo, "a", effect, at(seconds)).await.connection.active_until;
    let blur = Effect::Seen { active: false, viewing: None };

    assert_eq!(until(Effect::Acted, 0).await, at(150));
    assert_eq!(until(Effect::ReadIn(ROOM), 100).await, at(250));
    assert_eq!(until(Effect::ReadIn(ROOM), 250).await, at(250), "they were not there any more");
    until(Effect::Acted, 300).await;
    until(blur, 310).await;
    for seconds in [309, 310, 312] {
        assert!(until(Effect::ReadIn(ROOM), seconds).await < at(309), "{seconds} s, by a clock that may be behind");
    }
}

#[tokio::test]
async fn typing_is_told_at_most_every_three_seconds_in_a_room() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, names(0..2)).await;
    let (this, other) = (ROOM, private(2));

    for (name, room, on, millis, is_told) in [
        ("c00", this, true, 0, true),
        ("c00", this, true, 2_999, false),
        ("c01", this, true, 2_999, true),
        ("c00", this, true, 3_000, true),
        // A stop is told once, and only of what was told.
        ("c00", this, false, 3_100, true),
        ("c00", this, false, 3_200, false),
        ("c00", this, true, 3_300, false),
        ("c00", this, false, 3_400, false),
        ("c00", other, false, 3_500, false),
        ("c00", this, true, 6_000, true),
        ("c00", this, true, 6_100, false),
        ("c00", this, false, 6_200, true),
        ("c00", other, true, 6_300, true),
        ("c00", other, true, 6_400, false),
    ] {
        let at = AT.plus(Duration::from_millis(millis));
        let told = act(mongo, name, Effect::Typed { room, on }, at).await.is_typing_told;
        assert_eq!(told, is_told, "{name} {room} {on} {millis}");
    }
}

#[tokio::test]
async fn concurrent_typing_is_told_once() {
    let database = scene().await;
    connect(&database.mongo, ANNA, ["a".to_owned()]).await;
    let mut typing = JoinSet::new();
    for mongo in environments(&database, 20).await {
        typing.spawn(async move { act(&mongo, "a", Effect::Typed { room: ROOM, on: true }, AT).await.is_typing_told });
    }

    let told = typing.join_all().await;

    assert_eq!(told.into_iter().filter(|is_told| *is_told).count(), 1);
}

#[tokio::test]
async fn a_connection_of_a_version_before_is_one_of_nobody_there() {
    let database = scene().await;
    let mongo = &database.mongo;
    connect(mongo, ANNA, ["a".to_owned()]).await;
    let fields = doc! { "$unset": { "open.0.active_until": "", "open.0.viewing": "" } };
    collection(&database, "sockets").await.update_one(doc! { "_id": ANNA.0 }, fields).await.unwrap();

    let connection = mongo.connections().list_of_people(&[ANNA], AT).await.unwrap().remove(0);

    assert_eq!((connection.is_active(AT), connection.viewing), (false, None));
    assert!(act(mongo, "a", Effect::Acted, AT).await.connection.is_active(AT));
}

/// Anna and Bora each with a connection named like them, where somebody is there.
async fn both_there() -> Database {
    let database = scene().await;
    for (user, name) in [(ANNA, "anna"), (BORA, "bora")] {
        connect(&database.mongo, user, [name.to_owned()]).await;
        act(&database.mongo, name, Effect::Acted, AT).await;
    }
    database
}

async fn onlookers(mongo: &Mongo, room: RoomKey, user: UserId) -> Vec<String> {
    let mut names = ids(mongo.connections().list_onlookers(room, user, AT).await.unwrap());
    names.sort();
    names
}

#[tokio::test]
async fn onlookers_of_two_people_are_the_active_connections_of_the_other() {
    let database = both_there().await;
    let mongo = &database.mongo;
    connect(mongo, BORA, ["hidden tab".to_owned()]).await;

    assert_eq!(onlookers(mongo, ROOM, ANNA).await, ["bora"]);
    assert_eq!(onlookers(mongo, ROOM, EVE).await, [""; 0], "a stranger has none");
    let long_after = AT.plus(ACTIVE_FOR);
    assert_eq!(mongo.connections().list_onlookers(ROOM, ANNA, long_after).await.unwrap(), []);

    let blocked = Access { version: 2, blocked: true, ..access(ROOM, &[ANNA, BORA]) };
    mongo.rooms().project(&blocked, AT).await.unwrap();
    assert_eq!(onlookers(mongo, ROOM, ANNA).await, [""; 0], "nobody across a block");
}

#[tokio::test]
async fn onlookers_of_a_group_have_it_open_and_are_fifty_at_most() {
    let database = both_there().await;
    let (mongo, room) = (&database.mongo, group(1));
    let crowd = |size| (0..size).map(|n| UserId(1_000 + n)).chain([ANNA, BORA]).collect::<Vec<_>>();
    mongo.rooms().project(&access(room, &crowd(48)), AT).await.unwrap();
    assert_eq!(onlookers(mongo, room, ANNA).await, [""; 0], "nobody has it open");

    act(mongo, "bora", Effect::Seen { active: true, viewing: Some(room) }, AT).await;
    assert_eq!(onlookers(mongo, room, ANNA).await, ["bora"]);

    mongo.rooms().project(&Access { version: 2, ..access(room, &crowd(49)) }, AT).await.unwrap();
    assert_eq!(onlookers(mongo, room, ANNA).await, [""; 0], "51 members");
    mongo.rooms().project(&Access { version: 3, ..access(room, &[ANNA]) }, AT).await.unwrap();
    assert_eq!(onlookers(mongo, room, ANNA).await, [""; 0], "whoever was removed");
}

#[tokio::test]
async fn signal_sees_who_came_back_just_before_it() {
    let database = both_there().await;
    let (mongo, room) = (&database.mongo, group(1));
    mongo.rooms().project(&access(room, &[ANNA, BORA]), AT).await.unwrap();

    // No majority knows yet what was written a moment ago, as the journal is flushed ten times a second.
    for _ in 0..20 {
        act(mongo, "bora", Effect::Seen { active: false, viewing: None }, AT).await;
        assert_eq!(onlookers(mongo, room, ANNA).await, [""; 0]);
        act(mongo, "bora", Effect::Seen { active: true, viewing: Some(room) }, AT).await;
        assert_eq!(onlookers(mongo, room, ANNA).await, ["bora"]);
        let told = mongo.connections().list_for_signal(&[BORA], AT).await.unwrap();
        assert!(told[0].sees(room, AT), "{told:?}");
    }
}
