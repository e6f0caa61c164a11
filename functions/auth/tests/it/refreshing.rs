use crate::house::{Answer, House, KEY, MINJI, NOON, Tokens};
use credentials::RefreshTokens;
use domain::{Family, SessionId, Timestamp};
use std::{collections::HashSet, time::Duration};

const DAY: Duration = Duration::from_hours(24);

/// A house with somebody who is logged in.
async fn logged_in() -> (House, Tokens) {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;
    (house, tokens)
}

async fn refresh(house: &House, tokens: &Tokens) -> Tokens {
    Tokens::of(&house.refresh(&tokens.refresh).await)
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
async fn a_token_brings_the_next_one_of_the_same_session() {
    let (house, first) = logged_in().await;

    let second = refresh(&house, &first).await;

    assert_ne!(second.refresh, first.refresh);
    assert_eq!(second.session(), first.session());
    assert!(house.knows(&second.access).await);
}

#[tokio::test]
async fn each_new_token_brings_another() {
    let (house, mut tokens) = logged_in().await;
    let mut seen = HashSet::from([tokens.refresh.clone()]);

    for _ in 0..5 {
        tokens = refresh(&house, &tokens).await;
        assert!(seen.insert(tokens.refresh.clone()), "{} came twice", tokens.refresh);
    }
}

#[tokio::test]
async fn a_lost_answer_is_given_again_within_ten_seconds() {
    let (house, first) = logged_in().await;
    let second = refresh(&house, &first).await;

    let again = refresh(&house.at(just_in_time), &first).await;

    assert_eq!(again.refresh, second.refresh);
    assert_eq!(house.refresh(&second.refresh).await.status, 200);
}

#[tokio::test]
async fn a_token_that_comes_again_too_late_ends_its_session() {
    let (house, first) = logged_in().await;
    let second = refresh(&house, &first).await;

    assert!(is_refused(&house.at(too_late).refresh(&first.refresh).await));

    assert!(!house.knows(&second.access).await);
    assert!(is_refused(&house.refresh(&second.refresh).await));
}

#[tokio::test]
async fn an_older_token_ends_its_session_at_once() {
    let (house, first) = logged_in().await;
    let second = refresh(&house, &first).await;
    let third = refresh(&house, &second).await;

    assert!(is_refused(&house.refresh(&first.refresh).await));

    for tokens in [first, second, third] {
        assert!(!house.knows(&tokens.access).await);
        assert!(is_refused(&house.refresh(&tokens.refresh).await));
    }
}

#[tokio::test]
async fn a_stolen_token_ends_no_other_session() {
    let (house, first) = logged_in().await;
    let other = house.tokens(MINJI).await;
    let second = refresh(&house, &first).await;
    refresh(&house, &second).await;

    house.refresh(&first.refresh).await;

    assert!(house.knows(&other.access).await);
    assert_eq!(house.refresh(&other.refresh).await.status, 200);
}

#[tokio::test]
async fn a_session_that_ended_so_loses_its_sockets() {
    let house = House::new().await;
    let minji = house.join(MINJI).await;
    let first = house.tokens(MINJI).await;
    let second = refresh(&house, &first).await;
    refresh(&house, &second).await;
    house.connect(minji, first.session(), "phone").await;

    house.refresh(&first.refresh).await;

    assert_eq!(house.connections(minji).await, [""; 0]);
}

#[tokio::test]
async fn a_session_lives_for_thirty_days_unused() {
    let (house, first) = logged_in().await;

    let unused = house.at(|| NOON.plus(Family::IDLE)).refresh(&first.refresh).await;

    assert!(is_refused(&unused));
    let in_time = house.at(|| NOON.plus(Family::IDLE).minus(Duration::from_millis(1))).refresh(&first.refresh).await;
    assert_eq!(in_time.status, 200);
}

#[tokio::test]
async fn a_session_lives_for_ninety_days_however_much_it_is_used() {
    let (house, mut tokens) = logged_in().await;
    let used: [fn() -> Timestamp; 4] = [
        || NOON.plus(29 * DAY),
        || NOON.plus(58 * DAY),
        || NOON.plus(87 * DAY),
        || NOON.plus(Family::LIFE).minus(Duration::from_millis(1)),
    ];
    for moment in used {
        tokens = refresh(&house.at(moment), &tokens).await;
    }

    assert!(is_refused(&house.at(|| NOON.plus(Family::LIFE)).refresh(&tokens.refresh).await));
}

#[tokio::test]
async fn what_is_refused_is_refused_in_one_way() {
    let (house, live) = logged_in().await;
    let over = house.tokens(MINJI).await;
    house.log_out(&over.access).await;
    let ours = RefreshTokens::new(KEY, None);
    let another_key = RefreshTokens::new("fedcba9876543210fedcba9876543210", None);
    let garbage = house.refresh("garbage").await;

    let refused = [
        ("nothing", house.refresh("").await),
        ("another key's", house.refresh(&another_key.issue(&live.session(), 1)).await),
        ("one of a session that nobody has", house.refresh(&ours.issue(&SessionId::from_bytes([7; 16]), 1)).await),
        ("one of the future", house.refresh(&ours.issue(&live.session(), 2)).await),
        ("an access token", house.refresh(&live.access).await),
        ("one of a session that is over", house.refresh(&over.refresh).await),
        ("an idle one", house.at(|| NOON.plus(Family::IDLE)).refresh(&live.refresh).await),
        ("an expired one", house.at(|| NOON.plus(Family::LIFE)).refresh(&live.refresh).await),
    ];

    assert!(is_refused(&garbage));
    for (what, answer) in refused {
        assert_eq!((answer.status, &answer.text), (401, &garbage.text), "{what}");
    }
}

#[tokio::test]
async fn an_account_that_is_not_active_refreshes_nothing() {
    let (house, tokens) = logged_in().await;
    house.execute("UPDATE users SET is_active = FALSE").await;

    let refused = house.refresh(&tokens.refresh).await;

    assert_eq!((refused.status, refused.text), (401, house.refresh("garbage").await.text));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_refreshes_with_one_token_at_once_get_one_and_the_same() {
    let (house, first) = logged_in().await;

    let answers = house
        .at_once(20, move |house, _| {
            let token = first.refresh.clone();
            async move { house.refresh(&token).await }
        })
        .await;

    let given: HashSet<_> = answers.iter().map(|(_, answer)| Tokens::of(answer).refresh).collect();
    assert_eq!(given.len(), 1, "{given:?}");
    assert_eq!(house.refresh(given.iter().next().unwrap()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn refreshes_and_a_logout_at_once_end_logged_out() {
    let (house, first) = logged_in().await;

    let tokens = first.clone();
    let answers =
        house
            .at_once(20, move |house, n| {
                let tokens = tokens.clone();
                async move {
                    if n == 10 { house.log_out(&tokens.access).await } else { house.refresh(&tokens.refresh).await }
                }
            })
            .await;

    assert!(answers.iter().all(|(_, answer)| [200, 204, 401].contains(&answer.status)), "{answers:?}");
    let next = RefreshTokens::new(KEY, None).issue(&first.session(), 2);
    assert!(is_refused(&house.refresh(&next).await));
    assert!(!house.knows(&first.access).await);
}
