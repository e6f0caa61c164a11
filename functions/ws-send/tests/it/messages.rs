//! Messages, reactions and what was read.

use crate::scene::{JUNHO, MINJI, Sockets, refusal};
use serde_json::json;
use testkit::{NOON, mongo::Uploaded};

#[tokio::test]
async fn sent_message_is_acknowledged_and_pushed_to_other_connections() {
    let sockets = Sockets::new().await;

    let ack = sockets.send("minji", "안녕").await;

    assert_eq!((&ack["seq"], &ack["rev"], &ack["dup"]), (&json!(1), &json!(1), &json!(false)));
    assert_eq!(ack["message"]["content"], "안녕");
    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["t"], &frame["d"]["id"]), ("junho", &json!("message.created"), &ack["id"]));
    assert!(sockets.stores.pushes.all().is_empty());
}

#[tokio::test]
async fn retried_send_is_a_duplicate() {
    let sockets = Sockets::new().await;
    let first = sockets.send("minji", "안녕").await;

    let retry = sockets.send("minji", "안녕").await;

    assert_eq!((&retry["id"], &retry["dup"]), (&first["id"], &json!(true)));
}

#[tokio::test]
async fn author_edits_and_deletes_a_message() {
    let sockets = Sockets::new().await;
    let sent = sockets.send("minji", "안뇽").await;

    let edited = sockets.ask("minji", "edit", &json!({ "id": sent["id"], "content": "안녕" })).await;
    let deleted = sockets.ask("minji", "delete", &json!({ "id": sent["id"] })).await;

    assert_eq!(edited["d"]["message"]["content"], "안녕");
    assert_eq!(deleted["d"]["message"]["is_deleted"], true);
    let kinds = [(); 3].map(|()| sockets.stores.pushes.next().1["t"].clone());
    assert_eq!(kinds, ["message.created", "message.updated", "message.deleted"]);
}

#[tokio::test]
async fn reaction_is_acknowledged_and_its_count_pushed() {
    let sockets = Sockets::new().await;
    let sent = sockets.send("minji", "안녕").await;
    sockets.stores.pushes.next();

    let there = sockets.ask("junho", "react", &json!({ "id": sent["id"], "emoji": "👍" })).await;
    let pushed = sockets.stores.pushes.next();
    let gone = sockets.ask("junho", "react", &json!({ "id": sent["id"], "emoji": "👍", "remove": true })).await;

    assert_eq!((&there["t"], &there["d"]["dup"]), (&json!("ack"), &json!(false)));
    assert_eq!(there["d"]["message"]["reactions"], json!([{ "emoji": "👍", "count": 1, "mine": true }]));
    assert_eq!((&*pushed.0, &pushed.1["t"]), ("minji", &json!("reaction.changed")));
    assert_eq!(pushed.1["d"]["reactions"], json!([{ "emoji": "👍", "count": 1 }]));
    assert_eq!((&pushed.1["rev"], &pushed.1["room"]), (&there["d"]["rev"], &json!(sockets.room)));
    assert_eq!(gone["d"]["message"]["reactions"], json!([]));
    assert_eq!(sockets.stores.pushes.next().1["d"]["reactions"], json!([]));
}

#[tokio::test]
async fn reaction_with_no_emoji_is_refused() {
    let sockets = Sockets::new().await;
    let sent = sockets.send("minji", "안녕").await;

    for emoji in ["", "a", "가", "👍👍", "$id"] {
        let answer = sockets.ask("junho", "react", &json!({ "id": sent["id"], "emoji": emoji })).await;
        assert_eq!(refusal(&answer), ("invalid_fields", false), "{emoji}");
        assert_eq!(answer["d"]["errors"][0]["field"], "emoji");
    }
    let hidden = sockets.ask("stranger", "react", &json!({ "id": sent["id"], "emoji": "👍" })).await;
    assert_eq!(refusal(&hidden), ("message_not_found", false));
}

