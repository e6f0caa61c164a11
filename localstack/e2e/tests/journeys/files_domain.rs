//! Files by a name of one's own: links lead to `CloudFront`, which serves whoever has one.

use crate::files::{PHOTO, file_of, send};
use boot::Settings;
use domain::Timestamp;
use e2e::{Person, TestStack, journey_in};
use files::Files;
use serde_json::{Value, json};
use stack::{FileKeys, Options};
use std::time::Duration;

const LIFETIME: Duration = Duration::from_mins(10);

/// Runs a journey in a stack with such a name; no link of it is in any log.
fn journey_with_a_domain(steps: impl AsyncFnOnce(&TestStack)) {
    let lines = journey_in(Options::for_test().without_limits().with_files_domain(), steps);
    let told: Vec<_> = lines.iter().filter(|line| line.contains("Signature=")).collect();
    assert!(told.is_empty(), "{told:#?}");
}

/// Two people, and a picture that the first sent to the second: the reader, the message, and the link to the small copy.
async fn picture(stack: &TestStack) -> (Person, Person, Value, String) {
    let (minji, junho, room) = stack.pair().await;
    let upload = minji.api.upload(&PHOTO).await;
    let sent = send(&minji, room, "image", &[&upload]).await;
    let link = junho.api.links(&json!([file_of(&sent, 0, "small")])).await.swap_remove(0);
    let link = link.as_str().unwrap_or_default().to_owned();
    assert!(link.starts_with(&format!("{}/", stack.setting("FILES_URL"))), "{link}");
    (minji, junho, sent, link)
}

/// Whoever has this private key, and names it like the one that is trusted.
fn signer(stack: &TestStack, key: &str, link: &str) -> Files {
    let (_, id) = link.split_once("Key-Pair-Id=").unwrap_or_default();
    let id = id.split('&').next().unwrap_or_default();
    let variables = [
        ("FILES_URL", stack.setting("FILES_URL")),
        ("FILES_KEY", key),
        ("FILES_KEY_ID", id),
        ("S3_URL", stack.setting("S3_URL")),
        ("UPLOADS_BUCKET", "local-uploadsbucket"),
        ("FILES_BUCKET", "local-filesbucket"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "stranger"),
        ("AWS_SECRET_ACCESS_KEY", "stranger"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings::without_secrets(variables.into()).files();
    Files::connect(&settings.unwrap_or_else(|error| unreachable!("{error}")))
}

/// The key of what a link leads to.
fn object(link: &str) -> String {
    let path = link.split('?').next().unwrap_or_default();
    path.splitn(4, '/').nth(3).unwrap_or_default().to_owned()
}

async fn signed(files: &Files, key: &str, at: Timestamp) -> String {
    files.link(key, LIFETIME, at).await.unwrap_or_else(|error| unreachable!("{error}")).0
}

#[test]
fn picture_comes_from_the_domain_with_its_headers_and_in_ranges() {
    journey_with_a_domain(async |stack| {
        let (_, junho, _, link) = picture(stack).await;
        let page = ("origin", "http://localhost:3000");

        let (status, headers, bytes) = junho.api.fetch(&link, &[page]).await;
        let (part_status, part_headers, part) = junho.api.fetch(&link, &[("range", "bytes=1-3")]).await;

        assert_eq!(status, 200);
        for (name, value) in [
            ("content-type", "image/jpeg"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("access-control-allow-origin", "http://localhost:3000"),
            ("cache-control", "private, max-age=86400, immutable"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert_eq!((part_status, &part[..]), (206, &bytes[1..4]));
        assert_eq!(part_headers["content-range"], format!("bytes 1-3/{}", bytes.len()));
    });
}

#[test]
fn nobody_reads_without_a_link_of_the_product() {
    journey_with_a_domain(async |stack| {
        let (_, junho, _, link) = picture(stack).await;
        let (key, now) = (object(&link), boot::clock().now());
        let stranger = FileKeys::generate().expect("a key pair");
        let by_another_key = signed(&signer(stack, &stranger.private, &link), &key, now).await;
        let trusted = signer(stack, stack.setting("FILES_KEY"), &link);
        let over = signed(&trusted, &key, now.minus(LIFETIME)).await;
        let bucket = format!("{}/local-filesbucket/{key}", stack.setting("S3_URL"));

        assert_eq!(junho.api.fetch(&signed(&trusted, &key, now).await, &[]).await.0, 200);
        for refused in [
            by_another_key,
            over,
            link.replace("/small", "/original"),
            link.replace("Expires=1", "Expires=2"),
            link.split('?').next().unwrap_or_default().to_owned(),
            bucket,
        ] {
            assert_eq!(junho.api.fetch(&refused, &[]).await.0, 403, "{refused}");
        }
    });
}

#[test]
fn deleted_picture_has_no_link_to_the_domain() {
    journey_with_a_domain(async |stack| {
        let (minji, junho, sent, _) = picture(stack).await;

        minji.api.delete(&format!("/messages/{}", sent["id"].as_str().expect("an id"))).await.with(200);

        let links = junho.api.links(&json!([file_of(&sent, 0, "small"), file_of(&sent, 0, "original")])).await;
        assert_eq!(links, [Value::Null, Value::Null]);
    });
}
