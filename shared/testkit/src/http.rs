//! What stand-ins of AWS's services have in common: a server of HTTP that answers each request by a function.
#![expect(clippy::expect_used, reason = "a test ends where its set-up fails")]
#![expect(clippy::disallowed_methods, reason = "a server answers each connection beside the test")]

use std::{collections::HashMap, fmt::Write as _, future::pending, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A server; it ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// By their names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// HEAD is told its length alone.
    pub(crate) body: Vec<u8>,
}

/// What becomes of a request.
pub(crate) enum Outcome {
    Answered(Response),
    /// No answer comes.
    Silence,
    /// The connection ends.
    Lost,
}

/// Answers each request by this function.
pub(crate) async fn serve(handle: impl Fn(&Request) -> Outcome + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let handle = Arc::new(handle);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&handle)));
        }
    });
    Server { url, task }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers the requests on a connection.
async fn answer(mut stream: TcpStream, handle: Arc<impl Fn(&Request) -> Outcome>) {
    let mut read = Vec::new();
    while let Some(request) = next(&mut stream, &mut read).await {
        assert!(request.header("authorization").starts_with("AWS4-HMAC-SHA256 "), "{} is not signed", request.path);
        let response = match handle(&request) {
            Outcome::Answered(response) => response,
            Outcome::Silence => return pending().await,
            Outcome::Lost => return,
        };
        // A client that has gone needs no answer.
        if stream.write_all(&response.bytes(request.method != "HEAD")).await.is_err() {
            return;
        }
    }
}

/// The next request; `read` keeps what belongs to the one behind it.
async fn next(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(read.drain(..end).collect()).ok()?;
    let (line, rest) = head.split_once("\r\n")?;
    let headers = rest.lines().filter_map(|line| line.split_once(": "));
    let headers: HashMap<_, _> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    if headers.get("expect").is_some_and(|expected| expected == "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    while read.len() < length {
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
    let mut words = line.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let [method, path, query] = [method, path, query].map(str::to_owned);
    Some(Request { method, path, query, headers, body: read.drain(..length).collect() })
}

impl Request {
    /// A header; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Response {
    fn bytes(&self, has_body: bool) -> Vec<u8> {
        let Self { status, headers, body } = self;
        let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        [head.as_bytes(), if has_body { body } else { &[] }].concat()
    }
}
