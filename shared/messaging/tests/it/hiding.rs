use crate::scene::{ANNA, BORA, EVE, ROOM, Scene, access, long_ago, now, refusal, texts};
use domain::{Code, MessageId, PageSize, RoomKind, UserId};
use messaging::{ListReplies, hide_message, list_replies, sweep};
use mongo::{Anchor, RoomSummary};
use mongodb::bson::doc;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use testkit::mongo::Profile;
use tokio::task::JoinSet;

async fn hide(scene: &Scene, user: UserId, id: MessageId) {
    hide_message(&scene.messenger(), user, id).await.unwrap();
}

async fn room_of(scene: &Scene, user: UserId) -> RoomSummary {
    let page = scene.mongo().rooms().list(user, RoomKind::Private, None, PageSize::LARGEST).await.unwrap();
    page.rooms.items.into_iter().next().unwrap()
}

/// How many messages someone's state says they have hidden.
async fn hidden_count(scene: &Scene, user: UserId) -> i32 {
    let states = scene.collection("read_states").await;
    let state = states.find_one(doc! { "_id": { "room": ROOM.to_string(), "user": user.0 } }).await.unwrap();
    state.and_then(|state| state.get_i32("hidden").ok()).unwrap_or(0)
}

#[tokio::test]
async fn hidden_message_is_gone_only_for_the_member_who_hid_it() {
    let scene = Scene::new().await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(scene.send(ANNA, text, text).await.unwrap().message.id);
    }
    scene.reply(ANNA, "r", "reply", ids[0]).await;
    let last = scene.reply(ANNA, "s", "another reply", ids[0]).await.message.id;
    hide(&scene, BORA, ids[1]).await;
    hide(&scene, BORA, last).await;
    scene.settle().await;

    for (user, expected) in
        [(BORA, vec!["one", "three", "reply"]), (ANNA, vec!["one", "two", "three", "reply", "another reply"])]
    {
        assert_eq!(texts(&scene.list(user, Anchor::Newest, 10).await.unwrap().items), expected);
        let page = scene.sync(user, 0, 10).await.unwrap();
        assert_eq!((texts(&page.items), page.cursor), (expected.clone(), page.head));
        let query = ListReplies { message: ids[0], user, after: None, size: PageSize::LARGEST };
        let replies = list_replies(&scene.messenger(), query).await.unwrap().items;
        assert_eq!(texts(&replies), expected[expected.len() - replies.len()..].to_vec());
        let shown = room_of(&scene, user).await.last_message.unwrap().content;
        assert_eq!(Some(&shown.as_str()), expected.last());
    }
    assert_eq!(room_of(&scene, BORA).await.unread, 3);
    let unread = scene.mongo().rooms().list_unread(BORA, None, PageSize::LARGEST).await.unwrap().items;
    assert_eq!(unread[0].unread, 3);
}

#[tokio::test]
async fn a_room_of_hidden_messages_looks_empty() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "hi").await.unwrap().message.id;
    scene.settle().await;

    hide(&scene, BORA, id).await;

    let room = room_of(&scene, BORA).await;
    assert_eq!((room.last_message, room.unread), (None, 0));
    let page = scene.list(BORA, Anchor::Newest, 10).await.unwrap();
    assert!(page.items.is_empty() && !page.has_before);
}

#[tokio::test]
async fn only_own_devices_are_told_that_a_message_is_hidden() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "hi").await.unwrap().message;
    for (user, name) in [(ANNA, "annas"), (BORA, "phone"), (BORA, "tablet")] {
        scene.connect(user, name).await;
    }

    hide(&scene, BORA, sent.id).await;

    let frame = json!({ "t": "message.hidden", "room": "private:1", "d": { "id": sent.id, "seq": sent.seq } });
    let told = ["phone", "tablet"].map(|name| scene.pushed.frames(name));
    assert_eq!(told, [vec![frame.clone()], vec![frame]]);
    assert_eq!(scene.pushed.frames("annas").len(), 0);
}

