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
async fn a_reader_hears_where_the_cursor_is_and_what_is_left() {
    let scene = scene().await;

    let cursor = read(&scene, ANNA, 2, None).await.unwrap();

    assert_eq!((cursor.read_seq, cursor.unread_count), (Seq(2), 1));
}

#[tokio::test]
async fn a_receipt_reaches_all_devices_but_the_one_that_sent_it() {
    let scene = scene().await;

    read(&scene, ANNA, 2, Some("phone")).await.unwrap();

    assert_eq!(scene.pushed.connections(), ["laptop", "tablet", "watch"]);
}

#[tokio::test]
async fn a_receipt_says_who_has_read_how_far() {
    let scene = scene().await;

    read(&scene, ANNA, 99, None).await.unwrap();

    assert_eq!(scene.pushed.frames("tablet"), [receipt(ANNA, 3)]);
}

#[tokio::test]
async fn a_cursor_that_does_not_move_is_told_to_nobody() {
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
async fn in_a_room_of_which_nothing_was_read_nothing_is_told() {
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
async fn a_stranger_reads_in_no_room() {
    let scene = scene().await;

    assert_eq!(refusal(read(&scene, EVE, 1, None).await), Code::RoomNotFound);
}

#[tokio::test]
async fn in_a_room_of_more_than_fifty_nobody_is_told() {
    let scene = scene().await;
    let crowd: Vec<_> = (1..=51).map(UserId).collect();
    scene.project(&crate::scene::access(2, &crowd)).await;

    read(&scene, ANNA, 3, None).await.unwrap();

    assert_eq!(scene.pushed.count(), 0);
}
