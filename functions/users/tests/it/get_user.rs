use axum::http::Method;
use domain::{Aggregate, FriendshipStatus, SessionId, UserId};
use presence::{Patience, Watcher};
use serde_json::{Value, json};
use testkit::{Door, NOON};

#[tokio::test]
async fn profile_shows_public_fields() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);

    let answer = door.get(minji, format!("/users/{junho}")).await;

    let profile = json!({"id": junho, "username": "junho", "display_name": "JUNHO", "status_message": null, "avatar": null,
        "is_online": null, "last_seen_at": null});
    assert_eq!((answer.status, answer.json()), (200, profile));
}

#[tokio::test]
async fn unknown_deleted_and_blocking_users_answer_alike() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    let (gone, blocker) = (door.join("gone").await, door.join("blocker").await);
    door.deactivate(gone).await;
    door.block(blocker, minji).await;
    let unknown = door.get(minji, "/users/999999").await;

    assert_eq!(unknown.refusal(), (404, "user_not_found".to_owned()));
    for id in [
        gone.to_string(),
        blocker.to_string(),
        "0".to_owned(),
        "x".to_owned(),
        "-1".to_owned(),
        "99999999999".to_owned(),
    ] {
        let answer = door.get(minji, format!("/users/{id}")).await;
        assert_eq!((answer.status, &answer.text), (404, &unknown.text), "{id}");
    }
}

#[tokio::test]
async fn blocker_still_sees_blocked_user() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);
    door.block(minji, junho).await;

    assert_eq!(door.get(minji, format!("/users/{junho}")).await.status, 200);
}

async fn befriend(door: &Door, pair: [UserId; 2]) {
    let asked = door.mysql().friendships().insert(pair[0], pair[1], NOON).await.unwrap();
    let accepted = asked.changed_to(FriendshipStatus::Accepted, pair[1], NOON);
    door.mysql().friendships().update(&accepted).await.unwrap();
    for user in pair {
        door.projector().project(Aggregate::Person(user)).await.unwrap();
    }
}

async fn come_online(door: &Door, user: UserId) {
    door.connect(user, SessionId::from_bytes([1; 16]), &format!("phone of {user}")).await;
    door.mongo().presence().greet(user, NOON).await.unwrap();
    let watcher = Watcher { mongo: door.mongo().clone(), announcer: door.announcer(), clock: door.clock() };
    watcher.reconcile(&[user], Patience::Tell).await.unwrap();
}

#[tokio::test]
async fn friend_shows_whether_they_are_online() {
    let door = Door::new(users::routes).await;
    let (minji, junho, eve) = (door.join("minji").await, door.join("junho").await, door.join("eve").await);
    befriend(&door, [minji, junho]).await;
    come_online(&door, junho).await;
    let seen =
        async |caller, user: UserId| door.get(caller, format!("/users/{user}")).await.json()["is_online"].clone();

    assert_eq!(seen(minji, junho).await, json!(true));
    assert_eq!(seen(junho, minji).await, json!(false));
    for stranger in [(eve, junho), (junho, eve), (junho, junho)] {
        assert_eq!(seen(stranger.0, stranger.1).await, Value::Null);
    }
}

#[tokio::test]
async fn nobody_new_is_told_once_a_person_hides() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);
    befriend(&door, [minji, junho]).await;
    for user in [minji, junho] {
        come_online(&door, user).await;
    }
    door.pushes.all();
    let hide = json!({"presence_visibility": "nobody"});

    assert_eq!(door.call(junho, Method::PUT, "/users/me", &hide).await.status, 200);

    let (connection, frame) = door.pushes.next();
    assert_eq!((connection, &frame["d"]["people"][0]["online"]), (format!("phone of {minji}"), &json!(false)));
    assert_eq!(door.get(minji, format!("/users/{junho}")).await.json()["is_online"], json!(false));
    come_online(&door, junho).await;
    come_online(&door, minji).await;
    assert_eq!(door.pushes.count(), 0);
    let show = json!({"presence_visibility": "friends"});
    assert_eq!(door.call(junho, Method::PUT, "/users/me", &show).await.status, 200);
    assert_eq!(door.pushes.next().1["d"]["people"][0]["online"], json!(true));
}

#[tokio::test]
async fn look_that_began_before_a_person_hid_tells_nothing() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);
    befriend(&door, [minji, junho]).await;
    come_online(&door, minji).await;
    door.connect(junho, SessionId::from_bytes([2; 16]), "tablet").await;
    door.mongo().presence().greet(junho, NOON).await.unwrap();
    let before = door.mongo().presence().list(&[junho]).await.unwrap()[0];

    door.call(junho, Method::PUT, "/users/me", &json!({"presence_visibility": "nobody"})).await;

    assert_eq!(door.mongo().presence().announce(&[before], NOON).await.0, []);
}
