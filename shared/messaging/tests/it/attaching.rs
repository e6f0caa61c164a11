//! Messages with files: what is claimed, attached, given back and left to be deleted.

use crate::scene::{ANNA, BORA, ROOM, Scene, access, draft, long_ago, now, refusal};
use contract::MessageView;
use domain::{
    Attach, Code, Content, Fault, Invalid, MessageDraft, MessageId, MessageType, Purpose, UploadId, UploadKind,
    UploadState,
};
use messaging::{EditMessage, ForwardMessage, Sent, edit_message, erase_message, forward_message, send_message};
use mongo::{Anchor, Ended};
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use std::sync::Arc;
use testkit::mongo::{Profile, Uploaded};
use tokio::task::JoinSet;

/// An upload of Anna's that is ready.
pub(crate) async fn ready(scene: &Scene, number: u8, kind: UploadKind) -> UploadId {
    Uploaded { kind, ..Uploaded::by(ANNA, number) }.make(scene.mongo(), now()).await
}

pub(crate) async fn picture(scene: &Scene, number: u8) -> UploadId {
    ready(scene, number, UploadKind::Image).await
}

pub(crate) fn with(client_id: &str, message_type: MessageType, uploads: &[UploadId]) -> MessageDraft {
    let attachments = uploads.iter().map(|upload| Attach { upload: *upload, poster: None }).collect();
    let content = Content::parse_optional("").unwrap();
    MessageDraft { content, message_type, attachments, ..draft(ANNA, client_id, "x") }
}

pub(crate) fn pictures(client_id: &str, uploads: &[UploadId]) -> MessageDraft {
    with(client_id, MessageType::Image, uploads)
}

fn shown(message: &MessageView) -> Vec<UploadId> {
    message.attachments.iter().map(|attachment| attachment.id).collect()
}

async fn state(scene: &Scene, upload: UploadId) -> Option<UploadState> {
    scene.mongo().uploads().find(upload).await.unwrap().map(|upload| upload.state)
}

/// What the store has in a field of a message or an upload.
async fn stored(scene: &Scene, collection: &str, id: impl Into<Bson>, field: &str) -> Option<Bson> {
    let row: Document = scene.collection(collection).await.find_one(doc! { "_id": id.into() }).await.unwrap().unwrap();
    row.get(field).cloned()
}

async fn of_message(scene: &Scene, id: MessageId, field: &str) -> Option<Bson> {
    stored(scene, "messages", ObjectId::from_bytes(id.0), field).await
}

async fn is_claimed(scene: &Scene, upload: UploadId) -> bool {
    stored(scene, "uploads", upload.to_string(), "claim").await.is_some()
}

async fn open_uploads(scene: &Scene) -> i64 {
    stored(scene, "usages", ANNA.0, "open").await.and_then(|open| open.as_i64()).unwrap()
}

fn refused_field(outcome: Result<Sent, Fault>) -> (String, Invalid) {
    let fault = outcome.err().unwrap();
    assert_eq!(fault.code, Code::InvalidFields);
    (fault.fields[0].field.to_string(), fault.fields[0].reason)
}

#[tokio::test]
async fn message_shows_the_files_that_it_was_sent_with_everywhere() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let (one, two) = (picture(&scene, 1).await, picture(&scene, 2).await);

    let sent = scene.send_draft(&pictures("a", &[two, one])).await.unwrap().message;

    assert_eq!((shown(&sent), sent.content.as_str(), sent.message_type), (vec![two, one], "", MessageType::Image));
    let listed = scene.list(BORA, Anchor::Newest, 1).await.unwrap().items.remove(0);
    let synced = scene.sync_settled(BORA, 0, 10).await.items.remove(0);
    assert_eq!((shown(&listed), shown(&synced)), (vec![two, one], vec![two, one]));
    let pushed = scene.pushed.frames("tablet").pop().unwrap();
    assert_eq!(pushed["d"]["attachments"], serde_json::to_value(&sent.attachments).unwrap());
    for upload in [one, two] {
        assert_eq!(
            (state(&scene, upload).await, is_claimed(&scene, upload).await),
            (Some(UploadState::Attached), false)
        );
        assert_eq!(stored(&scene, "uploads", upload.to_string(), "holder").await, Some(sent.id.to_string().into()));
    }
    assert_eq!(open_uploads(&scene).await, 0);
}

