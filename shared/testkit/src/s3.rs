//! A server that keeps objects as S3 does, without their bytes, and fails as it is told.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test ends where its set-up fails")]
#![expect(clippy::disallowed_methods, reason = "a server answers each connection beside the test")]

use boot::Settings;
use domain::{Timestamp, UploadId};
use files::Files;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const UPLOADS: &str = "uploads";
const FILES: &str = "files";

/// The server; it ends with this value.
#[derive(Debug)]
pub struct S3Server {
    url: String,
    shared: Arc<Mutex<Kept>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Sizes and times, by bucket and key.
    objects: BTreeMap<(String, String), (u64, Timestamp)>,
    /// Sizes of parts by number, by the id of the upload in parts.
    multiparts: BTreeMap<String, BTreeMap<u16, u64>>,
    begun: usize,
    is_away: bool,
}

struct Request {
    method: String,
    bucket: String,
    key: String,
    query: BTreeMap<String, String>,
    body: String,
}

impl S3Server {
    /// A server with two empty buckets.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::<Mutex<Kept>>::default();
        let kept = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { url, shared, task }
    }

    /// A client for both buckets.
    pub fn client(&self) -> Files {
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("S3_URL", &self.url),
            ("UPLOADS_BUCKET", UPLOADS),
            ("FILES_BUCKET", FILES),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::without_secrets(variables.into()).files().expect("every setting is there");
        Files::connect(&settings)
    }

    /// Answers 503 to everything from now on, or not any more.
    pub fn set_away(&self, is_away: bool) {
        self.kept().is_away = is_away;
    }

    /// A client has sent a file.
    pub fn upload(&self, id: UploadId, size: u64) {
        self.kept().objects.insert((UPLOADS.to_owned(), id.to_string()), (size, Timestamp::from_millis(0)));
    }

    /// A client has sent a part of an upload that comes in parts.
    pub fn upload_part(&self, multipart: &str, number: u16, size: u64) {
        self.kept().multiparts.get_mut(multipart).expect("it was begun").insert(number, size);
    }

    /// Inspection has written an object at a time.
    pub fn keep(&self, key: impl Into<String>, at: Timestamp) {
        self.kept().objects.insert((FILES.to_owned(), key.into()), (1, at));
    }

    /// Loses an object.
    pub fn lose(&self, key: &str) {
        self.kept().objects.remove(&(FILES.to_owned(), key.to_owned()));
    }

    /// Whether a file has arrived, whole.
    pub fn has_upload(&self, id: UploadId) -> bool {
        self.kept().objects.contains_key(&(UPLOADS.to_owned(), id.to_string()))
    }

    /// The keys of what inspection wrote.
    pub fn kept_keys(&self) -> Vec<String> {
        let kept = self.kept();
        kept.objects.keys().filter(|(bucket, _)| bucket == FILES).map(|(_, key)| key.clone()).collect()
    }

    /// The uploads in parts that are neither whole nor aborted.
    pub fn multiparts(&self) -> Vec<String> {
        self.kept().multiparts.keys().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.shared.lock().expect("no test panics while it records")
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Kept {
    /// A status, a length that HEAD tells, and a body.
    fn answer(&mut self, request: &Request) -> (u16, Option<u64>, String) {
        let Request { method, bucket, key, query, body } = request;
        let (multipart, object) = (query.get("uploadId"), (bucket.clone(), key.clone()));
        match (method.as_str(), multipart) {
            _ if self.is_away => (503, None, error("SlowDown")),
            ("HEAD", _) => match self.objects.get(&object) {
                Some((size, _)) => (200, Some(*size), String::new()),
                None => (404, None, String::new()),
            },
            ("POST", None) if query.contains_key("uploads") => {
                self.begun += 1;
                let id = format!("multipart-{}", self.begun);
                self.multiparts.insert(id.clone(), BTreeMap::new());
                (200, None, tag("InitiateMultipartUploadResult", &tag("UploadId", &id)))
            }
            ("POST", None) if query.contains_key("delete") => {
                for key in body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()) {
                    self.objects.remove(&(bucket.clone(), key.to_owned()));
                }
                (200, None, tag("DeleteResult", ""))
            }
            ("GET", None) => (200, None, self.list(bucket, query)),
            ("DELETE", None) => {
                self.objects.remove(&object);
                (204, None, String::new())
            }
            (_, Some(multipart)) if !self.multiparts.contains_key(multipart) => (404, None, error("NoSuchUpload")),
            ("GET", Some(multipart)) => {
                let parts = self.multiparts[multipart].iter().fold(String::new(), |mut parts, (number, size)| {
                    let part = format!("<PartNumber>{number}</PartNumber><Size>{size}</Size><ETag>\"{number}\"</ETag>");
                    let _ = write!(parts, "<Part>{part}<ChecksumSHA256>sum</ChecksumSHA256></Part>");
                    parts
                });
                (200, None, tag("ListPartsResult", &format!("<IsTruncated>false</IsTruncated>{parts}")))
            }
            ("POST", Some(multipart)) => {
                let size = self.multiparts.remove(multipart).into_iter().flatten().map(|(_, size)| size).sum();
                self.objects.insert(object, (size, Timestamp::from_millis(0)));
                (200, None, tag("CompleteMultipartUploadResult", &tag("ETag", "\"whole\"")))
            }
            ("DELETE", Some(multipart)) => {
                self.multiparts.remove(multipart);
                (204, None, String::new())
            }
            _ => (501, None, error("NotImplemented")),
        }
    }

    fn list(&self, bucket: &str, query: &BTreeMap<String, String>) -> String {
        let after = query.get("start-after").cloned().unwrap_or_default();
        let most = query.get("max-keys").and_then(|most| most.parse().ok()).unwrap_or(1_000);
        let of_bucket = self.objects.iter().filter(|((of, key), _)| of == bucket && *key > after);
        let contents = of_bucket.take(most).map(|((_, key), (_, at))| {
            let fields = tag("Key", key) + &tag("LastModified", &at.to_string());
            tag("Contents", &fields)
        });
        tag("ListBucketResult", &contents.collect::<String>())
    }
}

fn tag(name: &str, content: &str) -> String {
    format!("<{name}>{content}</{name}>")
}

fn error(code: &str) -> String {
    tag("Error", &tag("Code", code))
}

/// Answers one request on a connection.
async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Kept>>) {
    let Some(request) = read(&mut stream).await else { return };
    let (status, length, body) = shared.lock().expect("no test panics while it records").answer(&request);
    let length = length.unwrap_or(body.len() as u64);
    let head =
        format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\netag: \"whole\"\r\nconnection: close\r\n\r\n");
    // A client that has gone needs no answer.
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut read = Vec::new();
    loop {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let headers = head.to_lowercase();
        assert!(headers.contains("authorization: aws4-hmac-sha256 "), "{head}");
        let length = headers.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        if body.len() >= length.map_or(0, |length| length.parse().expect("a length")) {
            return Some(request(head, body));
        }
    }
}

fn request(head: &str, body: &str) -> Request {
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Request {
        method: method.to_owned(),
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        query: pairs.map(|(name, value)| (name.to_owned(), value.replace("%2F", "/"))).collect(),
        body: body.to_owned(),
    }
}
