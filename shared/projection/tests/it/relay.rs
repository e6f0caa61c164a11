use crate::stores::{NOON, Stores, join, note, open_room, touch_people, touch_room};
use domain::{Aggregate, Clock, Code, Fault, RoomId, Timestamp, UserId};
use mysql::{Mysql, Tx};
use projection::{Projector, Relayed};
use std::{cell::Cell, time::Duration};
use tokio::task::JoinSet;

thread_local! {
    static LOOKS: Cell<u64> = const { Cell::new(0) };
}

/// A clock that goes on with every look at it: a run has time for anything but going round in circles.
fn ticking() -> Timestamp {
    LOOKS.set(LOOKS.get() + 1);
    NOON.plus(Duration::from_millis(LOOKS.get()))
}

async fn relay(projector: &Projector) -> Result<Relayed, Fault> {
    let projector = Projector { clock: Clock(ticking), ..projector.clone() };
    projector.relay(NOON.plus(Duration::from_mins(1))).await
}

#[tokio::test]
async fn relay_projects_committed_changes() {
    let stores = Stores::new().await;
    let room = stores.mysql().transact(stores.pair, open_room).await.unwrap().answer;
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();
    let session = stores.log_in(stores.pair[0], 1).await;
    stores.mysql().sessions().revoke(&session, stores.pair[0], NOON).await.unwrap();
    stores.mysql().transact(vec![Aggregate::Sessions(stores.pair[0])], note).await.unwrap();

    let relayed = relay(&stores.projector).await.unwrap();

    assert_eq!(relayed, Relayed { projected: 4, failed: 0 });
    assert_eq!(stores.room(room).await.unwrap().members.len(), 2);
    assert_eq!(stores.person(stores.pair[1]).await.unwrap().version, 2);
    assert!(stores.is_ended(stores.pair[0], &session).await);
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn relay_projects_a_failed_change() {
    let stores = Stores::new().await;
    stores.cut_off().await.change(stores.pair, touch_people).await.unwrap_err();
    assert_eq!(stores.person(stores.pair[0]).await, None);

    relay(&stores.projector).await.unwrap();

    assert_eq!(stores.person(stores.pair[0]).await.unwrap().version, 2);
}

#[tokio::test]
async fn person_whose_change_died_is_looked_at_again() {
    let stores = Stores::new().await;
    let presence = stores.projector.mongo.presence();
    for user in stores.pair {
        presence.greet(user, NOON).await.unwrap();
        let before = presence.list(&[user]).await.unwrap()[0];
        assert_eq!(presence.announce(&[before], NOON).await.0, [before.user]);
    }
    let before = presence.list(&[stores.pair[0]]).await.unwrap()[0];
    stores.mysql().transact(vec![Aggregate::Person(stores.pair[0])], note).await.unwrap();

    relay(&stores.projector).await.unwrap();

    assert_eq!(presence.list_due(NOON, 10).await.unwrap(), [stores.pair[0]]);
    assert_eq!(presence.announce(&[before], NOON).await.0, [], "an earlier look decides nothing");
}

#[tokio::test]
async fn many_changes_of_one_aggregate_are_one_projection() {
    let stores = Stores::new().await;
    for _ in 0..5 {
        stores.mysql().transact(stores.pair, touch_people).await.unwrap();
    }

    let relayed = relay(&stores.projector).await.unwrap();

    assert_eq!(relayed, Relayed { projected: 2, failed: 0 });
    assert_eq!(stores.person(stores.pair[0]).await.unwrap().version, 6);
}

#[tokio::test]
async fn run_projects_more_than_one_batch() {
    let stores = Stores::new().await;
    for n in 0..128 {
        join(stores.mysql(), &format!("person{n}")).await;
    }
    stores.mysql().outbox().insert_everybody(NOON).await.unwrap();

    let relayed = relay(&stores.projector).await.unwrap();

    assert_eq!(relayed, Relayed { projected: 130, failed: 0 });
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn one_unavailable_aggregate_lets_the_run_go_on() {
    let stores = Stores::new().await;
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();
    let rows = "SELECT id FROM outbox FORCE INDEX (outbox_aggregate_idx) WHERE aggregate = 'user' AND aggregate_id =";
    let held = testkit::mysql::hold_rows(&stores.mysql.url, &format!("{rows} {}", stores.pair[0]), 1).await;

    let relayed = relay(&stores.projector).await.unwrap();

    assert_eq!(relayed, Relayed { projected: 1, failed: 1 });
    assert!(stores.person(stores.pair[1]).await.is_some());
    drop(held);
}

#[tokio::test]
async fn empty_outbox_needs_no_work() {
    let stores = Stores::new().await;

    assert_eq!(relay(&stores.projector).await.unwrap(), Relayed::default());
}

#[tokio::test]
async fn missing_aggregates_do_not_fail_the_run() {
    let stores = Stores::new().await;
    let ghosts =
        [Aggregate::Person(UserId(999)), Aggregate::PrivateRoom(RoomId(999)), Aggregate::Sessions(UserId(999))];
    stores.mysql().transact(ghosts.to_vec(), note).await.unwrap();
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();

    let relayed = relay(&stores.projector).await.unwrap();

    assert_eq!(relayed, Relayed { projected: 5, failed: 0 });
    assert!(stores.person(stores.pair[1]).await.is_some());
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn rows_of_a_newer_version_are_left_alone() {
    let stores = Stores::new().await;
    for statement in [
        "ALTER TABLE outbox DROP CONSTRAINT outbox_aggregate_check",
        "INSERT INTO outbox (aggregate, aggregate_id, created_at) VALUES ('file', 1, NOW(3))",
    ] {
        testkit::mysql::execute(&stores.mysql.url, statement).await;
    }
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();

    let relayed = relay(&stores.projector).await.unwrap();

    assert_eq!(relayed, Relayed { projected: 2, failed: 0 });
    assert_eq!(stores.waiting().await, 1);
}

#[tokio::test]
async fn refused_projection_waits_and_delays_no_other() {
    let stores = Stores::new().await;
    let [refused, other] = stores.pair;
    testkit::mongo::refuse(&stores.mongo.url, "people", refused.0).await;
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();

    let relayed = relay(&stores.projector).await.unwrap();

    assert_eq!(relayed, Relayed { projected: 1, failed: 1 });
    assert!(stores.person(other).await.is_some());
    let waiting = stores.mysql().outbox().list(10, NOON.plus(Duration::from_mins(1))).await.unwrap();
    assert_eq!(waiting, [Aggregate::Person(refused)]);
}

#[tokio::test]
async fn unavailable_store_ends_the_run_and_keeps_the_rows() {
    let stores = Stores::new().await;
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();

    let fault = relay(&stores.cut_off().await).await.unwrap_err();

    assert_eq!(fault.code, Code::Unavailable);
    assert_eq!(stores.waiting().await, 2);
}

/// Holds the outbox rows of people until it is dropped.
async fn hold_rows(tx: &mut Tx, people: Vec<UserId>) -> Result<(), Fault> {
    for user in people {
        let snapshot = tx.users().find_snapshot(user).await?;
        tx.outbox().remove(&snapshot.unwrap().outbox).await?;
    }
    std::future::pending().await
}

#[tokio::test]
async fn second_unavailable_aggregate_ends_the_run() {
    let stores = Stores::new().await;
    let third = join(stores.mysql(), "cc").await;
    let [one, two] = stores.pair;
    stores.mysql().transact([one, two, third].map(Aggregate::Person).to_vec(), note).await.unwrap();
    let later = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        relay(&stores.projector).await
    };

    let relayed = tokio::select! {
        _ = stores.mysql().transact(vec![one, two], hold_rows) => unreachable!("it waits"),
        relayed = later => relayed,
    };

    assert_eq!(relayed.unwrap_err().code, Code::Unavailable);
    assert_eq!(stores.person(third).await, None);
}

#[tokio::test]
async fn slow_aggregate_does_not_end_the_run() {
    let stores = Stores::new().await;
    let [slow, other] = stores.pair;
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();
    stores.projector.project(Aggregate::Person(slow)).await.unwrap();
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();
    let mut held = stores.hold(slow).await;

    // The clock stands still: only the limit of one aggregate passes.
    let relayed = stores.projector.relay(NOON.plus(Duration::from_millis(500))).await.unwrap();

    assert_eq!(relayed, Relayed { projected: 1, failed: 1 });
    assert_eq!(stores.person(other).await.unwrap().version, 3);
    // Or the database is dropped a minute later, when the server ends the transaction.
    held.abort_transaction().await.unwrap();
}

#[tokio::test]
async fn aggregate_that_fails_is_last_in_the_next_run() {
    let stores = Stores::new().await;
    let [refused, other] = stores.pair;
    testkit::mongo::refuse(&stores.mongo.url, "people", refused.0).await;
    stores.mysql().transact(vec![Aggregate::Person(refused)], note).await.unwrap();
    relay(&stores.projector).await.unwrap();

    stores.mysql().transact(vec![Aggregate::Person(other)], note).await.unwrap();

    let waiting = stores.mysql().outbox().list(10, NOON.plus(Duration::from_mins(1))).await.unwrap();
    assert_eq!(waiting, [Aggregate::Person(other), Aggregate::Person(refused)]);
}

#[tokio::test]
async fn change_needs_one_connection_to_mysql() {
    let stores = Stores::new().await;
    let mysql = Mysql::connect(&stores.mysql.url, Mysql::LAMBDA_CONNECTIONS).unwrap();
    let projector = Projector { mysql, ..stores.projector.clone() };

    projector.change(stores.pair, touch_people).await.unwrap();

    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn run_without_time_does_nothing() {
    let stores = Stores::new().await;
    stores.mysql().transact(stores.pair, touch_people).await.unwrap();

    assert_eq!(stores.projector.relay(NOON).await.unwrap(), Relayed::default());
    assert_eq!(stores.waiting().await, 2);
}

#[tokio::test]
async fn change_committed_during_a_run_is_projected_by_the_next() {
    let stores = Stores::new().await;
    let room = stores.mysql().transact(stores.pair, open_room).await.unwrap().answer;
    let mut work = JoinSet::new();
    for n in 0..40 {
        let projector = stores.projector.clone();
        work.spawn(async move {
            if n % 10 == 0 {
                relay(&projector).await.map(drop)
            } else {
                projector.mysql.transact(room, touch_room).await.map(drop)
            }
        });
    }
    work.join_all().await.into_iter().for_each(Result::unwrap);

    relay(&stores.projector).await.unwrap();

    assert_eq!(stores.room(room).await.unwrap().version, 37);
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn runs_at_once_do_the_same() {
    let stores = Stores::new().await;
    let mut people = stores.pair.to_vec();
    for n in 0..10 {
        people.push(join(stores.mysql(), &format!("person{n}")).await);
    }
    stores.mysql().outbox().insert_everybody(NOON).await.unwrap();
    let mut runs = JoinSet::new();
    for _ in 0..20 {
        let projector = stores.projector.clone();
        runs.spawn(async move { relay(&projector).await });
    }

    for run in runs.join_all().await {
        assert_eq!(run.unwrap().failed, 0);
    }

    for user in people {
        assert_eq!(stores.person(user).await.unwrap().version, 1, "{user}");
    }
    assert_eq!(stores.waiting().await, 0);
}
