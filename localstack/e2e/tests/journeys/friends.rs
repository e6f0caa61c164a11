//! Search, friend requests and friends.

use e2e::{Person, Socket, journey};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn two_people_find_each_other_and_become_friends() {
    journey(async |stack| {
        let (gildong, minji) = tokio::join!(stack.register("홍길동"), stack.register("minji"));
        let username = gildong.account["username"].as_str().unwrap();
        for q in ["ㅎㄱㄷ", "홍ㄱ", "호", username, &username.to_uppercase()] {
            let found = minji.api.get(&format!("/users/search?limit=100&q={q}")).await.with(200);
            assert!(people(&found["items"]).contains(&gildong.id), "{q}: {found}");
        }
        let (gildongs, minjis) = (gildong.socket().await, minji.socket().await);
        let before = [user_rev(&minjis).await, user_rev(&gildongs).await];

        let asked = minji.api.post("/friends/request", &json!({"user_id": gildong.id})).await.with(201);
        let told = [minjis.push().await, gildongs.push().await];
        let with = [gildong.id, minji.id];
        for ((frame, with), before) in told.iter().zip(with).zip(before) {
            assert_eq!((&frame["t"], &frame["d"]["by"]), (&json!("friend.requested"), &json!(minji.id)));
            assert_eq!((&frame["d"]["id"], &frame["d"]["user"]["id"]), (&asked["id"], &json!(with)));
            assert!(frame["d"]["user_rev"].as_i64().unwrap() > before);
        }
        assert_eq!(people(&list(&gildong, "/friends/requests").await), [minji.id]);
        assert_eq!(people(&list(&minji, "/friends/requests?direction=sent").await), [gildong.id]);
        let seen = [user_rev(&minjis).await, user_rev(&gildongs).await];

        gildong.api.call("PUT", &format!("/friends/{}/accept", asked["id"]), None).await.with(200);
        let told = [minjis.push().await, gildongs.push().await];
        for ((frame, with), seen) in told.iter().zip(with).zip(seen) {
            assert_eq!((&frame["t"], &frame["d"]["by"]), (&json!("friend.accepted"), &json!(gildong.id)));
            assert_eq!((&frame["d"]["id"], &frame["d"]["user"]["id"]), (&asked["id"], &json!(with)));
            assert!(frame["d"]["user_rev"].as_i64().unwrap() > seen);
        }
        for (person, friend) in [(&minji, &gildong), (&gildong, &minji)] {
            assert_eq!(people(&list(person, "/friends").await), [friend.id]);
            assert_eq!(list(person, "/friends/requests").await, json!([]));
        }
    });
}

#[test]
fn removed_friend_is_told_and_may_be_requested_again() {
    journey(async |stack| {
        let (minji, junho) = friends(stack).await;
        let number = list(&minji, "/friends").await[0]["id"].clone();
        let socket = junho.socket().await;

        for _ in 0..2 {
            assert_eq!(minji.api.delete(&format!("/friends/{number}")).await.status, 204);
        }

        let told = socket.push().await;
        assert_eq!((&told["t"], &told["d"]["by"]), (&json!("friend.removed"), &json!(minji.id)));
        assert_eq!(socket.pushes().await, Vec::<Value>::new());
        assert_eq!(list(&junho, "/friends").await, json!([]));
        let anew = minji.befriend(&junho).await;
        assert_ne!(json!(anew), number);
        // A late answer to an old request does not change a newer one.
        let late = junho.api.call("PUT", &format!("/friends/{number}/reject"), None).await;
        assert_eq!(late.refusal(), (404, "friendship_not_found".to_owned()));
        assert_eq!(people(&list(&junho, "/friends/requests").await), [minji.id]);
    });
}

#[test]
fn concurrent_mutual_friend_requests_make_friends() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));

        let answers = join_all((0..40).map(async |number| {
            let (one, other) = if number % 2 == 0 { (&minji, &junho) } else { (&junho, &minji) };
            one.api.post("/friends/request", &json!({"user_id": other.id})).await
        }))
        .await;

        for answer in &answers {
            assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
        }
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        let ids: BTreeSet<_> = answers.iter().map(|answer| answer.json()["id"].as_i64()).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(people(&list(&minji, "/friends").await), [junho.id]);
        assert_eq!(people(&list(&junho, "/friends").await), [minji.id]);
        assert_eq!(list(&minji, "/friends/requests").await, json!([]));
    });
}

#[test]
fn request_accepted_and_rejected_at_once_has_one_outcome() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let request = format!("/friends/{}", minji.befriend(&junho).await);

        let (accepted, rejected) = tokio::join!(
            join_all((0..7).map(async |_| junho.api.call("PUT", &format!("{request}/accept"), None).await.status)),
            join_all((0..7).map(async |_| junho.api.call("PUT", &format!("{request}/reject"), None).await.status)),
        );

        let is_accepted = accepted[0] == 200;
        let expected = if is_accepted { ([200; 7], [404; 7]) } else { ([404; 7], [200; 7]) };
        assert_eq!((&accepted[..], &rejected[..]), (&expected.0[..], &expected.1[..]));
        for (person, other) in [(&minji, &junho), (&junho, &minji)] {
            let friends = if is_accepted { vec![other.id] } else { vec![] };
            assert_eq!(people(&list(person, "/friends").await), friends);
            assert_eq!(list(person, "/friends/requests").await, json!([]));
            assert_eq!(list(person, "/friends/requests?direction=sent").await, json!([]));
        }
    });
}

#[test]
fn request_answered_and_cancelled_at_once_is_over_for_both() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let request = format!("/friends/{}", minji.befriend(&junho).await);

        let (accepted, rejected, taken_back) = tokio::join!(
            join_all((0..7).map(async |_| junho.api.call("PUT", &format!("{request}/accept"), None).await.status)),
            join_all((0..7).map(async |_| junho.api.call("PUT", &format!("{request}/reject"), None).await.status)),
            join_all((0..7).map(async |_| minji.api.delete(&request).await.status)),
        );

        assert!(
            accepted.iter().chain(&rejected).all(|status| matches!(status, 200 | 404)),
            "{accepted:?} {rejected:?}"
        );
        assert_eq!(taken_back, [204; 7]);
        for person in [&minji, &junho] {
            for path in ["/friends", "/friends/requests", "/friends/requests?direction=sent"] {
                assert_eq!(list(person, path).await, json!([]), "{path}");
            }
        }
    });
}

async fn friends(stack: &e2e::TestStack) -> (Person, Person) {
    let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
    let request = minji.befriend(&junho).await;
    junho.api.call("PUT", &format!("/friends/{request}/accept"), None).await.with(200);
    (minji, junho)
}

async fn user_rev(socket: &Socket) -> i64 {
    socket.ask("hello", json!({"v": 1})).await["d"]["user_rev"].as_i64().unwrap_or_default()
}

async fn list(person: &Person, path: &str) -> Value {
    person.api.get(path).await.with(200)["items"].clone()
}

/// The ids of people, or of the people of friendships.
fn people(items: &Value) -> Vec<i64> {
    let number = |item: &Value| item["user"]["id"].as_i64().or(item["id"].as_i64()).unwrap_or_default();
    items.as_array().into_iter().flatten().map(number).collect()
}
