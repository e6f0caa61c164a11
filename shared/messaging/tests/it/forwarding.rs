use crate::scene::{ANNA, BORA, EVE, GROUP, ROOM, Scene, access, draft, long_ago, refusal};
use domain::{ClientId, Code, Content, Fault, MessageDraft, MessageId, RoomKey, UserId};
use messaging::{ForwardMessage, Sent, forward_message};
use mongo::Anchor;
use mongodb::bson::{doc, oid::ObjectId};
use std::sync::Arc;
use testkit::mongo::Profile;
use tokio::task::JoinSet;

async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.group_of(1, &[BORA, EVE]).await;
    scene
}

fn to(room: RoomKey, message: MessageId, client_id: &str) -> ForwardMessage {
    ForwardMessage { message, room, client_id: ClientId::parse(client_id).unwrap() }
}

async fn forward(scene: &Scene, user: UserId, message: MessageId, client_id: &str) -> Result<Sent, Fault> {
    forward_message(&scene.messenger(), &scene.author(user), &to(GROUP, message, client_id)).await
}

#[tokio::test]
async fn a_forward_says_who_wrote_the_text_and_not_where() {
    let scene = scene().await;
    scene.connect(EVE, "eves").await;
    let source = scene.send(ANNA, "a", "@bora hello").await.unwrap().message;

    let forwarded = forward(&scene, BORA, source.id, "f").await.unwrap();

    assert!(!forwarded.duplicate);
    let frame = &scene.pushed.frames("eves")[0];
    assert_eq!((&frame["t"], &frame["room"]), (&"message.created".into(), &GROUP.to_string().into()));
    let message = &frame["d"];
    assert_eq!((&message["content"], &message["user_id"]), (&"@bora hello".into(), &BORA.0.into()));
    assert_eq!(message["forwarded_from"], serde_json::json!({ "user_id": ANNA }));
    assert_eq!((&message["reply_to"], &message["mentions"]), (&serde_json::Value::Null, &serde_json::json!([])));
}

#[tokio::test]
async fn edited_forward_counts_as_the_text_of_its_editor() {
    let scene = scene().await;
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message;
    let copy = forward(&scene, BORA, source.id, "f").await.unwrap().message;

    let edited = scene.edit(BORA, copy.id, "something else").await.unwrap();

    assert!(edited.forwarded_from.is_none());
    assert!(
        forward(&scene, EVE, copy.id, "g").await.unwrap().message.forwarded_from.map(|from| from.user_id) == Some(BORA)
    );
}

#[tokio::test]
async fn a_forward_of_a_forward_names_the_first_author() {
    let scene = scene().await;
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message;
    let first = forward(&scene, BORA, source.id, "f").await.unwrap().message;

    let second = forward(&scene, EVE, first.id, "g").await.unwrap().message;

    assert_eq!(second.forwarded_from.map(|from| from.user_id), Some(ANNA));
    assert_eq!(second.user_id, EVE);
}

#[tokio::test]
async fn a_retry_of_a_forward_is_the_same_message() {
    let scene = scene().await;
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message;
    let first = forward(&scene, BORA, source.id, "f").await.unwrap().message;
    scene.is_delivered(first.id).await;
    scene.edit(ANNA, source.id, "edited").await.unwrap();

    for _ in 0..2 {
        let retry = forward(&scene, BORA, source.id, "f").await.unwrap();
        assert_eq!((retry.duplicate, retry.message.id, retry.message.content.as_str()), (true, first.id, "hello"));
        // Whoever forwarded it may not be able to read the source any more.
        scene.project(&access(2, &[ANNA])).await;
    }
    let other = scene.send(ANNA, "b", "other").await.unwrap().message;
    assert_eq!(refusal(forward(&scene, BORA, other.id, "f").await), Code::ClientIdReused);
    let text = MessageDraft { room: GROUP, ..draft(BORA, "f", "hello") };
    assert_eq!(refusal(scene.send_draft(&text).await), Code::ClientIdReused);
}

#[tokio::test]
async fn a_forward_needs_both_rooms() {
    let scene = scene().await;
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message.id;

    assert_eq!(refusal(forward(&scene, EVE, source, "f").await), Code::MessageNotFound, "can't read the source");
    assert_eq!(refusal(forward(&scene, EVE, MessageId([7; 12]), "f").await), Code::MessageNotFound);
    assert_eq!(refusal(forward(&scene, ANNA, source, "f").await), Code::RoomNotFound, "can't write there");
    let group = MessageDraft { room: GROUP, ..draft(EVE, "e", "hi") };
    let back = to(ROOM, scene.send_draft(&group).await.unwrap().message.id, "f");
    scene.block(2).await;
    let across = forward_message(&scene.messenger(), &scene.author(BORA), &back).await;
    assert_eq!(refusal(across), Code::RecipientUnavailable);
    assert!(forward(&scene, BORA, source, "f").await.is_ok(), "out of a blocked room");
    scene.group_of(2, &[EVE]).await;
    assert_eq!(refusal(forward(&scene, BORA, source, "g").await), Code::RoomNotFound, "left the target");
    scene.project(&access(3, &[ANNA])).await;
    scene.group_of(3, &[BORA, EVE]).await;
    assert_eq!(refusal(forward(&scene, BORA, source, "h").await), Code::MessageNotFound, "left the source");
}

