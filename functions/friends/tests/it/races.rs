use crate::{
    answers::{accept, end, reject},
    requests::{ask, asked, two},
};
use domain::{FriendshipStatus, MOST_FRIENDS, UserId};
use serde_json::{Value, json};
use std::collections::HashSet;
use testkit::{Answer, Door};

async fn friends(door: &Door, user: UserId) -> Vec<Value> {
    let friends = door.get(user, "/friends").await.json();
    friends["items"].as_array().unwrap().iter().map(|friend| friend["user"]["id"].clone()).collect()
}

async fn status(door: &Door, pair: [UserId; 2]) -> FriendshipStatus {
    door.mysql().friendships().find_between(pair).await.unwrap().unwrap().status
}

/// One is told that it made the request, unless a slow machine kept that answer back; all have the same one.
fn are_one_request(answers: &[(usize, Answer)]) {
    let made = answers.iter().filter(|(_, answer)| answer.status == 201).count();
    assert!(made <= 1 && answers.iter().all(|(_, answer)| [200, 201].contains(&answer.status)), "{answers:?}");
    let ids: HashSet<_> = answers.iter().map(|(_, answer)| answer.json()["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), 1);
}

/// Both stores and both people agree.
async fn are_friends(door: &Door, [a, b]: [UserId; 2], expected: bool) {
    for (one, other) in [(a, b), (b, a)] {
        let (listed, known) = (friends(door, one).await, door.known(one).await.friends);
        let friends: &[UserId] = if expected { &[other] } else { &[] };
        assert_eq!((json!(listed), known.as_slice()), (json!(friends), friends), "of {one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_mutual_requests_make_one_friendship() {
    let door = Door::new(friends::routes).await;
    let pair = two(&door).await;

    let answers =
        door.at_once(20, move |door, n| async move { ask(&door, pair[n % 2], pair[(n + 1) % 2]).await }).await;

    are_one_request(&answers);
    are_friends(&door, pair, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_pairs_become_friends() {
    let door = Door::new(friends::routes).await;
    let mut pairs = Vec::new();
    for n in 0..20 {
        pairs.push([door.join(&format!("left{n}")).await, door.join(&format!("right{n}")).await]);
    }

    let all = pairs.clone();
    let answers = door
        .at_once(40, move |door, n| {
            let pair = all[n / 2];
            async move { ask(&door, pair[n % 2], pair[(n + 1) % 2]).await }
        })
        .await;

    for (n, pair) in pairs.into_iter().enumerate() {
        let of_pair = |(number, _): &(usize, Answer)| number / 2 == n;
        let ids: HashSet<_> =
            answers.iter().filter(|answer| of_pair(answer)).map(|(_, answer)| answer.json()["id"].as_i64()).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        are_friends(&door, pair, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_requests_make_one() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;

    let answers = door.at_once(20, move |door, _| async move { ask(&door, minji, junho).await }).await;

    are_one_request(&answers);
    assert_eq!(door.known(junho).await.version, 2, "one request is one piece of news");
}

#[tokio::test(flavor = "multi_thread")]
async fn first_of_concurrent_answers_wins() {
    let door = Door::new(friends::routes).await;
    let pair = two(&door).await;
    let id = asked(&door, pair[0], pair[1]).await;

    let answers =
        door
            .at_once(20, move |door, n| {
                let id = id.clone();
                async move {
                    if n % 2 == 0 { accept(&door, pair[1], &id).await } else { reject(&door, pair[1], &id).await }
                }
            })
            .await;

    let is_accepted = status(&door, pair).await == FriendshipStatus::Accepted;
    for (n, answer) in answers {
        let expected = if (n % 2 == 0) == is_accepted { 200 } else { 404 };
        assert_eq!(answer.status, expected, "{n}: {}", answer.text);
    }
    are_friends(&door, pair, is_accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawal_wins_over_concurrent_answers() {
    let door = Door::new(friends::routes).await;
    let pair = two(&door).await;
    let id = asked(&door, pair[0], pair[1]).await;

    let answers = door
        .at_once(21, move |door, n| {
            let id = id.clone();
            async move {
                match n % 3 {
                    0 => accept(&door, pair[1], &id).await,
                    1 => reject(&door, pair[1], &id).await,
                    _ => end(&door, pair[0], &id).await,
                }
            }
        })
        .await;

    for (n, answer) in answers {
        // An answer is taken before the end, or comes too late.
        let expected: &[u16] = if n % 3 == 2 { &[204] } else { &[200, 404] };
        assert!(expected.contains(&answer.status), "{n}: {}", answer.text);
    }
    assert_eq!(status(&door, pair).await, FriendshipStatus::Rejected);
    are_friends(&door, pair, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_and_ends_keep_stores_equal() {
    let door = Door::new(friends::routes).await;
    let pair = two(&door).await;
    let id = asked(&door, pair[0], pair[1]).await;
    accept(&door, pair[1], &id).await;

    let answers = door
        .at_once(20, move |door, n| {
            let (id, [one, other]) = (id.clone(), [pair[n / 2 % 2], pair[(n / 2 + 1) % 2]]);
            async move { if n % 2 == 0 { ask(&door, one, other).await } else { end(&door, one, &id).await } }
        })
        .await;

    // An end finds nothing once somebody has asked anew.
    assert!(answers.iter().all(|(_, answer)| [200, 201, 204, 404].contains(&answer.status)), "{answers:?}");
    let is_accepted = status(&door, pair).await == FriendshipStatus::Accepted;
    are_friends(&door, pair, is_accepted).await;
}

/// A person's friends and requests: of a crowd, from an id on.
async fn know_all(door: &Door, user: UserId, from: UserId, status: &str) {
    let columns = "user_id_1, user_id_2, status, created_at, updated_at";
    let everyone = format!("SELECT id, {user}, '{status}', NOW(3), NOW(3) FROM users WHERE id >= {from}");
    door.execute(&format!("INSERT INTO friendships ({columns}) {everyone}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_friends_hold_when_many_accept_at_once() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let crowd = door.join_crowd(i32::try_from(MOST_FRIENDS).unwrap() + 9).await;
    know_all(&door, minji, crowd[10], "accepted").await;
    let mut requests = Vec::new();
    for other in &crowd[..10] {
        requests.push(asked(&door, *other, minji).await);
    }

    let answers = door
        .at_once(10, move |door, n| {
            let id = requests[n].clone();
            async move { accept(&door, minji, &id).await }
        })
        .await;

    for (_, answer) in &answers {
        assert!(answer.status == 200 || answer.refusal() == (409, "too_many_friends".to_owned()), "{}", answer.text);
    }
    assert_eq!(door.mysql().friendships().count_most([minji, junho]).await.unwrap(), MOST_FRIENDS);
    let mutual = asked(&door, junho, minji).await;
    assert_eq!(ask(&door, minji, junho).await.refusal(), (409, "too_many_friends".to_owned()), "{mutual}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_befriends_an_account_after_its_deletion() {
    let door = Door::new(friends::routes).await;
    let minji = door.join("minji").await;
    door.log_in(minji).await;
    let (mut others, mut received) = (Vec::new(), Vec::new());
    for n in 0..20 {
        others.push(door.join(&format!("other{n}")).await);
        received.push(asked(&door, minji, others[n]).await);
    }
    let asking = others.clone();
    let reach = door.at_once(20, move |door, n| {
        let (other, request) = (asking[n], received[n].clone());
        async move { if n % 2 == 0 { accept(&door, other, &request).await } else { ask(&door, other, minji).await } }
    });

    let (answers, deleted) = tokio::join!(reach, door.delete_account(minji));

    deleted.unwrap();
    assert!(answers.iter().all(|(_, answer)| [200, 404].contains(&answer.status)), "{answers:?}");
    for other in others {
        assert_eq!(friends(&door, other).await, Vec::<Value>::new());
        assert_eq!(ask(&door, other, minji).await.refusal(), (404, "user_not_found".to_owned()));
    }
}
