use crate::scene::{ANNA, BORA, EVE, Scene, eventually, long_ago, now, refusal};
use domain::{Code, ConnectionId, Content, MessageId};
use messaging::{Author, EditMessage, delete_message, edit_message};
use mongo::{Anchor, Placement};
use std::sync::Arc;
use tokio::task::JoinSet;

#[tokio::test]
async fn deleted_message_becomes_an_empty_tombstone() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;

    let tombstone = scene.delete(ANNA, sent.id).await.unwrap();

    assert_eq!((tombstone.content.as_str(), tombstone.is_deleted, tombstone.seq), ("", true, sent.seq));
    assert!(tombstone.rev > sent.rev);
}

#[tokio::test]
async fn everyone_sees_the_tombstone() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    let rev = scene.delete(ANNA, sent.id).await.unwrap().rev;

    let listed = scene.list(BORA, Anchor::Newest, 10).await.unwrap().items.remove(0);
    let synced = scene.sync_settled(BORA, sent.rev.0, 10).await.items.remove(0);
    let pushed = scene.pushed.frames("tablet").pop().unwrap();

    for view in [listed, synced] {
        assert_eq!((view.content.as_str(), view.is_deleted, view.rev), ("", true, rev));
    }
    assert_eq!(
        (&pushed["t"], &pushed["rev"], &pushed["d"]["content"]),
        (&"message.deleted".into(), &rev.0.into(), &"".into())
    );
}

#[tokio::test]
async fn deleting_device_is_answered_and_not_pushed_to() {
    let scene = Scene::new().await;
    for name in ["phone", "laptop"] {
        scene.connect(ANNA, name).await;
    }
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    let phone = ConnectionId("phone".to_owned());
    let author = Author { connection: Some(&phone), ..scene.author(ANNA) };

    delete_message(&scene.messenger(), &author, sent.id).await.unwrap();

    assert_eq!((scene.pushed.frames("phone").len(), scene.pushed.frames("laptop").len()), (1, 2));
}

#[tokio::test]
async fn repeated_delete_changes_nothing() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    let first = scene.delete(ANNA, sent.id).await.unwrap();
    scene.is_delivered(sent.id).await;

    let again = scene.delete(ANNA, sent.id).await.unwrap();

    assert_eq!((again.rev, again.is_deleted), (first.rev, true));
    assert_eq!(scene.pushed.count(), 2, "the message and one tombstone");
}

#[tokio::test]
async fn only_the_author_deletes_and_strangers_find_nothing() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;

    assert_eq!(refusal(scene.delete(BORA, sent.id).await), Code::NotAuthor);
    assert_eq!(refusal(scene.delete(EVE, sent.id).await), Code::MessageNotFound);
    assert_eq!(refusal(scene.delete(ANNA, MessageId([7; 12])).await), Code::MessageNotFound);
}

#[tokio::test]
async fn tombstone_is_hidden_from_strangers() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    scene.delete(ANNA, sent.id).await.unwrap();

    assert_eq!(refusal(scene.delete(BORA, sent.id).await), Code::NotAuthor);
    assert_eq!(refusal(scene.delete(EVE, sent.id).await), Code::MessageNotFound);
}

#[tokio::test]
async fn deleted_message_cannot_be_edited() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    scene.delete(ANNA, sent.id).await.unwrap();

    assert_eq!(refusal(scene.edit(ANNA, sent.id, "back").await), Code::MessageNotFound);
}

#[tokio::test]
async fn retried_send_of_a_deleted_message_answers_the_tombstone() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    scene.delete(ANNA, sent.id).await.unwrap();

    let retry = scene.send(ANNA, "a", "a secret").await.unwrap();

    assert_eq!((retry.duplicate, retry.message.id, retry.message.is_deleted), (true, sent.id, true));
    assert_eq!(retry.message.content, "");
}

