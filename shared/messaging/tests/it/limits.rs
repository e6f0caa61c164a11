use crate::scene::{ANNA, BORA, EVE, ROOM, Scene, draft, refusal};
use domain::{Code, Limit, MessageDraft, MessageId, RoomId, RoomKey, UserId};
use messaging::{MessageLimits, send_message};
use mongo::Bucket;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Three at once, and so few a minute that none comes back while a test runs.
async fn scene() -> Scene {
    Scene::with_send_limit(3, 1).await
}

async fn send(scene: &Scene, names: &[&str]) {
    for name in names {
        scene.send(ANNA, name, "hi").await.unwrap();
    }
}

#[tokio::test]
async fn limited_send_says_how_long_to_wait() {
    let scene = scene().await;
    send(&scene, &["a", "b", "c"]).await;

    let refused = scene.send(ANNA, "d", "hi").await.err().unwrap();

    assert_eq!(refused.code, Code::RateLimited);
    assert!(refused.retry_after.unwrap() <= Duration::from_mins(1));
}

#[tokio::test]
async fn refused_send_succeeds_after_the_wait() {
    let scene = scene().await;
    send(&scene, &["a", "b", "c"]).await;
    assert_eq!(refusal(scene.send(ANNA, "d", "hi").await), Code::RateLimited);
    scene.mongo().gates().refund(ANNA, Bucket::Sends, scene.limits.sends).await.unwrap();

    assert!(!scene.send(ANNA, "d", "hi").await.unwrap().duplicate);
}

#[tokio::test]
async fn send_limit_counts_per_person() {
    let scene = scene().await;
    send(&scene, &["a", "b", "c"]).await;

    scene.send(BORA, "a", "hi").await.unwrap();
}

#[tokio::test]
async fn retry_is_answered_over_the_limit() {
    let scene = scene().await;
    send(&scene, &["a", "b", "c"]).await;

    assert!(scene.send(ANNA, "a", "hi").await.unwrap().duplicate);
}

#[tokio::test]
async fn retries_are_free() {
    let scene = scene().await;
    send(&scene, &["a", "b"]).await;
    send(&scene, &["a"; 10]).await;

    send(&scene, &["c"]).await;

    assert_eq!(refusal(scene.send(ANNA, "d", "hi").await), Code::RateLimited);
}

#[tokio::test]
async fn known_and_unknown_rooms_get_the_same_answer_when_limited() {
    let scene = scene().await;
    let mut answers = Vec::new();
    for room in [ROOM, RoomKey::private(RoomId(99))] {
        for user in [EVE, UserId(9)] {
            let mut refusals = Vec::new();
            for n in 0..5 {
                let draft = MessageDraft { room, ..draft(user, &n.to_string(), "hi") };
                refusals.push(refusal(scene.send_draft(&draft).await));
            }
            answers.push(refusals);
            scene.forget_gates().await;
        }
    }

    let (unknown, limited) = (Code::RoomNotFound, Code::RateLimited);
    assert!(answers.iter().all(|refusals| *refusals == [unknown, unknown, unknown, limited, limited]), "{answers:?}");
}

#[tokio::test]
async fn retries_have_a_limit_of_their_own() {
    let few = Limit { burst: 3, per_minute: 1 };
    let mut scene = Scene::new().await;
    scene.limits = MessageLimits { retries: few, ..scene.limits };
    let sent = scene.send(ANNA, "a", "hi").await.unwrap().message;
    send(&scene, &["a"; 3]).await;

    let refused = scene.send(ANNA, "a", "hi").await.err().unwrap();

    assert_eq!(refused.code, Code::RateLimited);
    assert!(refused.retry_after.unwrap() <= Duration::from_mins(1));
    assert_eq!(scene.newest().await.len(), 1);
    assert!(scene.send(ANNA, "b", "new").await.is_ok_and(|sent| !sent.duplicate), "new messages go on");
    assert!(scene.edit(ANNA, sent.id, "edited").await.is_ok());
}