#[tokio::test]
async fn deleted_and_system_messages_are_not_forwarded() {
    let scene = scene().await;
    let deleted = scene.send(ANNA, "a", "hello").await.unwrap().message.id;
    scene.delete(ANNA, deleted).await.unwrap();
    let system = scene.send(ANNA, "b", "x").await.unwrap().message.id;
    let this = doc! { "_id": ObjectId::from_bytes(system.0) };
    let notice = doc! { "$set": { "message_type": "system", "content": "" } };
    scene.collection("messages").await.update_one(this, notice).await.unwrap();

    assert_eq!(refusal(forward(&scene, BORA, deleted, "f").await), Code::MessageNotFound);
    assert_eq!(refusal(forward(&scene, BORA, system, "f").await), Code::InvalidFields);
}

#[tokio::test]
async fn an_ended_session_forwards_nothing() {
    let scene = scene().await;
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message.id;
    scene.end_sessions().await;

    assert_eq!(refusal(forward(&scene, BORA, source, "f").await), Code::Unauthenticated);
    assert_eq!(refusal(forward(&scene, EVE, source, "f").await), Code::Unauthenticated);
}

#[tokio::test]
async fn a_forward_takes_a_token_of_sends() {
    let scene = Scene::with_send_limit(1, 1).await;
    scene.group_of(1, &[BORA, EVE]).await;
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message.id;

    let first = forward(&scene, BORA, source, "f").await.unwrap().message;

    assert_eq!(refusal(forward(&scene, BORA, source, "g").await), Code::RateLimited);
    assert_eq!(forward(&scene, BORA, source, "f").await.unwrap().message.id, first.id, "a retry");
    assert_eq!(refusal(forward(&scene, EVE, source, "g").await), Code::MessageNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_retries_of_a_forward_at_once_are_one_message() {
    let scene = Arc::new(scene().await);
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message.id;
    let mut forwards = JoinSet::new();
    for mongo in scene.environments(20).await {
        let scene = Arc::clone(&scene);
        forwards.spawn(async move {
            forward_message(&scene.messenger_of(&mongo), &scene.author(BORA), &to(GROUP, source, "f")).await
        });
    }

    let sent: Vec<_> = forwards.join_all().await.into_iter().map(Result::unwrap).collect();

    assert!(sent.iter().all(|it| it.message.id == sent[0].message.id));
    assert_eq!(sent.iter().filter(|it| !it.duplicate).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_forwarded_after_a_kick_was_answered() {
    let scene = Arc::new(scene().await);
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message.id;
    let mut forwards = JoinSet::new();
    for (n, mongo) in scene.environments(20).await.into_iter().enumerate() {
        let scene = Arc::clone(&scene);
        forwards.spawn(async move {
            let (messenger, author) = (scene.messenger_of(&mongo), scene.author(BORA));
            let mut outcomes = Vec::new();
            for m in 0..5 {
                outcomes.push(forward_message(&messenger, &author, &to(GROUP, source, &format!("{n}-{m}"))).await);
            }
            outcomes
        });
    }
    scene.group_of(2, &[EVE]).await;
    let late = forward(&scene, BORA, source, "late").await;

    let outcomes = forwards.join_all().await;

    assert_eq!(refusal(late), Code::RoomNotFound);
    let (sent, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().flatten().partition(Result::is_ok);
    assert!(refused.into_iter().all(|outcome| refusal(outcome) == Code::RoomNotFound));
    let limit = domain::PageSize::LARGEST;
    let query = messaging::ListMessages { room: GROUP, user: EVE, anchor: Anchor::Newest, limit };
    let there = messaging::list_messages(&scene.messenger(), query).await.unwrap().items.len();
    assert_eq!(there, sent.len(), "what was acknowledged is there, and nothing else");
}

#[tokio::test]
async fn a_forward_that_nobody_was_told_of_is_delivered_by_its_retry() {
    let scene = scene().await;
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message.id;
    let first = forward(&scene, BORA, source, "f").await.unwrap().message;
    let message = scene.find(first.id).await.message;
    let position = scene.mongo().rooms().reserve(GROUP, None, mongo::Placement::Change).await.unwrap().unwrap();
    let mut causal = scene.mongo().causal().await.unwrap();
    let fanout = mongo::Fanout::new(long_ago(), 0);
    scene.mongo().messages().stamp(&mut causal, &message, &position, fanout).await.unwrap().unwrap();

    let retry = forward(&scene, BORA, source, "f").await.unwrap();

    assert!(retry.duplicate && retry.message.rev > position.rev);
    assert_eq!(retry.message.forwarded_from.map(|from| from.user_id), Some(ANNA));
}

#[tokio::test]
async fn a_forward_is_two_commands_more_than_a_message() {
    let scene = scene().await;
    let source = scene.send(ANNA, "a", "hello").await.unwrap().message.id;
    scene.send(BORA, "b", "hello").await.unwrap();
    scene.is_delivered(source).await;
    let mut profile = Profile::of(&scene.database).await;

    let text = MessageDraft { room: GROUP, content: Content::parse("hi").unwrap(), ..draft(BORA, "c", "hi") };
    scene.send_draft(&text).await.unwrap();
    let message = profile.count().await;
    forward(&scene, BORA, source, "f").await.unwrap();

    // The source, and the right to read it.
    assert_eq!(profile.count().await, message + 2);
}
