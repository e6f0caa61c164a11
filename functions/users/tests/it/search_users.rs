use domain::UserId;
use serde_json::{Value, json};
use testkit::{Answer, Door};

async fn search(door: &Door, caller: UserId, query: &str) -> Answer {
    door.get(caller, format!("/users/search?{query}")).await
}

fn names(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["items"].as_array().unwrap().iter().map(|found| found["username"].clone()).collect()
}

#[tokio::test]
async fn search_matches_name_prefixes() {
    let door = Door::new(users::routes).await;
    let caller = door.join("caller").await;
    for name in ["minji", "minho", "junho", "홍길동"] {
        door.join(name).await;
    }

    for (query, expected) in [
        ("q=min", json!(["minho", "minji"])),
        ("q=MINJ", json!(["minji"])),
        ("q=ho", json!([])),
        ("q=%ED%99%8D%EA%B8%B8", json!(["홍길동"])),
        ("q=%E3%85%8E%E3%84%B1%E3%84%B7", json!(["홍길동"])),
    ] {
        assert_eq!(json!(names(&search(&door, caller, query).await)), expected, "{query}");
    }
}

#[tokio::test]
async fn found_user_shows_public_fields() {
    let door = Door::new(users::routes).await;
    let (caller, minji) = (door.join("caller").await, door.join("minji").await);

    let answer = search(&door, caller, "q=minji").await;

    let profile =
        json!({"id": minji, "username": "minji", "display_name": "MINJI", "status_message": null, "avatar": null});
    assert_eq!(answer.json(), json!({"items": [profile], "next_cursor": null}));
}

#[tokio::test]
async fn deleted_and_blocking_users_are_not_found() {
    let door = Door::new(users::routes).await;
    let caller = door.join("min").await;
    let (gone, blocker) = (door.join("mingone").await, door.join("minblocker").await);
    door.deactivate(gone).await;
    door.block(blocker, caller).await;
    let nobody = search(&door, caller, "q=nobody").await;

    let hidden = search(&door, caller, "q=min").await;

    assert_eq!((hidden.status, hidden.text), (200, nobody.text));
}

#[tokio::test]
async fn blocker_finds_blocked_user() {
    let door = Door::new(users::routes).await;
    let (caller, blocked) = (door.join("caller").await, door.join("minji").await);
    door.block(caller, blocked).await;

    assert_eq!(names(&search(&door, caller, "q=min").await), ["minji"]);
}

#[tokio::test]
async fn pages_cover_every_match() {
    let door = Door::new(users::routes).await;
    let caller = door.join("caller").await;
    for n in 10..30 {
        door.join(&format!("person{n}")).await;
    }
    let whole = names(&search(&door, caller, "q=person").await);

    let (mut pages, mut query) = (Vec::new(), "q=person&limit=7".to_owned());
    loop {
        let page = search(&door, caller, &query).await;
        pages.extend(names(&page));
        let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else { break };
        query = format!("q=person&limit=7&cursor={cursor}");
    }

    assert_eq!((pages.len(), pages), (20, whole));
}

#[tokio::test]
async fn bad_queries_are_named() {
    let door = Door::new(users::routes).await;
    let caller = door.join("caller").await;
    let long = format!("q={}", "a".repeat(51));

    for (query, field, reason) in [
        ("", "q", "required"),
        ("q=", "q", "blank"),
        ("q=%20", "q", "blank"),
        (long.as_str(), "q", "too_long"),
        ("q=a&limit=0", "limit", "out_of_range"),
        ("q=a&limit=101", "limit", "out_of_range"),
        ("q=a&cursor=x", "cursor", "bad_format"),
        ("q=a&page=2", "$", "unknown_field"),
    ] {
        let answer = search(&door, caller, query).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{query}");
    }
}

#[tokio::test]
async fn searches_are_limited_per_user() {
    let door = Door::new(users::routes).await.limited_to(2);
    let (caller, other) = (door.join("caller").await, door.join("other").await);
    for _ in 0..2 {
        assert_eq!(search(&door, caller, "q=a").await.status, 200);
    }

    let refused = search(&door, caller, "q=a").await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(search(&door, other, "q=a").await.status, 200, "another one's limit is their own");
}

#[tokio::test]
async fn refused_query_takes_no_token() {
    let door = Door::new(users::routes).await.limited_to(1);
    let caller = door.join("caller").await;
    for _ in 0..3 {
        assert_eq!(search(&door, caller, "q=").await.status, 422);
    }

    assert_eq!(search(&door, caller, "q=a").await.status, 200);
}