#[tokio::test]
async fn edits_and_messages_share_a_limit() {
    let scene = scene().await;
    let sent = scene.send(ANNA, "a", "hi").await.unwrap().message;
    scene.edit(ANNA, sent.id, "one").await.unwrap();
    scene.edit(ANNA, sent.id, "two").await.unwrap();

    assert_eq!(refusal(scene.edit(ANNA, sent.id, "three").await), Code::RateLimited);
    assert_eq!(refusal(scene.send(ANNA, "b", "hi").await), Code::RateLimited);
    scene.delete(ANNA, sent.id).await.unwrap();
}

#[tokio::test]
async fn forbidden_edit_is_refused_before_the_limit() {
    let scene = scene().await;
    let theirs = scene.send(BORA, "b", "hi").await.unwrap().message;
    send(&scene, &["a", "b", "c"]).await;

    assert_eq!(refusal(scene.edit(ANNA, theirs.id, "x").await), Code::NotAuthor);
    assert_eq!(refusal(scene.edit(ANNA, MessageId([7; 12]), "x").await), Code::MessageNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_of_forty_concurrent_sends_pass_a_limit_of_twenty() {
    let scene = Arc::new(Scene::with_send_limit(20, 1).await);
    let mut sends = JoinSet::new();
    for (n, mongo) in scene.environments(40).await.into_iter().enumerate() {
        let scene = Arc::clone(&scene);
        sends.spawn(async move {
            let draft = draft(ANNA, &n.to_string(), "hi");
            send_message(&scene.messenger_of(&mongo), &scene.author(ANNA), &draft).await
        });
    }

    let (sent, refused): (Vec<_>, Vec<_>) = sends.join_all().await.into_iter().partition(Result::is_ok);

    assert!(refused.into_iter().all(|refused| refusal(refused) == Code::RateLimited));
    assert_eq!(sent.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_retries_at_once_cost_one_token() {
    let scene = Arc::new(Scene::with_send_limit(30, 1).await);
    let mut sends = JoinSet::new();
    for mongo in scene.environments(20).await {
        let scene = Arc::clone(&scene);
        sends.spawn(async move {
            send_message(&scene.messenger_of(&mongo), &scene.author(ANNA), &draft(ANNA, "a", "hi")).await
        });
    }
    sends.join_all().await.into_iter().for_each(|sent| drop(sent.unwrap()));

    for n in 0..29 {
        scene.send(ANNA, &n.to_string(), "hi").await.unwrap();
    }

    assert_eq!(refusal(scene.send(ANNA, "more", "hi").await), Code::RateLimited);
}

#[tokio::test]
async fn deletions_have_a_limit_of_their_own() {
    let few = Limit { burst: 1, per_minute: 1 };
    let mut scene = Scene::new().await;
    scene.limits = MessageLimits { changes: few, ..scene.limits };
    let (one, two) =
        (scene.send(ANNA, "a", "hi").await.unwrap().message, scene.send(ANNA, "b", "hi").await.unwrap().message);
    let theirs = scene.send(BORA, "c", "hi").await.unwrap().message;
    scene.delete(ANNA, one.id).await.unwrap();

    assert_eq!(refusal(scene.delete(ANNA, two.id).await), Code::RateLimited);
    assert_eq!(refusal(scene.delete(ANNA, theirs.id).await), Code::NotAuthor);
    scene.send(ANNA, "d", "new messages go on").await.unwrap();
}

#[tokio::test]
async fn limit_tells_no_stranger_which_messages_exist() {
    let few = Limit { burst: 1, per_minute: 1 };
    let mut scene = Scene::new().await;
    scene.limits = MessageLimits { changes: few, ..scene.limits };
    let theirs = scene.send(ANNA, "a", "hi").await.unwrap().message.id;

    for _ in 0..2 {
        for id in [theirs, MessageId([7; 12])] {
            let answers = [
                scene.react(EVE, id, "👍").await,
                scene.unreact(EVE, id, "👍").await,
                scene.pin(EVE, id).await,
                scene.unpin(EVE, id).await,
                scene.delete(EVE, id).await,
            ];
            assert_eq!(answers.map(refusal), [Code::MessageNotFound; 5]);
        }
    }

    scene.react(BORA, theirs, "👍").await.unwrap();
    assert_eq!(refusal(scene.pin(BORA, theirs).await), Code::RateLimited);
}