#[tokio::test]
async fn video_shows_its_poster() {
    let scene = Scene::new().await;
    let (video, poster) = (ready(&scene, 1, UploadKind::Video).await, picture(&scene, 2).await);
    let attachments = vec![Attach { upload: video, poster: Some(poster) }];

    let draft = MessageDraft { attachments, ..with("a", MessageType::Video, &[]) };
    let sent = scene.send_draft(&draft).await.unwrap().message;

    assert_eq!(sent.attachments[0].poster.as_ref().map(|poster| poster.id), Some(poster));
    assert_eq!(state(&scene, poster).await, Some(UploadState::Attached));
    let other = scene.send_draft(&pictures("b", &[poster])).await;
    assert_eq!(refusal(other), Code::UploadTaken);
}

#[tokio::test]
async fn upload_that_no_message_can_have_is_named() {
    let scene = Scene::new().await;
    let good = picture(&scene, 1).await;
    let foreign = Uploaded::by(BORA, 2).make(scene.mongo(), now()).await;
    let file = ready(&scene, 3, UploadKind::File).await;
    let avatar = Uploaded { purpose: Purpose::Avatar, ..Uploaded::by(ANNA, 4) }.make(scene.mongo(), now()).await;
    let rejected = Uploaded { state: UploadState::Rejected, ..Uploaded::by(ANNA, 5) }.make(scene.mongo(), now()).await;
    let deleted = picture(&scene, 6).await;
    assert_eq!(scene.mongo().uploads().end_own(ANNA, deleted, now()).await.unwrap(), Ended::Done);
    for (bad, reason) in [
        (foreign, Invalid::NotFound),
        (UploadId([99; 16]), Invalid::NotFound),
        (deleted, Invalid::NotFound),
        (file, Invalid::Contradiction),
        (avatar, Invalid::Unsupported),
        (rejected, Invalid::Unsupported),
    ] {
        let refused = refused_field(scene.send_draft(&pictures("a", &[good, bad])).await);
        assert_eq!(refused, ("attachments.1.upload_id".to_owned(), reason));
        assert!(!is_claimed(&scene, good).await, "nothing is claimed where one is refused");
    }
    let video = ready(&scene, 7, UploadKind::Video).await;
    let attachments = vec![Attach { upload: video, poster: Some(file) }];
    let no_picture = MessageDraft { attachments, ..with("a", MessageType::Video, &[]) };
    let refused = refused_field(scene.send_draft(&no_picture).await);
    assert_eq!(refused, ("attachments.0.poster_id".to_owned(), Invalid::Contradiction));
}

#[tokio::test]
async fn upload_that_is_not_inspected_yet_is_waited_for() {
    let scene = Scene::new().await;
    let good = picture(&scene, 1).await;
    for (number, state) in [(2, UploadState::Pending), (3, UploadState::Uploaded)] {
        let early = Uploaded { state, ..Uploaded::by(ANNA, number) }.make(scene.mongo(), now()).await;
        let refused = scene.send_draft(&pictures("a", &[good, early])).await.err().unwrap();
        assert_eq!((refused.code, refused.retry_after.is_some()), (Code::UploadNotReady, true));
        assert!(!is_claimed(&scene, good).await);
    }
}

