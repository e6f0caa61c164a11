use crate::scene::{ANNA, BORA, EVE, ROOM, Scene, access, draft, eventually, long_ago, now, refusal, texts};
use domain::{ClientId, Code, ConnectionId, MessageDraft, Random, Rev, RoomId, RoomKey, Seq, Timestamp};
use futures_util::future::join_all;
use messaging::{Author, send_message};
use mongo::Anchor;
use mongodb::bson::{Document, doc};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_sends_of_one_client_id_make_one_message() {
    let scene = Scene::new().await;

    let sent = join_all((0..20).map(|_| scene.send(ANNA, "c", "안녕"))).await;

    let sent: Vec<_> = sent.into_iter().map(Result::unwrap).collect();
    assert!(sent.iter().all(|one| one.message.id == sent[0].message.id && one.message.seq == sent[0].message.seq));
    assert_eq!(sent.iter().filter(|one| !one.duplicate).count(), 1);
    assert_eq!(texts(&scene.list(BORA, Anchor::Newest, 100).await.unwrap().items), ["안녕"]);
}

#[tokio::test]
async fn only_a_retry_that_differs_from_the_first_request_conflicts() {
    let scene = Scene::new().await;
    let first = scene.send(ANNA, "c", "one").await.unwrap().message;
    scene.edit(ANNA, first.id, "two").await.unwrap();

    let honest = scene.send(ANNA, "c", "one").await.unwrap();
    assert!(honest.duplicate);
    assert_eq!(honest.message.content, "two");
    assert_eq!(refusal(scene.send(ANNA, "c", "two").await), Code::ClientIdReused);
    assert!(!scene.send(BORA, "c", "one").await.unwrap().duplicate);
}

#[tokio::test]
async fn message_reaches_other_connections_and_removes_gone_ones() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "phone"), (ANNA, "laptop"), (BORA, "tablet"), (BORA, "gone")] {
        scene.connect(user, name).await;
    }

    let from = ConnectionId("phone".to_owned());
    let author = Author { connection: Some(&from), ..scene.author(ANNA) };
    let sent = send_message(&scene.messenger(), &author, &draft(ANNA, "c", "hi")).await.unwrap();

    assert_eq!(scene.pushed.connections(), ["laptop", "tablet"]);
    eventually(async || {
        let left = scene.mongo().connections().list_of_people(&[ANNA, BORA], now()).await.unwrap();
        left.iter().all(|connection| connection.id.0 != "gone")
    })
    .await;
    scene.is_delivered(sent.message.id).await;
}

