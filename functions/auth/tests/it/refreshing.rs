use crate::logins::{Logins, MINJI, Tokens};
use credentials::{RefreshTokens, hash_hex};
use domain::{Aggregate, Family, SessionId, Timestamp};
use std::{collections::HashSet, time::Duration};
use testkit::{Answer, KEY, NOON};

const DAY: Duration = Duration::from_hours(24);

/// A logins with somebody who is logged in.
async fn logged_in() -> (Logins, Tokens) {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;
    (logins, tokens)
}

async fn refresh(logins: &Logins, tokens: &Tokens) -> Tokens {
    Tokens::of(&logins.refresh(&tokens.refresh).await)
}

fn is_refused(answer: &Answer) -> bool {
    answer.refusal() == (401, "refresh_token_invalid".to_owned())
}

fn just_in_time() -> Timestamp {
    NOON.plus(Family::GRACE)
}

fn too_late() -> Timestamp {
    NOON.plus(Family::GRACE + Duration::from_millis(1))
}

#[tokio::test]
async fn refresh_rotates_token_within_session() {
    let (logins, first) = logged_in().await;

    let second = refresh(&logins, &first).await;

    assert_ne!(second.refresh, first.refresh);
    assert_eq!(second.session(), first.session());
    assert!(logins.knows(&second.access).await);
}

#[tokio::test]
async fn every_refresh_token_is_new() {
    let (logins, mut tokens) = logged_in().await;
    let mut seen = HashSet::from([tokens.refresh.clone()]);

    for _ in 0..5 {
        tokens = refresh(&logins, &tokens).await;
        assert!(seen.insert(tokens.refresh.clone()), "{} came twice", tokens.refresh);
    }
}

#[tokio::test]
async fn previous_token_is_answered_again_within_10_s() {
    let (logins, first) = logged_in().await;
    let second = refresh(&logins, &first).await;

    let again = refresh(&logins.at(just_in_time), &first).await;

    assert_eq!(again.refresh, second.refresh);
    assert_eq!(logins.refresh(&second.refresh).await.status, 200);
}

#[tokio::test]
async fn previous_token_after_10_s_ends_session() {
    let (logins, first) = logged_in().await;
    let second = refresh(&logins, &first).await;

    assert!(is_refused(&logins.at(too_late).refresh(&first.refresh).await));

    assert!(!logins.knows(&second.access).await);
    assert!(is_refused(&logins.refresh(&second.refresh).await));
}

#[tokio::test]
async fn previous_token_is_answered_again_to_the_same_attempt_a_day_later() {
    let (logins, first) = logged_in().await;
    let second = Tokens::of(&logins.refresh_as(&first.refresh, "attempt-1").await);

    let later = logins.at(|| NOON.plus(DAY));
    let again = Tokens::of(&later.refresh_as(&first.refresh, "attempt-1").await);

    assert_eq!(again.refresh, second.refresh);
    assert!(later.knows(&again.access).await);
    assert_eq!(later.refresh_as(&again.refresh, "attempt-2").await.status, 200);
}

#[tokio::test]
async fn previous_token_of_another_attempt_ends_session() {
    for attempt in [None, Some("another")] {
        let (logins, first) = logged_in().await;
        let second = Tokens::of(&logins.refresh_as(&first.refresh, "attempt").await);

        let late = logins.at(too_late);
        let stolen = match attempt {
            Some(attempt) => late.refresh_as(&first.refresh, attempt).await,
            None => late.refresh(&first.refresh).await,
        };

        assert!(is_refused(&stolen), "{attempt:?}");
        assert!(!logins.knows(&second.access).await);
    }
}

#[tokio::test]
async fn attempt_of_an_older_generation_ends_session() {
    let (logins, first) = logged_in().await;
    let second = Tokens::of(&logins.refresh_as(&first.refresh, "attempt").await);
    Tokens::of(&logins.refresh_as(&second.refresh, "next").await);

    assert!(is_refused(&logins.refresh_as(&first.refresh, "attempt").await));
}

#[tokio::test]
async fn attempt_is_stored_as_a_hash() {
    let (logins, first) = logged_in().await;
    logins.refresh_as(&first.refresh, "attempt").await;

    let hash = hash_hex(format!("{} attempt", first.session()).as_bytes());
    logins.execute(&format!("UPDATE sessions SET generation = generation + 9 WHERE attempt_hash = '{hash}'")).await;

    let expected = RefreshTokens::new(KEY, None).issue(&first.session(), 11);
    assert_eq!(logins.refresh(&expected).await.status, 200, "the row was found by the hash");
}

#[tokio::test]
async fn bad_attempt_is_refused_and_changes_nothing() {
    let (logins, first) = logged_in().await;

    for attempt in ["", "a b", "한", &"a".repeat(65)] {
        let answer = logins.refresh_as(&first.refresh, attempt).await;
        assert_eq!(answer.refusal(), (422, "invalid_fields".to_owned()), "{attempt}");
        assert_eq!(answer.json()["errors"][0]["field"], "attempt");
    }

    assert_eq!(logins.refresh(&first.refresh).await.status, 200);
}

#[tokio::test]
async fn reused_older_token_ends_session() {
    let (logins, first) = logged_in().await;
    let second = refresh(&logins, &first).await;
    let third = refresh(&logins, &second).await;

    assert!(is_refused(&logins.refresh(&first.refresh).await));

    for tokens in [first, second, third] {
        assert!(!logins.knows(&tokens.access).await);
        assert!(is_refused(&logins.refresh(&tokens.refresh).await));
    }
}

