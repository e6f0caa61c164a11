use crate::blocking::{block, two};
use serde_json::{Value, json};
use testkit::Door;

#[tokio::test]
async fn blocks_are_listed_by_id_to_their_owner() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    let suji = door.join("suji").await;
    for blocked in [suji, junho] {
        block(&door, minji, blocked).await;
    }

    let listed = door.get(minji, "/blocks").await;

    let ids: Vec<Value> =
        listed.json()["items"].as_array().unwrap().iter().map(|item| item["user"]["id"].clone()).collect();
    assert_eq!((listed.status, json!(ids), &listed.json()["next_cursor"]), (200, json!([junho, suji]), &Value::Null));
}

#[tokio::test]
async fn pages_cover_the_whole_list() {
    let door = Door::new(blocks::routes).await;
    let minji = door.join("minji").await;
    for n in 0..7 {
        let blocked = door.join(&format!("person{n}")).await;
        block(&door, minji, blocked).await;
    }
    let whole = door.get(minji, "/blocks").await.json()["items"].as_array().unwrap().clone();

    let (mut pages, mut query) = (Vec::new(), "/blocks?limit=3".to_owned());
    loop {
        let page = door.get(minji, &query).await.json();
        pages.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("/blocks?limit=3&cursor={cursor}");
    }

    assert_eq!((pages.len(), pages), (7, whole));
}

#[tokio::test]
async fn bad_queries_are_named() {
    let door = Door::new(blocks::routes).await;
    let minji = door.join("minji").await;

    for (query, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=x", "cursor"), ("page=2", "$")] {
        let answer = door.get(minji, format!("/blocks?{query}")).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (422, &json!(field)), "{query}");
    }
}
