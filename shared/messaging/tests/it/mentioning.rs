use crate::scene::{ANNA, BORA, EVE, Scene, draft};
use contract::MessageView;
use domain::{
    Access, Locale, Member, MentionsAll, MessageDraft, Person, Privacy, Role, RoomId, RoomKey, RoomKind, UserId,
};
use testkit::mongo::Profile;

const GROUP: RoomKey = RoomKey { kind: RoomKind::Group, id: RoomId(7) };

/// A room of Anna and Bora, and a group where Bora is an admin; the stranger has a name too.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    for (id, username) in [(ANNA, "안나"), (BORA, "Bora"), (EVE, "eve")] {
        let username = username.to_owned();
        let (friends, blocked) = (Vec::new(), Vec::new());
        let (locale, privacy) = (Locale::Ko, Privacy::default());
        let person =
            Person { id, version: 1, username, display_name: None, locale, privacy, is_active: true, friends, blocked };
        scene.mongo().people().project(&person).await.unwrap();
    }
    let members = [(ANNA, Role::Member), (BORA, Role::Admin)].map(|(user, role)| Member { user, role }).into();
    scene.project(&Access { room: GROUP, version: 1, members, blocked: false }).await;
    scene
}

fn mentions(view: &MessageView) -> (Vec<UserId>, Option<MentionsAll>) {
    (view.mentions.clone(), view.mentions_all)
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
async fn who_left_the_room_is_not_mentioned() {
    let scene = scene().await;
    let members = vec![Member { user: ANNA, role: Role::Member }];
    scene.project(&Access { room: GROUP, version: 2, members, blocked: false }).await;

    assert_eq!(mentions(&send_to_group(&scene, ANNA, "@bora @안나").await), (vec![ANNA], None));
}

#[tokio::test]
async fn only_staff_of_a_group_mention_everybody() {
    let scene = scene().await;

    assert_eq!(
        mentions(&send_to_group(&scene, BORA, "@channel @안나").await),
        (vec![ANNA], Some(MentionsAll::Channel))
    );
    assert_eq!(mentions(&send_to_group(&scene, ANNA, "@here").await), (vec![], None));
    assert_eq!(mentions(&scene.send(BORA, "p", "@here").await.unwrap().message), (vec![], None), "of two people");
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
