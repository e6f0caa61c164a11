//! A group chat, over HTTP and WebSocket.

use e2e::{Person, Socket, TestStack, group_message, group_name, journey};
use serde_json::{Value, json};

/// Three friends and their group.
async fn three(stack: &TestStack) -> ([Person; 3], i64) {
    let (minji, junho, suji) = tokio::join!(stack.register("minji"), stack.register("junho"), stack.register("suji"));
    for other in [&junho, &suji] {
        minji.make_friends(other).await;
    }
    let group = minji.make_group(&json!({"name": "등산 모임", "members": [junho.id, suji.id]})).await;
    ([minji, junho, suji], group)
}

/// Waits for a message of somebody's with a text.
async fn hears(socket: &Socket, text: &str) -> Value {
    socket.push_where(|frame| frame["t"] == "message.created" && frame["d"]["content"] == text).await
}

async fn items(person: &Person, path: &str) -> Vec<Value> {
    person.api.get(path).await.with(200)["items"].as_array().cloned().unwrap_or_default()
}

#[test]
fn three_people_talk_in_a_group() {
    journey(async |stack| {
        let ([minji, junho, suji], group) = three(stack).await;
        let sockets = [minji.socket().await, junho.socket().await, suji.socket().await];

        let sent = sockets[1]
            .ask("send", json!({"room": group_name(group), "client_id": "1", "content": "토요일에 갈까?"}))
            .await;
        assert_eq!(sent["t"], "ack", "{sent}");
        for socket in [&sockets[0], &sockets[2]] {
            let frame = hears(socket, "토요일에 갈까?").await;
            assert_eq!((&frame["room"], &frame["d"]), (&json!(group_name(group)), &sent["d"]["message"]));
        }
        suji.api.post("/messages", &group_message(group, "좋아!")).await.with(201);
        for socket in &sockets[..2] {
            hears(socket, "좋아!").await;
        }

        for person in [&minji, &junho, &suji] {
            let page = items(person, &format!("/messages/{group}?room_type=group&after=0")).await;
            let said: Vec<_> = page.iter().map(|it| &it["content"]).filter(|text| *text != "").collect();
            assert_eq!(said, ["토요일에 갈까?", "좋아!"]);
            let listed = items(person, "/group-rooms").await;
            assert_eq!((listed.len(), &listed[0]["last_message"]["content"]), (1, &json!("좋아!")));
        }
        assert_eq!(items(&minji, "/group-rooms").await[0]["unread_count"], 2);
    });
}

#[test]
fn removed_member_is_out_at_once_and_gets_no_more_frames() {
    journey(async |stack| {
        let ([minji, junho, suji], group) = three(stack).await;
        let (junhos, sujis) = (junho.socket().await, suji.socket().await);

        minji.api.delete(&format!("/group-rooms/{group}/members/{}", junho.id)).await.with(204);

        let refused =
            junhos.ask("send", json!({"room": group_name(group), "client_id": "1", "content": "아직 있어?"})).await;
        assert_eq!(refused["d"]["code"], "room_not_found");
        minji.api.post("/messages", &group_message(group, "갔네")).await.with(201);
        hears(&sujis, "갔네").await;
        let heard = junhos.pushes().await;
        assert!(heard.iter().all(|frame| frame["d"]["content"] != "갔네"), "{heard:?}");
        let page = junho.api.get(&format!("/messages/{group}?room_type=group")).await;
        assert_eq!(page.refusal(), (404, "room_not_found".to_owned()));
        assert_eq!(items(&junho, "/group-rooms").await, [json!(null); 0]);

        minji.api.post(&format!("/group-rooms/{group}/members"), &json!({"user_id": junho.id})).await.with(201);
        let back = junho.api.get(&format!("/messages/{group}?room_type=group&after=0")).await.with(200);
        let is_heard = back["items"].as_array().unwrap().iter().any(|it| it["content"] == "갔네");
        assert!(is_heard, "members read the whole history");
    });
}

#[test]
fn group_is_found_joined_and_passed_on() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let name = format!("등산 {}", minji.account["username"].as_str().unwrap());
        let group = minji.make_group(&json!({"name": name})).await;

        let found = items(&junho, &format!("/group-rooms?scope=public&q={name}")).await;
        assert_eq!(found.iter().map(|it| it["id"].as_i64()).collect::<Vec<_>>(), [Some(group)]);
        let joined = junho.api.call("POST", &format!("/group-rooms/{group}/join"), None).await.with(200);
        assert_eq!((&joined["my_role"], &joined["member_count"]), (&json!("member"), &json!(2)));
        minji.api.post(&format!("/group-rooms/{group}/transfer"), &json!({"user_id": junho.id})).await.with(200);
        minji.api.call("POST", &format!("/group-rooms/{group}/leave"), None).await.with(204);

        let members = items(&junho, &format!("/group-rooms/{group}/members")).await;
        assert_eq!((members.len(), &members[0]["role"]), (1, &json!("owner")));
        junho.api.delete(&format!("/group-rooms/{group}")).await.with(204);
        let gone = junho.api.get(&format!("/group-rooms/{group}")).await;
        assert_eq!(gone.refusal(), (404, "room_not_found".to_owned()));
    });
}

#[test]
fn invite_opens_a_private_group_to_its_reader() {
    journey(async |stack| {
        let (minji, guest) = tokio::join!(stack.register("minji"), stack.register("guest"));
        let group = minji.make_group(&json!({"name": "가족", "is_private": true})).await;
        let (invite, code) = minji.invite_to(group).await;

        let shown = guest.api.get(&format!("/invites/{code}")).await.with(200);
        assert_eq!((&shown["name"], &shown["member_count"]), (&json!("가족"), &json!(1)));
        let joined = guest.api.call("POST", &format!("/invites/{code}/join"), None).await.with(200);
        assert_eq!(joined["id"], group);
        guest.api.post("/messages", &group_message(group, "안녕하세요")).await.with(201);
        minji.api.delete(&format!("/group-rooms/{group}/invites/{invite}")).await.with(204);
        let late = stack.register("late").await.api.get(&format!("/invites/{code}")).await;
        assert_eq!(late.refusal(), (404, "invite_not_found".to_owned()));
    });
}
