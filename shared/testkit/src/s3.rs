//! A server that keeps objects as S3 does, and fails as it is told.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test ends where its set-up fails")]

use crate::http::{Outcome, Request, Response, Server, serve};
use boot::Settings;
use domain::{Timestamp, UploadId};
use files::Files;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    hash::{DefaultHasher, Hasher as _},
    sync::{Arc, Mutex, MutexGuard},
};

const UPLOADS: &str = "uploads";
const FILES: &str = "files";

/// The server; it ends with this value.
#[derive(Debug)]
pub struct S3Server {
    server: Server,
    shared: Arc<Mutex<Kept>>,
}

/// An object, with what it is served with.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub media_type: String,
    /// Whether and by which name it is saved.
    pub disposition: String,
    etag: String,
    written: Timestamp,
}

#[derive(Debug, Default)]
struct Kept {
    /// By bucket and key.
    objects: BTreeMap<(String, String), Object>,
    /// Parts by number, by the id of the upload in parts.
    multiparts: BTreeMap<String, BTreeMap<u16, Vec<u8>>>,
    /// What was asked, and how many bytes were answered.
    asked: Vec<(String, usize)>,
    begun: usize,
    is_away: bool,
}

impl S3Server {
    /// A server with two empty buckets.
    pub async fn start() -> Self {
        let shared = Arc::<Mutex<Kept>>::default();
        let kept = Arc::clone(&shared);
        let server = serve(move |request| {
            let mut kept = kept.lock().expect("no test panics while it records");
            let response = kept.answer(request);
            kept.asked.push((request.method.clone(), response.body.len()));
            Outcome::Answered(response)
        });
        Self { server: server.await, shared }
    }

    /// A client for both buckets.
    pub fn client(&self) -> Files {
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("S3_URL", &self.server.url),
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

    /// A client has sent a file of so many bytes.
    pub fn upload(&self, id: UploadId, size: u64) {
        self.put(id, &zeros(size));
    }

    /// A client has sent a file; answers its `ETag`.
    pub fn put(&self, id: UploadId, bytes: &[u8]) -> String {
        let object = Object::of(bytes.to_vec());
        let etag = object.etag.clone();
        self.kept().objects.insert((UPLOADS.to_owned(), id.to_string()), object);
        etag
    }

    /// A client has sent a part of an upload that comes in parts.
    pub fn upload_part(&self, multipart: &str, number: u16, size: u64) {
        self.kept().multiparts.get_mut(multipart).expect("it was begun").insert(number, zeros(size));
    }

    /// Inspection has written an object at a time.
    pub fn keep(&self, key: impl Into<String>, at: Timestamp) {
        let object = Object { written: at, ..Object::of(vec![0]) };
        self.kept().objects.insert((FILES.to_owned(), key.into()), object);
    }

    /// Loses an object.
    pub fn lose(&self, key: &str) {
        self.kept().objects.remove(&(FILES.to_owned(), key.to_owned()));
    }

    /// Whether a file has arrived, whole.
    pub fn has_upload(&self, id: UploadId) -> bool {
        self.kept().objects.contains_key(&(UPLOADS.to_owned(), id.to_string()))
    }

    /// What inspection wrote, by key.
    pub fn served(&self) -> BTreeMap<String, Object> {
        let kept = self.kept();
        let ours = kept.objects.iter().filter(|((bucket, _), _)| bucket == FILES);
        ours.map(|((_, key), object)| (key.clone(), object.clone())).collect()
    }

    /// The keys of what inspection wrote.
    pub fn kept_keys(&self) -> Vec<String> {
        self.served().into_keys().collect()
    }

    /// The uploads in parts that are neither whole nor aborted.
    pub fn multiparts(&self) -> Vec<String> {
        self.kept().multiparts.keys().cloned().collect()
    }

    /// Methods of requests so far, and how many bytes each was answered.
    pub fn asked(&self) -> Vec<(String, usize)> {
        self.kept().asked.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.shared.lock().expect("no test panics while it records")
    }
}

fn zeros(size: u64) -> Vec<u8> {
    vec![0; size.try_into().expect("it fits into memory")]
}

impl Object {
    fn of(bytes: Vec<u8>) -> Self {
        // Not S3's MD5, but as different for different bytes.
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        let etag = format!("{:032x}", hasher.finish());
        let written = Timestamp::from_millis(0);
        Self { bytes, media_type: String::new(), disposition: String::new(), etag, written }
    }

    /// The same with the headers of a request.
    fn described_by(self, request: &Request) -> Self {
        let header = |name| request.header(name).to_owned();
        Self { media_type: header("content-type"), disposition: header("content-disposition"), ..self }
    }

    /// Whether a condition names other content.
    fn is_other(&self, condition: &str) -> bool {
        !condition.is_empty() && condition.trim_matches('"') != self.etag
    }

