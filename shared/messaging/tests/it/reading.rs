use crate::scene::{ANNA, BORA, EVE, ROOM, Scene, refusal};
use contract::ReadCursor;
use domain::{Code, ConnectionId, Fault, Seq, UserId};
use messaging::{MarkRead, mark_read};
use serde_json::{Value, json};

/// Both are connected with two devices, and Bora has sent three messages.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    for name in ["a", "b", "c"] {
        scene.send(BORA, name, name).await.unwrap();
    }
    for (user, name) in [(ANNA, "phone"), (ANNA, "laptop"), (BORA, "tablet"), (BORA, "watch")] {
        scene.connect(user, name).await;
    }
    scene
}

async fn read(scene: &Scene, user: UserId, seq: i64, from: Option<&str>) -> Result<ReadCursor, Fault> {
    let from = from.map(|name| ConnectionId(name.to_owned()));
    let command = MarkRead { room: ROOM, user, seq: Seq(seq) };
    mark_read(&scene.messenger(), command, from.as_ref()).await
}

fn receipt(user: UserId, seq: i64) -> Value {
    json!({"t": "receipt.read", "room": ROOM, "d": {"user_id": user, "read_seq": seq}})
}

#[tokio::test]
async fn reading_answers_the_cursor_and_the_unread_count() {
    let scene = scene().await;

    let cursor = read(&scene, ANNA, 2, None).await.unwrap();

    assert_eq!((cursor.read_seq, cursor.unread_count), (Seq(2), 1));
}

#[tokio::test]
async fn receipt_reaches_every_device_but_its_own() {
    let scene = scene().await;

    read(&scene, ANNA, 2, Some("phone")).await.unwrap();

    assert_eq!(scene.pushed.connections(), ["laptop", "tablet", "watch"]);
}

#[tokio::test]
async fn receipt_names_reader_and_cursor() {
    let scene = scene().await;

    read(&scene, ANNA, 99, None).await.unwrap();

    assert_eq!(scene.pushed.frames("tablet"), [receipt(ANNA, 3)]);
}

#[tokio::test]
async fn unmoved_cursor_is_not_pushed() {
    let scene = scene().await;
    read(&scene, ANNA, 3, None).await.unwrap();
    let told = scene.pushed.count();

    for seq in [3, 1, 99, 0, -1] {
        let cursor = read(&scene, ANNA, seq, None).await.unwrap();
        assert_eq!((cursor.read_seq, cursor.unread_count), (Seq(3), 0), "{seq}");
    }

    assert_eq!(scene.pushed.count(), told);
}

#[tokio::test]
async fn reading_up_to_zero_is_not_pushed() {
    let scene = scene().await;

    for seq in [0, -1, i64::MIN] {
        let cursor = read(&scene, ANNA, seq, None).await.unwrap();
        assert_eq!((cursor.read_seq, cursor.unread_count), (Seq(0), 3), "{seq}");
    }

    assert_eq!(scene.pushed.count(), 0);
}

#[tokio::test]
async fn across_a_block_only_own_devices_hear_of_it() {
    let scene = scene().await;
    scene.block(2).await;

    read(&scene, ANNA, 3, Some("phone")).await.unwrap();

    assert_eq!(scene.pushed.connections(), ["laptop"]);
}

#[tokio::test]
async fn stranger_cannot_mark_a_room_read() {
    let scene = scene().await;

    assert_eq!(refusal(read(&scene, EVE, 1, None).await), Code::RoomNotFound);
}

#[tokio::test]
async fn receipts_are_not_pushed_in_rooms_over_fifty() {
    let scene = scene().await;
    let crowd: Vec<_> = (1..=51).map(UserId).collect();
    scene.project(&crate::scene::access(2, &crowd)).await;

    read(&scene, ANNA, 3, None).await.unwrap();

    assert_eq!(scene.pushed.count(), 0);
}