#[tokio::test]
async fn upload_of_another_message_is_taken() {
    let scene = Scene::new().await;
    let (one, two) = (picture(&scene, 1).await, picture(&scene, 2).await);
    scene.send_draft(&pictures("a", &[one])).await.unwrap();

    assert_eq!(refusal(scene.send_draft(&pictures("b", &[two, one])).await), Code::UploadTaken);

    assert!(!is_claimed(&scene, two).await);
    assert_eq!(scene.mongo().uploads().end_own(ANNA, one, now()).await.unwrap(), Ended::Taken);
}

#[tokio::test]
async fn refused_message_gives_its_uploads_back() {
    let scene = Scene::with_send_limit(1, 1).await;
    let upload = picture(&scene, 1).await;
    let message = pictures("a", &[upload]);
    let free = async |code| {
        assert_eq!(refusal(scene.send_draft(&message).await), code);
        assert!(!is_claimed(&scene, upload).await, "{code:?}");
    };

    scene.project(&access(2, &[BORA])).await;
    free(Code::RoomNotFound).await;
    free(Code::RateLimited).await;
    scene.project(&access(3, &[ANNA, BORA])).await;
    scene.block(4).await;
    scene.forget_gates().await;
    free(Code::RecipientUnavailable).await;
    scene.end_sessions().await;
    free(Code::Unauthenticated).await;

    assert_eq!(state(&scene, upload).await, Some(UploadState::Ready));
    assert_eq!((open_uploads(&scene).await, scene.list(BORA, Anchor::Newest, 1).await.unwrap().items.len()), (1, 0));
}

#[tokio::test]
async fn retry_is_the_same_message_and_other_files_are_another_one() {
    let scene = Scene::new().await;
    let (one, two) = (picture(&scene, 1).await, picture(&scene, 2).await);
    let sent = scene.send_draft(&pictures("a", &[one])).await.unwrap();

    let retry = scene.send_draft(&pictures("a", &[one])).await.unwrap();

    assert_eq!((retry.duplicate, retry.message.id, shown(&retry.message)), (true, sent.message.id, vec![one]));
    for others in [vec![two], vec![one, two], vec![]] {
        assert_eq!(refusal(scene.send_draft(&pictures("a", &others)).await), Code::ClientIdReused);
    }
    assert!(!is_claimed(&scene, two).await);
    scene.send_draft(&pictures("b", &[two])).await.unwrap();
}

