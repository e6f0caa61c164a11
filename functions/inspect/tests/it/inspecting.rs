use crate::scene::{PICTURE, scene};
use domain::{Purpose, Rejection, UploadKind, UploadState, VariantName};
use futures_util::future::join_all;
use testkit::mongo::Profile;

const FILM: &[u8] = include_bytes!("../../../../shared/media/fixtures/film.mp4");
const VOICE: &[u8] = include_bytes!("../../../../shared/media/fixtures/live.webm");

#[tokio::test]
async fn picture_that_arrives_is_ready_and_its_owner_is_told() {
    let scene = scene().await;
    let upload = scene.inspect(UploadKind::Image, Purpose::Message, "사진.jpg", PICTURE).await;

    assert_eq!((upload.state, upload.reason), (UploadState::Ready, None));
    let media = upload.media.unwrap();
    assert_eq!((media.media_type.as_str(), media.width, media.height), ("image/jpeg", Some(64), Some(48)));
    let served = scene.s3.served();
    let keys: Vec<_> = served.keys().cloned().collect();
    assert_eq!(keys, [upload.id.original_key(), upload.id.variant_key(VariantName::Small)]);
    assert_eq!(upload.objects, keys);
    let [original, small] = [&served[&keys[0]], &served[&keys[1]]];
    assert_eq!((original.bytes.as_slice(), original.media_type.as_str()), (PICTURE, "image/jpeg"));
    assert_eq!(original.disposition, "attachment; filename=\"file.jpg\"; filename*=UTF-8''%EC%82%AC%EC%A7%84.jpg");
    assert_eq!((small.media_type.as_str(), small.disposition.as_str()), ("image/jpeg", "inline"));
    assert_eq!(u64::try_from(small.bytes.len()).unwrap(), media.variants[0].size);
    assert_eq!(scene.pushed.connections(), ["anna's", "anna's other"]);
    let frame = scene.pushed.next().1;
    assert_eq!((&frame["t"], &frame["d"]["id"]), (&"upload.ready".into(), &upload.id.to_string().into()));
    assert_eq!(frame["d"]["attachment"]["width"], 64);
}

#[tokio::test]
async fn page_that_calls_itself_a_picture_is_refused() {
    let scene = scene().await;
    let upload = scene.inspect(UploadKind::Image, Purpose::Message, "cat.jpg", b"<html><script>").await;

    assert_eq!((upload.state, upload.reason), (UploadState::Rejected, Some(Rejection::UnsupportedMedia)));
    assert!(scene.s3.served().is_empty());
    let frame = scene.pushed.next().1;
    assert_eq!((&frame["t"], &frame["d"]["reason"]), (&"upload.rejected".into(), &"unsupported_media".into()));
}

#[tokio::test]
async fn voice_note_has_a_waveform_and_what_is_none_is_refused() {
    let scene = scene().await;
    let voice = scene.inspect(UploadKind::Voice, Purpose::Message, "note.webm", VOICE).await;
    let media = voice.media.unwrap();
    assert!(media.waveform.is_some() && media.duration_ms.is_some());
    assert_eq!(scene.s3.served()[&voice.id.original_key()].media_type, "audio/webm");
    let film = scene.inspect(UploadKind::Voice, Purpose::Message, "note.mp4", FILM).await;
    assert_eq!(film.reason, Some(Rejection::TypeMismatch));
}

#[tokio::test]
async fn picture_of_a_profile_is_kept_as_squares_alone() {
    let scene = scene().await;
    let upload = scene.inspect(UploadKind::Image, Purpose::Avatar, "me.jpg", PICTURE).await;
    assert_eq!(upload.objects, [VariantName::Small, VariantName::Large].map(|name| upload.id.variant_key(name)));
    assert_eq!(scene.s3.served().len(), 2);
}

#[tokio::test]
async fn file_of_any_kind_is_copied_and_only_its_beginning_is_read() {
    let scene = scene().await;
    let bytes = [b"<html>".to_vec(), vec![b' '; 200_000]].concat();
    let upload = scene.inspect(UploadKind::File, Purpose::Message, "page.html", &bytes).await;

    let media = upload.media.unwrap();
    assert_eq!((media.media_type.as_str(), media.size), ("text/html", 200_006));
    let served = &scene.s3.served()[&upload.id.original_key()];
    assert_eq!((served.bytes.len(), served.media_type.as_str()), (200_006, "application/octet-stream"));
    assert!(served.disposition.starts_with("attachment; filename=\"page.html\";"));
    let read: Vec<_> =
        scene.s3.asked().into_iter().filter(|(method, _)| method == "GET").map(|(_, bytes)| bytes).collect();
    assert_eq!(read, [64 * 1_024]);
}

#[tokio::test]
async fn concurrent_events_inspect_an_upload_once() {
    let scene = scene().await;
    let (id, event) = scene.upload(UploadKind::Image, Purpose::Message, "a.jpg", PICTURE).await;
    let inspected = join_all((0..20).map(|_| scene.answer(&event))).await;

    assert_eq!(inspected.iter().sum::<u16>(), 1);
    assert_eq!(scene.find(id).await.state, UploadState::Ready);
    assert_eq!(scene.s3.asked().len(), 3, "one reading, two objects");
    assert_eq!(scene.pushed.count(), 2, "each of the owner's connections once");
    assert_eq!(scene.answer(&event).await, 0, "a late event finds nothing to do");
}

#[tokio::test]
async fn inspection_takes_four_operations_of_the_store() {
    let scene = scene().await;
    let (_, event) = scene.upload(UploadKind::File, Purpose::Message, "a.bin", b"\0\x01").await;
    let mut profile = Profile::of(&scene.database).await;
    scene.answer(&event).await;
    assert_eq!(profile.count().await, 4, "arrival, lease, result, connections");
}
