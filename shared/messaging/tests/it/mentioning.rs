use crate::scene::{ANNA, BORA, EVE, GROUP, Scene, draft, now, refusal};
use contract::MessageView;
use domain::{Access, Code, Fault, Member, MentionsAll, MessageDraft, Role, UserId, WideMentions};
use messaging::{Sent, send_message};
use mongo::{GroupRights, Messages, Mongo};
use mongodb::bson::{DateTime, Document, doc};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use testkit::{mongo::Profile, person, proxy::Proxy};
use tokio::task::JoinSet;

/// A room of Anna and Bora, and a group where Bora is an admin; the stranger has a name too.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    for (id, username) in [(ANNA, "안나"), (BORA, "Bora"), (EVE, "eve")] {
        scene.mongo().people().project(&person(id, username)).await.unwrap();
    }
    let members = [(ANNA, Role::Member), (BORA, Role::Admin)].map(|(user, role)| Member { user, role }).into();
    scene.project(&Access { room: GROUP, version: 1, members, blocked: false }).await;
    scene
}

fn mentions(view: &MessageView) -> (Vec<UserId>, Option<MentionsAll>) {
    (view.mentions.clone(), view.mentions_all)
}

/// The group with so many members in all and what it says of mentions, as of a version.
async fn resize(scene: &Scene, version: i64, size: i32, wide_mentions: WideMentions) {
    let crowd = (100..).take(usize::try_from(size - 2).unwrap()).map(|id| (UserId(id), Role::Member));
    let members = [(ANNA, Role::Member), (BORA, Role::Admin)].into_iter().chain(crowd);
    let members = members.map(|(user, role)| Member { user, role }).collect();
    let access = Access { room: GROUP, version, members, blocked: false };
    scene
        .mongo()
        .rooms()
        .project_group(
            GroupRights { access: &access, name: "등산", wide_mentions, is_public: false, picture: None },
            now(),
        )
        .await
        .unwrap();
}

async fn try_in_group(scene: &Scene, user: UserId, content: &str) -> Result<Sent, Fault> {
    let client_id = Messages::new_id().to_string();
    scene.send_draft(&MessageDraft { room: GROUP, ..draft(user, &client_id, content) }).await
}

/// The group as it lies in the store.
async fn group(scene: &Scene) -> Document {
    scene.collection("rooms").await.find_one(doc! { "_id": GROUP.to_string() }).await.unwrap().unwrap()
}

async fn send_to_group(scene: &Scene, user: UserId, content: &str) -> MessageView {
    let draft = MessageDraft { room: GROUP, ..draft(user, "g", content) };
    scene.send_draft(&draft).await.unwrap().message
}

#[tokio::test]
async fn a_text_mentions_members_whom_it_names() {
    let scene = scene().await;
    scene.connect(BORA, "tablet").await;

    let sent = scene.send(ANNA, "a", "@bora @안나님, @eve @nobody a@bora").await.unwrap().message;

    assert_eq!(mentions(&sent), (vec![BORA, ANNA], None));
    assert_eq!(mentions(&scene.newest().await[0]), (vec![BORA, ANNA], None));
    assert_eq!(mentions(&scene.sync_settled(BORA, 0, 10).await.items[0]), (vec![BORA, ANNA], None));
    assert_eq!(scene.pushed.frames("tablet")[0]["d"]["mentions"], serde_json::json!([BORA, ANNA]));
}

#[tokio::test]
async fn an_edit_mentions_anew_and_a_deletion_nobody() {
    let scene = scene().await;
    let sent = scene.send(ANNA, "a", "@bora").await.unwrap().message;

    assert_eq!(mentions(&scene.edit(ANNA, sent.id, "@안나").await.unwrap()), (vec![ANNA], None));
    assert_eq!(mentions(&scene.edit(ANNA, sent.id, "hi").await.unwrap()), (vec![], None));
    scene.edit(ANNA, sent.id, "@bora").await.unwrap();
    assert_eq!(mentions(&scene.delete(ANNA, sent.id).await.unwrap()), (vec![], None));
}

#[tokio::test]
async fn former_member_is_not_mentioned() {
    let scene = scene().await;
    scene.group_of(2, &[ANNA]).await;

    assert_eq!(mentions(&send_to_group(&scene, ANNA, "@bora @안나").await), (vec![ANNA], None));
}