/// Sends messages at once, each from an environment of its own.
async fn at_once(scene: Arc<Scene>, drafts: Vec<MessageDraft>) -> Vec<Result<Sent, Fault>> {
    let mut sending = JoinSet::new();
    for (mongo, draft) in scene.environments(drafts.len()).await.into_iter().zip(drafts) {
        let scene = scene.clone();
        sending
            .spawn(async move { send_message(&scene.messenger_of(&mongo), &scene.author(draft.user), &draft).await });
    }
    sending.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_concurrent_messages_gets_the_upload() {
    let scene = Arc::new(Scene::new().await);
    let upload = picture(&scene, 1).await;
    let drafts = (0..20).map(|n| pictures(&n.to_string(), &[upload])).collect();

    let outcomes = at_once(scene.clone(), drafts).await;

    let refused: Vec<_> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(|fault| fault.code).collect();
    assert_eq!(refused, [Code::UploadTaken; 19]);
    assert_eq!(scene.newest().await.len(), 1);
    assert_eq!((state(&scene, upload).await, open_uploads(&scene).await), (Some(UploadState::Attached), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_is_sent_twenty_times_at_once_is_one() {
    let scene = Arc::new(Scene::new().await);
    let upload = picture(&scene, 1).await;

    let outcomes = at_once(scene.clone(), vec![pictures("a", &[upload]); 20]).await;

    let mut ids: Vec<_> = outcomes.into_iter().map(|outcome| outcome.unwrap().message.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!((state(&scene, upload).await, open_uploads(&scene).await), (Some(UploadState::Attached), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn send_or_deletion_of_an_upload_wins_never_both() {
    let scene = Arc::new(Scene::new().await);
    for number in 1..=20 {
        let upload = picture(&scene, number).await;
        let deleting = async { scene.mongo().uploads().end_own(ANNA, upload, now()).await.unwrap() };
        let message = pictures(&number.to_string(), &[upload]);

        let (sent, ended) = tokio::join!(scene.send_draft(&message), deleting);

        match sent {
            Ok(_) => assert_eq!((ended, state(&scene, upload).await), (Ended::Taken, Some(UploadState::Attached))),
            Err(fault) => {
                assert_eq!((fault.code, ended), (Code::InvalidFields, Ended::Done));
                assert_eq!(state(&scene, upload).await, Some(UploadState::Deleting));
            }
        }
    }
    assert_eq!(open_uploads(&scene).await, 0);
}

#[tokio::test]
async fn claim_that_was_lost_keeps_no_second_message() {
    let scene = Scene::new().await;
    let upload = picture(&scene, 1).await;
    scene.send_draft(&pictures("a", &[upload])).await.unwrap();
    // As if a failover had lost all that was noted of it.
    let free = doc! { "$set": { "state": "ready" }, "$unset": { "holder": "" } };
    scene.collection("uploads").await.update_one(doc! { "_id": upload.to_string() }, free).await.unwrap();

    assert_eq!(refusal(scene.send_draft(&pictures("b", &[upload])).await), Code::UploadTaken);

    assert_eq!(scene.newest().await.len(), 1);
    assert!(!is_claimed(&scene, upload).await);
}

#[tokio::test]
async fn deleted_message_leaves_its_uploads_to_be_deleted() {
    let scene = Scene::new().await;
    let (video, poster) = (ready(&scene, 1, UploadKind::Video).await, picture(&scene, 2).await);
    let attachments = vec![Attach { upload: video, poster: Some(poster) }];
    let sent = scene.send_draft(&MessageDraft { attachments, ..with("a", MessageType::Video, &[]) }).await.unwrap();
    let id = sent.message.id;

    let deleted = scene.delete(ANNA, id).await.unwrap();

    assert_eq!((shown(&deleted), shown(&scene.newest().await[0])), (vec![], vec![]));
    for field in ["attachments", "uploads"] {
        assert_eq!(of_message(&scene, id, field).await, None, "{field}");
    }
    let purges = scene.mongo().uploads().list_purges(10).await.unwrap();
    assert_eq!(
        purges.iter().map(|purge| (purge.message, purge.uploads.clone())).collect::<Vec<_>>(),
        [(id, vec![video, poster])]
    );
}

#[tokio::test]
async fn tombstone_that_an_older_version_left_has_no_files() {
    let scene = Scene::new().await;
    let (uploads, upload) = (scene.mongo().uploads(), picture(&scene, 1).await);
    let id = scene.send_draft(&pictures("a", &[upload])).await.unwrap().message.id;
    scene.reply(BORA, "b", "!", id).await;
    let tombstone = doc! { "$set": { "content": "", "deleted_at": DateTime::from_millis(now().millis()) } };
    let this = doc! { "_id": ObjectId::from_bytes(id.0) };
    scene.collection("messages").await.update_one(this, tombstone).await.unwrap();

    let listed = scene.list(BORA, Anchor::Newest, 10).await.unwrap().items;
    assert!(listed.iter().all(|message| message.attachments.is_empty()));
    let quote = listed.iter().find_map(|message| message.quote.as_ref()).unwrap();
    assert!(quote.is_deleted && quote.attachment.is_none());
    let mut causal = scene.mongo().causal().await.unwrap();
    assert!(scene.mongo().messages().list_files(&mut causal, &[id], BORA).await.unwrap().is_empty());
    assert!(uploads.list_holders(&[upload]).await.unwrap().is_empty());
    uploads.purge_tombstones(&[upload]).await.unwrap();
    assert_eq!(uploads.list_purges(10).await.unwrap()[0].uploads, [upload]);
    assert_eq!(of_message(&scene, id, "attachments").await, None);
}

#[tokio::test]
async fn request_that_fails_before_it_writes_gives_its_uploads_back() {
    let scene = Scene::new().await;
    let upload = picture(&scene, 1).await;
    testkit::mongo::refuse(&scene.database.url, "gates", ANNA.0).await;

    let failed = scene.send_draft(&pictures("a", &[upload])).await.err().unwrap();

    assert!(failed.code.status() >= 500, "{failed:?}");
    assert!(!is_claimed(&scene, upload).await);
}

#[tokio::test]
async fn deleted_account_leaves_its_uploads_to_be_deleted() {
    let scene = Scene::new().await;
    let upload = picture(&scene, 1).await;
    let id = scene.send_draft(&pictures("a", &[upload])).await.unwrap().message.id;

    erase_message(&scene.messenger(), scene.find(id).await.message).await.unwrap();

    assert_eq!(scene.mongo().uploads().list_purges(10).await.unwrap()[0].uploads, [upload]);
}

#[tokio::test]
async fn upload_of_a_message_that_is_deleted_before_it_is_noted_stays_deleted() {
    let scene = Scene::new().await;
    let upload = picture(&scene, 1).await;
    let id = scene.send_draft(&pictures("a", &[upload])).await.unwrap().message.id;
    // As if its writer had not come to note it.
    let unnoted = doc! { "$set": { "state": "ready" } };
    scene.collection("uploads").await.update_one(doc! { "_id": upload.to_string() }, unnoted).await.unwrap();

    scene.delete(ANNA, id).await.unwrap();
    let uploads = scene.mongo().uploads();
    let purges = uploads.list_purges(10).await.unwrap();
    uploads.end_purged(&purges, now()).await.unwrap();
    uploads.attach(id, ANNA, &[upload], now()).await.unwrap();

    assert_eq!(state(&scene, upload).await, Some(UploadState::Deleting));
}

#[tokio::test]
async fn withdrawn_message_leaves_its_uploads_to_the_next_one() {
    let scene = Scene::new().await;
    let upload = picture(&scene, 1).await;
    let sent = scene.send_draft(&pictures("a", &[upload])).await.unwrap().message;
    let position = scene.reserve_above(sent.id).await;

    let withdrawn = scene.mongo().messages().withdraw(sent.id, sent.rev, &position, now()).await.unwrap();

    assert!(withdrawn.is_some() && scene.release(&position).await);
    for field in ["attachments", "uploads", "purge"] {
        assert_eq!(of_message(&scene, sent.id, field).await, None, "{field}");
    }
}

#[tokio::test]
async fn retry_notes_what_its_dead_writer_has_sent() {
    let scene = Scene::new().await;
    let upload = picture(&scene, 1).await;
    let sent = scene.send_draft(&pictures("a", &[upload])).await.unwrap().message;
    scene.is_delivered(sent.id).await;
    let unnoted = doc! { "$set": { "state": "ready" } };
    scene.collection("uploads").await.update_one(doc! { "_id": upload.to_string() }, unnoted).await.unwrap();
    scene.abandon(sent.id, long_ago()).await;

    let retry = scene.send_draft(&pictures("a", &[upload])).await.unwrap();

    assert_eq!((retry.duplicate, retry.message.id, shown(&retry.message)), (true, sent.id, vec![upload]));
    assert_eq!((state(&scene, upload).await, is_claimed(&scene, upload).await), (Some(UploadState::Attached), false));
}

#[tokio::test]
async fn edit_changes_the_text_alone() {
    let scene = Scene::new().await;
    let upload = picture(&scene, 1).await;
    let sent = scene.send_draft(&pictures("a", &[upload])).await.unwrap().message;
    let edit = async |text: &str| {
        let command = EditMessage { message: sent.id, content: Content::parse_optional(text).unwrap() };
        edit_message(&scene.messenger(), &scene.author(ANNA), &command).await
    };

    let edited = edit("제주도").await.unwrap();
    assert_eq!((edited.content.as_str(), shown(&edited)), ("제주도", vec![upload]));
    let emptied = edit("").await.unwrap();
    assert_eq!((emptied.content.as_str(), shown(&emptied)), ("", vec![upload]));
    let long = edit(&"a".repeat(4_095)).await.err().unwrap();
    assert_eq!((&*long.fields[0].field, long.fields[0].reason), ("content", Invalid::TooLong));
}

#[tokio::test]
async fn text_keeps_a_text_and_voice_gets_none() {
    let scene = Scene::new().await;
    let text = scene.send(ANNA, "a", "hi").await.unwrap().message;
    let note = ready(&scene, 1, UploadKind::Voice).await;
    let voice = scene.send_draft(&with("b", MessageType::Voice, &[note])).await.unwrap().message;
    for (id, content, reason) in [(text.id, "", Invalid::Blank), (voice.id, "hi", Invalid::Contradiction)] {
        let command = EditMessage { message: id, content: Content::parse_optional(content).unwrap() };
        let refused = edit_message(&scene.messenger(), &scene.author(ANNA), &command).await.err().unwrap();
        assert_eq!(refused.fields[0].reason, reason);
    }
}

#[tokio::test]
async fn quote_shows_the_first_file_until_it_is_deleted() {
    let scene = Scene::new().await;
    let (one, two) = (picture(&scene, 1).await, picture(&scene, 2).await);
    let question = scene.send_draft(&pictures("a", &[one, two])).await.unwrap().message;
    let quoted = async |id| {
        let listed = scene.list(BORA, Anchor::Newest, 10).await.unwrap().items;
        let quote = listed.into_iter().find(|message| message.id == id).and_then(|message| message.quote).unwrap();
        (quote.message_type, quote.attachment.map(|file| (file.id, file.kind, file.thumbhash.is_some())))
    };

    let reply = scene.reply(BORA, "b", "!", question.id).await.message;

    let first = Some((one, UploadKind::Image, true));
    let quote = reply.quote.as_ref().unwrap();
    assert_eq!(quote.attachment.as_ref().map(|file| file.id), Some(one));
    assert_eq!(quoted(reply.id).await, (MessageType::Image, first));
    scene.delete(ANNA, question.id).await.unwrap();
    assert_eq!(quoted(reply.id).await, (MessageType::Image, None));
}

#[tokio::test]
async fn message_with_files_is_not_forwarded() {
    let scene = Scene::new().await;
    let upload = picture(&scene, 1).await;
    let message = scene.send_draft(&pictures("a", &[upload])).await.unwrap().message.id;
    let command = ForwardMessage { message, room: ROOM, client_id: draft(BORA, "f", "x").client_id };

    let refused = forward_message(&scene.messenger(), &scene.author(BORA), &command).await.err().unwrap();

    assert_eq!((&*refused.fields[0].field, refused.fields[0].reason), ("message_type", Invalid::Unsupported));
}

#[tokio::test]
async fn files_cost_a_send_four_commands_however_many() {
    let scene = Scene::new().await;
    scene.send(ANNA, "first", "hi").await.unwrap();
    let (one, two, three) = (picture(&scene, 1).await, picture(&scene, 2).await, picture(&scene, 3).await);
    let mut profile = Profile::of(&scene.database).await;
    scene.send(ANNA, "a", "hi").await.unwrap();
    let text = profile.count().await;

    // The claim and what is claimed; that it is attached, and counted.
    scene.send_draft(&pictures("b", &[one])).await.unwrap();
    assert_eq!(profile.count().await, text + 4);
    scene.send_draft(&pictures("c", &[two, three])).await.unwrap();
    assert_eq!(profile.count().await, text + 4);
}
