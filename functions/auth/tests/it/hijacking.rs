//! Whoever registers another's address keeps them from nothing and gets nothing of theirs.

use crate::{
    logins::{MINJI, PASSWORD, Tokens},
    mailed::{Mailed, NEW, invalid},
};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};
use testkit::Answer;

const SQUATTERS: &str = "another squatting password";

/// Somebody has registered Minji's address before she came.
async fn squatted() -> (Mailed, UserId, Tokens) {
    Mailed::with_minji().await
}

async fn change_password(mailed: &Mailed, access: &str, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    mailed.call(Method::PUT, "/auth/password", access, &body).await
}

#[tokio::test]
async fn owner_gets_in_though_the_address_is_taken() {
    let (mailed, squatter, _) = squatted().await;
    assert_eq!(mailed.register(MINJI, "the-real-minji").await.refusal(), (409, "email_taken".to_owned()));

    let token = mailed.reset_token().await;

    assert_eq!(mailed.reset(&token, NEW).await.status, 204);
    assert_eq!(mailed.log_in(MINJI, NEW).await.status, 200);
    assert!(mailed.is_verified(squatter).await);
}

#[tokio::test]
async fn squatter_has_nothing_left_after_the_owners_reset() {
    let (mailed, squatter, one) = squatted().await;
    let other = mailed.tokens(MINJI).await;
    let ticket = mailed.call(Method::POST, "/auth/ticket", &one.access, &Value::Null).await;
    assert_eq!(ticket.status, 201);
    mailed.connect(squatter, one.session(), "squatter").await;

    let token = mailed.reset_token().await;
    mailed.reset(&token, NEW).await;

    for tokens in [&one, &other] {
        assert!(!mailed.knows(&tokens.access).await);
        assert_eq!(mailed.refresh(&tokens.refresh).await.status, 401);
        let change = change_password(&mailed, &tokens.access, PASSWORD, SQUATTERS).await;
        assert_eq!(change.refusal(), (401, "unauthenticated".to_owned()));
        assert_eq!(mailed.ask_verification(&tokens.access).await.status, 401);
        // A ticket names its session, which no gate lets pass.
        assert!(mailed.mongo().gates().is_ended(squatter, &tokens.session()).await.unwrap());
    }
    assert_eq!(mailed.log_in(MINJI, PASSWORD).await.status, 401);
    assert_eq!(mailed.connections(squatter).await, [""; 0]);
}

#[tokio::test]
async fn owner_can_not_confirm_the_account_of_a_squatter() {
    let (mailed, squatter, _) = squatted().await;
    let token = mailed.verification();
    let body = json!({"token": token});

    let stranger = mailed.post("/auth/verify-email", &body).await;
    mailed.join("owner@example.com").await;
    let owner = mailed.tokens("owner@example.com").await;
    let elsewhere = mailed.verify(&owner.access, &token).await;

    assert_eq!(stranger.refusal(), (401, "unauthenticated".to_owned()));
    assert_eq!(elsewhere.refusal(), invalid());
    assert!(!mailed.is_verified(squatter).await);
}

#[tokio::test]
async fn mails_from_before_are_worth_nothing_after_the_reset() {
    let (mailed, ..) = squatted().await;
    let verification = mailed.verification();
    let token = mailed.reset_token().await;
    mailed.reset(&token, NEW).await;

    let owner = crate::logins::Tokens::of(&mailed.log_in(MINJI, NEW).await);

    assert_eq!(mailed.verify(&owner.access, &verification).await.refusal(), invalid());
    assert_eq!(mailed.reset(&token, SQUATTERS).await.refusal(), invalid());
}

#[tokio::test]
async fn squatter_can_not_end_the_owners_link() {
    let (mailed, _, squatter) = squatted().await;
    let token = mailed.reset_token().await;

    assert_eq!(change_password(&mailed, &squatter.access, PASSWORD, SQUATTERS).await.status, 204);
    assert_eq!(mailed.ask_verification(&squatter.access).await.status, 202);
    assert_eq!(mailed.log_out(&squatter.access).await.status, 204);

    assert_eq!(mailed.reset(&token, NEW).await.status, 204);
    assert_eq!(mailed.log_in(MINJI, SQUATTERS).await.status, 401);
}

#[tokio::test]
async fn requests_in_the_owners_name_leave_them_a_link_that_works() {
    let (mailed, ..) = squatted().await;
    let mailed = mailed.with_mails_limited_to(3);
    while mailed.ask_reset(MINJI).await.status == 202 {}

    let newest = mailed.token("reset-password");

    assert_eq!(mailed.reset(&newest, NEW).await.status, 204);
}

#[tokio::test]
async fn mails_hold_nothing_that_a_squatter_typed() {
    let mailed = Mailed::new().await;
    let body = json!({"email": MINJI, "username": "visit-evil-example", "password": PASSWORD,
        "display_name": "Visit https://evil.example"});
    assert_eq!(mailed.post("/auth/register", &body).await.status, 201);
    mailed.reset_token().await;

    for mail in mailed.ses.mails() {
        assert!(!format!("{mail:?}").contains("evil"), "{mail:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn squatter_who_logs_in_and_refreshes_during_the_reset_is_out() {
    let (mailed, squatter, tokens) = squatted().await;
    let token = mailed.reset_token().await;

    mailed
        .at_once(20, move |logins, n| {
            let (token, tokens) = (token.clone(), tokens.clone());
            async move {
                match n {
                    10 => logins.reset(&token, NEW).await,
                    n if n % 2 == 0 => logins.log_in(MINJI, PASSWORD).await,
                    _ => logins.refresh(&tokens.refresh).await,
                }
            }
        })
        .await;

    let live = mailed.mysql().sessions().list_live(squatter, testkit::NOON).await.unwrap();
    assert!(live.is_empty(), "{live:?}");
}
