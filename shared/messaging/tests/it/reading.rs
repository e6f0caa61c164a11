use crate::scene::{ANNA, BORA, EVE, ROOM, Scene, draft, refusal};
use contract::ReadCursor;
use domain::{Code, ConnectionId, Fault, RoomId, RoomKey, Seq, UserId};
use messaging::{MarkRead, list_readers, list_receipts, mark_read, note_delivered, send_message_after};
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
async fn receipts_in_rooms_over_fifty_reach_only_own_devices() {
    let scene = scene().await;
    let crowd: Vec<_> = (1..=51).map(UserId).collect();
    scene.project(&crate::scene::access(2, &crowd)).await;

    read(&scene, ANNA, 3, Some("phone")).await.unwrap();

    assert_eq!(scene.pushed.connections(), ["laptop"]);
}

#[tokio::test]
async fn receipts_reach_only_active_connections_of_others() {
    let scene = scene().await;
    scene.leave_device(BORA, "watch").await;
    scene.leave_device(ANNA, "laptop").await;

    read(&scene, ANNA, 2, Some("phone")).await.unwrap();

    assert_eq!(scene.pushed.connections(), ["laptop", "tablet"], "one's own hear it always");
}

#[tokio::test]
async fn user_who_hides_receipts_sends_and_gets_none() {
    for hiding in [ANNA, BORA] {
        let scene = scene().await;
        scene.hide_receipts(hiding).await;

        read(&scene, ANNA, 3, Some("phone")).await.unwrap();

        assert_eq!(scene.pushed.connections(), ["laptop"], "{hiding}");
        let receipts = list_receipts(scene.mongo(), ROOM, ANNA).await.unwrap();
        let shown: Vec<_> = receipts.items.iter().map(|item| (item.user_id, item.read_seq)).collect();
        assert_eq!(shown, if hiding == ANNA { vec![] } else { vec![(ANNA, Seq(3))] });
    }
}

#[tokio::test]
async fn arrival_is_told_to_the_other_person_and_never_back() {
    let scene = scene().await;
    let arrived = async |seq| {
        let command = MarkRead { room: ROOM, user: ANNA, seq: Seq(seq) };
        note_delivered(&scene.messenger(), command, Some(&ConnectionId("phone".to_owned()))).await.unwrap();
    };

    for seq in [2, 1, 2, 99] {
        arrived(seq).await;
    }

    let receipt = |seq| json!({"t": "receipt.delivered", "room": ROOM, "d": {"user_id": ANNA, "delivered_seq": seq}});
    assert_eq!(scene.pushed.frames("tablet"), [receipt(2), receipt(3)]);
    let cursors = list_receipts(scene.mongo(), ROOM, BORA).await.unwrap().items;
    let anna = cursors.iter().find(|item| item.user_id == ANNA).unwrap();
    assert_eq!((anna.read_seq, anna.delivered_seq), (Seq(0), Seq(3)));
}

#[tokio::test]
async fn arrival_in_a_group_is_ignored_and_of_a_stranger_refused() {
    let scene = scene().await;
    let group = RoomKey::group(RoomId(9));
    let arrived =
        async |room, user| note_delivered(&scene.messenger(), MarkRead { room, user, seq: Seq(1) }, None).await;

    assert!(arrived(group, ANNA).await.is_ok());
    assert_eq!(refusal(arrived(ROOM, EVE).await), Code::RoomNotFound);
    assert_eq!(scene.pushed.count(), 0);
}

#[tokio::test]
async fn readers_of_a_message_are_listed_without_its_author() {
    let scene = scene().await;
    let sent = scene.send(BORA, "d", "d").await.unwrap().message.id;
    let listed = async |user| list_readers(scene.mongo(), sent, user).await;

    let before = listed(BORA).await.unwrap();
    read(&scene, ANNA, 4, None).await.unwrap();
    let after = listed(BORA).await.unwrap();

    assert_eq!((before.read_count, before.member_count, &*before.not_read_by), (0, 1, &[ANNA][..]));
    assert_eq!((after.read_count, &*after.read_by, &*after.not_read_by), (1, &[ANNA][..], &[][..]));
    assert_eq!(refusal(listed(EVE).await), Code::MessageNotFound);
    scene.hide_receipts(ANNA).await;
    let hidden = listed(BORA).await.unwrap();
    assert_eq!((hidden.read_count, hidden.member_count, hidden.read_by.len(), hidden.not_read_by.len()), (0, 1, 0, 0));
}

#[tokio::test]
async fn nobody_sees_receipts_across_a_block() {
    let scene = scene().await;
    let sent = scene.send(BORA, "d", "d").await.unwrap().message.id;
    read(&scene, ANNA, 4, None).await.unwrap();
    scene.block(2).await;

    assert!(list_receipts(scene.mongo(), ROOM, BORA).await.unwrap().items.is_empty());
    let readers = list_readers(scene.mongo(), sent, BORA).await.unwrap();
    assert_eq!((readers.read_count, readers.read_by.len(), readers.not_read_by.len()), (0, 0, 0));
}

/// Anna answers, having read up to a message; whom a frame of it reached, each with what it says of her cursor.
async fn answer_after(scene: &Scene, seq: i64) -> Vec<(String, Value)> {
    let draft = draft(ANNA, "answer", "answer");
    send_message_after(&scene.messenger(), &scene.author(ANNA), &draft, Some(Seq(seq))).await.unwrap();
    let told = |(name, frame): (String, Value)| (name, frame["d"]["read_seq"].clone());
    let mut told: Vec<_> = scene.pushed.all().into_iter().map(told).collect();
    told.sort_by_key(|(name, seq)| (name.clone(), seq.as_i64()));
    told
}

#[tokio::test]
async fn answer_carries_what_its_author_has_read() {
    let scene = scene().await;

    let told = answer_after(&scene, 99).await;

    let expected = ["laptop", "phone", "tablet", "watch"].map(|name| (name.to_owned(), json!(3)));
    assert_eq!(told, expected);
    let items = list_receipts(scene.mongo(), ROOM, BORA).await.unwrap().items;
    assert_eq!(items.iter().find(|item| item.user_id == ANNA).unwrap().read_seq, Seq(3));
}

#[tokio::test]
async fn answer_says_nothing_of_its_author_to_who_may_not_know() {
    for hiding in [ANNA, BORA] {
        let scene = scene().await;
        scene.hide_receipts(hiding).await;

        let told = answer_after(&scene, 3).await;

        let to = |name: &str| told.iter().filter(|(to, _)| to == name).map(|(_, seq)| seq.clone()).collect::<Vec<_>>();
        assert_eq!((to("tablet"), to("watch")), (vec![Value::Null], vec![Value::Null]));
        assert_eq!(to("laptop"), [Value::Null, json!(3)], "a receipt of one's own beside the message");
    }
}
