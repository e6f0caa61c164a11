use crate::logins::{Logins, MINJI, PASSWORD, Tokens};
use axum::{body::Body, http::Request};
use credentials::RefreshTokens;
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use testkit::{KEY, NOON};
use tokio::time::Instant;

/// Hashes of an older system, made by Python's `bcrypt` at the least cost.
const OLD: [(&str, &str); 2] = [
    ("correct horse battery", "$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS"),
    ("short", "$2b$04$abcdefghijklmnopqrstuuugH8XjOPXLdX/a9t3zWaL96n4O4U8.G"),
];

/// The same of "비밀번호 1234" in NFD.
const NFD_HASH: &str = "$2b$04$abcdefghijklmnopqrstuudT65KaBWFdNin8qVMrbZmqUFK8tKhaO";

/// The same of 73 letters a, of which it knows 72.
const LONG_HASH: &str = "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe";

/// Someone whom an older system had registered.
async fn moved_in(logins: &Logins, hash: &str) -> domain::UserId {
    let minji = logins.join(MINJI).await;
    logins.execute(&format!("UPDATE users SET password_hash = '{hash}'")).await;
    minji
}

#[tokio::test]
async fn login_starts_session_with_two_tokens() {
    let logins = Logins::new().await;
    let minji = logins.join("Minji@Example.com").await;

    let answer = logins.log_in("minji@example.COM", PASSWORD).await;

    let tokens = Tokens::of(&answer);
    let claims = logins.access_tokens().verify(&tokens.access, NOON).unwrap();
    let refresh = RefreshTokens::new(KEY, None).verify(&tokens.refresh).unwrap();
    assert_eq!((&answer.json()["token_type"], &answer.json()["expires_in"]), (&json!("bearer"), &json!(900)));
    assert_eq!((claims.user, claims.session, refresh.generation), (minji, refresh.session, 1));
}

#[tokio::test]
async fn login_accepts_oauth2_password_form() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let form = "grant_type=password&username=minji%40example.com&password=%EB%B9%84%EB%B0%80%EB%B2%88%ED%98%B8+1234&scope=&client_id=&client_secret=";

    let request = Request::post("/auth/login").header("content-type", "application/x-www-form-urlencoded");
    let answer = logins.send(request.body(Body::from(form)).unwrap()).await;

    assert_eq!((answer.status, &answer.json()["token_type"]), (200, &json!("bearer")));
}

#[tokio::test]
async fn failed_logins_give_the_same_answer() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    logins.join("gone@example.com").await;
    logins.execute("UPDATE users SET is_active = FALSE WHERE username = 'gone'").await;

    let wrong_password = logins.log_in(MINJI, "another password").await;

    assert_eq!(wrong_password.refusal(), (401, "invalid_credentials".to_owned()));
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        (MINJI, "x"),
        (MINJI, ""),
        ("nobody", PASSWORD),
        ("gone@example.com", PASSWORD),
    ] {
        let answer = logins.log_in(email, password).await;
        assert_eq!((answer.status, &answer.text), (401, &wrong_password.text), "{email}");
    }
}

#[tokio::test]
async fn bcrypt_hash_of_migrated_account_still_logs_in() {
    for (password, hash) in OLD {
        let logins = Logins::new().await;
        moved_in(&logins, hash).await;

        assert_eq!(logins.log_in(MINJI, password).await.status, 200, "{password}");
    }
}

#[tokio::test]
async fn login_replaces_bcrypt_hash() {
    for (password, hash) in OLD {
        let logins = Logins::new().await;
        let minji = moved_in(&logins, hash).await;

        logins.log_in(MINJI, password).await;

        let kept = logins.mysql().users().find_password_hash(minji).await.unwrap().unwrap();
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert_eq!(logins.log_in(MINJI, password).await.status, 200, "{password}");
    }
}

#[tokio::test]
async fn password_in_decomposed_letters_still_fits_a_migrated_account() {
    // "비밀번호 1234" in NFD, as some keyboards type it.
    let typed = "\u{1107}\u{1175}\u{1106}\u{1175}\u{11af}\u{1107}\u{1165}\u{11ab}\u{1112}\u{1169} 1234";
    let logins = Logins::new().await;
    moved_in(&logins, NFD_HASH).await;

    assert_eq!(logins.log_in(MINJI, PASSWORD).await.status, 401);
    assert_eq!(logins.log_in(MINJI, typed).await.status, 200);
    // From now on every keyboard types it.
    assert_eq!(logins.log_in(MINJI, PASSWORD).await.status, 200);
    assert_eq!(logins.log_in(MINJI, typed).await.status, 200);
}

#[tokio::test]
async fn bcrypt_hash_of_a_longer_password_is_kept() {
    let logins = Logins::new().await;
    let minji = moved_in(&logins, LONG_HASH).await;

    assert_eq!(logins.log_in(MINJI, &"a".repeat(80)).await.status, 200);

    assert_eq!(logins.mysql().users().find_password_hash(minji).await.unwrap().as_deref(), Some(LONG_HASH));
    assert_eq!(logins.log_in(MINJI, &"a".repeat(80)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_first_logins_of_a_migrated_account_all_succeed() {
    let logins = Logins::new().await;
    let [(password, hash), _] = OLD;
    moved_in(&logins, hash).await;

    let answers = logins.at_once(4, move |logins, _| async move { logins.log_in(MINJI, password).await }).await;

    assert!(answers.iter().all(|(_, answer)| answer.status == 200), "{answers:?}");
}

#[tokio::test]
async fn password_of_inactive_account_counts_as_wrong_one() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    logins.execute("UPDATE users SET is_active = FALSE").await;
    let since = Instant::now();

    let mut statuses = BTreeSet::new();
    for _ in 0..6 {
        statuses.insert(logins.log_in(MINJI, PASSWORD).await.status);
    }

    assert!(statuses.contains(&429) || since.elapsed() >= Duration::from_secs(1), "{statuses:?}");
}

#[tokio::test]
async fn form_that_holds_a_json_body_is_refused_without_repeating_it() {
    let logins = Logins::new().await;
    let body = r#"{"email":"minji@example.com","password":"hunter2 hunter2"}"#;

    let request = Request::post("/auth/login").header("content-type", "application/x-www-form-urlencoded");
    let answer = logins.send(request.body(Body::from(body)).unwrap()).await;

    assert_eq!(answer.refusal(), (422, "invalid_fields".to_owned()));
    assert!(!answer.text.contains("hunter2") && !answer.text.contains("minji"), "{}", answer.text);
}

#[tokio::test]
async fn failed_login_keeps_bcrypt_hash() {
    let logins = Logins::new().await;
    let [(_, hash), _] = OLD;
    let minji = moved_in(&logins, hash).await;

    let refused = logins.log_in(MINJI, "another password").await;

    assert_eq!(refused.refusal(), (401, "invalid_credentials".to_owned()));
    assert_eq!(logins.mysql().users().find_password_hash(minji).await.unwrap().as_deref(), Some(hash));
}
