//! Files of messages: sent, seen, downloaded, and gone.

use client::{File, file_message, sha256};
use e2e::{Person, journey};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{sleep, timeout};

pub(crate) const NOTES: File<'_> =
    File { kind: "file", name: "회의록.txt", media_type: "text/plain", bytes: "오늘은 여기까지.".as_bytes() };

pub(crate) const PHOTO: File<'_> = File {
    kind: "image",
    name: "사진.jpg",
    media_type: "image/jpeg",
    bytes: include_bytes!("../../../../shared/media/fixtures/progressive.jpg"),
};

const NOTE: File<'_> = File {
    kind: "voice",
    name: "voice.ogg",
    media_type: "audio/ogg",
    bytes: include_bytes!("../../../../shared/media/fixtures/opus.ogg"),
};

const FILM: File<'_> = File {
    kind: "video",
    name: "film.mp4",
    media_type: "video/mp4",
    bytes: include_bytes!("../../../../shared/media/fixtures/film.mp4"),
};

/// How long the bytes of a deleted message may stay: a sweep each minute, which looks twice.
const GONE_WITHIN: Duration = Duration::from_mins(4);

/// Sends files; returns the message.
pub(crate) async fn send(person: &Person, room: i64, message_type: &str, uploads: &[&str]) -> Value {
    person.api.post("/messages", &file_message(room, message_type, uploads)).await.with(201)
}

/// The item that asks for a link to a message's file.
pub(crate) fn file_of(message: &Value, number: usize, variant: &str) -> Value {
    json!({"message_id": message["id"], "id": message["attachments"][number]["id"], "variant": variant})
}

#[test]
fn file_reaches_the_other_and_nobody_else() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let stranger = stack.register("stranger").await;
        let socket = junho.socket().await;
        let upload = minji.api.upload(&NOTES).await;

        let sent = send(&minji, room, "file", &[&upload]).await;

        let attachment = &sent["attachments"][0];
        assert_eq!((&attachment["id"], &attachment["kind"]), (&json!(upload), &json!("file")));
        assert_eq!((&attachment["name"], &attachment["size"]), (&json!(NOTES.name), &json!(NOTES.bytes.len())));
        let seen = socket.push_where(|frame| frame["t"] == "message.created").await;
        assert_eq!(seen["d"]["attachments"], sent["attachments"]);
        assert_eq!(junho.list(room).await["items"][0]["attachments"], sent["attachments"]);
        let asked = json!([file_of(&sent, 0, "original")]);
        assert_eq!(stranger.api.links(&asked).await, [Value::Null]);
        let (headers, bytes) = junho.api.download(&junho.api.links(&asked).await[0]).await;
        assert_eq!(bytes, NOTES.bytes);
        assert_eq!(headers["content-type"], "application/octet-stream");
        let disposition = headers["content-disposition"].to_str().expect("a header in ASCII");
        assert!(
            disposition.starts_with("attachment") && disposition.contains("filename*=UTF-8''%ED%9A%8C"),
            "{disposition}"
        );
        assert!(!sent.to_string().contains("http"), "links are in no message");
    });
}

#[test]
fn picture_has_a_size_smaller_copies_and_a_placeholder() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;
        let upload = minji.api.upload(&PHOTO).await;
        let ready = socket.push_where(|frame| frame["t"] == "upload.ready").await;
        assert_eq!((&ready["d"]["id"], &ready["d"]["state"]), (&json!(upload), &json!("ready")));

        let sent = send(&minji, room, "image", &[&upload]).await;

        let picture = &sent["attachments"][0];
        assert!(picture["width"].as_u64().is_some_and(|width| width > 0), "{picture}");
        assert!(picture["thumbhash"].is_string() && picture["type"] == "image/jpeg", "{picture}");
        let variants = picture["variants"].as_array().expect("variants");
        assert!(variants.iter().any(|variant| variant["name"] == "small"), "{picture}");
        let asked = json!([file_of(&sent, 0, "small"), file_of(&sent, 0, "original")]);
        for link in junho.api.links(&asked).await {
            let (headers, bytes) = junho.api.download(&link).await;
            assert!(headers["content-type"].to_str().is_ok_and(|it| it.starts_with("image/")) && !bytes.is_empty());
        }
    });
}

#[test]
fn voice_note_says_how_long_and_how_loud_it_is() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        let upload = minji.api.upload(&NOTE).await;

        let sent = send(&minji, room, "voice", &[&upload]).await;

        let note = &sent["attachments"][0];
        assert!(note["duration_ms"].as_u64().is_some_and(|duration| duration > 0), "{note}");
        assert!(note["waveform"].as_str().is_some_and(|waveform| waveform.len() == 136), "base64 of 100 bytes: {note}");
        let mut with_text = file_message(room, "voice", &[&upload]);
        with_text["content"] = "들어봐".into();
        minji.api.post("/messages", &with_text).await.with(422);
    });
}

#[test]
fn video_has_a_size_a_length_and_a_poster() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (film, poster) = (minji.api.upload(&FILM).await, minji.api.upload(&PHOTO).await);
        let mut message = file_message(room, "video", &[&film]);
        message["attachments"][0]["poster_id"] = poster.as_str().into();

        let sent = minji.api.post("/messages", &message).await.with(201);

        let video = &sent["attachments"][0];
        assert!(video["width"].as_u64().zip(video["duration_ms"].as_u64()).is_some(), "{video}");
        assert_eq!(video["poster"]["id"], json!(poster));
        let asked = json!([
            file_of(&sent, 0, "original"), {"message_id": sent["id"], "id": poster, "variant": "small"},
        ]);
        assert!(junho.api.links(&asked).await.iter().all(Value::is_string));
    });
}