#[tokio::test]
async fn every_member_of_a_small_group_mentions_everybody() {
    let scene = scene().await;
    resize(&scene, 2, 20, WideMentions::Admins).await;

    let sent = send_to_group(&scene, ANNA, "@channel @bora").await;

    assert_eq!(mentions(&sent), (vec![BORA], Some(MentionsAll::Channel)));
    assert_eq!(mentions(&scene.send(BORA, "p", "@here").await.unwrap().message), (vec![], None), "of two people");
}

#[tokio::test]
async fn only_staff_of_a_large_group_mentions_everybody() {
    let scene = scene().await;
    resize(&scene, 2, 21, WideMentions::Admins).await;
    let before = group(&scene).await;

    for text in ["@here", "@channel", "모두 @channel에게"] {
        assert_eq!(refusal(try_in_group(&scene, ANNA, text).await), Code::WideMentionForbidden, "{text}");
        assert_eq!(refusal(try_in_group(&scene, EVE, text).await), Code::RoomNotFound, "{text}");
    }

    assert_eq!(group(&scene).await, before, "a refusal changes nothing");
    for (text, word) in [("@here", MentionsAll::Here), ("@channel", MentionsAll::Channel)] {
        assert_eq!(mentions(&try_in_group(&scene, BORA, text).await.unwrap().message), (vec![], Some(word)));
    }
}

#[tokio::test]
async fn group_may_let_everyone_mention_everybody() {
    let scene = scene().await;
    resize(&scene, 2, 21, WideMentions::Everyone).await;
    assert_eq!(mentions(&send_to_group(&scene, ANNA, "@here").await), (vec![], Some(MentionsAll::Here)));

    resize(&scene, 3, 21, WideMentions::Admins).await;

    assert_eq!(refusal(try_in_group(&scene, ANNA, "@here").await), Code::WideMentionForbidden);
}

#[tokio::test]
async fn edit_needs_the_right_only_for_a_word_that_it_adds() {
    let scene = scene().await;
    resize(&scene, 2, 21, WideMentions::Everyone).await;
    let (plain, here) = (send_to_group(&scene, ANNA, "안녕").await, try_in_group(&scene, ANNA, "@here").await.unwrap());
    resize(&scene, 3, 21, WideMentions::Admins).await;

    assert_eq!(refusal(scene.edit(ANNA, plain.id, "@here 안녕").await), Code::WideMentionForbidden);
    assert_eq!(refusal(scene.edit(ANNA, here.message.id, "@channel").await), Code::WideMentionForbidden);
    let edited = scene.edit(ANNA, here.message.id, "@here 안녕").await.unwrap();
    assert_eq!(mentions(&edited), (vec![], Some(MentionsAll::Here)));
    let without = scene.edit(ANNA, here.message.id, "안녕").await.unwrap();
    assert_eq!(mentions(&without), (vec![], None));
}

#[tokio::test]
async fn members_of_a_group_share_three_calls_of_the_channel() {
    let scene = scene().await;
    resize(&scene, 2, 21, WideMentions::Admins).await;
    for _ in 0..5 {
        assert_eq!(refusal(try_in_group(&scene, ANNA, "@channel").await), Code::WideMentionForbidden);
    }
    resize(&scene, 3, 21, WideMentions::Everyone).await;
    let retried = send_to_group(&scene, ANNA, "@channel").await;
    let again = send_to_group(&scene, ANNA, "@channel").await;
    assert_eq!(again.id, retried.id, "a retry takes nothing");
    try_in_group(&scene, BORA, "@channel").await.unwrap();
    let plain = try_in_group(&scene, ANNA, "안녕").await.unwrap().message;
    scene.edit(ANNA, plain.id, "@channel 안녕").await.unwrap();

    let limited = try_in_group(&scene, BORA, "@channel").await.err().unwrap();

    assert_eq!(limited.code, Code::RateLimited);
    let wait = limited.retry_after.unwrap();
    assert!((Duration::from_secs(150)..=Duration::from_secs(200)).contains(&wait), "{wait:?}");
    scene.edit(ANNA, plain.id, "@channel 또 안녕").await.unwrap();
    try_in_group(&scene, ANNA, "@here").await.unwrap();
    let later = doc! { "$set": { "channel.at": DateTime::from_millis(now().minus(wait).millis() - 60_000) } };
    scene.collection("rooms").await.update_one(doc! { "_id": GROUP.to_string() }, later).await.unwrap();
    try_in_group(&scene, BORA, "@channel").await.unwrap();
}

