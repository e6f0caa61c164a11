//! What happens to a message while it is written. The clock is the way into the middle of an operation: it is read before each
//! write of a message and before each release.

use crate::scene::{ANNA, BORA, GROUP, ROOM, Scene, access, draft, long_ago, now, refusal, texts};
use announce::Announcer;
use background::Background;
use domain::{
    Access, Clock, Code, Content, Fault, Mentions, MessageDraft, MessageId, MessageType, PageSize, Rev, Seq, Timestamp,
};
use messaging::{
    Author, EditMessage, ListMessages, ListReplies, MessageLimits, Messenger, Sent, Swept, delete_message,
    edit_message, list_messages, list_replies, send_message, sweep,
};
use mongo::{Anchor, Inserted, Mongo, NewText, Placement};
use mongodb::{
    Client,
    bson::{Document, doc},
};
use std::{cell::RefCell, collections::VecDeque, sync::Arc};
use testkit::pushing::Recorder;

type Action = Box<dyn FnOnce()>;

thread_local! {
    static ACTIONS: RefCell<VecDeque<Option<Action>>> = const { RefCell::new(VecDeque::new()) };
}

/// A clock that does something when it is looked at.
fn busy() -> Timestamp {
    let action = ACTIONS.with_borrow_mut(VecDeque::pop_front).flatten();
    if let Some(action) = action {
        action();
    }
    now()
}

/// What to do at the next looks at the clock, one after the other.
fn at_each_look(actions: impl IntoIterator<Item = Option<Action>>) {
    ACTIONS.set(actions.into_iter().collect());
}

/// Something that another environment does meanwhile, with a client of its own.
#[expect(clippy::unnecessary_wraps, reason = "at other looks nothing happens")]
fn meanwhile<F: Future<Output = ()>>(
    scene: &Scene,
    work: impl FnOnce(Mongo, String) -> F + Send + 'static,
) -> Option<Action> {
    let url = scene.database.url.clone();
    Some(Box::new(move || {
        let other = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { work(Mongo::connect(&url).await.unwrap(), url.clone()).await });
        });
        other.join().unwrap();
    }))
}

/// Readers drop the room's entries as overdue.
async fn drop_entries(url: &str) {
    let client = Client::with_uri_str(url).await.unwrap();
    let rooms = client.default_database().unwrap().collection::<Document>("rooms");
    rooms.update_one(doc! { "_id": ROOM.to_string() }, doc! { "$set": { "inflight": [] } }).await.unwrap();
}

async fn kick_and_drop(mongo: Mongo, url: String) {
    mongo.rooms().project(&access(2, &[BORA]), now()).await.unwrap();
    drop_entries(&url).await;
}

async fn block_and_drop(mongo: Mongo, url: String) {
    let blocked = Access { blocked: true, ..access(2, &[ANNA, BORA]) };
    mongo.rooms().project(&blocked, now()).await.unwrap();
    drop_entries(&url).await;
}

async fn only_drop(_: Mongo, url: String) {
    drop_entries(&url).await;
}

async fn send(scene: &Scene) -> Result<Sent, Fault> {
    let messenger = scene.messenger_at(scene.mongo(), Clock(busy));
    let sent = send_message(&messenger, &scene.author(ANNA), &draft(ANNA, "c", "hi")).await;
    assert!(ACTIONS.with_borrow(VecDeque::is_empty), "all of it happened");
    sent
}

/// What a page shows of the only message, and the numbers of changes in the room.
async fn row(scene: &Scene) -> (MessageId, String, bool, i64) {
    let page = scene.sync_settled(BORA, 0, 10).await;
    assert_eq!(page.cursor, page.head);
    let [item] = &page.items[..] else { panic!("{} messages", page.items.len()) };
    (item.id, item.content.clone(), item.is_deleted, item.rev.0)
}

