use crate::house::{ANNA, BORA, EVE, House, ROOM, long_ago, now, refusal};
use domain::{Code, ConnectionId, Content, MessageId};
use messaging::{DeleteMessage, EditMessage, delete_message, edit_message};
use mongo::{Anchor, Numbered};
use std::sync::Arc;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_deleted_message_leaves_an_empty_one_in_its_place() {
    let house = House::new().await;
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;

    let tombstone = house.delete(ANNA, sent.id).await.unwrap();

    assert_eq!((tombstone.content.as_str(), tombstone.is_deleted, tombstone.seq), ("", true, sent.seq));
    assert!(tombstone.rev > sent.rev);
}

#[tokio::test]
async fn everyone_sees_the_tombstone() {
    let house = House::new().await;
    house.connect(BORA, "tablet").await;
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;
    let rev = house.delete(ANNA, sent.id).await.unwrap().rev;

    let listed = house.list(BORA, Anchor::Newest, 10).await.unwrap().items.remove(0);
    let synced = house.sync_settled(BORA, sent.rev.0, 10).await.items.remove(0);
    let pushed = house.pushed.frames("tablet").pop().unwrap();

    for view in [listed, synced] {
        assert_eq!((view.content.as_str(), view.is_deleted, view.rev), ("", true, rev));
    }
    assert_eq!(
        (&pushed["t"], &pushed["rev"], &pushed["d"]["content"]),
        (&"message.deleted".into(), &rev.0.into(), &"".into())
    );
}

#[tokio::test]
async fn the_device_that_deletes_is_answered_and_not_told() {
    let house = House::new().await;
    for name in ["phone", "laptop"] {
        house.connect(ANNA, name).await;
    }
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;
    let (command, phone) = (DeleteMessage { message: sent.id, user: ANNA }, ConnectionId("phone".to_owned()));

    delete_message(house.messenger(), &house.pushed, command, Some(&phone)).await.unwrap();

    assert_eq!((house.pushed.frames("phone").len(), house.pushed.frames("laptop").len()), (1, 2));
}

#[tokio::test]
async fn a_message_deleted_twice_is_deleted_once() {
    let house = House::new().await;
    house.connect(BORA, "tablet").await;
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;
    let first = house.delete(ANNA, sent.id).await.unwrap();
    house.is_delivered(sent.id).await;

    let again = house.delete(ANNA, sent.id).await.unwrap();

    assert_eq!((again.rev, again.is_deleted), (first.rev, true));
    assert_eq!(house.pushed.count(), 2, "the message and one tombstone");
}

#[tokio::test]
async fn only_its_author_deletes_a_message_and_a_stranger_learns_nothing_of_it() {
    let house = House::new().await;
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;

    assert_eq!(refusal(house.delete(BORA, sent.id).await), Code::NotAuthor);
    assert_eq!(refusal(house.delete(EVE, sent.id).await), Code::MessageNotFound);
    assert_eq!(refusal(house.delete(ANNA, MessageId([7; 12])).await), Code::MessageNotFound);
}

#[tokio::test]
async fn a_deleted_message_is_as_hidden_from_strangers() {
    let house = House::new().await;
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;
    house.delete(ANNA, sent.id).await.unwrap();

    assert_eq!(refusal(house.delete(BORA, sent.id).await), Code::NotAuthor);
    assert_eq!(refusal(house.delete(EVE, sent.id).await), Code::MessageNotFound);
}

#[tokio::test]
async fn a_deleted_message_is_not_edited() {
    let house = House::new().await;
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;
    house.delete(ANNA, sent.id).await.unwrap();

    assert_eq!(refusal(house.edit(ANNA, sent.id, "back").await), Code::MessageNotFound);
}

#[tokio::test]
async fn a_retried_send_of_a_deleted_message_answers_the_tombstone() {
    let house = House::new().await;
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;
    house.delete(ANNA, sent.id).await.unwrap();

    let retry = house.send(ANNA, "a", "a secret").await.unwrap();

    assert_eq!((retry.duplicate, retry.message.id, retry.message.is_deleted), (true, sent.id, true));
    assert_eq!(retry.message.content, "");
}

#[tokio::test]
async fn a_tombstone_that_nobody_was_told_of_is_moved_and_pushed_by_the_next_delete() {
    let house = House::new().await;
    house.connect(BORA, "tablet").await;
    let sent = house.send(ANNA, "a", "a secret").await.unwrap().message;
    // As whoever died after the write leaves it.
    let place = house.mongo().reserve(ROOM, 1, Numbered::Change).await.unwrap().unwrap();
    house.mongo().delete_message(sent.id, place, long_ago()).await.unwrap().unwrap();
    assert!(house.mongo().release(ROOM, place).await.unwrap());

    let tombstone = house.delete(ANNA, sent.id).await.unwrap();

    assert!(tombstone.is_deleted && tombstone.rev > place.rev);
    let pushed = house.pushed.frames("tablet").pop().unwrap();
    assert_eq!((&pushed["t"], &pushed["rev"]), (&"message.deleted".into(), &tombstone.rev.0.into()));
    house.is_delivered(sent.id).await;
}

#[tokio::test]
async fn deleting_changes_no_number_of_another_message() {
    let house = House::new().await;
    for name in ["a", "b", "c"] {
        house.send(ANNA, name, name).await.unwrap();
    }
    let before = house.list(BORA, Anchor::Newest, 10).await.unwrap().items;

    house.delete(ANNA, before[1].id).await.unwrap();

    let after = house.list(BORA, Anchor::Newest, 10).await.unwrap().items;
    let seqs = |items: &[realtime::MessageView]| items.iter().map(|item| (item.id, item.seq)).collect::<Vec<_>>();
    assert_eq!(seqs(&after), seqs(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_edits_and_deletes_at_once_end_deleted() {
    let house = Arc::new(House::new().await);
    let id = house.send(ANNA, "a", "zero").await.unwrap().message.id;
    let mut changes = JoinSet::new();
    for (n, mongo) in house.environments(20).await.into_iter().enumerate() {
        let house = Arc::clone(&house);
        changes.spawn(async move {
            let messenger = house.messenger_of(&mongo);
            if n % 2 == 0 {
                let content = Content::parse(&format!("edit {n}")).unwrap();
                let command = EditMessage { message: id, user: ANNA, content };
                edit_message(messenger, &house.pushed, &command, None).await
            } else {
                delete_message(messenger, &house.pushed, DeleteMessage { message: id, user: ANNA }, None).await
            }
        });
    }

    let outcomes = changes.join_all().await;

    let refused: Vec<_> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(|fault| fault.code).collect();
    assert!(refused.iter().all(|code| *code == Code::MessageNotFound), "an edit came too late: {refused:?}");
    let last = house.list(BORA, Anchor::Newest, 10).await.unwrap().items.remove(0);
    assert_eq!((last.content.as_str(), last.is_deleted), ("", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_deletes_at_once_one_deletes() {
    let house = Arc::new(House::new().await);
    let id = house.send(ANNA, "a", "zero").await.unwrap().message.id;
    let mut deletes = JoinSet::new();
    for mongo in house.environments(20).await {
        let house = Arc::clone(&house);
        deletes.spawn(async move {
            let command = DeleteMessage { message: id, user: ANNA };
            delete_message(house.messenger_of(&mongo), &house.pushed, command, None).await
        });
    }

    let tombstones = deletes.join_all().await;

    assert!(tombstones.into_iter().all(|tombstone| tombstone.unwrap().is_deleted));
    let row = house.mongo().find_message(id).await.unwrap().unwrap().message;
    assert!(row.deleted_at.is_some_and(|at| at <= now()));
}
