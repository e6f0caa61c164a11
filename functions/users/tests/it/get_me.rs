use axum::http::Method;
use serde_json::{Value, json};
use testkit::Door;

#[tokio::test]
async fn own_account_shows_private_fields() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;

    let answer = door.get(minji, "/users/me").await;

    assert_eq!(
        (answer.status, answer.json()),
        (
            200,
            json!({"id": minji, "email": "minji@example.com", "email_verified": false, "username": "minji", "display_name": "MINJI",
                "status_message": null, "avatar": null, "locale": "en", "presence_visibility": "friends", "read_receipts": true,
                "created_at": "2036-07-18T13:20:00.000Z",
                "updated_at": "2036-07-18T13:20:00.000Z"})
        )
    );
}

#[tokio::test]
async fn token_of_deleted_account_answers_401() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    door.deactivate(minji).await;

    for (method, body) in [(Method::GET, Value::Null), (Method::PUT, json!({"locale": "ko"}))] {
        let answer = door.call(minji, method, "/users/me", &body).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()));
    }
}

#[tokio::test]
async fn every_route_needs_a_token() {
    let door = Door::new(users::routes).await;

    for (method, path) in [
        (Method::GET, "/users/me"),
        (Method::PUT, "/users/me"),
        (Method::GET, "/users/search?q=m"),
        (Method::GET, "/users/1"),
    ] {
        let answer = door.ask(method, path, None, &Value::Null).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()), "{path}");
    }
}
