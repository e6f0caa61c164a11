//! A message reaches the other person, over HTTP and WebSocket.

use e2e::{journey, room_name};
use serde_json::json;

#[test]
fn message_sent_over_http_reaches_the_other_socket() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = junho.socket().await;

        let sent = minji.say(room, "안녕").await;

        let pushed = socket.push().await;
        assert_eq!(pushed["t"], "message.created");
        assert_eq!((&pushed["room"], &pushed["rev"]), (&json!(room_name(room)), &sent["rev"]));
        assert_eq!(pushed["d"], sent);
    });
}

#[test]
fn message_sent_by_socket_reaches_the_other_socket_and_list() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (minjis, junhos) = (minji.socket().await, junho.socket().await);

        let ack = minjis.ask("send", json!({"room": room_name(room), "client_id": "first", "content": "반가워"})).await;

        assert_eq!((&ack["t"], &ack["d"]["dup"]), (&json!("ack"), &json!(false)));
        assert_eq!(junhos.push().await["d"], ack["d"]["message"]);
        assert_eq!(junho.list(room).await["items"], json!([ack["d"]["message"]]));
        assert_eq!(minji.list(room).await["items"], json!([ack["d"]["message"]]));
    });
}

#[test]
fn senders_other_device_gets_the_message_and_the_sender_does_not() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        let (phone, laptop) = (minji.socket().await, minji.login().await.socket().await);

        let ack = phone.ask("send", json!({"room": room_name(room), "client_id": "1", "content": "hi"})).await;

        assert_eq!(laptop.push().await["d"], ack["d"]["message"]);
        assert_eq!(phone.pushes().await, Vec::<serde_json::Value>::new());
    });
}

#[test]
fn conversation_over_http_and_socket_has_one_order() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = junho.socket().await;

        minji.say(room, "하나").await;
        socket.ask("send", json!({"room": room_name(room), "client_id": "2", "content": "둘"})).await;
        minji.say(room, "셋").await;

        let told: Vec<_> = [socket.push().await, socket.push().await].map(|push| push["d"]["content"].clone()).into();
        assert_eq!(told, ["하나", "셋"]);
        let list = junho.list(room).await;
        let contents: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| &item["content"]).collect();
        assert_eq!(contents, ["하나", "둘", "셋"]);
        assert_eq!((&list["has_before"], &list["has_after"]), (&json!(false), &json!(false)));
    });
}

#[test]
fn an_edit_arrives_as_an_update_of_the_whole_message() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = junho.socket().await;
        let sent = minji.say(room, "오타").await;
        socket.push().await;

        let url = format!("/messages/{}", sent["id"].as_str().unwrap());
        let edited = minji.api.put(&url, &json!({"content": "고침"})).await.with(200);

        let pushed = socket.push().await;
        assert_eq!((&pushed["t"], &pushed["d"]), (&json!("message.updated"), &edited));
        assert_eq!((&edited["content"], &edited["is_edited"]), (&json!("고침"), &json!(true)));
        assert_eq!((&edited["id"], &edited["seq"]), (&sent["id"], &sent["seq"]));
        assert!(edited["rev"].as_i64() > sent["rev"].as_i64());
        assert_eq!(junho.list(room).await["items"], json!([edited]));
    });
}

#[test]
fn an_edit_on_a_socket_is_the_same_edit() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (minjis, junhos) = (minji.socket().await, junho.socket().await);
        let sent = minji.say(room, "before").await;
        junhos.push().await;

        let ack = minjis.ask("edit", json!({"id": sent["id"], "content": "after"})).await;

        assert_eq!((&ack["t"], &ack["d"]["message"]["content"]), (&json!("ack"), &json!("after")));
        assert_eq!(junhos.push().await["d"], ack["d"]["message"]);
        assert_eq!(junho.list(room).await["items"], json!([ack["d"]["message"]]));
    });
}

#[test]
fn sync_is_the_same_over_http_and_socket() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let first = minji.say(room, "one").await;
        junho.say(room, "two").await;
        let url = format!("/messages/{}", first["id"].as_str().unwrap());
        minji.api.put(&url, &json!({"content": "one, edited"})).await.with(200);

        let (items, cursor) = junho.catch_up(room, 0).await;
        let over_http = junho.sync(room, 0).await;
        let socket = junho.socket().await;
        let over_socket = socket.ask("sync", json!({"room": room_name(room), "after_rev": 0, "limit": 100})).await;

        assert_eq!(over_socket["d"], over_http);
        assert_eq!(over_http, json!({"items": items, "cursor": cursor, "head": cursor, "more": false}));
        let contents: Vec<_> = items.iter().map(|item| &item["content"]).collect();
        assert_eq!(contents, ["two", "one, edited"]);
    });
}

#[test]
fn hello_reports_gaps_and_sync_fills_them() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let name = room_name(room);
        minji.say(room, "seen").await;
        let (_, cursor) = junho.catch_up(room, 0).await;
        let hello = json!({"v": 1, "lang": "en", "cursors": {&name: cursor}});
        let socket = junho.socket().await;
        assert_eq!(socket.ask("hello", hello.clone()).await["d"]["gaps"], json!([]));
        socket.close().await;
        let missed = minji.say(room, "missed").await;

        let socket = junho.socket().await;
        let ready = socket.ask("hello", hello).await;

        assert_eq!((&ready["d"]["gaps"], &ready["d"]["more"]), (&json!([name]), &json!(false)));
        let (items, cursor) = junho.catch_up(room, cursor).await;
        assert_eq!(items, [missed]);
        let hello = json!({"v": 1, "cursors": {&name: cursor}});
        assert_eq!(socket.ask("hello", hello).await["d"]["gaps"], json!([]));
    });
}

#[test]
fn message_pages_reach_every_message_in_both_directions() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let mut seqs = Vec::new();
        for number in 1..=7 {
            seqs.push(minji.say(room, &number.to_string()).await["seq"].as_i64().unwrap());
        }
        let page = async |query: &str| junho.api.get(&format!("/messages/{room}?limit=3&{query}")).await.with(200);
        let of = |page: &serde_json::Value| -> Vec<_> {
            page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_i64().unwrap()).collect()
        };

        let newest = page("").await;
        assert_eq!((of(&newest), &newest["has_before"]), (seqs[4..].to_vec(), &json!(true)));
        let before = page(&format!("before={}", seqs[4])).await;
        assert_eq!((of(&before), &before["has_after"]), (seqs[1..4].to_vec(), &json!(true)));
        let after = page(&format!("after={}", seqs[0])).await;
        assert_eq!(of(&after), seqs[1..4]);
        let around = page(&format!("around={}", seqs[3])).await;
        assert!(of(&around).contains(&seqs[3]));
        let contradiction = junho.api.get(&format!("/messages/{room}?before=1&after=1")).await;
        assert_eq!(contradiction.refusal(), (422, "invalid_fields".to_owned()));
    });
}
