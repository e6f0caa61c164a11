use crate::logins::{Logins, MINJI};
use axum::http::Method;
use serde_json::Value;

#[tokio::test]
async fn logout_revokes_its_tokens_at_once() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;

    let answer = logins.log_out(&tokens.access).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert!(!logins.knows(&tokens.access).await);
    assert_eq!(logins.refresh(&tokens.refresh).await.refusal(), (401, "refresh_token_invalid".to_owned()));
}

#[tokio::test]
async fn logout_keeps_other_sessions() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let (phone, laptop) = (logins.tokens(MINJI).await, logins.tokens(MINJI).await);

    logins.log_out(&phone.access).await;

    assert!(logins.knows(&laptop.access).await);
    assert_eq!(logins.refresh(&laptop.refresh).await.status, 200);
}

#[tokio::test]
async fn revoked_token_cannot_log_out() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;
    logins.log_out(&tokens.access).await;

    assert_eq!(logins.log_out(&tokens.access).await.refusal(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn logout_closes_only_connections_of_its_session() {
    let logins = Logins::new().await;
    let minji = logins.join(MINJI).await;
    let (phone, laptop) = (logins.tokens(MINJI).await, logins.tokens(MINJI).await);
    logins.connect(minji, phone.session(), "phone").await;
    logins.connect(minji, laptop.session(), "laptop").await;

    logins.log_out(&phone.access).await;

    assert_eq!(logins.connections(minji).await, ["laptop"]);
}

#[tokio::test]
async fn logout_not_projected_answers_503_and_is_relayed() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;
    // An index that only the projection goes by.
    logins.execute("ALTER TABLE sessions DROP KEY sessions_user_over_idx").await;

    let refused = logins.log_out(&tokens.access).await;

    assert_eq!(refused.status, 503);
    logins.execute("ALTER TABLE sessions ADD KEY sessions_user_over_idx (user_id, over_at)").await;
    assert_eq!(logins.log_out(&tokens.access).await.status, 204);
    assert!(!logins.knows(&tokens.access).await);
}

#[tokio::test]
async fn logout_is_never_limited() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;
    let logins = logins.limited_to(1);
    let end_nothing = async || {
        let path = format!("/auth/sessions/{}", "0".repeat(32));
        logins.call(Method::DELETE, &path, &tokens.access, &Value::Null).await.refusal()
    };
    assert_eq!(end_nothing().await, (404, "session_not_found".to_owned()));
    assert_eq!(end_nothing().await, (429, "rate_limited".to_owned()));

    assert_eq!(logins.log_out(&tokens.access).await.status, 204);
}
