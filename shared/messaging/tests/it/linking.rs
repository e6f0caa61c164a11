//! Links to files are as private as the messages that have them.

use crate::{
    attaching::{picture, pictures, ready, with},
    scene::{ANNA, BORA, EVE, GROUP, Scene, access},
};
use contract::{FilePlace, FileVariant, LinkedFile};
use domain::{Attach, MessageDraft, MessageId, MessageType, UploadId, UploadKind, UserId};
use messaging::{FileAt, erase_message, find_files, hide_message};
use std::time::Duration;
use testkit::mongo::Profile;

fn message(file: LinkedFile) -> MessageId {
    let FilePlace::Message(message) = file.place else { panic!("it is of a message") };
    message
}

fn link(message_id: MessageId, id: UploadId) -> LinkedFile {
    LinkedFile { place: FilePlace::Message(message_id), id, variant: FileVariant::Original }
}

async fn found(scene: &Scene, reader: UserId, links: &[LinkedFile]) -> Vec<Option<String>> {
    let files = find_files(scene.mongo(), reader, links).await.unwrap();
    files.into_iter().map(|file| file.map(|FileAt { key, .. }| key)).collect()
}

async fn finds(scene: &Scene, reader: UserId, link: LinkedFile) -> bool {
    found(scene, reader, &[link]).await[0].is_some()
}

/// A message with a picture.
async fn shown(scene: &Scene) -> LinkedFile {
    let upload = picture(scene, 1).await;
    link(scene.send_draft(&pictures("a", &[upload])).await.unwrap().message.id, upload)
}

#[tokio::test]
async fn link_names_the_copy_that_was_asked_for_in_order() {
    let scene = Scene::new().await;
    let (one, file) = (picture(&scene, 1).await, ready(&scene, 2, UploadKind::File).await);
    let pictures = scene.send_draft(&pictures("a", &[one])).await.unwrap().message.id;
    let files = scene.send_draft(&with("b", MessageType::File, &[file])).await.unwrap().message.id;
    let (original, small) = (link(pictures, one), LinkedFile { variant: FileVariant::Small, ..link(pictures, one) });
    let no_copy = LinkedFile { variant: FileVariant::Large, ..link(files, file) };

    let keys = found(&scene, BORA, &[small, no_copy, original, link(files, file)]).await;

    let key = |id: UploadId, name: &str| Some(format!("{id}/{name}"));
    assert_eq!(keys, [key(one, "small"), None, key(one, "original"), key(file, "original")]);
}

#[tokio::test]
async fn poster_has_links_and_a_long_video_has_a_long_one() {
    let scene = Scene::new().await;
    let (video, poster) = (ready(&scene, 1, UploadKind::Video).await, picture(&scene, 2).await);
    let attachments = vec![Attach { upload: video, poster: Some(poster) }];
    let draft = MessageDraft { attachments, ..with("a", MessageType::Video, &[]) };
    let id = scene.send_draft(&draft).await.unwrap().message.id;

    let files = find_files(scene.mongo(), BORA, &[link(id, video), link(id, poster)]).await.unwrap();

    let lives: Vec<_> = files.into_iter().map(|file| file.unwrap().lifetime).collect();
    assert_eq!(lives, [Duration::from_secs(661), Duration::from_mins(10)]);
}

#[tokio::test]
async fn file_is_found_by_its_own_message_alone() {
    let scene = Scene::new().await;
    let first = shown(&scene).await;
    let two = picture(&scene, 2).await;
    let second = scene.send_draft(&pictures("b", &[two])).await.unwrap().message.id;
    let text = scene.send(ANNA, "c", "hi").await.unwrap().message.id;
    let free = picture(&scene, 3).await;

    for astray in [
        link(second, first.id),
        link(text, first.id),
        link(message(first), two),
        link(message(first), free),
        link(MessageId([7; 12]), first.id),
        link(message(first), UploadId([77; 16])),
    ] {
        assert!(!finds(&scene, ANNA, astray).await);
    }
    assert!(finds(&scene, ANNA, link(second, two)).await);
}

#[tokio::test]
async fn link_is_for_those_who_are_in_the_room_now() {
    let scene = Scene::new().await;
    let link = shown(&scene).await;
    assert!(finds(&scene, ANNA, link).await && finds(&scene, BORA, link).await);
    assert!(!finds(&scene, EVE, link).await);

    scene.block(2).await;
    assert!(finds(&scene, BORA, link).await, "who is blocked reads on");
    scene.project(&access(3, &[BORA])).await;
    assert!(!finds(&scene, ANNA, link).await, "not even its author, who is in the room no more");
    scene.project(&access(4, &[])).await;
    assert!(!finds(&scene, BORA, link).await);
}

#[tokio::test]
async fn member_who_left_or_was_kicked_gets_no_link() {
    let scene = Scene::new().await;
    scene.group(1, EVE, ANNA, &[BORA]).await;
    let upload = picture(&scene, 1).await;
    let draft = MessageDraft { room: GROUP, ..pictures("a", &[upload]) };
    let link = link(scene.send_draft(&draft).await.unwrap().message.id, upload);
    assert!(finds(&scene, BORA, link).await);

    scene.group(2, EVE, ANNA, &[]).await;
    assert!(!finds(&scene, BORA, link).await && finds(&scene, ANNA, link).await);

    scene.group_of(3, &[]).await;
    assert!(!finds(&scene, ANNA, link).await && !finds(&scene, EVE, link).await, "the group is deleted");
}

#[tokio::test]
async fn deleted_message_has_no_links() {
    let scene = Scene::new().await;
    let link = shown(&scene).await;

    scene.delete(ANNA, message(link)).await.unwrap();

    assert!(!finds(&scene, ANNA, link).await && !finds(&scene, BORA, link).await);
}

#[tokio::test]
async fn message_of_a_deleted_account_has_no_links() {
    let scene = Scene::new().await;
    let link = shown(&scene).await;

    erase_message(&scene.messenger(), scene.find(message(link)).await.message).await.unwrap();

    assert!(!finds(&scene, BORA, link).await);
}

#[tokio::test]
async fn hidden_message_has_no_links_for_the_member_who_hid_it() {
    let scene = Scene::new().await;
    let link = shown(&scene).await;

    hide_message(&scene.messenger(), BORA, message(link)).await.unwrap();

    assert!(!finds(&scene, BORA, link).await && finds(&scene, ANNA, link).await);
}

#[tokio::test]
async fn fifty_links_are_two_commands() {
    let scene = Scene::new().await;
    let mut links = Vec::new();
    for number in 0..50 {
        let upload = picture(&scene, number).await;
        let draft = pictures(&number.to_string(), &[upload]);
        links.push(link(scene.send_draft(&draft).await.unwrap().message.id, upload));
    }
    let mut profile = Profile::of(&scene.database).await;

    assert!(found(&scene, BORA, &links).await.iter().all(Option::is_some));
    assert_eq!(profile.count().await, 2);
    assert!(found(&scene, EVE, &links).await.iter().all(Option::is_none));
    assert_eq!(profile.count().await, 2);
    let astray: Vec<_> = links.iter().map(|it| link(MessageId([7; 12]), it.id)).collect();
    assert!(found(&scene, BORA, &astray).await.iter().all(Option::is_none));
    assert_eq!(profile.count().await, 1);
}
