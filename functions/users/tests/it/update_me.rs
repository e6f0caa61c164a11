use crate::house::{Answer, House};
use axum::http::Method;
use domain::{Locale, UserId};
use serde_json::{Value, json};

async fn update(house: &House, caller: UserId, change: &Value) -> Answer {
    house.call(caller, Method::PUT, "/users/me", change).await
}

async fn found(house: &House, caller: UserId, name: &str) -> usize {
    let answer = house.get(caller, format!("/users/search?q={name}")).await;
    answer.json()["items"].as_array().unwrap().len()
}

/// What may be changed of an account.
fn changeable(account: &Value) -> [&Value; 3] {
    ["display_name", "status_message", "locale"].map(|field| &account[field])
}

#[tokio::test]
async fn an_account_is_answered_as_changed_and_stays_so() {
    let house = House::new().await;
    let minji = house.join("minji").await;
    let change = json!({"display_name": " 김민지 ", "status_message": "오늘도 화이팅", "locale": "ko"});

    let answer = update(&house, minji, &change).await;

    assert_eq!(answer.status, 200);
    assert_eq!(changeable(&answer.json()), [&json!("김민지"), &json!("오늘도 화이팅"), &json!("ko")]);
    assert_eq!(house.get(minji, "/users/me").await.json(), answer.json());
}

#[tokio::test]
async fn what_is_absent_stays() {
    let house = House::new().await;
    let minji = house.join("minji").await;
    update(&house, minji, &json!({"status_message": "안녕", "locale": "ko"})).await;

    let answer = update(&house, minji, &json!({})).await;

    assert_eq!(changeable(&answer.json()), [&json!("MINJI"), &json!("안녕"), &json!("ko")]);
}

#[tokio::test]
async fn what_is_null_is_emptied() {
    let house = House::new().await;
    let minji = house.join("minji").await;
    update(&house, minji, &json!({"status_message": "안녕"})).await;

    let answer = update(&house, minji, &json!({"display_name": null, "status_message": null})).await;

    assert_eq!((answer.status, changeable(&answer.json())), (200, [&Value::Null, &Value::Null, &json!("en")]));
}

#[tokio::test]
async fn someone_is_found_by_the_new_name_only() {
    let house = House::new().await;
    let (user, friend) = (house.join("user").await, house.join("friend").await);
    update(&house, user, &json!({"display_name": "zoe"})).await;

    update(&house, user, &json!({"display_name": "yuna"})).await;

    assert_eq!([found(&house, friend, "zoe").await, found(&house, friend, "yuna").await], [0, 1]);
    assert_eq!(found(&house, friend, "user").await, 1, "the username stays");
}

#[tokio::test]
async fn someone_without_a_shown_name_is_found_by_the_username() {
    let house = House::new().await;
    let (user, friend) = (house.join("user").await, house.join("friend").await);
    update(&house, user, &json!({"display_name": "zoe"})).await;

    update(&house, user, &json!({"display_name": null})).await;

    assert_eq!([found(&house, friend, "zoe").await, found(&house, friend, "user").await], [0, 1]);
}

#[tokio::test]
async fn a_change_is_known_to_mongodb_when_it_is_answered() {
    let house = House::new().await;
    let minji = house.join("minji").await;

    update(&house, minji, &json!({"locale": "ko"})).await;

    let known = house.known(minji).await;
    assert_eq!((known.locale, known.version), (Locale::Ko, 2));
    assert_eq!(house.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_bad_value_is_named_and_changes_nothing() {
    let house = House::new().await;
    let minji = house.join("minji").await;

    for (change, field, reason) in [
        (json!({"display_name": " "}), "display_name", "blank"),
        (json!({"display_name": "a".repeat(101)}), "display_name", "too_long"),
        (json!({"status_message": "a\nb"}), "status_message", "control_character"),
        (json!({"status_message": 1}), "status_message", "wrong_type"),
        (json!({"locale": "fr"}), "locale", "wrong_type"),
        (json!({"email": "other@example.com"}), "email", "unknown_field"),
        (json!({"display_name": "ok", "username": "other"}), "username", "unknown_field"),
    ] {
        let answer = update(&house, minji, &change).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{change}");
    }
    assert_eq!(changeable(&house.get(minji, "/users/me").await.json()), [&json!("MINJI"), &Value::Null, &json!("en")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_changes_at_once_leave_both_stores_of_one_mind() {
    let house = House::new().await;
    let minji = house.join("minji").await;

    let answers = house
        .at_once(20, move |house, n| async move {
            let locale = if n % 2 == 0 { "ko" } else { "en" };
            update(&house, minji, &json!({"display_name": format!("name{n}"), "locale": locale})).await
        })
        .await;

    assert!(answers.iter().all(|(_, answer)| answer.status == 200), "{answers:?}");
    let (account, known) = (house.get(minji, "/users/me").await.json(), house.known(minji).await);
    assert_eq!(json!(known.locale), account["locale"]);
    assert!(known.version >= 21, "each change counts: {}", known.version);
    let name = account["display_name"].as_str().unwrap();
    let friend = house.join("friend").await;
    assert_eq!((found(&house, friend, name).await, found(&house, friend, "name").await), (1, 1));
}