#[test]
fn upload_that_is_no_picture_is_refused() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        let page = File { kind: "image", name: "a.png", media_type: "image/png", bytes: b"<html><script>1</script>" };

        let refused = minji.api.try_upload(&page).await;

        assert_eq!((&refused["state"], &refused["reason"]), (&json!("rejected"), &json!("unsupported_media")));
        let upload = refused["id"].as_str().expect("an upload has an id");
        let answer = minji.api.post("/messages", &file_message(room, "image", &[upload])).await;
        assert!([409, 422].contains(&answer.status), "{}", answer.text);
    });
}

#[test]
fn large_file_goes_on_where_it_was_cut_off() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let bytes: Vec<u8> = (0..17 * 1024 * 1024_u32).map(|n| (n % 251) as u8).collect();
        let request = json!({
            "kind": "file", "name": "backup.bin", "type": "application/octet-stream", "size": bytes.len(),
            "client_id": "large",
        });
        let upload = minji.api.post("/uploads", &request).await.with(201);
        let path = format!("/uploads/{}", upload["id"].as_str().expect("an id"));
        let size = usize::try_from(upload["parts"]["size"].as_u64().expect("a size")).expect("it fits");
        let parts: Vec<&[u8]> = bytes.chunks(size).collect();
        assert_eq!(upload["parts"]["count"], json!(parts.len()));
        let put = async |number: usize| {
            let part = json!({"parts": [{"number": number, "sha256": sha256(parts[number - 1])}]});
            let signed = minji.api.post(&format!("{path}/parts"), &part).await.with(200);
            let answer = minji.api.put_bytes(&signed["items"][0], parts[number - 1]).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        };
        put(1).await;
        let early = minji.api.call("POST", &format!("{path}/complete"), None).await;
        assert_eq!(early.refusal(), (409, "upload_incomplete".to_owned()));

        assert_eq!(minji.api.get(&path).await.with(200)["received"], json!([1]));
        for number in 2..=parts.len() {
            put(number).await;
        }
        for _ in 0..2 {
            minji.api.call("POST", &format!("{path}/complete"), None).await.with(200);
        }

        let upload = upload["id"].as_str().expect("an id").to_owned();
        let waiting = async {
            while minji.api.get(&path).await.with(200)["state"] != "ready" {
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(Duration::from_mins(1), waiting).await.expect("it is inspected");
        let sent = send(&minji, room, "file", &[&upload]).await;
        let link = junho.api.links(&json!([file_of(&sent, 0, "original")])).await.swap_remove(0);
        assert!(junho.api.download(&link).await.1 == bytes);
    });
}

#[test]
fn upload_is_for_one_message_however_often_it_is_sent() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let upload = minji.api.upload(&NOTES).await;
        let mut message = file_message(room, "file", &[&upload]);
        message["client_id"] = "once".into();

        let sent = minji.api.post("/messages", &message).await.with(201);
        let again = minji.api.post("/messages", &message).await.with(200);
        message["client_id"] = "twice".into();
        let taken = minji.api.post("/messages", &message).await;
        let of_another = junho.api.post("/messages", &message).await;

        assert_eq!(again["id"], sent["id"]);
        assert_eq!(taken.refusal(), (409, "upload_taken".to_owned()));
        assert_eq!(of_another.status, 422, "{}", of_another.text);
        assert_eq!(of_another.json()["errors"][0]["code"], "not_found");
    });
}

#[test]
fn deleted_message_takes_its_file_along() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let upload = minji.api.upload(&NOTES).await;
        let sent = send(&minji, room, "file", &[&upload]).await;
        let asked = json!([file_of(&sent, 0, "original")]);
        let link = junho.api.links(&asked).await.swap_remove(0);

        minji.api.delete(&format!("/messages/{}", sent["id"].as_str().expect("an id"))).await.with(200);

        assert_eq!(junho.api.links(&asked).await, [Value::Null]);
        assert_eq!(junho.list(room).await["items"][0]["attachments"], json!([]));
        let waiting = async {
            while junho.api.is_there(&link).await {
                sleep(Duration::from_secs(1)).await;
            }
        };
        timeout(GONE_WITHIN, waiting).await.expect("the bytes go");
    });
}

#[test]
fn user_who_may_not_read_gets_no_link() {
    journey(async |stack| {
        let owner = stack.register("owner").await;
        let (member, kicked) = (stack.register("member").await, stack.register("kicked").await);
        for other in [&member, &kicked] {
            owner.make_friends(other).await;
        }
        let group = owner.make_group(&json!({"name": "photos", "members": [member.id, kicked.id]})).await;
        let upload = owner.api.upload(&NOTES).await;
        let mut message = file_message(group, "file", &[&upload]);
        message["room_type"] = "group".into();
        let sent = owner.api.post("/messages", &message).await.with(201);
        let asked = json!([file_of(&sent, 0, "original")]);
        assert!(kicked.api.links(&asked).await[0].is_string());

        owner.api.delete(&format!("/group-rooms/{group}/members/{}", kicked.id)).await.with(204);

        assert_eq!(kicked.api.links(&asked).await, [Value::Null]);
        assert!(member.api.links(&asked).await[0].is_string());
        member.api.call("POST", &format!("/group-rooms/{group}/leave"), None).await.with(204);
        assert_eq!(member.api.links(&asked).await, [Value::Null]);
        let other_message = json!([{"message_id": "0123456789abcdef01234567", "id": upload}]);
        assert_eq!(owner.api.links(&other_message).await, [Value::Null]);
    });
}