#[tokio::test]
async fn repeated_delete_stamps_and_pushes_an_unreleased_tombstone() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    // As whoever died after the write leaves it.
    let position = scene.reserve(Placement::Change).await;
    let mut causal = scene.mongo().causal().await.unwrap();
    scene.mongo().messages().delete(&mut causal, sent.id, &position, long_ago()).await.unwrap().unwrap();
    assert!(scene.release(&position).await);

    let tombstone = scene.delete(ANNA, sent.id).await.unwrap();

    assert!(tombstone.is_deleted && tombstone.rev > position.rev);
    let pushed = scene.pushed.frames("tablet").pop().unwrap();
    assert_eq!((&pushed["t"], &pushed["rev"]), (&"message.deleted".into(), &tombstone.rev.0.into()));
    scene.is_delivered(sent.id).await;
}

#[tokio::test]
async fn deleting_changes_no_number_of_another_message() {
    let scene = Scene::new().await;
    for name in ["a", "b", "c"] {
        scene.send(ANNA, name, name).await.unwrap();
    }
    let before = scene.list(BORA, Anchor::Newest, 10).await.unwrap().items;

    scene.delete(ANNA, before[1].id).await.unwrap();

    let after = scene.list(BORA, Anchor::Newest, 10).await.unwrap().items;
    let seqs = |items: &[contract::MessageView]| items.iter().map(|item| (item.id, item.seq)).collect::<Vec<_>>();
    assert_eq!(seqs(&after), seqs(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_edits_and_deletes_at_once_end_deleted() {
    let scene = Arc::new(Scene::new().await);
    let id = scene.send(ANNA, "a", "zero").await.unwrap().message.id;
    let mut changes = JoinSet::new();
    for (n, mongo) in scene.environments(20).await.into_iter().enumerate() {
        let scene = Arc::clone(&scene);
        changes.spawn(async move {
            let messenger = scene.messenger_of(&mongo);
            if n % 2 == 0 {
                let content = Content::parse(&format!("edit {n}")).unwrap();
                let command = EditMessage { message: id, content };
                edit_message(&messenger, &scene.author(ANNA), &command).await
            } else {
                delete_message(&messenger, &scene.author(ANNA), id).await
            }
        });
    }

    let outcomes = changes.join_all().await;

    let refused: Vec<_> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(|fault| fault.code).collect();
    assert!(refused.iter().all(|code| *code == Code::MessageNotFound), "an edit came too late: {refused:?}");
    let last = scene.list(BORA, Anchor::Newest, 10).await.unwrap().items.remove(0);
    assert_eq!((last.content.as_str(), last.is_deleted), ("", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_concurrent_deletes_deletes() {
    let scene = Arc::new(Scene::new().await);
    let id = scene.send(ANNA, "a", "zero").await.unwrap().message.id;
    let mut deletes = JoinSet::new();
    for mongo in scene.environments(20).await {
        let scene = Arc::clone(&scene);
        deletes.spawn(async move { delete_message(&scene.messenger_of(&mongo), &scene.author(ANNA), id).await });
    }

    let tombstones = deletes.join_all().await;

    assert!(tombstones.into_iter().all(|tombstone| tombstone.unwrap().is_deleted));
    let row = scene.find(id).await.message;
    assert!(row.deleted_at.is_some_and(|at| at <= now()));
}

#[tokio::test]
async fn any_retry_of_a_deleted_message_answers_the_tombstone() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    scene.delete(ANNA, sent.id).await.unwrap();

    // Nothing is left by which its text could be guessed.
    assert_eq!(scene.find(sent.id).await.fingerprint, None);
    let retry = scene.send(ANNA, "a", "another text").await.unwrap();

    assert_eq!((retry.duplicate, retry.message.id, retry.message.is_deleted), (true, sent.id, true));
}

#[tokio::test]
async fn repeated_delete_does_not_stamp_a_tombstone_whose_push_failed() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    scene.pushed.fail(&["tablet"]);
    let tombstone = scene.delete(ANNA, sent.id).await.unwrap();
    eventually(async || scene.find(sent.id).await.fanout.is_some_and(|fanout| fanout.released)).await;

    let again = scene.delete(ANNA, sent.id).await.unwrap();

    assert_eq!(again.rev, tombstone.rev);
}
