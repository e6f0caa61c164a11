use crate::house::House;
use serde_json::json;

#[tokio::test]
async fn a_profile_shows_what_everyone_may_see() {
    let house = House::new().await;
    let (minji, junho) = (house.join("minji").await, house.join("junho").await);

    let answer = house.get(minji, format!("/users/{junho}")).await;

    let profile = json!({"id": junho, "username": "junho", "display_name": "JUNHO", "status_message": null});
    assert_eq!((answer.status, answer.json()), (200, profile));
}

#[tokio::test]
async fn nobody_someone_gone_and_someone_who_blocked_the_caller_are_answered_alike() {
    let house = House::new().await;
    let minji = house.join("minji").await;
    let (gone, blocker) = (house.join("gone").await, house.join("blocker").await);
    house.deactivate(gone).await;
    house.block(blocker, minji).await;
    let unknown = house.get(minji, "/users/999999").await;

    assert_eq!(unknown.refusal(), (404, "user_not_found".to_owned()));
    for id in [
        gone.to_string(),
        blocker.to_string(),
        "0".to_owned(),
        "x".to_owned(),
        "-1".to_owned(),
        "99999999999".to_owned(),
    ] {
        let answer = house.get(minji, format!("/users/{id}")).await;
        assert_eq!((answer.status, &answer.text), (404, &unknown.text), "{id}");
    }
}

#[tokio::test]
async fn whoever_blocks_sees_whom_they_blocked() {
    let house = House::new().await;
    let (minji, junho) = (house.join("minji").await, house.join("junho").await);
    house.block(minji, junho).await;

    assert_eq!(house.get(minji, format!("/users/{junho}")).await.status, 200);
}