#[tokio::test]
async fn reused_token_keeps_other_sessions() {
    let (logins, first) = logged_in().await;
    let other = logins.tokens(MINJI).await;
    let second = refresh(&logins, &first).await;
    refresh(&logins, &second).await;

    logins.refresh(&first.refresh).await;

    assert!(logins.knows(&other.access).await);
    assert_eq!(logins.refresh(&other.refresh).await.status, 200);
}

#[tokio::test]
async fn reused_token_closes_connections() {
    let logins = Logins::new().await;
    let minji = logins.join(MINJI).await;
    let first = logins.tokens(MINJI).await;
    let second = refresh(&logins, &first).await;
    refresh(&logins, &second).await;
    logins.connect(minji, first.session(), "phone").await;

    logins.refresh(&first.refresh).await;

    assert_eq!(logins.connections(minji).await, [""; 0]);
}

#[tokio::test]
async fn idle_session_expires_after_30_days() {
    let (logins, first) = logged_in().await;

    let unused = logins.at(|| NOON.plus(Family::IDLE)).refresh(&first.refresh).await;

    assert!(is_refused(&unused));
    let in_time = logins.at(|| NOON.plus(Family::IDLE).minus(Duration::from_millis(1))).refresh(&first.refresh).await;
    assert_eq!(in_time.status, 200);
}

#[tokio::test]
async fn session_expires_after_90_days() {
    let (logins, mut tokens) = logged_in().await;
    let used: [fn() -> Timestamp; 4] = [
        || NOON.plus(29 * DAY),
        || NOON.plus(58 * DAY),
        || NOON.plus(87 * DAY),
        || NOON.plus(Family::LIFE).minus(Duration::from_millis(1)),
    ];
    for moment in used {
        tokens = refresh(&logins.at(moment), &tokens).await;
    }

    assert!(is_refused(&logins.at(|| NOON.plus(Family::LIFE)).refresh(&tokens.refresh).await));
}

#[tokio::test]
async fn refused_refreshes_give_the_same_answer() {
    let (logins, live) = logged_in().await;
    let over = logins.tokens(MINJI).await;
    logins.log_out(&over.access).await;
    let ours = RefreshTokens::new(KEY, None);
    let another_key = RefreshTokens::new("fedcba9876543210fedcba9876543210", None);
    let garbage = logins.refresh("garbage").await;

    let refused = [
        ("nothing", logins.refresh("").await),
        ("another key's", logins.refresh(&another_key.issue(&live.session(), 1)).await),
        ("one of a session that nobody has", logins.refresh(&ours.issue(&SessionId::from_bytes([7; 16]), 1)).await),
        ("one of the future", logins.refresh(&ours.issue(&live.session(), 2)).await),
        ("an access token", logins.refresh(&live.access).await),
        ("one of a session that is over", logins.refresh(&over.refresh).await),
        ("an idle one", logins.at(|| NOON.plus(Family::IDLE)).refresh(&live.refresh).await),
        ("an expired one", logins.at(|| NOON.plus(Family::LIFE)).refresh(&live.refresh).await),
    ];

    assert!(is_refused(&garbage));
    for (what, answer) in refused {
        assert_eq!((answer.status, &answer.text), (401, &garbage.text), "{what}");
    }
}

#[tokio::test]
async fn inactive_account_cannot_refresh() {
    let (logins, tokens) = logged_in().await;
    logins.execute("UPDATE users SET is_active = FALSE").await;

    let refused = logins.refresh(&tokens.refresh).await;

    assert_eq!((refused.status, refused.text), (401, logins.refresh("garbage").await.text));
}

#[tokio::test]
async fn account_that_is_active_again_needs_a_new_login() {
    let (logins, tokens) = logged_in().await;
    let minji = logins.access_tokens().verify(&tokens.access, NOON).unwrap().user;
    logins.execute("UPDATE users SET is_active = FALSE").await;
    logins.projector().project(Aggregate::Person(minji)).await.unwrap();

    logins.execute("UPDATE users SET is_active = TRUE").await;

    assert!(is_refused(&logins.refresh(&tokens.refresh).await));
    assert!(!logins.knows(&tokens.access).await);
    let new = logins.tokens(MINJI).await;
    assert!(logins.knows(&new.access).await);
    assert!(logins.knows(&refresh(&logins, &new).await.access).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_refreshes_get_the_same_token() {
    let (logins, first) = logged_in().await;

    let answers = logins
        .at_once(20, move |logins, _| {
            let token = first.refresh.clone();
            async move { logins.refresh(&token).await }
        })
        .await;

    let given: HashSet<_> = answers.iter().map(|(_, answer)| Tokens::of(answer).refresh).collect();
    assert_eq!(given.len(), 1, "{given:?}");
    assert_eq!(logins.refresh(given.iter().next().unwrap()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_wins_over_concurrent_refreshes() {
    let (logins, first) = logged_in().await;

    let tokens = first.clone();
    let answers =
        logins
            .at_once(20, move |logins, n| {
                let tokens = tokens.clone();
                async move {
                    if n == 10 { logins.log_out(&tokens.access).await } else { logins.refresh(&tokens.refresh).await }
                }
            })
            .await;

    assert!(answers.iter().all(|(_, answer)| [200, 204, 401].contains(&answer.status)), "{answers:?}");
    let next = RefreshTokens::new(KEY, None).issue(&first.session(), 2);
    assert!(is_refused(&logins.refresh(&next).await));
    assert!(!logins.knows(&first.access).await);
}
