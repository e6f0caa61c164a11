use crate::scene::{ANNA, BORA, EVE, GROUP, Scene, refusal};
use domain::{Code, UserId};
use std::sync::Arc;
use tokio::task::JoinSet;

const OWNER: UserId = UserId(11);
const ADMIN: UserId = UserId(12);

/// A group of an owner, an admin, Anna and Bora.
async fn group() -> Scene {
    let scene = Scene::new().await;
    scene.group(1, OWNER, ADMIN, &[ANNA, BORA]).await;
    scene
}

#[tokio::test]
async fn staff_of_a_group_deletes_anyones_message() {
    let scene = group().await;
    scene.connect(BORA, "tablet").await;
    for (by, author) in [(ADMIN, ANNA), (OWNER, ANNA), (ADMIN, OWNER), (OWNER, ADMIN)] {
        let sent = scene.say(author, "a secret").await;

        let tombstone = scene.delete(by, sent.id).await.unwrap();

        assert_eq!((tombstone.content.as_str(), tombstone.is_deleted, tombstone.user_id), ("", true, author));
        assert_eq!(scene.pushed.frames("tablet").pop().unwrap()["t"], "message.deleted");
    }
}

#[tokio::test]
async fn members_delete_nothing_of_others_and_strangers_learn_nothing() {
    let scene = group().await;
    let sent = scene.say(ANNA, "mine").await;

    assert_eq!(refusal(scene.delete(BORA, sent.id).await), Code::NotPermitted);
    assert_eq!(refusal(scene.delete(EVE, sent.id).await), Code::MessageNotFound);
    scene.delete(ANNA, sent.id).await.unwrap();
    assert_eq!(refusal(scene.delete(BORA, sent.id).await), Code::NotPermitted);
    assert_eq!(refusal(scene.delete(EVE, sent.id).await), Code::MessageNotFound);
}

#[tokio::test]
async fn role_counts_as_of_the_deletion() {
    let scene = group().await;
    let sent = scene.say(ANNA, "mine").await;

    // The admin is a member, Bora is the admin, and the owner is gone.
    scene.group(2, ANNA, BORA, &[ADMIN]).await;

    assert_eq!(refusal(scene.delete(ADMIN, sent.id).await), Code::NotPermitted);
    assert_eq!(refusal(scene.delete(OWNER, sent.id).await), Code::MessageNotFound);
    assert!(scene.delete(BORA, sent.id).await.unwrap().is_deleted);
}

#[tokio::test]
async fn peer_cannot_delete_the_others_message_in_a_private_room() {
    let scene = group().await;
    let sent = scene.send(ANNA, "a", "mine").await.unwrap().message;

    assert_eq!(refusal(scene.delete(BORA, sent.id).await), Code::NotAuthor);
    // The role of another room is none here.
    assert_eq!(refusal(scene.delete(OWNER, sent.id).await), Code::MessageNotFound);
}

#[tokio::test]
async fn notice_of_a_room_is_changed_by_nobody() {
    let scene = group().await;
    let notice = scene.say(OWNER, "joined").await.id;
    scene.make_system(notice).await;

    for user in [OWNER, ADMIN] {
        assert_eq!(refusal(scene.delete(user, notice).await), Code::SystemMessage);
        assert_eq!(refusal(scene.pin(user, notice).await), Code::SystemMessage);
    }
    assert_eq!(refusal(scene.edit(OWNER, notice, "x").await), Code::SystemMessage);
    for user in [OWNER, ANNA] {
        assert_eq!(refusal(scene.react(user, notice, "👍").await), Code::SystemMessage);
    }
    assert_eq!(refusal(scene.delete(EVE, notice).await), Code::MessageNotFound);
    assert_eq!(refusal(scene.react(EVE, notice, "👍").await), Code::MessageNotFound);
}

#[tokio::test]
async fn deletion_by_staff_is_repeated_without_a_second_change() {
    let scene = group().await;
    let sent = scene.say(ANNA, "mine").await;
    let first = scene.delete(ADMIN, sent.id).await.unwrap();
    scene.is_delivered(sent.id).await;

    for user in [ADMIN, OWNER, ANNA] {
        assert_eq!(scene.delete(user, sent.id).await.unwrap().rev, first.rev);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kick_of_an_admin_ends_their_deletions_at_once() {
    let scene = Arc::new(group().await);
    let mut sent = Vec::new();
    for n in 0..20 {
        sent.push(scene.say(ANNA, &n.to_string()).await.id);
    }
    let mut deletions = JoinSet::new();
    for (id, mongo) in sent.iter().copied().zip(scene.environments(20).await) {
        let scene = Arc::clone(&scene);
        deletions.spawn(async move {
            let outcome = messaging::delete_message(&scene.messenger_of(&mongo), &scene.author(ADMIN), id).await;
            (id, outcome)
        });
    }
    scene.group(2, OWNER, OWNER, &[ANNA, BORA]).await;
    let outcomes = deletions.join_all().await;

    for (id, outcome) in outcomes {
        let is_deleted = scene.find(id).await.message.deleted_at.is_some();
        match outcome {
            Ok(tombstone) => assert!(tombstone.is_deleted && is_deleted),
            Err(fault) => assert_eq!((fault.code, is_deleted), (Code::MessageNotFound, false)),
        }
    }
    let late = scene.say(ANNA, "late").await;
    assert_eq!(refusal(scene.delete(ADMIN, late.id).await), Code::MessageNotFound);
    assert!(!scene.mongo().rooms().list_members(GROUP).await.unwrap().contains(&ADMIN));
}
