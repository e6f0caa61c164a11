use crate::scene::{ANNA, AT, BORA, collection, environments, scene};
use domain::{Limit, SessionId, Timestamp, UserId};
use mongo::{Bucket, Mongo, Passage};
use mongodb::bson::{DateTime, Document, doc};
use std::time::Duration;
use testkit::mongo::{Database, Profile};
use tokio::task::JoinSet;

/// So slow that nothing comes back while a test runs.
pub(crate) const THREE: Limit = Limit { burst: 3, per_minute: 1 };

pub(crate) fn session(name: &str) -> SessionId {
    SessionId(name.to_owned())
}

pub(crate) async fn pass(mongo: &Mongo, by: &str) -> Passage {
    mongo.gates().pass(ANNA, &session(by), Bucket::Sends, THREE).await.unwrap()
}

/// How many tokens are left.
async fn count_tokens(mongo: &Mongo) -> u32 {
    let mut tokens = 0;
    while pass(mongo, "live").await == Passage::Open {
        tokens += 1;
    }
    tokens
}

pub(crate) async fn end(mongo: &Mongo, names: &[&str], until: Timestamp) {
    let sessions: Vec<_> = names.iter().map(|name| session(name)).collect();
    mongo.gates().end_sessions(ANNA, &sessions, until).await.unwrap();
}

pub(crate) async fn refund(mongo: &Mongo) {
    mongo.gates().refund(ANNA, Bucket::Sends, THREE).await.unwrap();
}

async fn document(database: &Database) -> Document {
    collection(database, "gates").await.find_one(doc! { "_id": ANNA.0 }).await.unwrap().unwrap()
}

