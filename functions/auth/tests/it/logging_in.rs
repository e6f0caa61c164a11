use crate::house::{House, KEY, MINJI, NOON, PASSWORD, Tokens};
use axum::{body::Body, http::Request};
use credentials::RefreshTokens;
use serde_json::json;

/// Hashes of an older system, made by Python's `bcrypt` at the least cost.
const OLD: [(&str, &str); 2] = [
    ("correct horse battery", "$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS"),
    ("short", "$2b$04$abcdefghijklmnopqrstuuugH8XjOPXLdX/a9t3zWaL96n4O4U8.G"),
];

/// Someone whom an older system had registered.
async fn moved_in(house: &House, hash: &str) -> domain::UserId {
    let minji = house.join(MINJI).await;
    house.execute(&format!("UPDATE users SET password_hash = '{hash}'")).await;
    minji
}

#[tokio::test]
async fn a_login_begins_a_session_with_two_tokens() {
    let house = House::new().await;
    let minji = house.join("Minji@Example.com").await;

    let answer = house.log_in("minji@example.COM", PASSWORD).await;

    let tokens = Tokens::of(&answer);
    let claims = house.access_tokens().verify(&tokens.access, NOON).unwrap();
    let refresh = RefreshTokens::new(KEY, None).verify(&tokens.refresh).unwrap();
    assert_eq!((&answer.json()["token_type"], &answer.json()["expires_in"]), (&json!("bearer"), &json!(900)));
    assert_eq!((claims.user, claims.session, refresh.generation), (minji, refresh.session, 1));
}

#[tokio::test]
async fn a_login_may_come_as_oauth2_has_it() {
    let house = House::new().await;
    house.join(MINJI).await;
    let form = "grant_type=password&username=minji%40example.com&password=%EB%B9%84%EB%B0%80%EB%B2%88%ED%98%B8+1234&scope=&client_id=&client_secret=";

    let request = Request::post("/auth/login").header("content-type", "application/x-www-form-urlencoded");
    let answer = house.ask(request.body(Body::from(form)).unwrap()).await;

    assert_eq!((answer.status, &answer.json()["token_type"]), (200, &json!("bearer")));
}

#[tokio::test]
async fn a_refused_login_does_not_say_why() {
    let house = House::new().await;
    house.join(MINJI).await;
    house.join("gone@example.com").await;
    house.execute("UPDATE users SET is_active = FALSE WHERE username = 'gone'").await;

    let wrong_password = house.log_in(MINJI, "another password").await;

    assert_eq!(wrong_password.refusal(), (401, "invalid_credentials".to_owned()));
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        (MINJI, "x"),
        (MINJI, ""),
        ("nobody", PASSWORD),
        ("gone@example.com", PASSWORD),
    ] {
        let answer = house.log_in(email, password).await;
        assert_eq!((answer.status, &answer.text), (401, &wrong_password.text), "{email}");
    }
}

#[tokio::test]
async fn whoever_moved_in_with_an_older_hash_logs_in() {
    for (password, hash) in OLD {
        let house = House::new().await;
        moved_in(&house, hash).await;

        assert_eq!(house.log_in(MINJI, password).await.status, 200, "{password}");
    }
}

#[tokio::test]
async fn a_login_replaces_an_older_hash() {
    for (password, hash) in OLD {
        let house = House::new().await;
        let minji = moved_in(&house, hash).await;

        house.log_in(MINJI, password).await;

        let kept = house.mysql().users().find_password_hash(minji).await.unwrap().unwrap();
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert_eq!(house.log_in(MINJI, password).await.status, 200, "{password}");
    }
}

#[tokio::test]
async fn a_wrong_password_leaves_an_older_hash() {
    let house = House::new().await;
    let [(_, hash), _] = OLD;
    let minji = moved_in(&house, hash).await;

    let refused = house.log_in(MINJI, "another password").await;

    assert_eq!(refused.refusal(), (401, "invalid_credentials".to_owned()));
    assert_eq!(house.mysql().users().find_password_hash(minji).await.unwrap().as_deref(), Some(hash));
}
