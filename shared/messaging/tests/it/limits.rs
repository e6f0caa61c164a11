use crate::house::{ANNA, BORA, EVE, House, draft, refusal};
use domain::{Code, RoomId, RoomKey};
use messaging::send_message;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Three at once, and so few a minute that none comes back while a test runs.
async fn house() -> House {
    House::with_send_limit(3, 1).await
}

async fn send(house: &House, names: &[&str]) {
    for name in names {
        house.send(ANNA, name, "hi").await.unwrap();
    }
}

#[tokio::test]
async fn whoever_sends_too_much_hears_how_long_to_wait() {
    let house = house().await;
    send(&house, &["a", "b", "c"]).await;

    let refused = house.send(ANNA, "d", "hi").await.err().unwrap();

    assert_eq!(refused.code, Code::RateLimited);
    assert!(refused.retry_after.unwrap() <= Duration::from_mins(1));
}

#[tokio::test]
async fn what_was_refused_is_sent_when_there_is_room_again() {
    let house = house().await;
    send(&house, &["a", "b", "c"]).await;
    assert_eq!(refusal(house.send(ANNA, "d", "hi").await), Code::RateLimited);
    house.mongo().refund(&format!("send:{ANNA}")).await.unwrap();

    assert!(!house.send(ANNA, "d", "hi").await.unwrap().duplicate);
}

#[tokio::test]
async fn one_persons_messages_hold_up_nobody_else() {
    let house = house().await;
    send(&house, &["a", "b", "c"]).await;

    house.send(BORA, "a", "hi").await.unwrap();
}

#[tokio::test]
async fn a_retry_is_answered_over_the_limit() {
    let house = house().await;
    send(&house, &["a", "b", "c"]).await;

    assert!(house.send(ANNA, "a", "hi").await.unwrap().duplicate);
}

#[tokio::test]
async fn retries_are_free() {
    let house = house().await;
    send(&house, &["a", "b"]).await;
    send(&house, &["a"; 10]).await;

    send(&house, &["c"]).await;

    assert_eq!(refusal(house.send(ANNA, "d", "hi").await), Code::RateLimited);
}

#[tokio::test]
async fn a_stranger_is_hidden_from_over_the_limit_too() {
    let house = house().await;

    for n in 0..6 {
        assert_eq!(refusal(house.send(EVE, &n.to_string(), "hi").await), Code::RoomNotFound);
    }
}

#[tokio::test]
async fn over_the_limit_an_unknown_room_is_still_unknown() {
    let house = house().await;
    send(&house, &["a", "b", "c"]).await;
    let mut astray = draft(ANNA, "d", "hi");
    astray.room = RoomKey::private(RoomId(99));

    let refused = send_message(house.messenger(), &house.pushed, &astray, None).await;

    assert_eq!(refusal(refused), Code::RoomNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_forty_sends_at_once_the_limits_twenty_are_written() {
    let house = Arc::new(House::with_send_limit(20, 1).await);
    let mut sends = JoinSet::new();
    for (n, mongo) in house.environments(40).await.into_iter().enumerate() {
        let house = Arc::clone(&house);
        sends.spawn(async move {
            let draft = draft(ANNA, &n.to_string(), "hi");
            send_message(house.messenger_of(&mongo), &house.pushed, &draft, None).await
        });
    }

    let (sent, refused): (Vec<_>, Vec<_>) = sends.join_all().await.into_iter().partition(Result::is_ok);

    assert!(refused.into_iter().all(|refused| refusal(refused) == Code::RateLimited));
    assert_eq!(sent.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_retries_at_once_cost_one_token() {
    let house = Arc::new(House::with_send_limit(30, 1).await);
    let mut sends = JoinSet::new();
    for mongo in house.environments(20).await {
        let house = Arc::clone(&house);
        sends.spawn(async move {
            send_message(house.messenger_of(&mongo), &house.pushed, &draft(ANNA, "a", "hi"), None).await
        });
    }
    sends.join_all().await.into_iter().for_each(|sent| drop(sent.unwrap()));

    for n in 0..29 {
        house.send(ANNA, &n.to_string(), "hi").await.unwrap();
    }

    assert_eq!(refusal(house.send(ANNA, "more", "hi").await), Code::RateLimited);
}
