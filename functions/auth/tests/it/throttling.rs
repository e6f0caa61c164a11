use crate::logins::{Logins, MINJI, PASSWORD};
use axum::http::Method;
use credentials::hash_hex;
use domain::Limit;
use serde_json::json;
use std::time::Duration;
use testkit::{Answer, NOON};
use tokio::{task::JoinSet, time::Instant};

const WRONG: &str = "another password";

/// How many wrong passwords were compared before one was refused unseen, that refusal, and when the last one was sent.
struct Throttled {
    compared: usize,
    refused: Answer,
    since: Instant,
}

/// Tries wrong passwords until the first pause. The addresses are taken in turn.
async fn throttle(logins: &Logins, emails: &[&str]) -> Throttled {
    let mut since = Instant::now();
    for (compared, email) in emails.iter().cycle().enumerate() {
        let sent = Instant::now();
        let refused = logins.log_in(email, WRONG).await;
        if refused.status == 429 {
            return Throttled { compared, refused, since };
        }
        assert_eq!(refused.refusal(), (401, "invalid_credentials".to_owned()));
        since = sent;
    }
    unreachable!("the addresses never end")
}

/// What may be compared by then: five, one more after a second, another one two more after that.
fn most_in(time: Duration) -> usize {
    5 + (1 + time.as_secs()).ilog2() as usize
}

#[tokio::test]
async fn sixth_failed_login_waits() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let begun = Instant::now();

    let throttled = throttle(&logins, &[MINJI]).await;

    assert_eq!(throttled.refused.refusal(), (429, "rate_limited".to_owned()));
    assert!((1..=60).contains(&throttled.refused.retry_after()));
    assert!((5..=most_in(begun.elapsed())).contains(&throttled.compared), "{} were compared", throttled.compared);
}

#[tokio::test]
async fn unknown_email_is_throttled_alike() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;

    let (known, unknown) = (throttle(&logins, &[MINJI]).await, throttle(&logins, &["nobody@example.com"]).await);

    assert_eq!((unknown.refused.status, unknown.refused.text), (429, known.refused.text));
}

#[tokio::test]
async fn correct_password_waits_during_pause() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let throttled = throttle(&logins, &[MINJI]).await;

    let answer = logins.log_in(MINJI, PASSWORD).await;

    // Unless the machine was so slow that the pause is over.
    assert!(answer.status == 429 || throttled.since.elapsed() >= Duration::from_secs(1), "{}", answer.text);
}

#[tokio::test]
async fn failures_count_for_every_spelling_of_email() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;

    let throttled = throttle(&logins, &[MINJI, "MINJI@EXAMPLE.COM"]).await;

    assert!(throttled.compared < 10, "{} were compared", throttled.compared);
}

#[tokio::test]
async fn successful_login_clears_failures() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    for _ in 0..4 {
        assert_eq!(logins.log_in(MINJI, WRONG).await.status, 401);
    }
    assert_eq!(logins.log_in(MINJI, PASSWORD).await.status, 200);

    for _ in 0..5 {
        assert_eq!(logins.log_in(MINJI, WRONG).await.status, 401);
    }
}

#[tokio::test]
async fn failures_from_other_ip_do_not_count() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    // As the function names a guess; the requests of these tests come from an unknown address.
    let guess = |ip: &str| hash_hex(format!("{MINJI} {ip}").as_bytes());
    while logins.mongo().limits().begin_login(&guess("192.0.2.1")).await.is_ok() {}

    assert_eq!(logins.log_in(MINJI, PASSWORD).await.status, 200);

    let since = Instant::now();
    while logins.mongo().limits().begin_login(&guess("unknown")).await.is_ok() {}
    let here = logins.log_in(MINJI, PASSWORD).await;
    assert!(here.status == 429 || since.elapsed() >= Duration::from_secs(1), "the name of a guess is another one");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_of_thirty_concurrent_guesses_are_compared() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let begun = Instant::now();
    let mut guesses = JoinSet::new();
    for n in 0..30 {
        let logins = logins.clone();
        guesses.spawn(async move { logins.log_in(MINJI, &format!("guess number {n}")).await.status });
    }

    let compared = guesses.join_all().await.into_iter().filter(|status| *status == 401).count();

    assert!((1..=most_in(begun.elapsed())).contains(&compared), "{compared} were compared");
}

