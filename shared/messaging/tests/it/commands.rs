//! How many commands each operation costs the store.

use crate::scene::{ANNA, BORA, ROOM, Scene, draft, long_ago};
use contract::MessageView;
use domain::{ClientId, ConnectionId, MessageDraft, Random, Rev, Seq};
use messaging::{MarkRead, list_gaps, list_readers, list_receipts, mark_read, note_delivered, note_read};
use mongo::Anchor;
use std::collections::BTreeMap;
use testkit::mongo::Profile;

/// A room with one delivered message, and somebody who hears of everything.
async fn scene() -> (Scene, MessageView, Profile) {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "first", "first").await.unwrap().message;
    // The first message of a person makes their gate.
    scene.send(BORA, "second", "second").await.unwrap();
    scene.connect(BORA, "tablet").await;
    scene.is_delivered(sent.id).await;
    let profile = Profile::of(&scene.database).await;
    (scene, sent, profile)
}

fn unnamed() -> MessageDraft {
    MessageDraft { client_id: ClientId::generate(Random(|bytes| bytes.fill(7))), ..draft(ANNA, "x", "hi") }
}

#[tokio::test]
async fn send_is_six_commands_and_seven_with_a_client_id() {
    let (scene, _, mut profile) = scene().await;

    scene.send_draft(&unnamed()).await.unwrap();
    // The gate; reserve; write; release and whom to tell; that it was delivered.
    assert_eq!(profile.count().await, 6);
    scene.send(ANNA, "a", "hi").await.unwrap();
    assert_eq!(profile.count().await, 7);
}

#[tokio::test]
async fn reply_costs_one_more_command() {
    let (scene, sent, mut profile) = scene().await;

    let reply = scene.reply(ANNA, "a", "hi", sent.id).await.message;
    assert_eq!(profile.count().await, 8);
    scene.edit(ANNA, reply.id, "edited").await.unwrap();
    assert_eq!(profile.count().await, 8);
    scene.delete(ANNA, reply.id).await.unwrap();
    assert_eq!(profile.count().await, 8);
}

#[tokio::test]
async fn closed_connection_costs_two_more_commands() {
    let (scene, _, mut profile) = scene().await;
    scene.connect(BORA, "gone").await;
    profile.count().await;

    scene.send_draft(&unnamed()).await.unwrap();

    assert_eq!(profile.count().await, 8);
}

#[tokio::test]
async fn edit_and_deletion_are_seven_commands() {
    let (scene, sent, mut profile) = scene().await;

    scene.edit(ANNA, sent.id, "edited").await.unwrap();
    assert_eq!(profile.count().await, 7);
    scene.is_delivered(sent.id).await;
    profile.count().await;
    scene.edit(ANNA, sent.id, "edited").await.unwrap();
    assert_eq!(profile.count().await, 3, "it changes nothing");
    scene.delete(ANNA, sent.id).await.unwrap();
    assert_eq!(profile.count().await, 7);
    scene.is_delivered(sent.id).await;
    profile.count().await;
    scene.delete(ANNA, sent.id).await.unwrap();
    assert_eq!(profile.count().await, 3, "it is deleted");
}

#[tokio::test]
async fn retry_is_five_commands() {
    let (scene, _, mut profile) = scene().await;

    assert!(scene.send(ANNA, "first", "first").await.unwrap().duplicate);

    // The gate and the message; the rights, the token that is given back, and one for the retry.
    assert_eq!(profile.count().await, 5);
}

#[tokio::test]
async fn page_and_sync_are_one_command() {
    let (scene, _, mut profile) = scene().await;

    scene.list(ANNA, Anchor::Newest, 10).await.unwrap();
    assert_eq!(profile.count().await, 1);
    scene.sync(ANNA, 0, 10).await.unwrap();
    assert_eq!(profile.count().await, 1);
}

#[tokio::test]
async fn page_costs_five_commands_for_each_message_it_stamps() {
    let (scene, sent, mut profile) = scene().await;
    scene.abandon(sent.id, long_ago()).await;
    profile.count().await;

    scene.list(ANNA, Anchor::Newest, 10).await.unwrap();

    // The page; reserve; stamp; release and whom to tell; that it was delivered.
    assert_eq!(profile.count().await, 6);
}

#[tokio::test]
async fn reading_is_three_commands_and_four_where_others_hear_of_it() {
    let (scene, _, mut profile) = scene().await;
    let phone = ConnectionId("phone".to_owned());
    let command = MarkRead { room: ROOM, user: ANNA, seq: Seq(1) };
    let read = async || mark_read(&scene.messenger(), command, Some(&phone)).await.map(drop).unwrap();

    read().await;
    assert_eq!(profile.count().await, 4);
    read().await;
    assert_eq!(profile.count().await, 3, "the cursor has not moved");
    note_read(&scene.messenger(), command, Some(&phone)).await.unwrap();
    assert_eq!(profile.count().await, 2, "nobody asked what is unread");
    note_delivered(&scene.messenger(), command, Some(&phone)).await.unwrap();
    assert_eq!(profile.count().await, 3);
}

#[tokio::test]
async fn receipts_are_one_command_and_those_of_a_message_two() {
    let (scene, sent, mut profile) = scene().await;

    list_receipts(scene.mongo(), ROOM, ANNA).await.unwrap();
    assert_eq!(profile.count().await, 1);
    list_readers(scene.mongo(), sent.id, ANNA).await.unwrap();
    assert_eq!(profile.count().await, 2);
}

#[tokio::test]
async fn gaps_are_one_command_and_none_without_cursors() {
    let (scene, _, mut profile) = scene().await;

    list_gaps(scene.mongo(), ANNA, &BTreeMap::from([(ROOM, Rev(0))]), 200).await.unwrap();
    assert_eq!(profile.count().await, 1);
    list_gaps(scene.mongo(), ANNA, &BTreeMap::new(), 200).await.unwrap();
    assert_eq!(profile.count().await, 0);
}
