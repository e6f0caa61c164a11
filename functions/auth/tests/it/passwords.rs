use crate::logins::{Logins, MINJI, PASSWORD, Tokens};
use axum::http::Method;
use serde_json::json;
use testkit::Answer;

const NEW: &str = "battery horse correct";

async fn change(logins: &Logins, tokens: &Tokens, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    logins.call(Method::PUT, "/auth/password", &tokens.access, &body).await
}

/// A logins with somebody who is logged in.
async fn logged_in() -> (Logins, Tokens) {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;
    (logins, tokens)
}

#[tokio::test]
async fn only_new_password_logs_in_after_change() {
    let (logins, tokens) = logged_in().await;

    let answer = change(&logins, &tokens, PASSWORD, NEW).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(logins.log_in(MINJI, NEW).await.status, 200);
    assert_eq!(logins.log_in(MINJI, PASSWORD).await.refusal(), (401, "invalid_credentials".to_owned()));
}

#[tokio::test]
async fn password_change_ends_other_sessions() {
    let (logins, here) = logged_in().await;
    let others = [logins.tokens(MINJI).await, logins.tokens(MINJI).await];

    change(&logins, &here, PASSWORD, NEW).await;

    for other in others {
        assert!(!logins.knows(&other.access).await);
        assert_eq!(logins.refresh(&other.refresh).await.refusal(), (401, "refresh_token_invalid".to_owned()));
    }
}

#[tokio::test]
async fn password_change_keeps_current_session() {
    let (logins, here) = logged_in().await;

    change(&logins, &here, PASSWORD, NEW).await;

    assert!(logins.knows(&here.access).await);
    assert_eq!(logins.refresh(&here.refresh).await.status, 200);
}

#[tokio::test]
async fn password_change_needs_current_password() {
    let (logins, tokens) = logged_in().await;
    let other = logins.tokens(MINJI).await;

    let refused = change(&logins, &tokens, "another password", NEW).await;

    assert_eq!(refused.refusal(), (403, "wrong_password".to_owned()));
    assert!(logins.knows(&other.access).await);
    assert_eq!(logins.log_in(MINJI, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn short_new_password_is_refused() {
    let (logins, tokens) = logged_in().await;

    for (new, reason) in [("short", "too_short"), ("a".repeat(129).as_str(), "too_long")] {
        let answer = change(&logins, &tokens, PASSWORD, new).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!("new_password"), &json!(reason)));
    }
}

#[tokio::test]
async fn migrated_short_password_can_be_changed() {
    let (logins, tokens) = logged_in().await;
    let hash = "$2b$04$abcdefghijklmnopqrstuuugH8XjOPXLdX/a9t3zWaL96n4O4U8.G";
    logins.execute(&format!("UPDATE users SET password_hash = '{hash}'")).await;

    assert_eq!(change(&logins, &tokens, "short", NEW).await.status, 204);

    assert_eq!(logins.log_in(MINJI, NEW).await.status, 200);
}

#[tokio::test]
async fn password_change_affects_only_its_account() {
    let (logins, tokens) = logged_in().await;
    logins.join("junho@example.com").await;
    let junho = logins.tokens("junho@example.com").await;

    change(&logins, &tokens, PASSWORD, NEW).await;

    assert!(logins.knows(&junho.access).await);
    assert_eq!(logins.log_in("junho@example.com", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_concurrent_password_changes_wins() {
    let (logins, tokens) = logged_in().await;

    let answers = logins
        .at_once(20, move |logins, n| {
            let tokens = tokens.clone();
            async move { change(&logins, &tokens, PASSWORD, &format!("new password {n}")).await }
        })
        .await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status == 204);
    // Who comes after it has not shown the password of by then, or is one of too many who try at once.
    assert!(lost.iter().all(|(_, answer)| [403, 429].contains(&answer.status)), "{lost:?}");
    assert!(won.len() <= 1, "{won:?}");
    for (n, _) in won {
        assert_eq!(logins.log_in(MINJI, &format!("new password {n}")).await.status, 200);
    }
    assert_eq!(logins.log_in(MINJI, PASSWORD).await.refusal(), (401, "invalid_credentials".to_owned()));
}

#[tokio::test]
async fn password_changes_have_a_limit_of_their_own() {
    let (logins, tokens) = logged_in().await;

    let answer = change(&logins, &tokens, "another password", NEW).await;

    assert_eq!(answer.status, 403);
    let limits = answer.headers["ratelimit"].to_str().unwrap();
    assert!(limits.starts_with(r#""passwords";r="#), "{limits}");
}
