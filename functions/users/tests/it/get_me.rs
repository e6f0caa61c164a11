use crate::house::House;
use axum::http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn ones_own_account_shows_what_others_do_not_see() {
    let house = House::new().await;
    let minji = house.join("minji").await;

    let answer = house.get(minji, "/users/me").await;

    assert_eq!(
        (answer.status, answer.json()),
        (
            200,
            json!({"id": minji, "email": "minji@example.com", "username": "minji", "display_name": "MINJI",
                "status_message": null, "locale": "en", "created_at": "2036-07-18T13:20:00.000Z",
                "updated_at": "2036-07-18T13:20:00.000Z"})
        )
    );
}

#[tokio::test]
async fn an_account_that_is_gone_has_nobody() {
    let house = House::new().await;
    let minji = house.join("minji").await;
    house.deactivate(minji).await;

    for (method, body) in [(Method::GET, Value::Null), (Method::PUT, json!({"locale": "ko"}))] {
        let answer = house.call(minji, method, "/users/me", &body).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()));
    }
}

#[tokio::test]
async fn without_a_token_every_route_is_closed() {
    let house = House::new().await;

    for (method, path) in [
        (Method::GET, "/users/me"),
        (Method::PUT, "/users/me"),
        (Method::GET, "/users/search?q=m"),
        (Method::GET, "/users/1"),
    ] {
        let answer = house.ask(method, path, None, &Value::Null).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()), "{path}");
    }
}