#[tokio::test]
async fn three_of_twenty_concurrent_wide_mentions_are_sent() {
    let scene = Arc::new(scene().await);
    resize(&scene, 2, 21, WideMentions::Everyone).await;
    let mut sending = JoinSet::new();
    for (n, mongo) in scene.environments(20).await.into_iter().enumerate() {
        let scene = Arc::clone(&scene);
        sending.spawn(async move {
            let draft = MessageDraft { room: GROUP, ..draft(ANNA, &format!("c{n}"), "@channel") };
            send_message(&scene.messenger_of(&mongo), &scene.author(ANNA), &draft).await.map(|sent| sent.message)
        });
    }

    let (sent, refused): (Vec<_>, Vec<_>) = sending.join_all().await.into_iter().partition(Result::is_ok);

    assert_eq!(sent.len(), 3);
    assert!(refused.into_iter().all(|refused| refusal(refused) == Code::RateLimited));
    assert_eq!(group(&scene).await.get_i64("seq").unwrap(), 3, "who is refused takes no position");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_of_the_channel_that_is_sent_thrice_at_once_is_one() {
    let scene = Arc::new(scene().await);
    let mut sending = JoinSet::new();
    for mongo in scene.environments(3).await {
        let scene = Arc::clone(&scene);
        sending.spawn(async move {
            let draft = MessageDraft { room: GROUP, ..draft(ANNA, "c", "@channel") };
            send_message(&scene.messenger_of(&mongo), &scene.author(ANNA), &draft).await.map(|sent| sent.message.id)
        });
    }
    let sent: BTreeSet<_> = sending.join_all().await.into_iter().map(Result::unwrap).collect();
    assert_eq!(sent.len(), 1);

    for _ in 0..2 {
        try_in_group(&scene, BORA, "@channel").await.unwrap();
    }

    assert_eq!(refusal(try_in_group(&scene, BORA, "@channel").await), Code::RateLimited, "three in all");
}

#[tokio::test]
async fn call_of_the_channel_whose_reservation_was_not_answered_is_one() {
    let scene = scene().await;
    let (proxy, url) = Proxy::before(&scene.database.url).await;
    let mongo = Mongo::connect(&format!("{url}&directConnection=true")).await.unwrap();
    mongo.ping().await.unwrap();

    for name in ["a", "b", "c"] {
        proxy.lose_answer("$channel.tokens");
        let draft = MessageDraft { room: GROUP, ..draft(ANNA, name, "@channel") };
        send_message(&scene.messenger_of(&mongo), &scene.author(ANNA), &draft).await.unwrap();
        assert!(proxy.has_fired());
    }

    assert_eq!(refusal(try_in_group(&scene, BORA, "@channel").await), Code::RateLimited, "three in all");
}

#[tokio::test]
async fn mentioning_everybody_is_no_command_more_and_a_refusal_two() {
    let scene = scene().await;
    resize(&scene, 2, 21, WideMentions::Admins).await;
    let mut profile = Profile::of(&scene.database).await;
    try_in_group(&scene, BORA, "@안나").await.unwrap();
    let named = profile.count().await;

    try_in_group(&scene, BORA, "@channel").await.unwrap();
    assert_eq!(profile.count().await, named);
    drop(try_in_group(&scene, ANNA, "@channel").await);
    assert_eq!(profile.count().await, 6, "the gate, the retry, the names, the position, and why there is none");
}

#[tokio::test]
async fn a_retry_of_a_mention_is_the_same_message() {
    let scene = scene().await;
    let first = scene.send(ANNA, "a", "@bora").await.unwrap().message;
    scene.is_delivered(first.id).await;

    let retry = scene.send(ANNA, "a", "@bora").await.unwrap();

    assert_eq!((retry.duplicate, retry.message.rev, mentions(&retry.message)), (true, first.rev, (vec![BORA], None)));
}

#[tokio::test]
async fn a_mention_is_one_command_and_a_text_without_one_none() {
    let scene = scene().await;
    let first = scene.send(ANNA, "a", "hi").await.unwrap().message;
    scene.is_delivered(first.id).await;
    let mut profile = Profile::of(&scene.database).await;

    scene.send(ANNA, "b", "mail to anna@bora.example").await.unwrap();
    let plain = profile.count().await;
    scene.send(ANNA, "c", "@bora @안나 @eve @nobody @channel").await.unwrap();
    assert_eq!(profile.count().await, plain + 1);
    scene.edit(ANNA, first.id, "ho").await.unwrap();
    let edit = profile.count().await;
    scene.edit(ANNA, first.id, "@bora").await.unwrap();
    assert_eq!(profile.count().await, edit + 1);
}
