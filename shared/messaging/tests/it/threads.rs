use crate::scene::{ANNA, BORA, EVE, Scene, access, long_ago, now, refusal, texts};
use contract::MessageView;
use domain::{Code, Fault, MessageId, Page, PageSize, Seq, UserId};
use messaging::{ListReplies, list_replies};
use testkit::mongo::Profile;

async fn page(
    scene: &Scene,
    user: UserId,
    message: MessageId,
    after: Option<Seq>,
    limit: i64,
) -> Result<Page<MessageView, Seq>, Fault> {
    let size = PageSize::parse(Some(limit)).unwrap();
    list_replies(&scene.messenger(), ListReplies { message, user, after, size }).await
}

/// A message with three replies and one that is none.
async fn thread(scene: &Scene) -> MessageId {
    let question = scene.send(ANNA, "q", "where?").await.unwrap().message.id;
    let first = scene.reply(BORA, "1", "one", question).await.message.id;
    scene.send(BORA, "x", "no reply").await.unwrap();
    scene.reply(ANNA, "2", "two", question).await;
    scene.reply(ANNA, "y", "a reply to the reply", first).await;
    scene.reply(BORA, "3", "three", question).await;
    scene.settle().await;
    question
}

#[tokio::test]
async fn replies_are_listed_oldest_first_with_their_quote() {
    let scene = Scene::new().await;
    let question = thread(&scene).await;

    let replies = page(&scene, BORA, question, None, 10).await.unwrap();

    assert_eq!((texts(&replies.items), replies.next), (vec!["one", "two", "three"], None));
    assert!(replies.items.iter().all(|reply| reply.quote.as_ref().is_some_and(|quote| quote.content == "where?")));
}

#[tokio::test]
async fn replies_are_read_in_pages() {
    let scene = Scene::new().await;
    let question = thread(&scene).await;

    let first = page(&scene, ANNA, question, None, 2).await.unwrap();
    let second = page(&scene, ANNA, question, first.next, 2).await.unwrap();

    assert_eq!((texts(&first.items), first.next), (vec!["one", "two"], first.items.last().map(|last| last.seq)));
    assert_eq!((texts(&second.items), second.next), (vec!["three"], None));
}

#[tokio::test]
async fn replies_are_for_members_of_the_room() {
    let scene = Scene::new().await;
    let question = thread(&scene).await;
    scene.block(2).await;
    assert_eq!(page(&scene, BORA, question, None, 10).await.unwrap().items.len(), 3, "across a block too");

    assert_eq!(refusal(page(&scene, EVE, question, None, 10).await), Code::MessageNotFound);
    assert_eq!(refusal(page(&scene, ANNA, MessageId([7; 12]), None, 10).await), Code::MessageNotFound);
    scene.project(&access(3, &[ANNA])).await;
    assert_eq!(refusal(page(&scene, BORA, question, None, 10).await), Code::MessageNotFound);
}

#[tokio::test]
async fn a_reply_whose_writer_died_is_moved_before_it_is_shown() {
    let scene = Scene::new().await;
    let question = scene.send(ANNA, "q", "where?").await.unwrap().message.id;
    let reply = scene.reply(BORA, "1", "here", question).await.message.id;
    scene.is_delivered(reply).await;
    let rev = scene.abandon(reply, long_ago()).await;

    let shown = page(&scene, ANNA, question, None, 10).await.unwrap().items.remove(0);

    assert!(shown.rev > rev && shown.updated_at <= now());
}

#[tokio::test]
async fn replies_are_two_commands() {
    let scene = Scene::new().await;
    let question = thread(&scene).await;
    let mut profile = Profile::of(&scene.database).await;

    page(&scene, ANNA, question, None, 10).await.unwrap();

    assert_eq!(profile.count().await, 2);
}