#[tokio::test]
async fn a_message_whose_entry_was_dropped_is_moved_before_it_is_acknowledged() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    at_each_look([None, meanwhile(&scene, only_drop)]);

    let sent = send(&scene).await.unwrap();

    assert_eq!((sent.duplicate, sent.message.rev.0, sent.message.seq.0), (false, 2, 1));
    assert_eq!(row(&scene).await, (sent.message.id, "hi".to_owned(), false, 2));
    assert_eq!(scene.pushed.frames("tablet")[0]["rev"], 2);
    scene.is_delivered(sent.message.id).await;
}

#[tokio::test]
async fn a_message_is_moved_until_a_release_counts() {
    let scene = Scene::new().await;
    let drop = || meanwhile(&scene, only_drop);
    at_each_look([None, drop(), None, drop(), None, drop()]);

    let sent = send(&scene).await.unwrap();

    assert_eq!(sent.message.rev.0, 4);
    assert_eq!(row(&scene).await, (sent.message.id, "hi".to_owned(), false, 4));
}

#[tokio::test]
async fn unreleased_message_without_rights_is_withdrawn() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    at_each_look([None, meanwhile(&scene, kick_and_drop)]);

    let refused = send(&scene).await;

    assert_eq!(refusal(refused), Code::RoomNotFound);
    let (id, content, is_deleted, rev) = row(&scene).await;
    assert_eq!((content.as_str(), is_deleted, rev), ("", true, 2));
    let frames = scene.pushed.frames("tablet");
    assert_eq!((frames.len(), &frames[0]["t"], &frames[0]["rev"]), (1, &"message.deleted".into(), &2.into()));
    scene.is_delivered(id).await;
}

#[tokio::test]
async fn across_a_new_block_an_unreleased_message_is_withdrawn() {
    let scene = Scene::new().await;
    at_each_look([None, meanwhile(&scene, block_and_drop)]);

    let refused = send(&scene).await;

    assert_eq!(refusal(refused), Code::RecipientUnavailable);
    let (_, content, is_deleted, _) = row(&scene).await;
    assert_eq!((content.as_str(), is_deleted), ("", true));
}

#[tokio::test]
async fn a_tombstone_is_moved_until_a_release_counts() {
    let scene = Scene::new().await;
    at_each_look([None, meanwhile(&scene, kick_and_drop), None, meanwhile(&scene, only_drop)]);

    let refused = send(&scene).await;

    assert_eq!(refusal(refused), Code::RoomNotFound);
    let (_, _, is_deleted, rev) = row(&scene).await;
    assert_eq!((is_deleted, rev), (true, 3));
}

#[tokio::test]
async fn a_withdrawn_message_can_be_sent_again() {
    let scene = Scene::new().await;
    at_each_look([None, meanwhile(&scene, kick_and_drop)]);
    send(&scene).await.err().unwrap();
    assert_eq!(refusal(scene.send(ANNA, "c", "hi").await), Code::RoomNotFound, "no retry gets a withdrawn message");
    scene.project(&access(3, &[ANNA, BORA])).await;

    let again = scene.send(ANNA, "c", "hi").await.unwrap();

    assert!(!again.duplicate);
    assert_eq!(texts(&scene.newest().await), ["", "hi"]);
}

/// Another environment sends a message, and is acknowledged; it is a repetition or not.
async fn send_beside(mongo: Mongo, message: &MessageDraft) -> bool {
    let session = domain::SessionId("s".to_owned());
    let plenty = domain::Limit { burst: 1_000, per_minute: 1_000 };
    let limits = MessageLimits { sends: plenty, retries: plenty, changes: plenty };
    let fingerprints = &credentials::Fingerprints::new("a key of tests", None);
    let author = Author { user: message.user, session: &session, connection: None, limits, fingerprints };
    let (pushes, clock) = (Arc::<Recorder>::default(), Clock(now));
    let announcer = Announcer::new(mongo.clone(), pushes, clock, Background::inline());
    let messenger = Messenger { mongo, announcer, clock };
    send_message(&messenger, &author, message).await.unwrap().duplicate
}

