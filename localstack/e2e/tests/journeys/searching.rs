//! Two people look for what they said.

use e2e::{Person, journey};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

/// What somebody gets for the parameters of a search.
async fn search(person: &Person, parameters: &[(&str, &str)]) -> Value {
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    person.api.get(&format!("/messages/search?{query}")).await.with(200)
}

fn contents(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item["message"]["content"].as_str().unwrap_or_default()).collect()
}

/// What somebody finds of some words in all of their rooms.
async fn finds(person: &Person, q: &str) -> Vec<String> {
    contents(&search(person, &[("q", q)]).await).into_iter().map(str::to_owned).collect()
}

#[test]
fn two_people_find_what_they_said() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let minutes = minji.say(room, "지난주 회의록을 보냈어요. 확인 부탁드려요!").await;
        junho.say(room, "네, 회의는 세 시에 시작해요").await;
        junho.say(room, "좋은 기회 의미 있게 써요").await;
        let link = minji.say(room, "서버 배포 문서는 https://example.com/deploy").await;

        assert_eq!(
            finds(&junho, "회의").await,
            ["네, 회의는 세 시에 시작해요", "지난주 회의록을 보냈어요. 확인 부탁드려요!"]
        );
        // Particles and blanks make no difference.
        assert_eq!(finds(&junho, "회의록을").await.len(), 1);
        assert_eq!(finds(&minji, "서버배포").await.len(), 1);
        assert_eq!(finds(&minji, "서버에서는 없는말").await, Vec::<String>::new());
        let hit = &search(&junho, &[("q", "회의록")]).await["items"][0];
        assert_eq!((&hit["message"]["id"], &hit["ranges"]), (&minutes["id"], &json!([[4, 7]])));
        // From the hit a client goes to what stands around it.
        let around = junho.api.get(&format!("/messages/{room}?around={}", hit["message"]["seq"])).await.with(200);
        assert_eq!(around["items"].as_array().map(Vec::len), Some(4));

        let (room, author) = (room.to_string(), minji.id.to_string());
        let by_minji = search(&junho, &[("q", "회의"), ("from", author.as_str())]).await;
        assert_eq!(contents(&by_minji), ["지난주 회의록을 보냈어요. 확인 부탁드려요!"]);
        let links = search(&junho, &[("has", "link"), ("room_id", room.as_str())]).await;
        assert_eq!(links["items"][0]["message"]["id"], link["id"]);
        assert_eq!(
            contents(&search(&junho, &[("q", "시"), ("room_id", room.as_str())]).await),
            ["네, 회의는 세 시에 시작해요"]
        );
        let sent_at = link["created_at"].as_str().unwrap_or_default();
        assert_eq!(contents(&search(&junho, &[("from", author.as_str()), ("since", sent_at)]).await).len(), 1);
        assert_eq!(contents(&search(&junho, &[("q", "회의"), ("since", sent_at)]).await), Vec::<&str>::new());
    });
}

#[test]
fn edits_and_deletions_are_found_at_once() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let sent = minji.say(room, "내일 등산 가요").await;
        let path = format!("/messages/{}", sent["id"].as_str().unwrap_or_default());
        assert_eq!(finds(&junho, "등산").await, ["내일 등산 가요"]);

        minji.api.put(&path, &json!({"content": "내일 수영 가요"})).await.with(200);
        assert_eq!((finds(&junho, "등산").await.len(), finds(&junho, "수영").await.len()), (0, 1));
        junho.api.put(&format!("{path}/reactions"), &json!({"emoji": "👍"})).await.with(200);
        assert_eq!(finds(&junho, "수영").await.len(), 1);
        minji.api.delete(&path).await.with(200);
        assert_eq!(finds(&junho, "수영").await.len(), 0);
    });
}

#[test]
fn search_finds_nothing_in_rooms_of_others() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let eve = stack.register("eve").await;
        minji.make_friends(&eve).await;
        let group = minji.make_group(&json!({"name": "등산 모임", "members": [eve.id]})).await;
        minji.say(room, "둘만의 비밀").await;
        let said = json!({"room_id": group, "room_type": "group", "content": "모두의 비밀"});
        minji.api.post("/messages", &said).await.with(201);

        assert_eq!(finds(&eve, "비밀").await, ["모두의 비밀"]);
        assert_eq!(finds(&junho, "비밀").await, ["둘만의 비밀"]);
        assert_eq!(finds(&minji, "비밀").await, ["모두의 비밀", "둘만의 비밀"]);
        minji.api.delete(&format!("/group-rooms/{group}/members/{}", eve.id)).await.with(204);
        assert_eq!(finds(&eve, "비밀").await, Vec::<String>::new());
        minji.api.post(&format!("/group-rooms/{group}/members"), &json!({"user_id": eve.id})).await.with(201);
        assert_eq!(finds(&eve, "비밀").await, ["모두의 비밀"]);
        minji.block(&junho).await;
        assert_eq!(finds(&junho, "비밀").await, ["둘만의 비밀"]);
    });
}
