use crate::{
    answers::accept,
    requests::{asked, two},
};
use domain::{ConnectionId, Person, PresenceVisibility, Privacy, SessionId, UserId};
use presence::{Patience, Watcher};
use serde_json::{Value, json};
use testkit::{Answer, Door, NOON};

fn profile(id: UserId, name: &str) -> Value {
    json!({"id": id, "username": name, "display_name": name.to_uppercase(), "status_message": null, "avatar": null})
}

fn ids(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
}

/// Every item of a list, by pages of three.
async fn by_pages(door: &Door, caller: UserId, path: &str) -> Vec<Value> {
    let (mut items, mut query) = (Vec::new(), format!("{path}limit=3"));
    loop {
        let page = door.get(caller, &query).await;
        items.extend(ids(&page));
        let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else { return items };
        query = format!("{path}limit=3&cursor={cursor}");
    }
}

#[tokio::test]
async fn request_is_listed_as_received_and_as_sent() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    let page = |items: Value| json!({"items": items, "next_cursor": null});

    for (caller, query, items) in [
        (junho, "", json!([{"id": id, "user": profile(minji, "minji"), "since": NOON}])),
        (junho, "?direction=received", json!([{"id": id, "user": profile(minji, "minji"), "since": NOON}])),
        (junho, "?direction=sent", json!([])),
        (minji, "", json!([])),
        (minji, "?direction=sent", json!([{"id": id, "user": profile(junho, "junho"), "since": NOON}])),
    ] {
        let answer = door.get(caller, format!("/friends/requests{query}")).await;
        assert_eq!((answer.status, answer.json()), (200, page(items)), "{caller} {query}");
    }
}

#[tokio::test]
async fn friends_are_listed_on_both_sides() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    accept(&door, junho, &id).await;

    for (caller, friend) in [(minji, profile(junho, "junho")), (junho, profile(minji, "minji"))] {
        let friends = door.get(caller, "/friends").await.json();
        let friend = json!({"id": id, "user": friend, "since": NOON, "is_online": false, "last_seen_at": null});
        assert_eq!(friends, json!({"items": [friend], "next_cursor": null}));
        assert_eq!(door.get(caller, "/friends/requests").await.json()["items"], json!([]));
        assert_eq!(door.get(caller, "/friends/requests?direction=sent").await.json()["items"], json!([]));
    }
}

#[tokio::test]
async fn pages_cover_the_whole_list() {
    let door = Door::new(friends::routes).await;
    let minji = door.join("minji").await;
    for n in 0..7 {
        let other = door.join(&format!("person{n}")).await;
        let id = if n % 2 == 0 { asked(&door, other, minji).await } else { asked(&door, minji, other).await };
        accept(&door, if n % 2 == 0 { minji } else { other }, &id).await;
        let suitor = door.join(&format!("suitor{n}")).await;
        asked(&door, suitor, minji).await;
    }

    for path in ["/friends", "/friends/requests"] {
        let whole = ids(&door.get(minji, path).await);
        assert!(whole.is_sorted_by(|a, b| a.as_i64() > b.as_i64()), "the newest first: {whole:?}");
        assert_eq!((whole.len(), by_pages(&door, minji, &format!("{path}?")).await), (7, whole), "{path}");
    }
}

#[tokio::test]
async fn deleted_accounts_are_not_listed() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let suitor = door.join("suitor").await;
    let id = asked(&door, minji, junho).await;
    accept(&door, junho, &id).await;
    asked(&door, suitor, minji).await;
    for user in [junho, suitor] {
        door.deactivate(user).await;
    }

    for path in ["/friends", "/friends/requests"] {
        assert_eq!(door.get(minji, path).await.json()["items"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn bad_queries_are_named() {
    let door = Door::new(friends::routes).await;
    let [minji, _] = two(&door).await;

    for (path, field) in [
        ("/friends?limit=0", "limit"),
        ("/friends?cursor=x", "cursor"),
        ("/friends?direction=sent", "$"),
        ("/friends/requests?direction=both", "direction"),
        ("/friends/requests?limit=101", "limit"),
    ] {
        let answer = door.get(minji, path).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (422, &json!(field)), "{path}");
    }
}

/// Somebody opens a connection, says hello, and friends are told.
async fn come_online(door: &Door, user: UserId) {
    door.connect(user, SessionId::from_bytes([1; 16]), &format!("phone of {user}")).await;
    door.mongo().presence().greet(user, NOON).await.unwrap();
    look(door, user).await;
}

async fn look(door: &Door, user: UserId) {
    let watcher = Watcher { mongo: door.mongo().clone(), announcer: door.announcer(), clock: door.clock() };
    watcher.reconcile(&[user], Patience::Tell).await.unwrap();
}

#[tokio::test]
async fn friends_show_who_is_online_with_one_read() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    accept(&door, junho, &id).await;
    come_online(&door, junho).await;
    let seen = async |caller| {
        let items = door.get(caller, "/friends").await.json()["items"].clone();
        (items[0]["is_online"].clone(), items[0]["last_seen_at"].clone())
    };

    seen(minji).await;
    let mut profile = door.profile().await;
    assert_eq!(seen(minji).await, (json!(true), Value::Null));
    assert_eq!(profile.count().await, 2, "the gate and who is online");
    let sockets = door.mongo().connections();
    sockets.remove(&ConnectionId(format!("phone of {junho}"))).await.unwrap();
    look(&door, junho).await;

    assert_eq!(seen(minji).await, (json!(false), json!("2036-07-18T13:20:00.000Z")));
    assert_eq!(seen(junho).await, (json!(false), Value::Null), "who was never online");
}

#[tokio::test]
async fn hidden_presence_works_in_both_directions() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;
    accept(&door, junho, &id).await;
    for user in [minji, junho] {
        come_online(&door, user).await;
    }
    let known = door.known(junho).await;
    let privacy = Privacy { presence_visibility: PresenceVisibility::Nobody, ..known.privacy };
    door.mongo().people().project(&Person { privacy, ..known }).await.unwrap();

    for caller in [minji, junho] {
        let friend = &door.get(caller, "/friends").await.json()["items"][0];
        assert_eq!((&friend["is_online"], &friend["last_seen_at"]), (&json!(false), &Value::Null), "{caller}");
    }
}