#[tokio::test]
async fn passed_message_is_sent_anew_above_the_later_one() {
    let scene = Scene::new().await;
    let meanwhile = meanwhile(&scene, async |mongo: Mongo, url: String| {
        drop_entries(&url).await;
        assert!(!send_beside(mongo, &draft(BORA, "d", "later")).await);
    });
    at_each_look([None, meanwhile]);

    let sent = send(&scene).await.unwrap();

    assert_eq!(
        (sent.duplicate, sent.message.seq.0),
        (false, 3),
        "a lost position may lie below what was acknowledged before"
    );
    let page = scene.newest().await;
    assert_eq!(texts(&page), ["", "later", "hi"]);
    assert!(page[0].is_deleted);
    let again = scene.send(ANNA, "c", "hi").await.unwrap();
    assert_eq!((again.duplicate, again.message.id), (true, sent.message.id));
}

#[tokio::test]
async fn a_message_that_a_retry_acknowledged_is_not_withdrawn() {
    let scene = Scene::new().await;
    let meanwhile = meanwhile(&scene, async |mongo: Mongo, url: String| {
        drop_entries(&url).await;
        assert!(send_beside(mongo.clone(), &draft(ANNA, "c", "hi")).await);
        kick_and_drop(mongo, url).await;
    });
    at_each_look([None, meanwhile]);

    let refused = send(&scene).await;

    assert_eq!(refusal(refused), Code::Unavailable, "the retry decides");
    let (_, content, is_deleted, rev) = row(&scene).await;
    assert_eq!((content.as_str(), is_deleted, rev), ("hi", false, 2));
}

#[tokio::test]
async fn a_message_that_a_retry_moved_during_a_stamp_is_not_withdrawn() {
    let scene = Scene::new().await;
    let moved = meanwhile(&scene, async |mongo: Mongo, url: String| {
        assert!(send_beside(mongo.clone(), &draft(ANNA, "c", "hi")).await);
        kick_and_drop(mongo, url).await;
    });
    at_each_look([None, meanwhile(&scene, only_drop), moved]);

    let refused = send(&scene).await;

    assert_eq!(refusal(refused), Code::Unavailable, "the retry decides");
    let (_, content, is_deleted, rev) = row(&scene).await;
    assert_eq!((content.as_str(), is_deleted, rev), ("hi", false, 3));
}

#[tokio::test]
async fn a_slow_writer_and_its_retry_acknowledge_one_message() {
    let scene = Scene::new().await;
    let meanwhile = meanwhile(&scene, async |mongo: Mongo, url: String| {
        drop_entries(&url).await;
        assert!(send_beside(mongo, &draft(ANNA, "c", "hi")).await, "{url}");
    });
    at_each_look([None, meanwhile]);

    let sent = send(&scene).await.unwrap();

    let (id, content, is_deleted, rev) = row(&scene).await;
    assert_eq!((id, content.as_str(), is_deleted), (sent.message.id, "hi", false));
    assert_eq!(sent.message.rev.0, rev, "it is moved above what the retry took");
}

/// Its writer withdraws a message that nobody moved since a `rev`.
fn withdraw(scene: &Scene, id: MessageId, rev: Rev, seq: Seq) -> Option<Action> {
    meanwhile(scene, async move |mongo: Mongo, _: String| {
        let above = mongo.rooms().reserve(ROOM, None, Placement::Above { id, rev, seq }).await.unwrap().unwrap();
        let withdrawn = mongo.messages().withdraw(id, rev, &above, now()).await.unwrap();
        assert!(matches!(withdrawn, Some(Inserted::Done(_))));
        assert!(mongo.rooms().release(ROOM, &above).await.unwrap());
    })
}

