//! What is pushed to the members of a group, and to those who come and go.

use e2e::{Person, Socket, group_name, journey};
use serde_json::{Value, json};

/// Waits for a frame of a type in a room, and returns its details.
async fn told(socket: &Socket, frame_type: &str, room: &str) -> Value {
    let frame = socket.push_where(|frame| frame["t"] == frame_type && frame["room"] == room).await;
    frame["d"].clone()
}

/// Waits for a system message of a kind.
async fn hears(socket: &Socket, kind: &str) -> Value {
    socket.push_where(|frame| frame["t"] == "message.created" && frame["d"]["system"]["kind"] == kind).await
}

async fn befriended(minji: &Person, others: [&Person; 2]) {
    for other in others {
        minji.make_friends(other).await;
    }
}

#[test]
fn joining_and_leaving_is_told_to_the_person_and_the_members() {
    journey(async |stack| {
        let (minji, junho, suji) =
            tokio::join!(stack.register("minji"), stack.register("junho"), stack.register("suji"));
        befriended(&minji, [&junho, &suji]).await;
        let (junhos, sujis) = (junho.socket().await, suji.socket().await);

        let group = minji.make_group(&json!({"name": "등산 모임", "members": [junho.id, suji.id]})).await;
        let room = group_name(group);
        let added = told(&junhos, "room.added", &room).await;
        assert_eq!(
            (&added["id"], &added["name"], &added["my_role"]),
            (&json!(group), &json!("등산 모임"), &json!("member"))
        );
        assert_eq!((&added["by"], added["user_rev"].is_i64()), (&json!(minji.id), true));

        minji.api.put(&format!("/group-rooms/{group}"), &json!({"name": "바다 모임"})).await.with(200);
        assert_eq!(told(&sujis, "room.updated", &room).await, json!({"name": "바다 모임", "by": minji.id}));
        assert_eq!(hears(&junhos, "room_updated").await["d"]["system"]["name"], "바다 모임");

        minji.api.delete(&format!("/group-rooms/{group}/members/{}", junho.id)).await.with(204);
        let removed = told(&junhos, "room.removed", &room).await;
        assert_eq!((&removed["reason"], &removed["by"]), (&json!("kicked"), &json!(minji.id)));
        let changed = sujis.push_where(|frame| frame["t"] == "member.changed" && frame["d"]["role"].is_null()).await;
        assert_eq!(changed["d"], json!({"user_id": junho.id, "role": null, "by": minji.id}));
        let frame = hears(&sujis, "member_kicked").await;
        let system = &frame["d"]["system"];
        assert_eq!((&system["user_id"], &system["text"]["en"]), (&json!(junho.id), &json!("A member was removed.")));
    });
}

#[test]
fn lost_removal_is_found_as_a_room_that_is_gone() {
    journey(async |stack| {
        let (minji, junho, suji) =
            tokio::join!(stack.register("minji"), stack.register("junho"), stack.register("suji"));
        befriended(&minji, [&junho, &suji]).await;
        let group = minji.make_group(&json!({"name": "등산 모임", "members": [junho.id, suji.id]})).await;
        let (room, junhos) = (group_name(group), junho.socket().await);
        let cursors = json!({"cursors": {&room: 99}});
        assert_eq!(junhos.ask("ping", cursors.clone()).await["d"]["gone"], json!([]));

        minji.api.delete(&format!("/group-rooms/{group}")).await.with(204);

        assert_eq!(junhos.ask("ping", cursors).await["d"]["gone"], json!([room]));
        let hello = json!({"v": 1, "cursors": {&room: 99}});
        assert_eq!(suji.socket().await.ask("hello", hello).await["d"]["gone"], json!([room]));
    });
}
