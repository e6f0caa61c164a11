//! A run, over real stores and an API Gateway that takes note.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

mod house;

use domain::{Code, FriendshipStatus, RoomKey};
use house::{House, NOON, long_ago};
use relay::Report;

#[tokio::test]
async fn with_nothing_left_behind_a_run_does_nothing() {
    let house = House::new().await;

    assert_eq!(house.run().await, Report { projected: 0, delivered: 0, failed: 0 });
}

#[tokio::test]
async fn what_was_committed_and_not_projected_is_brought_home() {
    let house = House::new().await;
    let [minji, junho] = house.two().await;
    let room = house.commit_room([minji, junho]).await;
    assert_eq!(house.mongo().find_access(RoomKey::private(room)).await.unwrap(), None);

    let report = house.run().await;

    assert_eq!(report, Report { projected: 3, delivered: 0, failed: 0 });
    assert!(house.mongo().find_access(RoomKey::private(room)).await.unwrap().unwrap().admit(minji).is_ok());
    assert_eq!(house.mongo().find_person(junho).await.unwrap().unwrap().username, "junho");
    assert_eq!(house.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn what_was_brought_home_is_not_brought_again() {
    let house = House::new().await;
    let pair = house.two().await;
    house.commit_room(pair).await;
    house.run().await;

    assert_eq!(house.run().await, Report { projected: 0, delivered: 0, failed: 0 });
}

#[tokio::test]
async fn a_change_that_came_with_others_is_brought_home_as_it_is_now() {
    let house = House::new().await;
    let pair = house.two().await;
    house.run().await;
    house.commit_friendship(pair, FriendshipStatus::Pending).await;
    house.commit_friendship(pair, FriendshipStatus::Accepted).await;

    let report = house.run().await;

    assert_eq!(report.projected, 2);
    assert_eq!(house.mongo().find_person(pair[0]).await.unwrap().unwrap().friends, [pair[1]]);
}

#[tokio::test]
async fn a_session_that_ended_unnoticed_is_refused_after_the_run() {
    let house = House::new().await;
    let [minji, _] = house.two().await;
    house.run().await;
    let session = house.commit_logout(minji).await;
    assert!(!house.mongo().is_revoked(&session).await.unwrap());

    let report = house.run().await;

    assert_eq!(report, Report { projected: 1, delivered: 0, failed: 0 });
    assert!(house.mongo().is_revoked(&session).await.unwrap());
}

#[tokio::test]
async fn a_message_that_its_writer_left_is_moved_up_and_pushed() {
    let house = House::new().await;
    let pair = house.two().await;
    let room = house.open_room(pair).await;
    house.connect(pair[1], "tablet").await;
    let (id, rev) = house.leave_message(room, pair[0], long_ago()).await;

    let report = house.run().await;

    assert_eq!(report, Report { projected: 0, delivered: 1, failed: 0 });
    let (path, frame) = house.pushed();
    assert!(path.ends_with("/@connections/tablet"), "{path}");
    assert_eq!((&frame["t"], &frame["d"]["id"]), (&"message.created".into(), &id.to_string().into()));
    assert!(frame["rev"].as_i64().unwrap() > rev.0, "above what readers may have passed");
}

#[tokio::test]
async fn a_message_that_was_pushed_is_not_pushed_again() {
    let house = House::new().await;
    let pair = house.two().await;
    let room = house.open_room(pair).await;
    let (id, _) = house.leave_message(room, pair[0], long_ago()).await;
    house.run().await;
    house.is_delivered(id).await;

    assert_eq!(house.run().await.delivered, 0);
}

#[tokio::test]
async fn a_writer_who_lives_is_left_alone() {
    let house = House::new().await;
    let pair = house.two().await;
    let room = house.open_room(pair).await;
    house.leave_message(room, pair[0], NOON).await;

    assert_eq!(house.run().await.delivered, 0);
}

#[tokio::test]
async fn what_cannot_be_brought_home_keeps_nothing_else_back() {
    let house = House::new().await;
    let pair = house.two().await;
    let room = house.open_room(pair).await;
    house.leave_message(room, pair[0], long_ago()).await;
    house.commit_friendship(pair, FriendshipStatus::Pending).await;
    testkit::mongo::refuse(house.mongo_url(), "people", pair[0].0).await;

    let report = house.run().await;

    assert_eq!(report, Report { projected: 1, delivered: 1, failed: 1 });
    assert_eq!(house.mysql().outbox().count().await.unwrap(), 1);
}

#[tokio::test]
async fn while_mysql_is_away_messages_are_delivered_and_the_run_is_no_success() {
    let house = House::new().await;
    let pair = house.two().await;
    let room = house.open_room(pair).await;
    let (id, _) = house.leave_message(room, pair[0], long_ago()).await;

    let refused = house.without_mysql().run().await.unwrap_err();

    assert_eq!(refused.code, Code::Unavailable);
    house.is_delivered(id).await;
}

#[tokio::test]
async fn twenty_runs_at_once_leave_nothing_behind() {
    let house = House::new().await;
    let pair = house.two().await;
    let room = house.commit_room(pair).await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let crew = house.crew();
        runs.spawn(async move { crew.run().await });
    }

    let reports: Vec<_> = runs.join_all().await.into_iter().map(Result::unwrap).collect();

    assert!(reports.iter().all(|report| report.failed == 0), "{reports:?}");
    assert!(house.mongo().find_access(RoomKey::private(room)).await.unwrap().is_some());
    assert_eq!(house.run().await.failed, 0);
    assert_eq!(house.mysql().outbox().count().await.unwrap(), 0);
}