/// The sessions that a gate refuses, by name.
async fn ended(database: &Database) -> Vec<String> {
    let gate = document(database).await;
    let ended = gate.get_array("ended").unwrap().iter();
    let mut names: Vec<_> =
        ended.map(|entry| entry.as_document().unwrap().get_str("session").unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Lets the bucket fill for some time.
async fn rest(database: &Database, seconds: i32) {
    let earlier = vec![doc! { "$set": { "send.at": { "$subtract": ["$send.at", seconds * 1_000] } } }];
    collection(database, "gates").await.update_one(doc! { "_id": ANNA.0 }, earlier).await.unwrap();
}

pub(crate) fn wait_of(passage: Passage) -> Duration {
    let Passage::Limited { wait } = passage else { unreachable!("{passage:?}") };
    wait
}

#[tokio::test]
async fn a_pass_takes_a_token() {
    let database = scene().await;

    assert_eq!(count_tokens(&database.mongo).await, THREE.burst);
}

#[tokio::test]
async fn an_empty_bucket_says_how_long_to_wait() {
    let database = scene().await;
    count_tokens(&database.mongo).await;

    let wait = wait_of(pass(&database.mongo, "live").await);

    assert!((Duration::from_secs(30)..=Duration::from_mins(1)).contains(&wait), "{wait:?}");
}

#[tokio::test]
async fn a_refused_pass_makes_nobody_wait_longer() {
    let database = scene().await;
    count_tokens(&database.mongo).await;
    let first = wait_of(pass(&database.mongo, "live").await);

    let second = wait_of(pass(&database.mongo, "live").await);

    assert!(second <= first, "{second:?} after {first:?}");
}

#[tokio::test]
async fn a_bucket_fills_with_time() {
    let database = scene().await;
    count_tokens(&database.mongo).await;
    rest(&database, 60).await;

    assert_eq!(count_tokens(&database.mongo).await, 1);
}

#[tokio::test]
async fn a_bucket_never_holds_more_than_its_burst() {
    let database = scene().await;
    count_tokens(&database.mongo).await;
    rest(&database, 3_600).await;

    assert_eq!(count_tokens(&database.mongo).await, THREE.burst);
}

#[tokio::test]
async fn a_token_given_back_is_there_once() {
    let database = scene().await;
    count_tokens(&database.mongo).await;

    refund(&database.mongo).await;

    assert_eq!(count_tokens(&database.mongo).await, 1);
}

#[tokio::test]
async fn a_full_bucket_takes_nothing_back() {
    let database = scene().await;
    pass(&database.mongo, "live").await;

    for _ in 0..5 {
        refund(&database.mongo).await;
    }

    assert_eq!(count_tokens(&database.mongo).await, THREE.burst);
}

#[tokio::test]
async fn a_refund_makes_no_gate() {
    let database = scene().await;

    refund(&database.mongo).await;

    assert_eq!(collection(&database, "gates").await.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn one_bucket_takes_nothing_from_another() {
    let database = scene().await;
    let (mongo, live) = (&database.mongo, session("live"));
    count_tokens(mongo).await;

    for bucket in [
        Bucket::Retries,
        Bucket::FriendRequests,
        Bucket::Searches,
        Bucket::Tickets,
        Bucket::Passwords,
        Bucket::Changes,
        Bucket::Reads,
        Bucket::NewRooms,
        Bucket::Visibility,
    ] {
        assert_eq!(mongo.gates().pass(ANNA, &live, bucket, THREE).await.unwrap(), Passage::Open, "{bucket:?}");
    }
    assert_eq!(mongo.gates().pass(BORA, &live, Bucket::Sends, THREE).await.unwrap(), Passage::Open);
}

#[tokio::test]
async fn new_gate_with_twenty_tokens_passes_twenty_of_forty_at_once() {
    let database = scene().await;
    let mut passing = JoinSet::new();
    for mongo in environments(&database, 40).await {
        passing.spawn(async move {
            let limit = Limit { burst: 20, per_minute: 1 };
            mongo.gates().pass(ANNA, &session("live"), Bucket::Sends, limit).await.unwrap()
        });
    }

    let passages = passing.join_all().await;

    let (open, refused): (Vec<_>, Vec<_>) = passages.into_iter().partition(|passage| *passage == Passage::Open);
    assert!(refused.iter().all(|passage| matches!(passage, Passage::Limited { .. })), "{refused:?}");
    assert_eq!(open.len(), 20);
}

#[tokio::test]
async fn an_ended_session_is_refused_and_takes_no_token() {
    let database = scene().await;
    end(&database.mongo, &["over"], AT).await;

    for _ in 0..5 {
        assert_eq!(pass(&database.mongo, "over").await, Passage::SessionEnded);
    }

    assert_eq!(count_tokens(&database.mongo).await, THREE.burst);
}

#[tokio::test]
async fn an_ended_session_is_refused_without_a_token_too() {
    let database = scene().await;
    count_tokens(&database.mongo).await;

    end(&database.mongo, &["over"], AT).await;

    assert_eq!(pass(&database.mongo, "over").await, Passage::SessionEnded);
}

#[tokio::test]
async fn only_the_session_that_ended_is_refused() {
    let database = scene().await;
    end(&database.mongo, &["over"], AT).await;

    let is_ended = async |user, name| database.mongo.gates().is_ended(user, &session(name)).await.unwrap();

    assert!(is_ended(ANNA, "over").await);
    assert!(!is_ended(ANNA, "live").await);
    assert!(!is_ended(BORA, "over").await);
}

#[tokio::test]
async fn a_person_without_a_gate_has_no_ended_session() {
    let database = scene().await;

    assert!(!database.mongo.gates().is_ended(ANNA, &session("live")).await.unwrap());
}

#[tokio::test]
async fn sessions_that_end_again_with_others_stay_ended() {
    let database = scene().await;
    end(&database.mongo, &["one"], AT).await;

    end(&database.mongo, &["one", "two"], AT.plus(Duration::from_secs(1))).await;

    assert_eq!(ended(&database).await, ["one", "two"]);
}

#[tokio::test]
async fn ending_a_session_again_changes_nothing() {
    let database = scene().await;
    end(&database.mongo, &["one", "two"], AT).await;
    let before = document(&database).await;

    end(&database.mongo, &["one", "two"], AT).await;

    assert_eq!(document(&database).await, before);
}

#[tokio::test]
async fn ending_sessions_leaves_the_tokens_as_they_are() {
    let database = scene().await;
    pass(&database.mongo, "live").await;

    end(&database.mongo, &["over"], AT).await;

    assert_eq!(count_tokens(&database.mongo).await, THREE.burst - 1);
}

#[tokio::test]
async fn sessions_that_end_at_once_are_all_refused() {
    let database = scene().await;
    let mut ends = JoinSet::new();
    for (n, mongo) in environments(&database, 20).await.into_iter().enumerate() {
        ends.spawn(async move {
            let limit = Limit { burst: 100, per_minute: 1 };
            mongo.gates().pass(ANNA, &session("live"), Bucket::Sends, limit).await.unwrap();
            mongo.gates().end_sessions(ANNA, &[session(&format!("{n:02}"))], AT).await.unwrap();
        });
    }

    ends.join_all().await;

    assert_eq!(ended(&database).await, (0..20).map(|n| format!("{n:02}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_first_pass_and_the_first_end_at_once_both_count() {
    let database = scene().await;
    let gates = database.mongo.gates();
    for id in 1..=100 {
        let (user, live, sessions) = (UserId(id), session("live"), [session("over")]);

        let (passage, ended) =
            tokio::join!(gates.pass(user, &live, Bucket::Sends, THREE), gates.end_sessions(user, &sessions, AT),);

        assert_eq!(passage.unwrap(), Passage::Open);
        ended.unwrap();
        assert!(gates.is_ended(user, &sessions[0]).await.unwrap());
    }
}

#[tokio::test]
async fn a_session_whose_tokens_have_expired_is_forgotten() {
    let database = scene().await;
    end(&database.mongo, &["long ago"], Timestamp::from_millis(1_000)).await;
    end(&database.mongo, &["over"], AT).await;

    pass(&database.mongo, "live").await;

    assert_eq!(ended(&database).await, ["over"]);
}

#[tokio::test]
async fn a_gate_stays_until_its_buckets_are_full() {
    let database = scene().await;

    pass(&database.mongo, "live").await;

    let gate = document(&database).await;
    let until = gate.get_datetime("expires_at").unwrap().timestamp_millis();
    let since = gate.get_document("send").unwrap().get_datetime("at").unwrap().timestamp_millis();
    assert_eq!(until - since, 4 * 60_000, "three tokens, one a minute, and a minute more");
}

#[tokio::test]
async fn a_fast_bucket_does_not_end_a_gate_before_a_slow_one_is_full() {
    let database = scene().await;
    pass(&database.mongo, "live").await;
    let before = document(&database).await.get_datetime("expires_at").copied().unwrap();
    let fast = Limit { burst: 1, per_minute: 1_000 };

    database.mongo.gates().pass(ANNA, &session("live"), Bucket::Retries, fast).await.unwrap();

    assert!(document(&database).await.get_datetime("expires_at").copied().unwrap() >= before);
}

#[derive(Debug, Clone, Copy)]
enum Write {
    Pass(Bucket, Limit),
    End(&'static str, Timestamp),
    Refund,
}

impl Write {
    async fn apply(self, mongo: &Mongo) {
        match self {
            Self::Pass(bucket, limit) => {
                mongo.gates().pass(ANNA, &session("live"), bucket, limit).await.unwrap();
            }
            Self::End(name, until) => end(mongo, &[name], until).await,
            Self::Refund => refund(mongo).await,
        }
    }
}

/// Every order of some things.
fn orders<T: Copy>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (n, first) in things.iter().enumerate() {
        let rest: Vec<T> = things[..n].iter().chain(&things[n + 1..]).copied().collect();
        all.extend(orders(&rest).into_iter().map(|mut order| {
            order.insert(0, *first);
            order
        }));
    }
    all
}

#[tokio::test]
async fn no_write_lets_an_ended_session_expire_before_its_tokens() {
    let database = scene().await;
    let later = AT.plus(Duration::from_hours(1));
    let fast = Limit { burst: 1, per_minute: 1_000_000 };
    let writes = [
        Write::Pass(Bucket::Sends, THREE),
        Write::Pass(Bucket::Retries, fast),
        Write::End("one", later),
        Write::End("two", AT),
        Write::Refund,
    ];
    let gates = collection(&database, "gates").await;
    for order in orders(&writes) {
        gates.delete_many(doc! {}).await.unwrap();
        for write in &order {
            write.apply(&database.mongo).await;
            let Some(gate) = gates.find_one(doc! { "_id": ANNA.0 }).await.unwrap() else { continue };
            let ended = gate.get_array("ended").map(Vec::as_slice).unwrap_or_default().iter();
            let last = ended.map(|entry| *entry.as_document().unwrap().get_datetime("until").unwrap()).max();
            let expires_at = *gate.get_datetime("expires_at").unwrap();
            assert!(expires_at >= last.unwrap_or(DateTime::MIN), "after {write:?} in {order:?}");
        }
        assert_eq!(ended(&database).await, ["one", "two"], "{order:?}");
    }
}

#[tokio::test]
async fn sessions_end_in_one_write_however_many_and_a_pass_is_one_too() {
    let database = scene().await;
    let (mongo, gates) = (&database.mongo, database.mongo.gates());
    let many: Vec<_> = (0..20).map(|n| session(&n.to_string())).collect();
    let mut profile = Profile::of(&database).await;

    gates.end_sessions(ANNA, &many, AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
    pass(mongo, "live").await;
    assert_eq!(profile.count().await, 1);
    refund(mongo).await;
    assert_eq!(profile.count().await, 1);
    gates.is_ended(ANNA, &many[0]).await.unwrap();
    assert_eq!(profile.count().await, 1);
    gates.end_sessions(ANNA, &[], AT).await.unwrap();
    assert_eq!(profile.count().await, 0);
}
