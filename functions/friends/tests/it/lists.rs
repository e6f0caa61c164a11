use crate::{
    answers::accept,
    house::{Answer, House, NOON},
    requests::{asked, two},
};
use domain::UserId;
use serde_json::{Value, json};

fn profile(id: UserId, name: &str) -> Value {
    json!({"id": id, "username": name, "display_name": name.to_uppercase(), "status_message": null})
}

fn ids(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
}

/// Every item of a list, by pages of three.
async fn by_pages(house: &House, caller: UserId, path: &str) -> Vec<Value> {
    let (mut items, mut query) = (Vec::new(), format!("{path}limit=3"));
    loop {
        let page = house.get(caller, &query).await;
        items.extend(ids(&page));
        let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else { return items };
        query = format!("{path}limit=3&cursor={cursor}");
    }
}

#[tokio::test]
async fn a_request_is_listed_where_it_was_received_and_where_it_was_sent() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;
    let page = |items: Value| json!({"items": items, "next_cursor": null});

    for (caller, query, items) in [
        (junho, "", json!([{"id": id, "user": profile(minji, "minji"), "since": NOON}])),
        (junho, "?direction=received", json!([{"id": id, "user": profile(minji, "minji"), "since": NOON}])),
        (junho, "?direction=sent", json!([])),
        (minji, "", json!([])),
        (minji, "?direction=sent", json!([{"id": id, "user": profile(junho, "junho"), "since": NOON}])),
    ] {
        let answer = house.get(caller, format!("/friends/requests{query}")).await;
        assert_eq!((answer.status, answer.json()), (200, page(items)), "{caller} {query}");
    }
}

#[tokio::test]
async fn friends_are_listed_on_both_sides_and_are_no_requests() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;
    accept(&house, junho, &id).await;

    for (caller, friend) in [(minji, profile(junho, "junho")), (junho, profile(minji, "minji"))] {
        let friends = house.get(caller, "/friends").await.json();
        assert_eq!(friends, json!({"items": [{"id": id, "user": friend, "since": NOON}], "next_cursor": null}));
        assert_eq!(house.get(caller, "/friends/requests").await.json()["items"], json!([]));
        assert_eq!(house.get(caller, "/friends/requests?direction=sent").await.json()["items"], json!([]));
    }
}

#[tokio::test]
async fn pages_are_the_whole_list() {
    let house = House::new().await;
    let minji = house.join("minji").await;
    for n in 0..7 {
        let other = house.join(&format!("person{n}")).await;
        let id = if n % 2 == 0 { asked(&house, other, minji).await } else { asked(&house, minji, other).await };
        accept(&house, if n % 2 == 0 { minji } else { other }, &id).await;
        let suitor = house.join(&format!("suitor{n}")).await;
        asked(&house, suitor, minji).await;
    }

    for path in ["/friends", "/friends/requests"] {
        let whole = ids(&house.get(minji, path).await);
        assert!(whole.is_sorted_by(|a, b| a.as_i64() > b.as_i64()), "the newest first: {whole:?}");
        assert_eq!((whole.len(), by_pages(&house, minji, &format!("{path}?")).await), (7, whole), "{path}");
    }
}

#[tokio::test]
async fn whoever_is_gone_is_in_no_list() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let suitor = house.join("suitor").await;
    let id = asked(&house, minji, junho).await;
    accept(&house, junho, &id).await;
    asked(&house, suitor, minji).await;
    for user in [junho, suitor] {
        house.deactivate(user).await;
    }

    for path in ["/friends", "/friends/requests"] {
        assert_eq!(house.get(minji, path).await.json()["items"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn a_bad_query_is_named() {
    let house = House::new().await;
    let [minji, _] = two(&house).await;

    for (path, field) in [
        ("/friends?limit=0", "limit"),
        ("/friends?cursor=x", "cursor"),
        ("/friends?direction=sent", "direction"),
        ("/friends/requests?direction=both", "direction"),
        ("/friends/requests?limit=101", "limit"),
    ] {
        let answer = house.get(minji, path).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (422, &json!(field)), "{path}");
    }
}
