use crate::scene::{ANNA, AT, environments, scene};
use domain::{SessionId, Timestamp};
use tokio::task::JoinSet;

fn session() -> SessionId {
    SessionId("s".to_owned())
}

#[tokio::test]
async fn a_ticket_is_burnt_once() {
    let database = scene().await;
    database.mongo.tickets().insert("one", ANNA, &session(), AT).await.unwrap();
    let before = Timestamp::from_millis(AT.millis() - 1);
    let mut burning = JoinSet::new();
    for mongo in environments(&database, 20).await {
        burning.spawn(async move { mongo.tickets().burn("one", before).await.unwrap() });
    }

    let burnt = burning.join_all().await;

    assert_eq!(burnt.into_iter().flatten().collect::<Vec<_>>(), [(ANNA, session())]);
}

#[tokio::test]
async fn a_ticket_that_comes_late_is_none() {
    let database = scene().await;
    database.mongo.tickets().insert("late", ANNA, &session(), AT).await.unwrap();

    assert_eq!(database.mongo.tickets().burn("late", AT).await.unwrap(), None);
}