#[tokio::test]
async fn a_retry_of_a_message_that_is_withdrawn_meanwhile_is_to_be_tried_again() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "c", "hi").await.unwrap().message.id;
    scene.is_delivered(id).await;
    let rev = scene.abandon(id, now()).await;
    at_each_look([None, withdraw(&scene, id, rev, Seq(1))]);

    let refused = send(&scene).await;

    assert_eq!(refusal(refused), Code::Unavailable);
    assert!(!scene.send(ANNA, "c", "hi").await.unwrap().duplicate);
}

#[tokio::test]
async fn an_edit_and_a_deletion_count_by_the_rights_of_their_time() {
    for is_edit in [true, false] {
        let scene = Scene::new().await;
        let id = scene.send(ANNA, "c", "hi").await.unwrap().message.id;
        let messenger = scene.messenger_at(scene.mongo(), Clock(busy));
        at_each_look([None, meanwhile(&scene, kick_and_drop)]);

        let changed = if is_edit {
            let command = EditMessage { message: id, content: Content::parse("edited").unwrap() };
            edit_message(&messenger, &scene.author(ANNA), &command).await.unwrap()
        } else {
            delete_message(&messenger, &scene.author(ANNA), id).await.unwrap()
        };

        assert!(ACTIONS.with_borrow(VecDeque::is_empty), "all of it happened");
        assert_eq!(changed.rev.0, 3, "a majority knew its position, and it is moved above what readers passed");
        let content = if is_edit { "edited" } else { "" };
        scene.project(&access(3, &[ANNA, BORA])).await;
        assert_eq!(row(&scene).await, (id, content.to_owned(), !is_edit, 3));
    }
}

#[tokio::test]
async fn a_message_is_pushed_to_the_members_as_of_its_position() {
    for (is_dropped, told) in [(false, vec!["tablet"]), (true, vec![])] {
        let scene = Scene::new().await;
        scene.connect(BORA, "tablet").await;
        let kick = meanwhile(&scene, async move |mongo: Mongo, url: String| {
            mongo.rooms().project(&access(2, &[ANNA]), now()).await.unwrap();
            if is_dropped {
                drop_entries(&url).await;
            }
        });
        at_each_look([None, kick]);

        send(&scene).await.unwrap();

        assert_eq!(scene.pushed.connections(), told, "dropped: {is_dropped}");
    }
}

#[tokio::test]
async fn a_message_that_moved_while_it_was_pushed_is_still_owed() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "c", "hi").await.unwrap().message;
    let rev = scene.abandon(sent.id, now()).await;

    scene.mongo().messages().clear_fanout(sent.id, sent.rev).await.unwrap();

    scene.send(ANNA, "later", "later").await.unwrap();
    let stored = scene.find(sent.id).await;
    assert_eq!((stored.message.rev, stored.fanout.map(|fanout| fanout.released)), (rev, Some(false)));
}

/// A question and two answers, the first of which its writer left behind and withdraws at the next look but so many.
async fn withdrawn_answer(looks: usize) -> (Scene, MessageId) {
    let scene = Scene::new().await;
    let question = scene.send(BORA, "q", "where?").await.unwrap().message.id;
    let answer = scene.reply(ANNA, "c", "hi", question).await.message.id;
    scene.reply(ANNA, "d", "later", question).await;
    scene.is_delivered(answer).await;
    let rev = scene.abandon(answer, long_ago()).await;
    scene.settle().await;
    let before = std::iter::repeat_with(|| None).take(looks);
    at_each_look(before.chain([withdraw(&scene, answer, rev, Seq(2))]));
    (scene, question)
}

