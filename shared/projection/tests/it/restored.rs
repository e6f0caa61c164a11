use crate::stores::{NOON, Stores, note, open_room, touch_people};
use domain::{Access, Aggregate, RoomKey};
use testkit::errors;

#[tokio::test]
async fn person_restored_from_backup_is_logged_as_error_and_kept() {
    let stores = Stores::new().await;
    let user = stores.pair[0];
    let mut lost = stores.mysql().users().find_snapshot(user).await.unwrap().unwrap().person;
    lost.version = 7;
    stores.projector.mongo.people().project(&lost).await.unwrap();
    stores.mysql().transact(vec![Aggregate::Person(user)], note).await.unwrap();

    let errors = errors(async || stores.projector.project(Aggregate::Person(user)).await.unwrap()).await;

    assert!(matches!(&errors[..], [error] if error.contains("projected=7 newest=Some(1)")), "{errors:?}");
    assert_eq!(stores.waiting().await, 1);
}

#[tokio::test]
async fn room_restored_from_backup_is_logged_as_error_and_kept() {
    let stores = Stores::new().await;
    let room = stores.mysql().transact(stores.pair, open_room).await.unwrap().answer;
    let lost = Access { room: RoomKey::private(room), version: 7, members: Vec::new(), blocked: false };
    stores.projector.mongo.rooms().project(&lost, NOON).await.unwrap();

    let errors = errors(async || stores.projector.project(Aggregate::PrivateRoom(room)).await.unwrap()).await;

    assert!(matches!(&errors[..], [error] if error.contains("projected=7 newest=Some(1)")), "{errors:?}");
    assert_eq!(stores.waiting().await, 1);
}

#[tokio::test]
async fn projections_that_overtake_each_other_log_no_error() {
    let stores = Stores::new().await;

    let errors = errors(async || {
        let changes = (0..20).map(|_| stores.projector.change(stores.pair, touch_people));
        for change in futures_util::future::join_all(changes).await {
            change.unwrap();
        }
    })
    .await;

    assert_eq!(errors, [""; 0]);
    assert_eq!(stores.waiting().await, 0);
}
