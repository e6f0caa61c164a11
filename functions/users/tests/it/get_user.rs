use serde_json::json;
use testkit::Door;

#[tokio::test]
async fn profile_shows_public_fields() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);

    let answer = door.get(minji, format!("/users/{junho}")).await;

    let profile = json!({"id": junho, "username": "junho", "display_name": "JUNHO", "status_message": null});
    assert_eq!((answer.status, answer.json()), (200, profile));
}

#[tokio::test]
async fn unknown_deleted_and_blocking_users_answer_alike() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    let (gone, blocker) = (door.join("gone").await, door.join("blocker").await);
    door.deactivate(gone).await;
    door.block(blocker, minji).await;
    let unknown = door.get(minji, "/users/999999").await;

    assert_eq!(unknown.refusal(), (404, "user_not_found".to_owned()));
    for id in [
        gone.to_string(),
        blocker.to_string(),
        "0".to_owned(),
        "x".to_owned(),
        "-1".to_owned(),
        "99999999999".to_owned(),
    ] {
        let answer = door.get(minji, format!("/users/{id}")).await;
        assert_eq!((answer.status, &answer.text), (404, &unknown.text), "{id}");
    }
}

#[tokio::test]
async fn blocker_still_sees_blocked_user() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);
    door.block(minji, junho).await;

    assert_eq!(door.get(minji, format!("/users/{junho}")).await.status, 200);
}
