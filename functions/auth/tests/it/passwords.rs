use crate::house::{Answer, House, MINJI, PASSWORD, Tokens};
use axum::http::Method;
use serde_json::json;

const NEW: &str = "battery horse correct";

async fn change(house: &House, tokens: &Tokens, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    house.call(Method::PUT, "/auth/password", &tokens.access, &body).await
}

/// A house with somebody who is logged in.
async fn logged_in() -> (House, Tokens) {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;
    (house, tokens)
}

#[tokio::test]
async fn the_new_password_logs_in_and_the_old_one_does_not() {
    let (house, tokens) = logged_in().await;

    let answer = change(&house, &tokens, PASSWORD, NEW).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(house.log_in(MINJI, NEW).await.status, 200);
    assert_eq!(house.log_in(MINJI, PASSWORD).await.refusal(), (401, "invalid_credentials".to_owned()));
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let (house, here) = logged_in().await;
    let others = [house.tokens(MINJI).await, house.tokens(MINJI).await];

    change(&house, &here, PASSWORD, NEW).await;

    for other in others {
        assert!(!house.knows(&other.access).await);
        assert_eq!(house.refresh(&other.refresh).await.refusal(), (401, "refresh_token_invalid".to_owned()));
    }
}

#[tokio::test]
async fn the_session_that_changed_the_password_goes_on() {
    let (house, here) = logged_in().await;

    change(&house, &here, PASSWORD, NEW).await;

    assert!(house.knows(&here.access).await);
    assert_eq!(house.refresh(&here.refresh).await.status, 200);
}

#[tokio::test]
async fn without_the_current_password_nothing_changes() {
    let (house, tokens) = logged_in().await;
    let other = house.tokens(MINJI).await;

    let refused = change(&house, &tokens, "another password", NEW).await;

    assert_eq!(refused.refusal(), (403, "wrong_password".to_owned()));
    assert!(house.knows(&other.access).await);
    assert_eq!(house.log_in(MINJI, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_new_password_is_as_long_as_one_has_to_be() {
    let (house, tokens) = logged_in().await;

    for (new, reason) in [("short", "too_short"), ("a".repeat(129).as_str(), "too_long")] {
        let answer = change(&house, &tokens, PASSWORD, new).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!("new_password"), &json!(reason)));
    }
}

#[tokio::test]
async fn whoever_moved_in_with_a_short_password_replaces_it() {
    let (house, tokens) = logged_in().await;
    let hash = "$2b$04$abcdefghijklmnopqrstuuugH8XjOPXLdX/a9t3zWaL96n4O4U8.G";
    house.execute(&format!("UPDATE users SET password_hash = '{hash}'")).await;

    assert_eq!(change(&house, &tokens, "short", NEW).await.status, 204);

    assert_eq!(house.log_in(MINJI, NEW).await.status, 200);
}

#[tokio::test]
async fn one_persons_password_is_nobody_elses() {
    let (house, tokens) = logged_in().await;
    house.join("junho@example.com").await;
    let junho = house.tokens("junho@example.com").await;

    change(&house, &tokens, PASSWORD, NEW).await;

    assert!(house.knows(&junho.access).await);
    assert_eq!(house.log_in("junho@example.com", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_changes_at_once_one_wins() {
    let (house, tokens) = logged_in().await;

    let answers = house
        .at_once(20, move |house, n| {
            let tokens = tokens.clone();
            async move { change(&house, &tokens, PASSWORD, &format!("new password {n}")).await }
        })
        .await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status == 204);
    // Who comes after it has not shown the password of by then, or is one of too many who try at once.
    assert!(lost.iter().all(|(_, answer)| [403, 429].contains(&answer.status)), "{lost:?}");
    assert!(won.len() <= 1, "{won:?}");
    for (n, _) in won {
        assert_eq!(house.log_in(MINJI, &format!("new password {n}")).await.status, 200);
    }
    assert_eq!(house.log_in(MINJI, PASSWORD).await.refusal(), (401, "invalid_credentials".to_owned()));
}
