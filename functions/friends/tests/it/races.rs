use crate::{
    answers::{accept, end, reject},
    house::{Answer, House},
    requests::{ask, asked, two},
};
use domain::{FriendshipStatus, UserId};
use serde_json::{Value, json};
use std::collections::HashSet;

async fn friends(house: &House, user: UserId) -> Vec<Value> {
    let friends = house.get(user, "/friends").await.json();
    friends["items"].as_array().unwrap().iter().map(|friend| friend["user"]["id"].clone()).collect()
}

async fn status(house: &House, pair: [UserId; 2]) -> FriendshipStatus {
    house.mysql().friendships().find_between(pair).await.unwrap().unwrap().status
}

/// One is told that it made the request, unless a slow machine kept that answer back; all have the same one.
fn are_one_request(answers: &[(usize, Answer)]) {
    let made = answers.iter().filter(|(_, answer)| answer.status == 201).count();
    assert!(made <= 1 && answers.iter().all(|(_, answer)| [200, 201].contains(&answer.status)), "{answers:?}");
    let ids: HashSet<_> = answers.iter().map(|(_, answer)| answer.json()["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), 1);
}

/// Both stores and both people agree.
async fn are_friends(house: &House, [a, b]: [UserId; 2], expected: bool) {
    for (one, other) in [(a, b), (b, a)] {
        let (listed, known) = (friends(house, one).await, house.known(one).await.friends);
        let friends: &[UserId] = if expected { &[other] } else { &[] };
        assert_eq!((json!(listed), known.as_slice()), (json!(friends), friends), "of {one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_ask_each_other_twenty_times_at_once_are_friends() {
    let house = House::new().await;
    let pair = two(&house).await;

    let answers =
        house.at_once(20, move |house, n| async move { ask(&house, pair[n % 2], pair[(n + 1) % 2]).await }).await;

    are_one_request(&answers);
    are_friends(&house, pair, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_pairs_who_ask_each_other_at_once_are_friends() {
    let house = House::new().await;
    let mut pairs = Vec::new();
    for n in 0..20 {
        pairs.push([house.join(&format!("left{n}")).await, house.join(&format!("right{n}")).await]);
    }

    let all = pairs.clone();
    let answers = house
        .at_once(40, move |house, n| {
            let pair = all[n / 2];
            async move { ask(&house, pair[n % 2], pair[(n + 1) % 2]).await }
        })
        .await;

    for (n, pair) in pairs.into_iter().enumerate() {
        let of_pair = |(number, _): &(usize, Answer)| number / 2 == n;
        let ids: HashSet<_> =
            answers.iter().filter(|answer| of_pair(answer)).map(|(_, answer)| answer.json()["id"].as_i64()).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        are_friends(&house, pair, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_of_one_to_another_at_once_are_one() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;

    let answers = house.at_once(20, move |house, _| async move { ask(&house, minji, junho).await }).await;

    are_one_request(&answers);
    assert_eq!(house.known(junho).await.version, 2, "one request is one piece of news");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_yes_and_no_at_once_the_first_holds_for_all() {
    let house = House::new().await;
    let pair = two(&house).await;
    let id = asked(&house, pair[0], pair[1]).await;

    let answers =
        house
            .at_once(20, move |house, n| {
                let id = id.clone();
                async move {
                    if n % 2 == 0 { accept(&house, pair[1], &id).await } else { reject(&house, pair[1], &id).await }
                }
            })
            .await;

    let is_accepted = status(&house, pair).await == FriendshipStatus::Accepted;
    for (n, answer) in answers {
        let expected = if (n % 2 == 0) == is_accepted { 200 } else { 404 };
        assert_eq!(answer.status, expected, "{n}: {}", answer.text);
    }
    are_friends(&house, pair, is_accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_request_back_is_no_friend_whatever_is_answered_at_once() {
    let house = House::new().await;
    let pair = two(&house).await;
    let id = asked(&house, pair[0], pair[1]).await;

    let answers = house
        .at_once(21, move |house, n| {
            let id = id.clone();
            async move {
                match n % 3 {
                    0 => accept(&house, pair[1], &id).await,
                    1 => reject(&house, pair[1], &id).await,
                    _ => end(&house, pair[0], &id).await,
                }
            }
        })
        .await;

    for (n, answer) in answers {
        // An answer is taken before the end, or comes too late.
        let expected: &[u16] = if n % 3 == 2 { &[204] } else { &[200, 404] };
        assert!(expected.contains(&answer.status), "{n}: {}", answer.text);
    }
    assert_eq!(status(&house, pair).await, FriendshipStatus::Rejected);
    are_friends(&house, pair, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_ends_at_once_leave_both_stores_of_one_mind() {
    let house = House::new().await;
    let pair = two(&house).await;
    let id = asked(&house, pair[0], pair[1]).await;
    accept(&house, pair[1], &id).await;

    let answers = house
        .at_once(20, move |house, n| {
            let (id, [one, other]) = (id.clone(), [pair[n / 2 % 2], pair[(n / 2 + 1) % 2]]);
            async move { if n % 2 == 0 { ask(&house, one, other).await } else { end(&house, one, &id).await } }
        })
        .await;

    // An end finds nothing once somebody has asked anew.
    assert!(answers.iter().all(|(_, answer)| [200, 201, 204, 404].contains(&answer.status)), "{answers:?}");
    let is_accepted = status(&house, pair).await == FriendshipStatus::Accepted;
    are_friends(&house, pair, is_accepted).await;
}
