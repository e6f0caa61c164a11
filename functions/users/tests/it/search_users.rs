use crate::house::{Answer, House};
use domain::UserId;
use serde_json::{Value, json};

async fn search(house: &House, caller: UserId, query: &str) -> Answer {
    house.get(caller, format!("/users/search?{query}")).await
}

fn names(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["items"].as_array().unwrap().iter().map(|found| found["username"].clone()).collect()
}

#[tokio::test]
async fn people_are_found_by_the_beginning_of_a_name() {
    let house = House::new().await;
    let caller = house.join("caller").await;
    for name in ["minji", "minho", "junho", "홍길동"] {
        house.join(name).await;
    }

    for (query, expected) in [
        ("q=min", json!(["minho", "minji"])),
        ("q=MINJ", json!(["minji"])),
        ("q=ho", json!([])),
        ("q=%ED%99%8D%EA%B8%B8", json!(["홍길동"])),
        ("q=%E3%85%8E%E3%84%B1%E3%84%B7", json!(["홍길동"])),
    ] {
        assert_eq!(json!(names(&search(&house, caller, query).await)), expected, "{query}");
    }
}

#[tokio::test]
async fn a_found_person_shows_what_everyone_may_see() {
    let house = House::new().await;
    let (caller, minji) = (house.join("caller").await, house.join("minji").await);

    let answer = search(&house, caller, "q=minji").await;

    let profile = json!({"id": minji, "username": "minji", "display_name": "MINJI", "status_message": null});
    assert_eq!(answer.json(), json!({"items": [profile], "next_cursor": null}));
}

#[tokio::test]
async fn whoever_is_hidden_is_found_like_nobody() {
    let house = House::new().await;
    let caller = house.join("min").await;
    let (gone, blocker) = (house.join("mingone").await, house.join("minblocker").await);
    house.deactivate(gone).await;
    house.block(blocker, caller).await;
    let nobody = search(&house, caller, "q=nobody").await;

    let hidden = search(&house, caller, "q=min").await;

    assert_eq!((hidden.status, hidden.text), (200, nobody.text));
}

#[tokio::test]
async fn whoever_blocks_finds_whom_they_blocked() {
    let house = House::new().await;
    let (caller, blocked) = (house.join("caller").await, house.join("minji").await);
    house.block(caller, blocked).await;

    assert_eq!(names(&search(&house, caller, "q=min").await), ["minji"]);
}

#[tokio::test]
async fn pages_are_all_that_is_found() {
    let house = House::new().await;
    let caller = house.join("caller").await;
    for n in 10..30 {
        house.join(&format!("person{n}")).await;
    }
    let whole = names(&search(&house, caller, "q=person").await);

    let (mut pages, mut query) = (Vec::new(), "q=person&limit=7".to_owned());
    loop {
        let page = search(&house, caller, &query).await;
        pages.extend(names(&page));
        let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else { break };
        query = format!("q=person&limit=7&cursor={cursor}");
    }

    assert_eq!((pages.len(), pages), (20, whole));
}

#[tokio::test]
async fn a_bad_query_is_named() {
    let house = House::new().await;
    let caller = house.join("caller").await;
    let long = format!("q={}", "a".repeat(51));

    for (query, field, reason) in [
        ("", "q", "required"),
        ("q=", "q", "blank"),
        ("q=%20", "q", "blank"),
        (long.as_str(), "q", "too_long"),
        ("q=a&limit=0", "limit", "out_of_range"),
        ("q=a&limit=101", "limit", "out_of_range"),
        ("q=a&cursor=x", "cursor", "bad_format"),
        ("q=a&page=2", "page", "unknown_field"),
    ] {
        let answer = search(&house, caller, query).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{query}");
    }
}

#[tokio::test]
async fn nobody_searches_more_than_the_limit() {
    let house = House::new().await.limited_to(2);
    let (caller, other) = (house.join("caller").await, house.join("other").await);
    for _ in 0..2 {
        assert_eq!(search(&house, caller, "q=a").await.status, 200);
    }

    let refused = search(&house, caller, "q=a").await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(search(&house, other, "q=a").await.status, 200, "another one's limit is their own");
}

#[tokio::test]
async fn a_refused_query_costs_nothing() {
    let house = House::new().await.limited_to(1);
    let caller = house.join("caller").await;
    for _ in 0..3 {
        assert_eq!(search(&house, caller, "q=").await.status, 422);
    }

    assert_eq!(search(&house, caller, "q=a").await.status, 200);
}
