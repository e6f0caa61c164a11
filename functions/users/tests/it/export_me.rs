use domain::{FriendshipStatus, UserId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Answer, Door, NOON};

async fn export(door: &Door, caller: UserId, query: &str) -> Answer {
    door.get(caller, format!("/users/me/export{query}")).await
}

/// Every item, read in pages of a size.
async fn whole(door: &Door, caller: UserId, limit: usize) -> Vec<Value> {
    let (mut items, mut query) = (Vec::new(), format!("?limit={limit}"));
    loop {
        let page = export(door, caller, &query).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let page = page.json();
        let part = page["items"].as_array().unwrap();
        assert!(part.len() <= limit, "{page}");
        items.extend(part.iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { return items };
        query = format!("?limit={limit}&cursor={cursor}");
    }
}

fn of_kind<'a>(items: &'a [Value], kind: &str) -> Vec<&'a Value> {
    items.iter().filter(|item| item["kind"] == kind).map(|item| &item["data"]).collect()
}

/// Somebody with something of each kind, and another person who has written to them.
async fn scene() -> (Door, UserId, UserId) {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);
    door.log_in(minji).await;
    let blocked = door.join("blocked").await;
    door.block(minji, blocked).await;
    let suji = door.join("asker").await;
    door.mysql().friendships().insert(suji, minji, NOON).await.unwrap();
    let haneul = door.join("asked").await;
    door.mysql().friendships().insert(minji, haneul, NOON).await.unwrap();
    let friendship = door.mysql().friendships().insert(junho, minji, NOON).await.unwrap();
    let accepted = friendship.changed_to(FriendshipStatus::Accepted, minji, NOON);
    door.mysql().friendships().update(&accepted).await.unwrap();
    let room = door.open_room([minji, junho]).await;
    for n in 0..7 {
        door.say(room, minji, &format!("mine-{n}")).await.unwrap();
        door.say(room, junho, &format!("theirs-{n}")).await.unwrap();
    }
    (door, minji, junho)
}

#[tokio::test]
async fn export_has_everything_of_the_caller() {
    let (door, minji, junho) = scene().await;

    let items = whole(&door, minji, 100).await;

    let mut kinds = BTreeMap::new();
    for item in &items {
        *kinds.entry(item["kind"].as_str().unwrap()).or_insert(0) += 1;
    }
    assert_eq!(
        kinds,
        BTreeMap::from([
            ("block", 1),
            ("friend", 1),
            ("message", 7),
            ("notification_settings", 1),
            ("profile", 1),
            ("request", 2),
            ("room", 1),
            ("session", 1)
        ])
    );
    assert_eq!(of_kind(&items, "profile")[0]["email"], "minji@example.com");
    assert_eq!(of_kind(&items, "friend")[0]["user_id"], json!(junho));
    assert_eq!(of_kind(&items, "room")[0]["user_id"], json!(junho));
    let directions: Vec<_> = of_kind(&items, "request").iter().map(|request| request["direction"].clone()).collect();
    assert_eq!(directions, ["received", "sent"]);
}

#[tokio::test]
async fn export_shows_the_files_of_the_callers_own_messages() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);
    door.log_in(minji).await;
    let room = door.open_room([minji, junho]).await;
    let (_, upload) = door.send_picture(room, minji, 1).await.unwrap();
    door.send_picture(room, junho, 2).await.unwrap();

    let items = whole(&door, minji, 100).await;

    let messages = of_kind(&items, "message");
    let files: Vec<_> = messages.iter().map(|message| message["attachments"][0]["id"].clone()).collect();
    assert_eq!(files, [json!(upload)]);
}

#[tokio::test]
async fn export_has_no_text_of_another_person() {
    let (door, minji, junho) = scene().await;
    let texts = ["theirs", "junho", "JUNHO", "blocked", "asker", "asked", "ASKER"];

    let items = json!(whole(&door, minji, 100).await).to_string();

    for text in texts {
        assert!(!items.contains(text), "{text} in {items}");
    }
    assert!(json!(whole(&door, junho, 100).await).to_string().contains("theirs-0"));
}

#[tokio::test]
async fn messages_come_oldest_first_and_each_once() {
    let (door, minji, _) = scene().await;
    let expected: Vec<_> = (0..7).map(|n| json!(format!("mine-{n}"))).collect();

    for limit in [1, 2, 3, 5, 7, 100] {
        let items = whole(&door, minji, limit).await;
        let messages: Vec<_> = of_kind(&items, "message").iter().map(|message| message["content"].clone()).collect();
        assert_eq!((messages, items.len()), (expected.clone(), 15), "in pages of {limit}");
    }
}

#[tokio::test]
async fn devices_are_exported_without_their_tokens() {
    let (door, minji, _) = scene().await;
    for n in 0..5 {
        door.register_device(minji, n).await;
    }

    for limit in [1, 2, 100] {
        let items = whole(&door, minji, limit).await;
        let devices = of_kind(&items, "device");
        assert_eq!(devices.len(), 5, "in pages of {limit}");
        assert!(!json!(items).to_string().contains("token-of"), "in pages of {limit}");
    }
}

#[tokio::test]
async fn page_reads_each_part_once_at_the_most() {
    let (door, minji, _) = scene().await;
    let mut profile = door.profile().await;

    let statements = testkit::statements(async || drop(export(&door, minji, "?limit=100").await)).await;

    // The gate, the settings, the devices, the rooms with settings and the messages.
    assert_eq!((statements.len(), profile.count().await), (8, 5), "{statements:#?}");
}

#[tokio::test]
async fn bad_cursors_are_refused() {
    let (door, minji, _) = scene().await;

    // The last two are `{"groups":"x"}` and `{"messages":[1,"x"]}`.
    for query in
        ["limit=0", "limit=101", "cursor=x", "cursor=eyJncm91cHMiOiJ4In0", "cursor=eyJtZXNzYWdlcyI6WzEsIngiXX0"]
    {
        let answer = export(&door, minji, &format!("?{query}")).await;
        assert_eq!(answer.refusal(), (422, "invalid_fields".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn export_of_a_deleted_account_is_refused() {
    let (door, minji, _) = scene().await;
    door.delete_account(minji).await.unwrap();

    assert_eq!(export(&door, minji, "").await.refusal(), (401, "unauthenticated".to_owned()));
}