#[tokio::test]
async fn message_that_is_withdrawn_after_a_page_was_read_is_left_out() {
    let (scene, _) = withdrawn_answer(0).await;
    let (messenger, limit) = (scene.messenger_at(scene.mongo(), Clock(busy)), PageSize::parse(Some(10)).unwrap());
    let query = ListMessages { room: ROOM, user: BORA, anchor: Anchor::Newest, limit };

    let page = list_messages(&messenger, query).await.unwrap();

    assert!(ACTIONS.with_borrow(VecDeque::is_empty), "all of it happened");
    assert_eq!(texts(&page.items), ["where?", "later"]);
    let changed = scene.sync_settled(BORA, page.cursor.0, 10).await.items;
    assert_eq!((texts(&changed), changed[0].is_deleted), (vec![""], true), "the tombstone follows");
}

#[tokio::test]
async fn replies_go_on_behind_one_that_is_withdrawn_meanwhile() {
    let (scene, message) = withdrawn_answer(0).await;
    let (messenger, size) = (scene.messenger_at(scene.mongo(), Clock(busy)), PageSize::parse(Some(1)).unwrap());
    let query = ListReplies { message, user: BORA, after: None, size };

    let first = list_replies(&messenger, query).await.unwrap();
    let second = list_replies(&messenger, ListReplies { after: first.next, ..query }).await.unwrap();

    assert!(ACTIONS.with_borrow(VecDeque::is_empty), "all of it happened");
    assert_eq!((texts(&first.items), texts(&second.items)), (vec![], vec!["later"]));
}

#[tokio::test]
async fn message_that_is_withdrawn_during_a_sweep_is_no_failure() {
    let (scene, _) = withdrawn_answer(1).await;
    let messenger = scene.messenger_at(scene.mongo(), Clock(busy));

    let swept = sweep(&messenger, 10, Timestamp::from_millis(i64::MAX)).await.unwrap();

    assert!(ACTIONS.with_borrow(VecDeque::is_empty), "all of it happened");
    assert_eq!(swept, Swept { delivered: 1, failed: 0 });
}

#[tokio::test]
async fn retried_edit_of_a_dead_request_is_moved_above_all_readers() {
    let scene = Scene::new().await;
    let id = scene.send(ANNA, "c", "hi").await.unwrap().message.id;
    let position = scene.reserve(Placement::Change).await;
    drop_entries(&scene.database.url).await;
    let passed = scene.sync_settled(BORA, 0, 10).await.cursor;
    let (content, mentions) = (Content::parse("edited").unwrap(), Mentions::default());
    let text = NewText { author: ANNA, message_type: MessageType::Text, content: &content, mentions: &mentions };
    let mut causal = scene.mongo().causal().await.unwrap();
    scene.mongo().messages().edit(&mut causal, id, &text, &position, now()).await.unwrap().unwrap();
    scene.connect(BORA, "tablet").await;

    let edited = scene.edit(ANNA, id, "edited").await.unwrap();

    assert!(passed == position.rev && edited.rev > passed);
    assert_eq!(texts(&scene.sync_settled(BORA, passed.0, 10).await.items), ["edited"]);
    assert_eq!(scene.pushed.frames("tablet")[0]["rev"], edited.rev.0);
}

#[tokio::test]
async fn retry_that_its_first_request_outran_gives_its_call_of_the_channel_back() {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA, BORA]).await;
    let call = |name: &str| MessageDraft { room: GROUP, ..draft(ANNA, name, "@channel") };
    let (first, retry) = (call("c"), call("c"));
    at_each_look([meanwhile(&scene, async move |mongo: Mongo, _: String| assert!(!send_beside(mongo, &first).await))]);

    let messenger = scene.messenger_at(scene.mongo(), Clock(busy));
    assert!(send_message(&messenger, &scene.author(ANNA), &retry).await.unwrap().duplicate);

    assert!(ACTIONS.with_borrow(VecDeque::is_empty), "all of it happened");
    for name in ["d", "e"] {
        scene.send_draft(&call(name)).await.unwrap();
    }
    assert_eq!(refusal(scene.send_draft(&call("f")).await), Code::RateLimited, "three in all");
}
