use crate::house::House;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// A problem but for the id of its request.
fn told((status, mut problem): (StatusCode, Value)) -> (StatusCode, Value) {
    problem["request_id"].take();
    (status, problem)
}

#[tokio::test]
async fn participants_see_their_room() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    let (_, room) = house.open(a, b).await;

    for person in [a, b] {
        assert_eq!(house.get(person, &room["id"]).await, (StatusCode::OK, room.clone()));
    }
}

#[tokio::test]
async fn a_stranger_learns_as_much_of_a_room_as_of_none() {
    let house = House::new().await;
    let (a, b, stranger) = (house.join("aa").await, house.join("bb").await, house.join("cc").await);
    let (_, room) = house.open(a, b).await;

    let hidden = told(house.get(stranger, &room["id"]).await);

    assert_eq!((hidden.0, &hidden.1["code"]), (StatusCode::NOT_FOUND, &json!("room_not_found")));
    for nothing in ["999999", "0", "01", "x", "99999999999", "-1"] {
        assert_eq!(told(house.get(stranger, nothing).await), hidden, "{nothing}");
    }
}
