//! What uploads and links are for.

use std::time::Duration;

use domain::UploadId;
use files::Headers;
use futures_util::future::join_all;

use super::{PART, Site, any_id, now, send, sha256};

const LIFETIME: Duration = Duration::from_mins(10);

#[tokio::test]
async fn upload_arrives_once() {
    for (name, site, _local) in Site::every().await {
        let id = any_id();
        let request = site.put_link(id, b"content").await;
        assert_eq!(site.content(id).await, None, "{name}");

        assert_eq!(send(&request, b"content").await, 200, "{name}");
        assert_eq!(send(&request, b"content").await, 412, "{name}");

        assert_eq!(site.content(id).await.as_deref(), Some(b"content".as_slice()), "{name}");
        site.files.delete_upload(id).await.unwrap();
        assert_eq!(site.files.arrived(id).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn one_of_twenty_uploads_at_once_is_taken() {
    let (_local, site) = Site::local().await;
    let request = site.put_link(any_id(), b"content").await;

    let mut statuses = join_all((0..20).map(|_| send(&request, b"content"))).await;

    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| *status == 412), "{statuses:?}");
}

#[tokio::test]
async fn only_the_content_that_was_looked_at_is_read() {
    for (name, site, _local) in Site::every().await {
        let id = any_id();
        site.upload(id, b"content").await;
        let stored = site.files.arrived(id).await.unwrap().unwrap();

        assert_eq!(stored.size, 7, "{name}");
        let beginning = site.files.beginning(id, &stored.etag, 4).await.unwrap();
        assert_eq!(beginning.as_deref(), Some(b"cont".as_slice()), "{name}");
        let whole = site.files.beginning(id, &stored.etag, 100).await.unwrap();
        assert_eq!(whole.as_deref(), Some(b"content".as_slice()), "{name}");
        assert_eq!(site.files.beginning(id, "another", 4).await.unwrap(), None, "{name}");
        assert_eq!(site.files.beginning(any_id(), &stored.etag, 4).await.unwrap(), None, "{name}");
        assert!(!site.files.fetch(id, "another", &site.path("fetched")).await.unwrap(), "{name}");
    }
}

impl Site {
    /// Sends a part of an upload; answers the status.
    pub(super) async fn part(&self, id: UploadId, multipart: &str, number: u16, content: &[u8]) -> u16 {
        let length = content.len() as u64;
        let request = self.files.part_link(id, multipart, number, length, &sha256(content), now()).await.unwrap();
        send(&request, content).await
    }
}

#[tokio::test]
async fn parts_become_a_file_once() {
    for (name, site, _local) in Site::every().await {
        let id = any_id();
        let multipart = site.files.begin_parts(id).await.unwrap();
        let contents = [vec![1; PART], b"the rest".to_vec()];
        // A part that was sent again counts once.
        for (number, content) in [(2, &contents[1]), (1, &contents[0]), (2, &contents[1])] {
            assert_eq!(site.part(id, &multipart, number, content).await, 200, "{name}");
        }

        let parts = site.files.parts(id, &multipart).await.unwrap().unwrap();
        let seen: Vec<_> = parts.iter().map(|part| (part.number, part.size, part.sha256.clone())).collect();
        assert_eq!(seen, [(1, PART as u64, sha256(&contents[0])), (2, 8, sha256(&contents[1]))], "{name}");
        assert_eq!(site.files.arrived(id).await.unwrap(), None, "{name}");
        let size = PART as u64 + 8;
        assert!(site.files.finish_parts(id, &multipart, &parts, size).await.unwrap(), "{name}");

        let stored = site.files.arrived(id).await.unwrap().unwrap();
        assert_eq!(stored.size, size, "{name}");
        assert_eq!(site.content(id).await, Some(contents.concat()), "{name}");
        assert_eq!(site.files.parts(id, &multipart).await.unwrap(), None, "{name}");
        assert!(!site.files.finish_parts(id, &multipart, &parts, size).await.unwrap(), "{name}");
    }
}

#[tokio::test]
async fn one_of_twenty_completions_at_once_makes_the_file() {
    let (_local, site) = Site::local().await;
    let id = any_id();
    let multipart = site.files.begin_parts(id).await.unwrap();
    assert_eq!(site.part(id, &multipart, 1, b"content").await, 200);
    let parts = site.files.parts(id, &multipart).await.unwrap().unwrap();

    let finished = join_all((0..20).map(|_| site.files.finish_parts(id, &multipart, &parts, 7))).await;

    assert_eq!(finished.into_iter().filter(|finished| *finished.as_ref().unwrap()).count(), 1);
    assert_eq!(site.content(id).await.as_deref(), Some(b"content".as_slice()));
}

#[tokio::test]
async fn parts_are_forgotten_where_the_file_is_there() {
    for (name, site, _local) in Site::every().await {
        let id = any_id();
        let multipart = site.files.begin_parts(id).await.unwrap();
        assert_eq!(site.part(id, &multipart, 1, b"content").await, 200, "{name}");
        let parts = site.files.parts(id, &multipart).await.unwrap().unwrap();
        site.upload(id, b"another").await;

        assert!(!site.files.finish_parts(id, &multipart, &parts, 7).await.unwrap(), "{name}");

        assert_eq!(site.files.parts(id, &multipart).await.unwrap(), None, "{name}");
        assert_eq!(site.content(id).await.as_deref(), Some(b"another".as_slice()), "{name}");
    }
}

#[tokio::test]
async fn aborted_upload_takes_no_parts() {
    for (name, site, _local) in Site::every().await {
        let id = any_id();
        let multipart = site.files.begin_parts(id).await.unwrap();
        assert_eq!(site.part(id, &multipart, 1, b"content").await, 200, "{name}");

        site.files.abort_parts(id, &multipart).await.unwrap();
        site.files.abort_parts(id, &multipart).await.unwrap();

        assert_eq!(site.files.parts(id, &multipart).await.unwrap(), None, "{name}");
        assert_eq!(site.part(id, &multipart, 1, b"content").await, 404, "{name}");
    }
}

fn headers(media_type: &str, name: Option<&str>) -> Headers {
    Headers { media_type: media_type.to_owned(), file_name: name.map(str::to_owned) }
}

#[tokio::test]
async fn file_is_served_with_its_headers_and_in_ranges() {
    for (name, site, _local) in Site::every().await {
        let key = format!("{}/original", any_id());
        let path = site.file(b"0123456789");
        site.files.keep(&key, &path, &headers("video/mp4", Some("영상.mp4"))).await.unwrap();
        let (url, _) = site.files.link(&key, LIFETIME, now()).await.unwrap();

        let whole = reqwest::get(&url).await.unwrap();
        let header = |name: &str| whole.headers()[name].to_str().unwrap().to_owned();
        assert_eq!((whole.status().as_u16(), header("content-type").as_str()), (200, "video/mp4"), "{name}");
        let disposition = "attachment; filename=\"file.mp4\"; filename*=UTF-8''%EC%98%81%EC%83%81.mp4";
        assert_eq!(header("content-disposition"), disposition, "{name}");
        assert_eq!(header("cache-control"), "private, max-age=86400, immutable", "{name}");
        assert_eq!(whole.bytes().await.unwrap(), "0123456789", "{name}");

        let part = reqwest::Client::new().get(&url).header("range", "bytes=2-4").send().await.unwrap();
        assert_eq!(part.status(), 206, "{name}");
        assert_eq!(part.headers()["content-range"], "bytes 2-4/10", "{name}");
        assert_eq!(part.bytes().await.unwrap(), "234", "{name}");
    }
}

#[tokio::test]
async fn upload_is_copied_where_it_is_the_one_that_was_looked_at() {
    for (name, site, _local) in Site::every().await {
        let (id, key) = (any_id(), format!("{}/original", any_id()));
        site.upload(id, b"content").await;
        let stored = site.files.arrived(id).await.unwrap().unwrap();
        let headers = headers("application/octet-stream", Some("a.bin"));

        assert!(!site.files.keep_copy(id, "another", &key, &headers).await.unwrap(), "{name}");
        assert!(!site.files.keep_copy(any_id(), &stored.etag, &key, &headers).await.unwrap(), "{name}");
        assert!(site.files.keep_copy(id, &stored.etag, &key, &headers).await.unwrap(), "{name}");

        let (url, _) = site.files.link(&key, LIFETIME, now()).await.unwrap();
        let copy = reqwest::get(&url).await.unwrap();
        let disposition = "attachment; filename=\"a.bin\"; filename*=UTF-8''a.bin";
        assert_eq!(copy.headers()["content-disposition"], disposition, "{name}");
        assert_eq!(copy.bytes().await.unwrap(), "content", "{name}");
    }
}

#[tokio::test]
async fn files_are_listed_in_pages_and_deleted() {
    for (name, site, _local) in Site::every().await {
        let mut keys: Vec<String> = ["original", "small"].map(|end| format!("{}/{end}", any_id())).to_vec();
        keys.sort();
        let path = site.file(b"x");
        for key in &keys {
            site.files.keep(key, &path, &headers("image/jpeg", None)).await.unwrap();
        }

        let first = site.files.page_of_files(None, 1).await.unwrap();
        let second = site.files.page_of_files(Some(&keys[0]), 10).await.unwrap();
        assert_eq!((first.len(), &first[0].0), (1, &keys[0]), "{name}");
        assert_eq!((second.len(), &second[0].0), (1, &keys[1]), "{name}");
        assert!(second[0].1 > now().minus(Duration::from_mins(1)), "{name}");

        let (url, _) = site.files.link(&keys[0], LIFETIME, now()).await.unwrap();
        assert_eq!(reqwest::get(&url).await.unwrap().status(), 200, "{name}");
        site.files.delete(&[keys.clone(), vec!["gone/original".to_owned()]].concat()).await.unwrap();
        assert_eq!(reqwest::get(&url).await.unwrap().status(), 404, "{name}");
        assert_eq!(site.files.page_of_files(None, 10).await.unwrap(), [], "{name}");
    }
}
