//! Two buckets behind what of S3's protocol the function speaks; they fail as they are told.
#![expect(clippy::disallowed_methods, reason = "a server answers each connection beside the test")]

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_types::{SdkConfig, region::Region};
use files::Files;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub(crate) const UPLOADS: &str = "uploads";
pub(crate) const FILES: &str = "files";

/// An object, with what it is served with.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: String,
    pub(crate) disposition: String,
}

/// The server; it ends with this value.
pub(crate) struct S3 {
    url: String,
    kept: Arc<Mutex<Kept>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Kept {
    /// By bucket and key, as in a path.
    objects: BTreeMap<String, Object>,
    /// What was asked, and how many bytes were answered.
    asked: Vec<(String, usize)>,
    is_away: bool,
}

impl S3 {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::<Mutex<Kept>>::default();
        let shared = Arc::clone(&kept);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&shared)));
            }
        });
        Self { url, kept, task }
    }

    pub(crate) fn client(&self) -> Files {
        let keys = SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test"));
        Files::connect(&boot::FileSettings {
            url: self.url.clone(),
            uploads_bucket: UPLOADS.to_owned(),
            files_bucket: FILES.to_owned(),
            aws: SdkConfig::builder().region(Region::new("eu-west-1")).credentials_provider(keys).build(),
        })
    }

    /// Puts what a client sends, and answers its `ETag`.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) -> String {
        let (media_type, disposition) = ("application/octet-stream".to_owned(), String::new());
        let object = Object { bytes: bytes.to_vec(), media_type, disposition };
        self.kept().objects.insert(format!("/{UPLOADS}/{key}"), object);
        etag(bytes)
    }

    /// What is served, by key.
    pub(crate) fn served(&self) -> BTreeMap<String, Object> {
        let prefix = format!("/{FILES}/");
        let kept = self.kept();
        let ours = kept.objects.iter().filter_map(|(path, object)| Some((path.strip_prefix(&prefix)?, object)));
        ours.map(|(key, object)| (key.to_owned(), object.clone())).collect()
    }

    /// Methods of requests so far, and how many bytes each was answered.
    pub(crate) fn asked(&self) -> Vec<(String, usize)> {
        self.kept().asked.clone()
    }

    pub(crate) fn go_away(&self) {
        self.kept().is_away = true;
    }

    pub(crate) fn come_back(&self) {
        self.kept().is_away = false;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Not S3's MD5, but as different for different bytes.
fn etag(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:032x}")
}

struct Request {
    method: String,
    path: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// Answers the requests on a connection.
async fn answer(mut stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    let mut read = Vec::new();
    while let Some(request) = next(&mut stream, &mut read).await {
        let (status, headers, body) = {
            let mut kept = kept.lock().unwrap();
            let answer = serve(&mut kept, &request);
            kept.asked.push((request.method.clone(), answer.2.len()));
            answer
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status} -\r\n{headers}content-length: {length}\r\n\r\n");
        let body = if request.method == "HEAD" { &[][..] } else { &body };
        if stream.write_all(&[head.as_bytes(), body].concat()).await.is_err() {
            return;
        }
    }
}

async fn next(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(read.drain(..end + 4).collect()).ok()?;
    let (line, rest) = head.split_once("\r\n")?;
    let headers = rest.lines().filter_map(|line| line.split_once(": "));
    let headers: HashMap<_, _> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    if headers.get("expect").is_some_and(|expected| expected == "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while read.len() < length {
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
    let (method, target) = line.split_once(' ')?;
    let path = target.split(['?', ' ']).next()?;
    Some(Request { method: method.to_owned(), path: path.to_owned(), headers, body: read.drain(..length).collect() })
}

type Answer = (u16, String, Vec<u8>);

fn error(status: u16, code: &str) -> Answer {
    (status, "content-type: application/xml\r\n".to_owned(), format!("<Error><Code>{code}</Code></Error>").into_bytes())
}

fn serve(kept: &mut Kept, request: &Request) -> Answer {
    if kept.is_away {
        return error(500, "InternalError");
    }
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    let is_other =
        |wanted: &str, object: &Object| !wanted.is_empty() && wanted.trim_matches('"') != etag(&object.bytes);
    match (request.method.as_str(), header("x-amz-copy-source")) {
        ("PUT", "") => {
            let (media_type, disposition) =
                (header("content-type").to_owned(), header("content-disposition").to_owned());
            let tag = etag(&request.body);
            let object = Object { bytes: request.body.clone(), media_type, disposition };
            kept.objects.insert(request.path.clone(), object);
            (200, format!("etag: \"{tag}\"\r\n"), Vec::new())
        }
        ("PUT", source) => {
            let Some(object) = kept.objects.get(&format!("/{source}")).cloned() else { return error(404, "NoSuchKey") };
            if is_other(header("x-amz-copy-source-if-match"), &object) {
                return error(412, "PreconditionFailed");
            }
            let (media_type, disposition) =
                (header("content-type").to_owned(), header("content-disposition").to_owned());
            let answer = format!("<CopyObjectResult><ETag>\"{}\"</ETag></CopyObjectResult>", etag(&object.bytes));
            kept.objects.insert(request.path.clone(), Object { media_type, disposition, ..object });
            (200, "content-type: application/xml\r\n".to_owned(), answer.into_bytes())
        }
        _ => {
            let Some(object) = kept.objects.get(&request.path) else { return error(404, "NoSuchKey") };
            if is_other(header("if-match"), object) {
                return error(412, "PreconditionFailed");
            }
            let whole = object.bytes.len();
            let tag = format!("etag: \"{}\"\r\n", etag(&object.bytes));
            match header("range").strip_prefix("bytes=0-") {
                Some(last) => {
                    let end = (last.parse::<usize>().unwrap() + 1).min(whole);
                    (206, format!("{tag}content-range: bytes 0-{}/{whole}\r\n", end - 1), object.bytes[..end].to_vec())
                }
                None => (200, tag, object.bytes.clone()),
            }
        }
    }
}
