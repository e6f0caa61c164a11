use crate::{
    blocking::{block, two},
    house::House,
};
use serde_json::{Value, json};

#[tokio::test]
async fn blocks_are_listed_by_number_to_whoever_made_them() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let suji = house.join("suji").await;
    for blocked in [suji, junho] {
        block(&house, minji, blocked).await;
    }

    let listed = house.get(minji, "/blocks").await;

    let ids: Vec<Value> =
        listed.json()["items"].as_array().unwrap().iter().map(|item| item["user"]["id"].clone()).collect();
    assert_eq!((listed.status, json!(ids), &listed.json()["next_cursor"]), (200, json!([junho, suji]), &Value::Null));
}

#[tokio::test]
async fn pages_are_the_whole_list() {
    let house = House::new().await;
    let minji = house.join("minji").await;
    for n in 0..7 {
        let blocked = house.join(&format!("person{n}")).await;
        block(&house, minji, blocked).await;
    }
    let whole = house.get(minji, "/blocks").await.json()["items"].as_array().unwrap().clone();

    let (mut pages, mut query) = (Vec::new(), "/blocks?limit=3".to_owned());
    loop {
        let page = house.get(minji, &query).await.json();
        pages.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("/blocks?limit=3&cursor={cursor}");
    }

    assert_eq!((pages.len(), pages), (7, whole));
}

#[tokio::test]
async fn a_bad_query_is_named() {
    let house = House::new().await;
    let minji = house.join("minji").await;

    for (query, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=x", "cursor"), ("page=2", "page")] {
        let answer = house.get(minji, format!("/blocks?{query}")).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (422, &json!(field)), "{query}");
    }
}
