//! What a link to write does not allow.

use std::time::Duration;

use files::Request;

use super::{Site, answer, any_id, now, send, sha256};

/// A request that was changed on the way.
fn with(request: &Request, name: &str, value: Option<&str>) -> Request {
    let mut changed = request.clone();
    changed.headers.retain(|(header, _)| header != name);
    changed.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    changed
}

#[tokio::test]
async fn upload_is_refused_that_differs_from_what_was_signed() {
    for (name, site, _local) in Site::every().await {
        let (id, content, other) = (any_id(), b"content".as_slice(), b"another".as_slice());
        let request = site.put_link(id, content).await;
        let forbidden = (403, "SignatureDoesNotMatch".to_owned());

        for (changed, sent) in [
            (request.clone(), b"longer content".as_slice()),
            (with(&request, "content-type", Some("text/html")), content),
            (with(&request, "x-amz-checksum-sha256", Some(&sha256(other))), other),
            (with(&request, "x-amz-checksum-sha256", None), content),
            (with(&request, "if-none-match", None), content),
        ] {
            assert_eq!(answer(&changed, sent).await, forbidden, "{name}: {:?}", changed.headers);
            assert_eq!(site.files.arrived(id).await.unwrap(), None, "{name}");
        }
    }
}

#[tokio::test]
async fn upload_is_refused_whose_content_has_another_checksum() {
    for (name, site, _local) in Site::every().await {
        let id = any_id();
        let request = site.put_link(id, b"content").await;

        let (status, code) = answer(&request, b"CONTENT").await;

        // LocalStack names it otherwise.
        assert!(status == 400 && ["BadDigest", "InvalidRequest"].contains(&code.as_str()), "{name}: {status} {code}");
        assert_eq!(site.files.arrived(id).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn link_leads_to_one_key() {
    for (name, site, _local) in Site::every().await {
        let (id, other) = (any_id(), any_id());
        let mut request = site.put_link(id, b"content").await;
        request.url = request.url.replacen(&id.to_string(), &other.to_string(), 1);

        assert_eq!(send(&request, b"content").await, 403, "{name}");
        assert_eq!(site.files.arrived(other).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn link_ends() {
    for (name, site, _local) in Site::every().await {
        let id = any_id();
        let hours_ago = now().minus(Duration::from_hours(2));
        let request = site.files.put_link(id, 7, &sha256(b"content"), hours_ago).await.unwrap();
        let part = site.files.begin_parts(id).await.unwrap();
        let part = site.files.part_link(id, &part, 1, 7, &sha256(b"content"), hours_ago).await.unwrap();

        assert_eq!(send(&request, b"content").await, 403, "{name}");
        assert_eq!(send(&part, b"content").await, 403, "{name}");
        assert_eq!(site.files.arrived(id).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn part_is_refused_that_differs_from_what_was_signed() {
    for (name, site, _local) in Site::every().await {
        let id = any_id();
        let multipart = site.files.begin_parts(id).await.unwrap();
        let request = site.files.part_link(id, &multipart, 1, 7, &sha256(b"content"), now()).await.unwrap();
        let checksum = with(&request, "x-amz-checksum-sha256", Some(&sha256(b"another")));

        assert_eq!(send(&request, b"longer content").await, 403, "{name}");
        assert_eq!(send(&checksum, b"another").await, 403, "{name}");
        assert_eq!(send(&request, b"CONTENT").await, 400, "{name}");
        assert_eq!(site.files.parts(id, &multipart).await.unwrap(), Some(Vec::new()), "{name}");
    }
}