#[tokio::test]
async fn other_members_may_not_change_a_message() {
    let sockets = Sockets::new().await;
    let sent = sockets.send("minji", "안녕").await;

    for (action, details) in
        [("edit", json!({ "id": sent["id"], "content": "바꿈" })), ("delete", json!({ "id": sent["id"] }))]
    {
        assert_eq!(refusal(&sockets.ask("junho", action, &details).await), ("not_author", false));
        assert_eq!(refusal(&sockets.ask("stranger", action, &details).await), ("message_not_found", false));
    }
}

#[tokio::test]
async fn read_moves_the_cursor_and_tells_the_other_person() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    sockets.stores.pushes.next();

    let ack = sockets.ask("junho", "read", &json!({ "room": sockets.room, "seq": 1 })).await;

    assert_eq!((&ack["t"], &ack["d"]), (&json!("ack"), &json!({ "read_seq": 1, "unread_count": 0 })));
    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["t"]), ("minji", &json!("receipt.read")));
}

#[tokio::test]
async fn sync_answers_changes_after_a_cursor() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "하나").await;
    sockets.send("minji", "둘").await;

    // A release is known to a majority a moment later: clients ask again while `cursor < head`.
    let page = loop {
        let page = sockets.ask("junho", "sync", &json!({ "room": sockets.room, "after_rev": 1 })).await;
        if page["d"]["cursor"] == page["d"]["head"] {
            break page;
        }
    };

    assert_eq!((&page["t"], &page["d"]["head"]), (&json!("sync"), &json!(2)));
    assert_eq!(page["d"]["items"][0]["content"], "둘");
}

#[tokio::test]
async fn strangers_learn_nothing_of_a_room() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    let room = &sockets.room;

    for (action, details) in [
        ("send", json!({ "room": room, "client_id": "c", "content": "안녕" })),
        ("read", json!({ "room": room, "seq": 1 })),
        ("sync", json!({ "room": room, "after_rev": 0 })),
    ] {
        assert_eq!(refusal(&sockets.ask("stranger", action, &details).await), ("room_not_found", false), "{action}");
    }
    let ready = sockets.ask("stranger", "hello", &json!({ "v": 1, "cursors": { room.to_string(): 0 } })).await;
    assert_eq!((&ready["d"]["gaps"], &ready["d"]["unread"]), (&json!([]), &json!({})));
}

#[tokio::test]
async fn nobody_writes_across_a_block() {
    let sockets = Sockets::new().await;
    sockets.stores.project_block([MINJI, JUNHO]).await;
    let message = json!({ "room": sockets.room, "client_id": "c", "content": "안녕" });

    for connection in ["minji", "junho"] {
        let answer = sockets.ask(connection, "send", &message).await;
        assert_eq!(refusal(&answer), ("recipient_unavailable", false));
    }
}

#[tokio::test]
async fn answer_brings_what_its_author_has_read() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    sockets.stores.pushes.all();

    let answer = json!({ "room": sockets.room, "client_id": "c", "content": "네", "read_seq": 1 });
    assert_eq!(sockets.ask("junho", "send", &answer).await["t"], "ack");

    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["t"], &frame["d"]["read_seq"]), ("minji", &json!("message.created"), &json!(1)));
    assert!(sockets.stores.pushes.all().is_empty(), "no receipt beside it");
    assert_eq!(sockets.ask("junho", "hello", &json!({ "v": 1 })).await["d"]["unread"], json!({}));
}

#[tokio::test]
async fn frame_sends_files() {
    let sockets = Sockets::new().await;
    let picture = Uploaded::by(MINJI, 1).make(sockets.stores.mongo(), NOON).await;
    let message = |client_id: &str| {
        let files = [json!({ "upload_id": picture })];
        json!({ "room": sockets.room, "client_id": client_id, "content": "", "message_type": "image", "attachments": files })
    };

    let sent = sockets.ask("minji", "send", &message("c")).await;

    assert_eq!(sent["d"]["message"]["attachments"][0]["id"], json!(picture));
    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["d"]["attachments"]), ("junho", &sent["d"]["message"]["attachments"]));
    assert_eq!(contract::misfit_of_frame(&frame), None);
    assert_eq!(refusal(&sockets.ask("minji", "send", &message("d")).await), ("upload_taken", false));
}