#[tokio::test]
async fn retry_stamps_and_delivers_its_undelivered_message() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let first = scene.send(ANNA, "c", "hi").await.unwrap().message;
    scene.is_delivered(first.id).await;
    // As if the writer had died after its write: the delivery is still owed, and readers have passed it.
    let passed = scene.abandon(first.id, now()).await;

    let retry = scene.send(ANNA, "c", "hi").await.unwrap();

    assert!(retry.duplicate && retry.message.rev > passed);
    assert_eq!(retry.message.seq, first.seq);
    assert_eq!(scene.pushed.connections(), ["tablet", "tablet"]);
    scene.is_delivered(first.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_senders_get_one_order() {
    let scene = Scene::new().await;

    let sends = (0..32).map(|i| {
        let scene = &scene;
        async move { scene.send(if i % 2 == 0 { ANNA } else { BORA }, &format!("c{i}"), &format!("m{i}")).await }
    });
    let mut seqs: Vec<_> = join_all(sends).await.into_iter().map(|sent| sent.unwrap().message.seq).collect();

    seqs.sort_unstable();
    assert_eq!(seqs, (1..=32).map(Seq).collect::<Vec<_>>());
    let page = scene.list(ANNA, Anchor::Newest, 100).await.unwrap();
    assert!(page.items.is_sorted_by_key(|item| item.seq) && page.items.len() == 32);
    assert_eq!(scene.sync_settled(ANNA, 0, 100).await.cursor, Rev(32));
}

#[tokio::test]
async fn reply_answers_a_message_of_its_room() {
    let scene = Scene::new().await;
    let first = scene.send(ANNA, "a", "?").await.unwrap().message;

    assert_eq!(scene.reply(BORA, "b", "!", first.id).await.message.reply_to, Some(first.id));

    let mut astray = draft(BORA, "c", "!");
    astray.reply_to = Some(domain::MessageId([7; 12]));
    let refused = scene.send_draft(&astray).await.err().unwrap();
    assert_eq!((refused.code, &*refused.fields[0].field), (Code::InvalidFields, "reply_to"));
}

/// Where a room stands: its numbers, and since when.
async fn standing(scene: &Scene) -> Document {
    let fields = doc! { "_id": 0, "seq": 1, "rev": 1, "last_at": 1, "inflight": 1 };
    let rooms = scene.collection("rooms").await;
    rooms.find_one(doc! { "_id": ROOM.to_string() }).projection(fields).await.unwrap().unwrap()
}

#[tokio::test]
async fn retries_and_refused_messages_leave_the_room_as_it_was() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "hi").await.unwrap().message;
    scene.is_delivered(sent.id).await;
    let before = standing(&scene).await;

    for _ in 0..3 {
        assert!(scene.send(ANNA, "a", "hi").await.unwrap().duplicate);
        assert_eq!(refusal(scene.send(ANNA, "a", "other").await), Code::ClientIdReused);
        let astray = MessageDraft { reply_to: Some(domain::MessageId([7; 12])), ..draft(ANNA, "b", "!") };
        assert_eq!(refusal(scene.send_draft(&astray).await), Code::InvalidFields);
    }

    assert_eq!(standing(&scene).await, before);
}

#[tokio::test]
async fn edits_and_deletions_do_not_lift_the_room() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "hi").await.unwrap().message;
    let before = standing(&scene).await;

    scene.edit(ANNA, sent.id, "hello").await.unwrap();
    scene.delete(ANNA, sent.id).await.unwrap();

    let after = standing(&scene).await;
    assert_eq!(after.get("last_at"), before.get("last_at"));
    assert_ne!(after.get("rev"), before.get("rev"));
}

#[tokio::test]
async fn reply_to_a_message_of_another_room_is_refused() {
    let scene = Scene::new().await;
    let other = RoomKey::private(RoomId(2));
    scene.project(&domain::Access { room: other, ..access(1, &[ANNA, BORA]) }).await;
    let elsewhere = MessageDraft { room: other, ..draft(ANNA, "a", "elsewhere") };
    let elsewhere = scene.send_draft(&elsewhere).await.unwrap().message;

    let astray = MessageDraft { reply_to: Some(elsewhere.id), ..draft(ANNA, "b", "!") };
    let refused = scene.send_draft(&astray).await.err().unwrap();

    assert_eq!((refused.code, &*refused.fields[0].field), (Code::InvalidFields, "reply_to"));
}

#[tokio::test]
async fn reply_of_a_stranger_reveals_nothing() {
    let scene = Scene::new().await;
    let secret = scene.send(ANNA, "a", "secret").await.unwrap().message;

    for reply_to in [secret.id, domain::MessageId([7; 12])] {
        let astray = MessageDraft { reply_to: Some(reply_to), ..draft(EVE, "e", "!") };
        assert_eq!(refusal(scene.send_draft(&astray).await), Code::RoomNotFound);
    }
    scene.block(2).await;
    for reply_to in [secret.id, domain::MessageId([7; 12])] {
        let astray = MessageDraft { reply_to: Some(reply_to), ..draft(BORA, "b", "!") };
        assert_eq!(refusal(scene.send_draft(&astray).await), Code::RecipientUnavailable);
    }
}

#[tokio::test]
async fn refused_reply_leaves_nothing_in_flight() {
    let scene = Scene::new().await;
    let astray = MessageDraft { reply_to: Some(domain::MessageId([7; 12])), ..draft(BORA, "b", "!") };
    scene.send_draft(&astray).await.err().unwrap();
    scene.send(ANNA, "a", "hi").await.unwrap();

    let page = scene.sync_settled(ANNA, 0, 10).await;

    assert_eq!((texts(&page.items), page.cursor), (vec!["hi"], page.head));
}