#[tokio::test]
async fn changes_of_a_hidden_message_skip_the_member_who_hid_it() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "hi").await.unwrap().message.id;
    hide(&scene, BORA, id).await;
    for (user, name) in [(ANNA, "annas"), (BORA, "boras")] {
        scene.connect(user, name).await;
    }

    scene.edit(ANNA, id, "ho").await.unwrap();
    scene.abandon(id, long_ago()).await;
    sweep(&scene.messenger(), 10, now().plus(Duration::from_secs(20))).await.unwrap();
    scene.delete(ANNA, id).await.unwrap();

    assert_eq!(scene.pushed.frames("boras").len(), 0);
    assert_eq!(scene.pushed.frames("annas").len(), 3);
    assert_eq!(texts(&scene.sync_settled(BORA, 0, 10).await.items), Vec::<&str>::new(), "the tombstone is hidden too");
}

#[tokio::test]
async fn a_failed_push_of_a_hidden_message_is_not_repeated() {
    let scene = Scene::new().await;
    scene.connect(BORA, "boras").await;
    scene.pushed.fail(&["boras"]);
    let id = scene.send(ANNA, "a", "hi").await.unwrap().message.id;
    hide(&scene, BORA, id).await;
    scene.pushed.fail(&[]);
    let later = domain::Clock(|| now().plus(Duration::from_secs(10)));

    sweep(&scene.messenger_at(scene.mongo(), later), 10, now().plus(Duration::from_secs(30))).await.unwrap();

    assert_eq!(scene.pushed.frames("boras").len(), 0);
}

#[tokio::test]
async fn messages_are_hidden_by_members_of_the_room() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "hi").await.unwrap().message.id;
    let refused = async |user, id| refusal(hide_message(&scene.messenger(), user, id).await);

    assert_eq!(refused(EVE, id).await, Code::MessageNotFound);
    assert_eq!(refused(ANNA, MessageId([7; 12])).await, Code::MessageNotFound);
    scene.block(2).await;
    hide(&scene, ANNA, id).await;
    scene.project(&access(3, &[ANNA])).await;
    assert_eq!(refused(BORA, id).await, Code::MessageNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_hidden_twenty_times_at_once_is_hidden_once() {
    let scene = Arc::new(Scene::new().await);
    let id = scene.send(ANNA, "a", "hi").await.unwrap().message.id;
    let mut hiding = JoinSet::new();
    for mongo in scene.environments(20).await {
        let scene = Arc::clone(&scene);
        hiding.spawn(async move { hide_message(&scene.messenger_of(&mongo), BORA, id).await });
    }
    for hidden in hiding.join_all().await {
        hidden.unwrap();
    }

    assert_eq!(scene.find(id).await.message.hidden_for, [BORA]);
    assert_eq!(hidden_count(&scene, BORA).await, 1);
    hide(&scene, BORA, id).await;
    assert_eq!(hidden_count(&scene, BORA).await, 1);
}

#[tokio::test]
async fn a_person_hides_a_thousand_messages_of_a_room() {
    let scene = Scene::new().await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(scene.send(ANNA, text, text).await.unwrap().message.id);
    }
    hide(&scene, BORA, ids[0]).await;
    let states = scene.collection("read_states").await;
    states.update_many(doc! {}, doc! { "$set": { "hidden": 999 } }).await.unwrap();

    hide(&scene, BORA, ids[1]).await;

    assert_eq!(refusal(hide_message(&scene.messenger(), BORA, ids[2]).await), Code::TooManyHidden);
    hide(&scene, BORA, ids[1]).await;
    hide(&scene, ANNA, ids[2]).await;
    assert_eq!(hidden_count(&scene, BORA).await, 1_000);
}

#[tokio::test]
async fn hiding_is_five_commands_and_three_when_repeated() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "a", "hi").await.unwrap().message.id;
    scene.is_delivered(id).await;
    let mut profile = Profile::of(&scene.database).await;

    hide(&scene, BORA, id).await;
    // The message, the rights, the count, the note, and whom to tell.
    assert_eq!(profile.count().await, 5);
    hide(&scene, BORA, id).await;
    assert_eq!(profile.count().await, 3);
}