    fn etag(&self) -> (&'static str, String) {
        ("etag", format!("\"{}\"", self.etag))
    }
}

impl Kept {
    fn answer(&mut self, request: &Request) -> Response {
        if self.is_away {
            return error(503, "SlowDown");
        }
        let path = request.path.trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let pairs = request.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let query: BTreeMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.replace("%2F", "/"))).collect();
        let object = (bucket.to_owned(), key.to_owned());
        match (request.method.as_str(), query.get("uploadId")) {
            ("GET", None) if key.is_empty() => self.list(bucket, &query),
            ("GET" | "HEAD", None) => self.read(&object, request),
            ("PUT", None) => self.write(object, request),
            ("DELETE", None) => {
                self.objects.remove(&object);
                nothing()
            }
            ("POST", None) if query.contains_key("delete") => {
                let body = String::from_utf8_lossy(&request.body);
                for key in body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()) {
                    self.objects.remove(&(bucket.to_owned(), key.to_owned()));
                }
                xml(tag("DeleteResult", ""))
            }
            ("POST", None) if query.contains_key("uploads") => {
                self.begun += 1;
                let id = format!("multipart-{}", self.begun);
                self.multiparts.insert(id.clone(), BTreeMap::new());
                xml(tag("InitiateMultipartUploadResult", &tag("UploadId", &id)))
            }
            (method, Some(multipart)) => self.answer_of_parts(method, multipart, object),
            _ => error(501, "NotImplemented"),
        }
    }

    fn answer_of_parts(&mut self, method: &str, multipart: &str, object: (String, String)) -> Response {
        let Some(parts) = self.multiparts.get(multipart) else { return error(404, "NoSuchUpload") };
        match method {
            "GET" => {
                let parts = parts.iter().fold(String::new(), |mut parts, (number, bytes)| {
                    let size = bytes.len();
                    let part = format!("<PartNumber>{number}</PartNumber><Size>{size}</Size><ETag>\"{number}\"</ETag>");
                    let _ = write!(parts, "<Part>{part}<ChecksumSHA256>sum</ChecksumSHA256></Part>");
                    parts
                });
                xml(tag("ListPartsResult", &format!("<IsTruncated>false</IsTruncated>{parts}")))
            }
            "POST" => {
                let whole = Object::of(parts.values().flatten().copied().collect());
                let etag = tag("ETag", &whole.etag().1);
                self.multiparts.remove(multipart);
                self.objects.insert(object, whole);
                xml(tag("CompleteMultipartUploadResult", &etag))
            }
            "DELETE" => {
                self.multiparts.remove(multipart);
                nothing()
            }
            _ => error(501, "NotImplemented"),
        }
    }

    /// The whole of an object, or its beginning.
    fn read(&self, object: &(String, String), request: &Request) -> Response {
        let Some(object) = self.objects.get(object) else { return error(404, "NoSuchKey") };
        if object.is_other(request.header("if-match")) {
            return error(412, "PreconditionFailed");
        }
        let (whole, mut headers) = (object.bytes.len(), vec![object.etag()]);
        let last = request.header("range").strip_prefix("bytes=0-");
        let Some(last) = last.map(|last| last.parse::<usize>().expect("the last byte")) else {
            return Response { status: 200, headers, body: object.bytes.clone() };
        };
        let body = object.bytes[..whole.min(last + 1)].to_vec();
        headers.push(("content-range", format!("bytes 0-{}/{whole}", body.len() - 1)));
        Response { status: 206, headers, body }
    }

    /// An object of a body, or of another object.
    fn write(&mut self, object: (String, String), request: &Request) -> Response {
        let source = request.header("x-amz-copy-source");
        if source.is_empty() {
            let new = Object::of(request.body.clone()).described_by(request);
            let headers = vec![new.etag()];
            self.objects.insert(object, new);
            return Response { status: 200, headers, body: Vec::new() };
        }
        let (bucket, key) = source.split_once('/').expect("a bucket and a key");
        let Some(found) = self.objects.get(&(bucket.to_owned(), key.to_owned())).cloned() else {
            return error(404, "NoSuchKey");
        };
        if found.is_other(request.header("x-amz-copy-source-if-match")) {
            return error(412, "PreconditionFailed");
        }
        let copy = found.described_by(request);
        let etag = tag("ETag", &copy.etag().1);
        self.objects.insert(object, copy);
        xml(tag("CopyObjectResult", &etag))
    }

    fn list(&self, bucket: &str, query: &BTreeMap<String, String>) -> Response {
        let after = query.get("start-after").cloned().unwrap_or_default();
        let most = query.get("max-keys").and_then(|most| most.parse().ok()).unwrap_or(1_000);
        let of_bucket = self.objects.iter().filter(|((of, key), _)| of == bucket && *key > after);
        let contents = of_bucket.take(most).map(|((_, key), object)| {
            let fields = tag("Key", key) + &tag("LastModified", &object.written.to_string());
            tag("Contents", &fields)
        });
        xml(tag("ListBucketResult", &contents.collect::<String>()))
    }
}

fn tag(name: &str, content: &str) -> String {
    format!("<{name}>{content}</{name}>")
}

fn xml(text: String) -> Response {
    Response { status: 200, headers: vec![("content-type", "application/xml".to_owned())], body: text.into_bytes() }
}

fn nothing() -> Response {
    Response { status: 204, ..Response::default() }
}

fn error(status: u16, code: &str) -> Response {
    Response { status, ..xml(tag("Error", &tag("Code", code))) }
}