#[tokio::test]
async fn send_without_client_id_sends_each_time() {
    let scene = Scene::new().await;
    for n in 0..2_u8 {
        let random = if n == 0 { Random(|bytes| bytes.fill(1)) } else { Random(|bytes| bytes.fill(2)) };
        let unnamed = MessageDraft { client_id: ClientId::generate(random), ..draft(ANNA, "x", "hi") };
        assert!(!scene.send_draft(&unnamed).await.unwrap().duplicate);
    }

    assert_eq!(texts(&scene.newest().await), ["hi", "hi"]);
}

#[tokio::test]
async fn retry_of_a_delivered_message_reserves_nothing() {
    let scene = Scene::new().await;
    let first = scene.send(ANNA, "c", "hi").await.unwrap().message;
    scene.is_delivered(first.id).await;

    let retry = scene.send(ANNA, "c", "hi").await.unwrap();

    assert_eq!((retry.duplicate, retry.message.rev), (true, first.rev));
    assert_eq!(scene.sync_settled(ANNA, 0, 10).await.head, first.rev);
}

#[tokio::test]
async fn retry_after_a_failed_push_reserves_nothing() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    scene.pushed.fail(&["tablet"]);
    let first = scene.send(ANNA, "c", "hi").await.unwrap().message;
    eventually(async || scene.find(first.id).await.fanout.is_some_and(|fanout| fanout.released)).await;
    scene.pushed.fail(&[]);

    let retry = scene.send(ANNA, "c", "hi").await.unwrap();

    assert_eq!((retry.duplicate, retry.message.rev), (true, first.rev));
    assert_eq!(scene.sync_settled(ANNA, 0, 10).await.head, first.rev);
    assert_eq!(scene.pushed.count(), 0, "a failed push is the sweep's");
}

#[tokio::test]
async fn retry_without_rights_waits_for_the_sweep() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "c", "hi").await.unwrap().message.id;
    scene.is_delivered(id).await;
    let passed = scene.abandon(id, long_ago()).await;
    let before = scene.find(id).await;
    assert_eq!(before.message.rev, passed);

    scene.block(2).await;
    assert_eq!(refusal(scene.send(ANNA, "c", "hi").await), Code::Unavailable);
    let after = scene.find(id).await;
    assert_eq!((after.message, after.fanout), (before.message, before.fanout), "nothing is touched");
    messaging::sweep(&scene.messenger(), 10, Timestamp::from_millis(i64::MAX)).await.unwrap();
    scene.is_delivered(id).await;

    assert!(scene.send(ANNA, "c", "hi").await.unwrap().duplicate);
}

#[tokio::test]
async fn retry_by_a_removed_member_is_refused() {
    let scene = Scene::new().await;
    scene.send(ANNA, "c", "hi").await.unwrap();
    scene.project(&access(2, &[BORA])).await;

    assert_eq!(refusal(scene.send(ANNA, "c", "hi").await), Code::RoomNotFound);
}

#[tokio::test]
async fn unchanged_edit_changes_nothing() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let sent = scene.send(ANNA, "c", "hi").await.unwrap().message;
    scene.is_delivered(sent.id).await;

    let edited = scene.edit(ANNA, sent.id, "hi").await.unwrap();

    assert_eq!((edited.rev, edited.edited_at), (sent.rev, None));
    assert_eq!((scene.sync_settled(ANNA, 0, 10).await.head, scene.pushed.count()), (sent.rev, 1));
}

#[tokio::test]
async fn unchanged_edit_needs_the_same_rights() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "c", "hi").await.unwrap().message;

    scene.block(2).await;
    assert_eq!(refusal(scene.edit(ANNA, sent.id, "hi").await), Code::RecipientUnavailable);
    scene.project(&access(3, &[BORA])).await;
    assert_eq!(refusal(scene.edit(ANNA, sent.id, "hi").await), Code::MessageNotFound);
}
