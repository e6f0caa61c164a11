use crate::house::{ANNA, AT, environments, house};
use domain::{SessionId, Timestamp};
use std::time::Duration;
use tokio::task::JoinSet;

fn session() -> SessionId {
    SessionId("s".to_owned())
}

#[tokio::test]
async fn a_ticket_is_burnt_once() {
    let database = house().await;
    database.mongo.insert_ticket("one", ANNA, &session(), AT).await.unwrap();
    let before = Timestamp::from_millis(AT.millis() - 1);
    let mut burning = JoinSet::new();
    for mongo in environments(&database, 20).await {
        burning.spawn(async move { mongo.burn_ticket("one", before).await.unwrap() });
    }

    let burnt = burning.join_all().await;

    assert_eq!(burnt.into_iter().flatten().collect::<Vec<_>>(), [(ANNA, session())]);
}

#[tokio::test]
async fn a_ticket_that_comes_late_is_none() {
    let database = house().await;
    database.mongo.insert_ticket("late", ANNA, &session(), AT).await.unwrap();

    assert_eq!(database.mongo.burn_ticket("late", AT).await.unwrap(), None);
}

#[tokio::test]
async fn sessions_that_end_again_with_others_stay_ended() {
    let database = house().await;
    let [one, two] = ["one", "two"].map(|id| SessionId(id.to_owned()));
    database.mongo.insert_revocations(std::slice::from_ref(&one), AT).await.unwrap();

    let both = database.mongo.insert_revocations(&[one.clone(), two.clone()], AT.plus(Duration::from_secs(1))).await;

    both.unwrap();
    for session in [one, two] {
        assert!(database.mongo.is_revoked(&session).await.unwrap(), "{session}");
    }
}
