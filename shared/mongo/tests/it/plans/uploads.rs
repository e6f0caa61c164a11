use super::{Watch, person, town};
use crate::scene::{ANNA, AT, BORA, EVE, ROOM, access_as_of, collection, draft, fill, group, say, scene};
use domain::{
    Attach, ClientId, FileName, MalwareScan, MediaType, MessageDraft, Person, Picture, Purpose, ScanResult,
    UploadDraft, UploadId, UploadKind, UploadLimits, UserId, WideMentions,
};
use mongo::{GroupRights, NewUpload, PictureOf, UploadClaim};
use mongodb::bson::{DateTime, doc, oid::ObjectId};
use std::time::Duration;
use testkit::mongo::Uploaded;

#[tokio::test]
async fn no_command_on_uploads_walks_a_collection() {
    let database = scene().await;
    let (mongo, uploads, usages) = (&database.mongo, database.mongo.uploads(), database.mongo.usages());
    fill(&database, ROOM, BORA, 50).await;
    let limits = UploadLimits { open: 1_000, ..UploadLimits::default() };
    let draft = |number: u8| UploadDraft {
        kind: UploadKind::File,
        purpose: Purpose::Message,
        name: FileName::parse("a").unwrap(),
        size: 1,
        media_type: MediaType::parse("text/plain").unwrap(),
        sha256: None,
        client_id: ClientId::parse(&number.to_string()).unwrap(),
    };
    for number in 10..60 {
        let (owner, draft) = (UserId(number.into()), draft(number));
        uploads.insert(&NewUpload { id: UploadId([number; 16]), owner, draft: &draft, at: AT }).await.unwrap();
        usages.reserve(owner, 1, &limits, AT).await.unwrap();
    }
    let (id, draft, end) = (UploadId([1; 16]), draft(1), AT.plus(Duration::from_hours(25)));
    let deleted = say(mongo, ROOM, ANNA, "x").await.id;
    let purge = doc! { "$set": { "purge": [id.to_string()], "deleted_at": DateTime::from_millis(0) } };
    let messages = collection(&database, "messages").await;
    messages.update_one(doc! { "_id": ObjectId::from_bytes(deleted.0) }, purge).await.unwrap();
    let mut watch = Watch::over(&database).await;

    watch.watch("reserve", 1, usages.reserve(ANNA, 1, &limits, AT)).await;
    watch.watch("find_by_client_id", 1, uploads.find_by_client_id(ANNA, &draft.client_id)).await;
    watch.watch("insert", 0, uploads.insert(&NewUpload { id, owner: ANNA, draft: &draft, at: AT })).await;
    watch.watch("find", 1, uploads.find(id)).await;
    watch.watch("find_own", 1, uploads.find_own(ANNA, id)).await;
    watch.watch("note_multipart", 1, uploads.note_multipart(id, "x")).await;
    watch.watch("arrive", 1, uploads.arrive(id, 1, "x", AT)).await;
    watch.watch("list_uninspected", 1, uploads.list_uninspected(AT.plus(Duration::from_mins(1)), 5)).await;
    watch.watch("note_scan", 1, uploads.note_scan(id, "x", ScanResult::Clean, AT)).await;
    watch.watch("lease", 1, uploads.lease(id, MalwareScan::GuardDuty, AT)).await;
    watch.watch("end_own", 1, uploads.end_own(ANNA, id, AT)).await;
    watch.watch("list_holders", 0, uploads.list_holders(&[id])).await;
    watch.watch("find_oldest_due", 1, uploads.find_oldest_due(end)).await;
    let due = watch.watch("list_due", 3, uploads.list_due(end, 3)).await;
    watch.watch("postpone", 1, uploads.postpone(&due[0], end)).await;
    watch.watch("expire", 1, uploads.expire(&due[1], end)).await;
    let purges = watch.watch("list_purges", 1, uploads.list_purges(3)).await;
    watch.watch("end_purged", 1, uploads.end_purged(&purges, AT)).await;
    watch.watch("list_range", 3, uploads.list_range(Some("01"), Some("0c"), 5)).await;
    watch.watch("list_unchecked", 3, usages.list_unchecked(end, 3)).await;
    watch.watch("recount", 1, usages.recount(ANNA, end)).await;
    watch.watch("end_of_person", 1, uploads.end_of_person(UserId(12), AT)).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn no_command_on_files_of_messages_walks_a_collection() {
    let database = town().await;
    let (mongo, uploads, rooms) = (&database.mongo, database.mongo.uploads(), database.mongo.rooms());
    for number in 10..30 {
        Uploaded::by(UserId(number.into()), number).make(mongo, AT).await;
    }
    let upload = Uploaded::by(ANNA, 1).make(mongo, AT).await;
    let attachments = vec![Attach { upload, poster: None }];
    let claim = UploadClaim::of(&MessageDraft { attachments, ..draft(ROOM, ANNA, "c", "x") }).unwrap();
    let sent = say(mongo, ROOM, ANNA, "x").await.id;
    let (access, wide_mentions) = (access_as_of(2, group(1), &[]), WideMentions::Admins);
    let rights = GroupRights { access: &access, name: "x", wide_mentions, is_public: false, picture: None };
    rooms.project_group(rights, AT).await.unwrap();
    let mut causal = mongo.causal().await.unwrap();
    let mut watch = Watch::over(&database).await;

    watch.watch("claim", 1, uploads.claim(&claim, AT)).await;
    watch.watch("give_back", 1, uploads.give_back(&claim)).await;
    watch.watch("attach", 1, uploads.attach(sent, ANNA, &[upload], AT)).await;
    watch.watch("list_files", 1, mongo.messages().list_files(&mut causal, &[sent], ANNA)).await;
    watch.watch("purge_tombstones", 1, uploads.purge_tombstones(&[upload])).await;
    let mut ended = watch.watch("list_ended", 1, rooms.list_ended(AT, 5)).await;
    watch.watch("purge_ended", 50, rooms.purge_ended(&mut ended[0])).await;

    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

#[tokio::test]
async fn no_command_on_pictures_walks_a_collection() {
    let database = town().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let uploaded = |owner: UserId, number, purpose| Uploaded { purpose, ..Uploaded::by(owner, number) };
    for number in 10_u8..30 {
        uploaded(UserId(number.into()), number, Purpose::Avatar).make(mongo, AT).await;
    }
    let avatar = uploaded(UserId(107), 1, Purpose::Avatar).make(mongo, AT).await;
    let other = uploaded(UserId(107), 2, Purpose::Avatar).make(mongo, AT).await;
    let shown = Picture { id: avatar, thumbhash: "x".to_owned() };
    mongo.people().project(&Person { version: 3, avatar: Some(shown.clone()), ..person(107) }).await.unwrap();
    let (access, wide_mentions) = (access_as_of(2, group(1), &[ANNA, BORA]), WideMentions::Admins);
    let rights = GroupRights { access: &access, name: "x", wide_mentions, is_public: true, picture: Some(&shown) };
    mongo.rooms().project_group(rights, AT).await.unwrap();
    let (person, room) = (PictureOf::Person(UserId(107)), PictureOf::Group(group(1).id));
    // Most of them show another picture, or none.
    let mut pictures: Vec<_> = (100..148).map(|id| (PictureOf::Person(UserId(id)), avatar)).collect();
    pictures.push((room, avatar));
    let mut watch = Watch::over(&database).await;

    watch.watch("claim_picture", 1, uploads.claim_picture(person, UserId(107), avatar, AT)).await;
    watch.watch("claim_picture of another", 1, uploads.claim_picture(person, ANNA, avatar, AT)).await;
    watch.watch("keep_picture", 1, uploads.keep_picture(person, avatar, AT)).await;
    watch.watch("end_picture", 1, uploads.end_picture(person, other, AT)).await;
    let visible = watch.watch("list_visible_pictures", 48, uploads.list_visible_pictures(EVE, &pictures)).await;

    assert_eq!(visible, [(person, avatar), (room, avatar)]);
    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}
