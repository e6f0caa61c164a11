use crate::{
    answers::{accept, end, reject},
    house::{Answer, House},
    requests::{ask, asked, two},
};
use domain::{FriendshipStatus, UserId};
use serde_json::{Value, json};
use tokio::task::JoinSet;

async fn friends(house: &House, user: UserId) -> Vec<Value> {
    let friends = house.get(user, "/friends").await.json();
    friends["items"].as_array().unwrap().iter().map(|friend| friend["user"]["id"].clone()).collect()
}

async fn status(house: &House, pair: [UserId; 2]) -> FriendshipStatus {
    house.mysql().friendships().find_between(pair).await.unwrap().unwrap().status
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
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
    let mut asking = JoinSet::new();
    for n in 0..20 {
        let house = house.clone();
        asking.spawn(async move { ask(&house, pair[n % 2], pair[(n + 1) % 2]).await });
    }

    let answers = asking.join_all().await;

    let mut all = statuses(&answers);
    all.sort_unstable();
    assert_eq!((&all[..19], all[19]), (&[200; 19][..], 201));
    let ids: std::collections::HashSet<_> =
        answers.iter().map(|answer| answer.json()["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), 1);
    are_friends(&house, pair, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_pairs_who_ask_each_other_at_once_are_friends() {
    let house = House::new().await;
    let mut pairs = Vec::new();
    for n in 0..20 {
        pairs.push([house.join(&format!("left{n}")).await, house.join(&format!("right{n}")).await]);
    }
    let mut asking = JoinSet::new();
    for (one, other) in pairs.iter().flat_map(|[a, b]| [(*a, *b), (*b, *a)]) {
        let house = house.clone();
        asking.spawn(async move { ask(&house, one, other).await.status });
    }

    let mut all = asking.join_all().await;

    all.sort_unstable();
    assert_eq!(all, [[200; 20], [201; 20]].concat());
    for pair in pairs {
        are_friends(&house, pair, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_of_one_to_another_at_once_are_one() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let house = house.clone();
        asking.spawn(async move { ask(&house, minji, junho).await });
    }

    let answers = asking.join_all().await;

    let mut all = statuses(&answers);
    all.sort_unstable();
    assert_eq!((&all[..19], all[19]), (&[200; 19][..], 201));
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    assert_eq!(house.known(junho).await.version, 2, "one request is one piece of news");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_yes_and_no_at_once_the_first_holds_for_all() {
    let house = House::new().await;
    let pair = two(&house).await;
    let id = asked(&house, pair[0], pair[1]).await;
    let mut answering = JoinSet::new();
    for n in 0..20 {
        let (house, id) = (house.clone(), id.clone());
        answering.spawn(async move {
            let answer =
                if n % 2 == 0 { accept(&house, pair[1], &id).await } else { reject(&house, pair[1], &id).await };
            (n % 2 == 0, answer)
        });
    }

    let (yes, no): (Vec<_>, Vec<_>) = answering.join_all().await.into_iter().partition(|(is_yes, _)| *is_yes);

    let is_accepted = status(&house, pair).await == FriendshipStatus::Accepted;
    let expected = if is_accepted { [200, 404] } else { [404, 200] };
    for (answers, expected) in [(yes, expected[0]), (no, expected[1])] {
        assert!(answers.iter().all(|(_, answer)| answer.status == expected), "{expected}: {answers:?}");
    }
    are_friends(&house, pair, is_accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_request_back_is_no_friend_whatever_is_answered_at_once() {
    let house = House::new().await;
    let pair = two(&house).await;
    let id = asked(&house, pair[0], pair[1]).await;
    let mut doing = JoinSet::new();
    for n in 0..21 {
        let (house, id) = (house.clone(), id.clone());
        doing.spawn(async move {
            match n % 3 {
                0 => ("accept", accept(&house, pair[1], &id).await),
                1 => ("reject", reject(&house, pair[1], &id).await),
                _ => ("end", end(&house, pair[0], &id).await),
            }
        });
    }

    for (what, answer) in doing.join_all().await {
        match what {
            "end" => assert_eq!(answer.status, 204, "{}", answer.text),
            // Taken before the end, or too late.
            _ => assert!([200, 404].contains(&answer.status), "{what}: {}", answer.text),
        }
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
    let mut doing = JoinSet::new();
    for n in 0..20 {
        let (house, id) = (house.clone(), id.clone());
        doing.spawn(async move {
            match n % 2 {
                0 => ask(&house, pair[n / 2 % 2], pair[(n / 2 + 1) % 2]).await,
                _ => end(&house, pair[n / 2 % 2], &id).await,
            }
        });
    }

    let answers = doing.join_all().await;

    // An end finds nothing once somebody has asked anew.
    assert!(answers.iter().all(|answer| [200, 201, 204, 404].contains(&answer.status)), "{answers:?}");
    let is_accepted = status(&house, pair).await == FriendshipStatus::Accepted;
    are_friends(&house, pair, is_accepted).await;
}
