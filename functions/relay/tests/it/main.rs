//! A run, over databases of its own and an API Gateway that records.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod deletions;
mod leaving;
mod leftovers;

use domain::{Code, FriendshipStatus, RoomKey, SessionId};
use leftovers::{Leftovers, long_ago};
use relay::Report;
use testkit::NOON;

#[tokio::test]
async fn run_without_leftovers_does_nothing() {
    let left = Leftovers::new().await;

    assert_eq!(left.run().await, Report { projected: 0, delivered: 0, ..Report::default() });
}

#[tokio::test]
async fn committed_changes_are_projected() {
    let left = Leftovers::new().await;
    let [minji, junho] = left.two().await;
    let room = left.commit_room([minji, junho]).await;
    assert_eq!(left.rights(RoomKey::private(room), minji).await, None);

    let report = left.run().await;

    assert_eq!(report, Report { projected: 3, delivered: 0, ..Report::default() });
    assert!(left.rights(RoomKey::private(room), minji).await.is_some());
    assert_eq!(left.mongo().people().find(junho).await.unwrap().unwrap().username, "junho");
    assert_eq!(left.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn projected_changes_are_not_projected_again() {
    let left = Leftovers::new().await;
    let pair = left.two().await;
    left.commit_room(pair).await;
    left.run().await;

    assert_eq!(left.run().await, Report { projected: 0, delivered: 0, ..Report::default() });
}

#[tokio::test]
async fn several_changes_are_projected_as_newest_state() {
    let left = Leftovers::new().await;
    let pair = left.two().await;
    left.run().await;
    left.commit_friendship(pair, FriendshipStatus::Pending).await;
    left.commit_friendship(pair, FriendshipStatus::Accepted).await;

    let report = left.run().await;

    assert_eq!(report.projected, 2);
    assert_eq!(left.mongo().people().find(pair[0]).await.unwrap().unwrap().friends, [pair[1]]);
}

#[tokio::test]
async fn unprojected_logout_is_enforced_after_a_run() {
    let left = Leftovers::new().await;
    let [minji, _] = left.two().await;
    left.run().await;
    let session = left.commit_logout(minji).await;
    assert!(!left.mongo().gates().is_ended(minji, &session).await.unwrap());

    let report = left.run().await;

    assert_eq!(report, Report { projected: 1, delivered: 0, ..Report::default() });
    assert!(left.mongo().gates().is_ended(minji, &session).await.unwrap());
}

#[tokio::test]
async fn abandoned_message_gets_new_rev_and_is_pushed() {
    let left = Leftovers::new().await;
    let pair = left.two().await;
    let room = left.open_room(pair).await;
    left.connect(pair[1], SessionId::from_bytes([1; 16]), "tablet").await;
    let (id, rev) = left.leave_message(room, pair[0], long_ago()).await;

    let report = left.run().await;

    assert_eq!(report, Report { projected: 0, delivered: 1, ..Report::default() });
    let (connection, frame) = left.pushes.next();
    assert_eq!(connection, "tablet");
    assert_eq!((&frame["t"], &frame["d"]["id"]), (&"message.created".into(), &id.to_string().into()));
    assert!(frame["rev"].as_i64().unwrap() > rev.0, "above what readers may have passed");
}

#[tokio::test]
async fn pushed_message_is_not_pushed_again() {
    let left = Leftovers::new().await;
    let pair = left.two().await;
    let room = left.open_room(pair).await;
    let (id, _) = left.leave_message(room, pair[0], long_ago()).await;
    left.run().await;
    left.is_delivered(id).await;

    assert_eq!(left.run().await.delivered, 0);
}

#[tokio::test]
async fn recent_pending_message_is_left_alone() {
    let left = Leftovers::new().await;
    let pair = left.two().await;
    let room = left.open_room(pair).await;
    left.leave_message(room, pair[0], NOON).await;

    assert_eq!(left.run().await.delivered, 0);
}

#[tokio::test]
async fn failed_projection_does_not_stop_the_rest() {
    let left = Leftovers::new().await;
    let pair = left.two().await;
    let room = left.open_room(pair).await;
    left.leave_message(room, pair[0], long_ago()).await;
    left.commit_friendship(pair, FriendshipStatus::Pending).await;
    testkit::mongo::refuse(left.mongo_url(), "people", pair[0].0).await;

    let report = left.run().await;

    assert_eq!(report, Report { projected: 1, delivered: 1, projections_failed: 1, ..Report::default() });
    assert_eq!(left.mysql().outbox().count().await.unwrap(), 1);
}

#[tokio::test]
async fn unreachable_mysql_does_not_stop_deliveries() {
    let left = Leftovers::new().await;
    let pair = left.two().await;
    let room = left.open_room(pair).await;
    let (id, _) = left.leave_message(room, pair[0], long_ago()).await;

    let refused = left.run_without_mysql().await.unwrap_err();

    assert_eq!(refused.code, Code::Unavailable);
    left.is_delivered(id).await;
}

#[tokio::test]
async fn twenty_concurrent_runs_leave_nothing() {
    let left = Leftovers::new().await;
    let pair = left.two().await;
    let room = left.commit_room(pair).await;

    let reports: Vec<_> = left.run_at_once().await.into_iter().map(Result::unwrap).collect();

    assert!(reports.iter().all(|report| report.projections_failed + report.deliveries_failed == 0), "{reports:?}");
    assert!(left.rights(RoomKey::private(room), pair[0]).await.is_some());
    assert_eq!(left.run().await.projections_failed, 0);
    assert_eq!(left.mysql().outbox().count().await.unwrap(), 0);
}
