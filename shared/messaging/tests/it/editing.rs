use crate::scene::{ANNA, BORA, EVE, Scene, access, refusal};
use contract::MessageVersionView;
use domain::{Code, Content, Fault, MessageId, Page, PageSize, Rev, UserId};
use messaging::{EditMessage, ListHistory, edit_message, list_history};
use mongodb::bson::{doc, oid::ObjectId};
use std::{collections::BTreeSet, sync::Arc};
use testkit::mongo::Profile;
use tokio::task::JoinSet;

type History = Result<Page<MessageVersionView, Rev>, Fault>;

async fn page(scene: &Scene, user: UserId, message: MessageId, before: Option<Rev>, limit: i64) -> History {
    let size = PageSize::parse(Some(limit)).unwrap();
    list_history(&scene.messenger(), ListHistory { message, user, before, size }).await
}

async fn history(scene: &Scene, message: MessageId) -> Vec<String> {
    let page = page(scene, BORA, message, None, 100).await.unwrap();
    page.items.into_iter().map(|version| version.content).collect()
}

#[tokio::test]
async fn earlier_texts_are_listed_newest_first() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "$one").await.unwrap().message.id;
    assert_eq!(history(&scene, id).await, Vec::<String>::new());

    let second = scene.edit(ANNA, id, "$content").await.unwrap();
    scene.edit(ANNA, id, "three").await.unwrap();

    let versions = page(&scene, BORA, id, None, 100).await.unwrap().items;
    let shown: Vec<_> = versions.iter().map(|version| (version.content.as_str(), version.edited_at)).collect();
    assert_eq!(shown, [("$content", second.edited_at), ("$one", None)]);
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_no_version() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "one").await.unwrap().message.id;

    scene.edit(ANNA, id, "one").await.unwrap();

    assert_eq!(history(&scene, id).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_history_is_read_in_pages() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "0").await.unwrap().message.id;
    for n in 1..=5 {
        scene.edit(ANNA, id, &n.to_string()).await.unwrap();
    }

    let (mut before, mut texts) = (None, Vec::new());
    loop {
        let page = page(&scene, ANNA, id, before, 2).await.unwrap();
        texts.extend(page.items.into_iter().map(|version| version.content));
        before = page.next;
        if before.is_none() {
            break;
        }
    }

    assert_eq!(texts, ["4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn a_history_keeps_twenty_texts_and_64_kilobytes() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "0").await.unwrap().message.id;
    for n in 1..=25 {
        scene.edit(ANNA, id, &n.to_string()).await.unwrap();
    }
    let kept: Vec<_> = (5..25).rev().map(|n| n.to_string()).collect();
    assert_eq!(history(&scene, id).await, kept);

    // 15,000 bytes each.
    for letter in ["가", "나", "다", "라", "마", "바"] {
        scene.edit(ANNA, id, &letter.repeat(5_000)).await.unwrap();
    }
    let first_letters: String = history(&scene, id).await.iter().filter_map(|text| text.chars().next()).collect();
    assert_eq!(first_letters, "마라다나");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_edits_at_once_keep_every_version() {
    let scene = Arc::new(Scene::new().await);
    let id = scene.send(ANNA, "a", "zero").await.unwrap().message.id;
    let mut edits = JoinSet::new();
    for (n, mongo) in scene.environments(20).await.into_iter().enumerate() {
        let scene = Arc::clone(&scene);
        edits.spawn(async move {
            let command = EditMessage { message: id, content: Content::parse(&format!("edit {n}")).unwrap() };
            edit_message(&scene.messenger_of(&mongo), &scene.author(ANNA), &command).await
        });
    }
    for edited in edits.join_all().await {
        edited.unwrap();
    }

    let last = scene.newest().await.remove(0).content;
    let versions: BTreeSet<_> = history(&scene, id).await.into_iter().chain([last]).collect();

    let all: BTreeSet<_> = (0..20).map(|n| format!("edit {n}")).chain(["zero".to_owned()]).collect();
    assert_eq!(versions, all);
}

#[tokio::test]
async fn a_deletion_takes_the_history_with_it() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "a secret").await.unwrap().message.id;
    scene.edit(ANNA, id, "hi").await.unwrap();

    scene.delete(ANNA, id).await.unwrap();

    assert_eq!(history(&scene, id).await, Vec::<String>::new());
    let messages = scene.collection("messages").await;
    let row = messages.find_one(doc! { "_id": ObjectId::from_bytes(id.0) }).await.unwrap().unwrap();
    assert!(!row.to_string().contains("secret"), "{row}");
}

#[tokio::test]
async fn a_history_is_for_members_of_the_room() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "one").await.unwrap().message.id;
    scene.edit(ANNA, id, "two").await.unwrap();
    scene.block(2).await;
    assert_eq!(history(&scene, id).await, ["one"], "across a block too");

    assert_eq!(refusal(page(&scene, EVE, id, None, 10).await), Code::MessageNotFound);
    scene.project(&access(3, &[ANNA])).await;
    assert_eq!(refusal(page(&scene, BORA, id, None, 10).await), Code::MessageNotFound);
    assert_eq!(refusal(page(&scene, ANNA, MessageId([7; 12]), None, 10).await), Code::MessageNotFound);
}

#[tokio::test]
async fn a_history_is_two_commands() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "one").await.unwrap().message.id;
    scene.edit(ANNA, id, "two").await.unwrap();
    scene.is_delivered(id).await;
    let mut profile = Profile::of(&scene.database).await;

    history(&scene, id).await;

    assert_eq!(profile.count().await, 2);
}