#[tokio::test]
async fn guesses_of_current_password_are_throttled() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;
    let body = json!({"current_password": WRONG, "new_password": "battery horse correct"});
    let begun = Instant::now();

    let mut compared = 0;
    let refused = loop {
        let answer = logins.call(Method::PUT, "/auth/password", &tokens.access, &body).await;
        if answer.status != 403 {
            break answer;
        }
        compared += 1;
    };

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!((5..=most_in(begun.elapsed())).contains(&compared), "{compared} were compared");
}

#[tokio::test]
async fn guesses_of_current_password_count_per_person() {
    let logins = Logins::new().await;
    let minji = logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;
    let since = Instant::now();
    // As requests from any other address do.
    let by = hash_hex(format!("user:{minji}").as_bytes());
    while logins.mongo().limits().begin_login(&by).await.is_ok() {}

    let body = json!({"current_password": WRONG, "new_password": "battery horse correct"});
    let answer = logins.call(Method::PUT, "/auth/password", &tokens.access, &body).await;

    assert!(answer.status == 429 || since.elapsed() >= Duration::from_secs(1), "{}", answer.text);
}

#[tokio::test]
async fn sign_ins_per_ip_are_limited() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let logins = logins.limited_to(2);

    let mut statuses = Vec::new();
    for n in 0..3 {
        statuses.push([
            logins.register(&format!("person{n}@example.com"), &format!("person{n}")).await.status,
            logins.log_in(MINJI, PASSWORD).await.status,
            logins.refresh("forged").await.status,
        ]);
    }

    assert_eq!(statuses, [[201, 200, 401], [201, 200, 401], [429, 429, 429]]);
}

#[tokio::test]
async fn refreshes_are_limited_per_session_not_per_ip() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let (one, other) = (logins.tokens(MINJI).await, logins.tokens(MINJI).await);
    let logins = logins.limited_to(2);
    for _ in 0..3 {
        logins.refresh("forged").await;
    }

    let mut statuses = Vec::new();
    for tokens in [&one, &one, &one, &other] {
        statuses.push(logins.refresh(&tokens.refresh).await.status);
    }

    assert_eq!(statuses, [200, 200, 429, 200]);
}

#[tokio::test]
async fn failures_from_many_addresses_use_up_free_tries() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let account = format!("account:{}", hash_hex(MINJI.as_bytes()));
    // As a hundred logins from other addresses do.
    while logins.mongo().limits().spend(&account, Limit { burst: 100, per_minute: 2 }).await.is_ok() {}
    let since = Instant::now();

    let (first, second) = (logins.log_in(MINJI, WRONG).await, logins.log_in(MINJI, WRONG).await);

    assert_eq!(first.status, 401);
    assert!(second.status == 429 || since.elapsed() >= Duration::from_secs(1), "{}", second.text);
}

#[tokio::test]
async fn failures_from_many_addresses_lock_nobody_out() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let account = format!("account:{}", hash_hex(MINJI.as_bytes()));
    while logins.mongo().limits().spend(&account, Limit { burst: 100, per_minute: 2 }).await.is_ok() {}

    assert_eq!(logins.log_in(MINJI, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn thousand_recent_sessions_make_the_next_login_wait() {
    let logins = Logins::new().await;
    let minji = logins.join(MINJI).await;
    logins.end_sessions(minji, 1_000, NOON.minus(Duration::from_mins(5))).await;

    let refused = logins.log_in(MINJI, PASSWORD).await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert_eq!(logins.log_in(MINJI, WRONG).await.status, 401);
    let later = logins.at(|| NOON.plus(Duration::from_mins(11)));
    assert_eq!(later.log_in(MINJI, PASSWORD).await.status, 200, "their tokens have expired");
}

#[tokio::test]
async fn limited_sign_in_answers_retry_after() {
    let logins = Logins::new().await.limited_to(1);
    logins.log_in(MINJI, PASSWORD).await;

    let refused = logins.log_in(MINJI, PASSWORD).await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!((1..=60).contains(&refused.retry_after()), "{}", refused.retry_after());
}
