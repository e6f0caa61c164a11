use axum::http::Method;
use domain::{Locale, UserId};
use serde_json::{Value, json};
use testkit::{Answer, Door};

async fn update(door: &Door, caller: UserId, change: &Value) -> Answer {
    door.call(caller, Method::PUT, "/users/me", change).await
}

async fn found(door: &Door, caller: UserId, name: &str) -> usize {
    let answer = door.get(caller, format!("/users/search?q={name}")).await;
    answer.json()["items"].as_array().unwrap().len()
}

/// What may be changed of an account.
fn changeable(account: &Value) -> [&Value; 3] {
    ["display_name", "status_message", "locale"].map(|field| &account[field])
}

#[tokio::test]
async fn update_answers_and_stores_the_account() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    let change = json!({"display_name": " 김민지 ", "status_message": "오늘도 화이팅", "locale": "ko"});

    let answer = update(&door, minji, &change).await;

    assert_eq!(answer.status, 200);
    assert_eq!(changeable(&answer.json()), [&json!("김민지"), &json!("오늘도 화이팅"), &json!("ko")]);
    assert_eq!(door.get(minji, "/users/me").await.json(), answer.json());
}

#[tokio::test]
async fn absent_fields_stay() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    update(&door, minji, &json!({"status_message": "안녕", "locale": "ko"})).await;

    let answer = update(&door, minji, &json!({})).await;

    assert_eq!(changeable(&answer.json()), [&json!("MINJI"), &json!("안녕"), &json!("ko")]);
}

#[tokio::test]
async fn null_fields_are_cleared() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    update(&door, minji, &json!({"status_message": "안녕"})).await;

    let answer = update(&door, minji, &json!({"display_name": null, "status_message": null})).await;

    assert_eq!((answer.status, changeable(&answer.json())), (200, [&Value::Null, &Value::Null, &json!("en")]));
}

#[tokio::test]
async fn search_finds_only_the_new_name() {
    let door = Door::new(users::routes).await;
    let (user, friend) = (door.join("user").await, door.join("friend").await);
    update(&door, user, &json!({"display_name": "zoe"})).await;

    update(&door, user, &json!({"display_name": "yuna"})).await;

    assert_eq!([found(&door, friend, "zoe").await, found(&door, friend, "yuna").await], [0, 1]);
    assert_eq!(found(&door, friend, "user").await, 1, "the username stays");
}

#[tokio::test]
async fn user_without_display_name_is_found_by_username() {
    let door = Door::new(users::routes).await;
    let (user, friend) = (door.join("user").await, door.join("friend").await);
    update(&door, user, &json!({"display_name": "zoe"})).await;

    update(&door, user, &json!({"display_name": null})).await;

    assert_eq!([found(&door, friend, "zoe").await, found(&door, friend, "user").await], [0, 1]);
}

#[tokio::test]
async fn update_is_projected_before_the_answer() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;

    update(&door, minji, &json!({"locale": "ko"})).await;

    let known = door.known(minji).await;
    assert_eq!((known.locale, known.version), (Locale::Ko, 2));
    assert_eq!(door.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn bad_values_are_named_and_change_nothing() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;

    for (change, field, reason) in [
        (json!({"display_name": " "}), "display_name", "blank"),
        (json!({"display_name": "a".repeat(101)}), "display_name", "too_long"),
        (json!({"display_name": "\u{3164}"}), "display_name", "blank"),
        (json!({"display_name": "민지\u{3164}"}), "display_name", "invisible_character"),
        (json!({"status_message": "a\nb"}), "status_message", "control_character"),
        (json!({"status_message": "a\u{2028}b"}), "status_message", "control_character"),
        (json!({"status_message": "\u{202e}a"}), "status_message", "invisible_character"),
        (json!({"status_message": 1}), "status_message", "wrong_type"),
        (json!({"locale": "fr"}), "locale", "wrong_type"),
        (json!({"email": "other@example.com"}), "$", "unknown_field"),
        (json!({"display_name": "ok", "username": "other"}), "$", "unknown_field"),
    ] {
        let answer = update(&door, minji, &change).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{change}");
    }
    assert_eq!(changeable(&door.get(minji, "/users/me").await.json()), [&json!("MINJI"), &Value::Null, &json!("en")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_updates_keep_stores_equal() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;

    let answers = door
        .at_once(20, move |door, n| async move {
            let locale = if n % 2 == 0 { "ko" } else { "en" };
            update(&door, minji, &json!({"display_name": format!("name{n}"), "locale": locale})).await
        })
        .await;

    assert!(answers.iter().all(|(_, answer)| answer.status == 200), "{answers:?}");
    let (account, known) = (door.get(minji, "/users/me").await.json(), door.known(minji).await);
    assert_eq!(json!(known.locale), account["locale"]);
    assert!(known.version >= 21, "each change counts: {}", known.version);
    let name = account["display_name"].as_str().unwrap();
    let friend = door.join("friend").await;
    assert_eq!((found(&door, friend, name).await, found(&door, friend, "name").await), (1, 1));
}

#[tokio::test]
async fn privacy_is_shown_and_projected() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    let privacy = |account: &Value| (account["presence_visibility"].clone(), account["read_receipts"].clone());
    assert_eq!(privacy(&door.get(minji, "/users/me").await.json()), (json!("friends"), json!(true)));

    for (change, expected) in [
        (json!({"presence_visibility": "nobody"}), (json!("nobody"), json!(true))),
        (json!({"read_receipts": false}), (json!("nobody"), json!(false))),
        (json!({"locale": "ko"}), (json!("nobody"), json!(false))),
        (json!({"presence_visibility": "friends", "read_receipts": true}), (json!("friends"), json!(true))),
    ] {
        let answer = update(&door, minji, &change).await;
        assert_eq!((answer.status, privacy(&answer.json())), (200, expected.clone()), "{change}");
        assert_eq!(privacy(&door.get(minji, "/users/me").await.json()), expected);
        let known = door.known(minji).await.privacy;
        assert_eq!((json!(known.presence_visibility.as_str()), json!(known.read_receipts)), expected);
    }
    assert_eq!(door.known(minji).await.display_name.as_deref(), Some("MINJI"));
}

#[tokio::test]
async fn visibility_is_changed_five_times_at_once() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    for visibility in ["friends", "nobody", "friends", "nobody", "friends"] {
        let answer = update(&door, minji, &json!({"presence_visibility": visibility})).await;
        assert_eq!(answer.status, 200, "{visibility}");
    }

    let answer = update(&door, minji, &json!({"presence_visibility": "nobody"})).await;

    assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
    assert_eq!(door.get(minji, "/users/me").await.json()["presence_visibility"], "friends");
    assert_eq!(update(&door, minji, &json!({"locale": "ko"})).await.status, 200);
}

#[tokio::test]
async fn unknown_visibility_is_refused() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;

    for change in [json!({"presence_visibility": "everybody"}), json!({"read_receipts": "no"})] {
        assert_eq!(update(&door, minji, &change).await.status, 422, "{change}");
    }
}
