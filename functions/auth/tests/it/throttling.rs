use crate::house::{Answer, House, MINJI, PASSWORD};
use axum::http::Method;
use credentials::hash_hex;
use serde_json::json;
use std::time::Duration;
use tokio::{task::JoinSet, time::Instant};

const WRONG: &str = "another password";

/// How many wrong passwords were compared before one was refused unseen, that refusal, and when the last one was sent.
struct Throttled {
    compared: usize,
    refused: Answer,
    since: Instant,
}

/// Tries wrong passwords until the first pause. The addresses are taken in turn.
async fn throttle(house: &House, emails: &[&str]) -> Throttled {
    let mut since = Instant::now();
    for (compared, email) in emails.iter().cycle().enumerate() {
        let sent = Instant::now();
        let refused = house.log_in(email, WRONG).await;
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
async fn after_five_failures_the_next_one_waits() {
    let house = House::new().await;
    house.join(MINJI).await;
    let begun = Instant::now();

    let throttled = throttle(&house, &[MINJI]).await;

    assert_eq!(throttled.refused.refusal(), (429, "rate_limited".to_owned()));
    assert!((1..=60).contains(&throttled.refused.retry_after()));
    assert!((5..=most_in(begun.elapsed())).contains(&throttled.compared), "{} were compared", throttled.compared);
}

#[tokio::test]
async fn an_address_that_nobody_has_waits_alike() {
    let house = House::new().await;
    house.join(MINJI).await;

    let (known, unknown) = (throttle(&house, &[MINJI]).await, throttle(&house, &["nobody@example.com"]).await);

    assert_eq!((unknown.refused.status, unknown.refused.text), (429, known.refused.text));
}

#[tokio::test]
async fn during_the_pause_the_right_password_waits_as_well() {
    let house = House::new().await;
    house.join(MINJI).await;
    let throttled = throttle(&house, &[MINJI]).await;

    let answer = house.log_in(MINJI, PASSWORD).await;

    // Unless the machine was so slow that the pause is over.
    assert!(answer.status == 429 || throttled.since.elapsed() >= Duration::from_secs(1), "{}", answer.text);
}

#[tokio::test]
async fn an_address_is_one_in_every_spelling() {
    let house = House::new().await;
    house.join(MINJI).await;

    let throttled = throttle(&house, &[MINJI, "MINJI@EXAMPLE.COM"]).await;

    assert!(throttled.compared < 10, "{} were compared", throttled.compared);
}

#[tokio::test]
async fn a_success_clears_the_failures() {
    let house = House::new().await;
    house.join(MINJI).await;
    for _ in 0..4 {
        assert_eq!(house.log_in(MINJI, WRONG).await.status, 401);
    }
    assert_eq!(house.log_in(MINJI, PASSWORD).await.status, 200);

    for _ in 0..5 {
        assert_eq!(house.log_in(MINJI, WRONG).await.status, 401);
    }
}

#[tokio::test]
async fn failures_from_elsewhere_hold_up_nobody_here() {
    let house = House::new().await;
    house.join(MINJI).await;
    // As the function names a guess; the requests of these tests come from an unknown address.
    let guess = |ip: &str| hash_hex(format!("{MINJI} {ip}").as_bytes());
    while house.mongo().begin_login(&guess("192.0.2.1")).await.is_ok() {}

    assert_eq!(house.log_in(MINJI, PASSWORD).await.status, 200);

    let since = Instant::now();
    while house.mongo().begin_login(&guess("unknown")).await.is_ok() {}
    let here = house.log_in(MINJI, PASSWORD).await;
    assert!(here.status == 429 || since.elapsed() >= Duration::from_secs(1), "the name of a guess is another one");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thirty_guesses_at_once_five_are_compared() {
    let house = House::new().await;
    house.join(MINJI).await;
    let begun = Instant::now();
    let mut guesses = JoinSet::new();
    for n in 0..30 {
        let house = house.clone();
        guesses.spawn(async move { house.log_in(MINJI, &format!("guess number {n}")).await.status });
    }

    let compared = guesses.join_all().await.into_iter().filter(|status| *status == 401).count();

    assert!((1..=most_in(begun.elapsed())).contains(&compared), "{compared} were compared");
}

#[tokio::test]
async fn whoever_guesses_the_current_password_waits_as_well() {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;
    let body = json!({"current_password": WRONG, "new_password": "battery horse correct"});
    let begun = Instant::now();

    let mut compared = 0;
    let refused = loop {
        let answer = house.call(Method::PUT, "/auth/password", &tokens.access, &body).await;
        if answer.status != 403 {
            break answer;
        }
        compared += 1;
    };

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!((5..=most_in(begun.elapsed())).contains(&compared), "{compared} were compared");
}

#[tokio::test]
async fn one_address_of_the_internet_signs_in_so_often_and_no_more() {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;
    let house = house.limited_to(2);

    let mut statuses = Vec::new();
    for n in 0..3 {
        statuses.push([
            house.register(&format!("person{n}@example.com"), &format!("person{n}")).await.status,
            house.log_in(MINJI, PASSWORD).await.status,
            house.refresh(&tokens.refresh).await.status,
        ]);
    }

    assert_eq!(statuses, [[201, 200, 200], [201, 200, 200], [429, 429, 429]]);
}

#[tokio::test]
async fn whoever_signs_in_too_often_hears_how_long_to_wait() {
    let house = House::new().await.limited_to(1);
    house.log_in(MINJI, PASSWORD).await;

    let refused = house.log_in(MINJI, PASSWORD).await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!((1..=60).contains(&refused.retry_after()), "{}", refused.retry_after());
}
