//! Runs a function with `background` against a small imitation of Lambda's APIs.
//!
//! The function is this test binary once more, as a process of its own: it finds the APIs by its environment.
#![expect(clippy::disallowed_methods, reason = "the function under test is told by its environment where Lambda is")]
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use background::Background;
use http_body_util::Full;
use hyper::{Method, Request, Response, body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use lambda_runtime::{Error, LambdaEvent, Runtime};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    env,
    future::pending,
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, sync::Notify, task::JoinSet, time::timeout};

#[tokio::test]
async fn work_runs_between_response_and_next_event() {
    let seen = Lambda::new(&["work"]).run().await;
    assert_eq!(seen, ["registered", "waits", "response to work", "work", "waits"]);
}

#[tokio::test]
async fn each_invocation_has_one_hand_over() {
    let seen = Lambda::new(&["work", "nothing", "nothing", "work"]).run().await;
    let expected = [
        ["response to work", "work", "waits"].as_slice(),
        &["response to nothing", "waits"],
        &["response to nothing", "waits"],
        &["response to work", "work", "waits"],
    ];
    assert_eq!(seen[2..], expected.concat());
}

#[tokio::test]
async fn failed_and_panicked_handlers_hand_their_work_over() {
    let seen = Lambda::new(&["fail", "panic", "work"]).run().await;
    let expected = [
        ["error of fail", "work", "waits"].as_slice(),
        &["error of panic", "work", "waits"],
        &["response to work", "work", "waits"],
    ];
    assert_eq!(seen[2..], expected.concat());
}

#[tokio::test]
async fn panicking_work_does_not_end_the_function() {
    let seen = Lambda::new(&["work panics", "work"]).run().await;
    assert_eq!(seen[2..], ["response to work panics", "waits", "response to work", "work", "waits"]);
}

#[tokio::test]
async fn late_work_is_dropped_at_its_time_limit() {
    let seen = Lambda::new(&["work hangs", "work"]).run().await;
    assert_eq!(seen[2..], ["response to work hangs", "waits", "response to work", "work", "waits"]);
}

#[tokio::test]
async fn work_ends_before_the_deadline_of_its_invocation() {
    let lambda =
        Lambda { time_limit: Duration::from_mins(1), lifetime: Duration::from_secs(1), ..Lambda::new(&["work hangs"]) };
    assert_eq!(lambda.run().await[2..], ["response to work hangs", "waits"]);
}

#[tokio::test]
async fn work_runs_before_the_response_without_the_extensions_api() {
    let seen = Lambda { has_extensions: false, ..Lambda::new(&["work", "work panics", "work"]) }.run().await;
    assert_eq!(seen, ["refused", "work", "response to work", "response to work panics", "work", "response to work"]);
}

#[tokio::test]
async fn work_outlives_a_broken_extension() {
    let seen = Lambda { breaks: true, ..Lambda::new(&["work", "work"]) }.run().await;
    assert_eq!(seen, ["registered", "broken", "response to work", "work", "response to work", "work"]);
}

/// What the imitation does, and what it has seen.
struct Lambda {
    has_extensions: bool,
    /// Whether the extension gets no event but an error.
    breaks: bool,
    time_limit: Duration,
    /// How long an invocation may last.
    lifetime: Duration,
    invocations: Vec<&'static str>,
}

/// The APIs' state.
struct Apis {
    lambda: Lambda,
    /// How many events the runtime and the extension have got.
    given: Mutex<(usize, usize)>,
    /// Whether the one of them waits for the next invocation.
    waiting: Mutex<(bool, bool)>,
    changed: Notify,
    seen: Mutex<Vec<String>>,
    over: Notify,
}

impl Lambda {
    fn new(invocations: &[&'static str]) -> Self {
        let (time_limit, lifetime) = (Duration::from_millis(300), Duration::from_mins(1));
        Self { has_extensions: true, breaks: false, time_limit, lifetime, invocations: invocations.to_vec() }
    }

    /// What happened until the last invocation was over, without the runtime's own waiting.
    async fn run(self) -> Vec<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let _function = Function::start(&address, self.time_limit);
        let apis = Arc::new(Apis {
            lambda: self,
            given: Mutex::default(),
            waiting: Mutex::default(),
            changed: Notify::new(),
            seen: Mutex::default(),
            over: Notify::new(),
        });
        let serve = async {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let apis = Arc::clone(&apis);
                let answer = service_fn(move |request| answer(Arc::clone(&apis), request));
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        };
        let over = timeout(Duration::from_secs(30), apis.over.notified());
        tokio::select! {
            over = over => assert!(over.is_ok(), "it hangs after {:?}", apis.seen.lock().unwrap()),
            () = serve => {}
        }
        std::mem::take(&mut *apis.seen.lock().unwrap())
    }
}

impl Apis {
    fn see(&self, what: impl Into<String>) {
        self.seen.lock().unwrap().push(what.into());
    }

    /// The next invocation, once everybody waits for it, as Lambda has it.
    async fn next(&self, is_extension: bool) -> usize {
        loop {
            let changed = self.changed.notified();
            if let Some(invocation) = self.try_next(is_extension) {
                self.changed.notify_waiters();
                return invocation;
            }
            changed.await;
        }
    }

    fn try_next(&self, is_extension: bool) -> Option<usize> {
        let (mut given, mut waiting) = (self.given.lock().unwrap(), self.waiting.lock().unwrap());
        let (runtime, extension) = *given;
        let mine = if is_extension { extension } else { runtime };
        let waits = if is_extension { &mut waiting.1 } else { &mut waiting.0 };
        let is_news = !std::mem::replace(waits, true);
        let is_alone = !self.lambda.has_extensions || self.lambda.breaks;
        let all_wait = waiting.0 && (is_alone || waiting.1);
        let begun = mine < runtime.max(extension);
        if !begun && !(all_wait && (is_alone || runtime == extension)) {
            // Nobody is woken for nothing: two who wait would wake each other for ever.
            if is_news {
                self.changed.notify_waiters();
            }
            return None;
        }
        if mine == self.lambda.invocations.len() {
            self.over.notify_one();
            return None;
        }
        *(if is_extension { &mut given.1 } else { &mut given.0 }) += 1;
        *(if is_extension { &mut waiting.1 } else { &mut waiting.0 }) = false;
        Some(mine)
    }
}

async fn answer(apis: Arc<Apis>, request: Request<hyper::body::Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let response = match (request.method(), &*path) {
        (&Method::POST, "/2020-01-01/extension/register") if apis.lambda.has_extensions => {
            apis.see("registered");
            let body = json!({ "functionName": "f", "functionVersion": "1", "handler": "h" });
            Response::builder().header("lambda-extension-identifier", "id").body(body.to_string())
        }
        (&Method::POST, "/2020-01-01/extension/register") => {
            apis.see("refused");
            Response::builder().status(404).body(String::new())
        }
        (&Method::GET, "/2020-01-01/extension/event/next") if apis.lambda.breaks => {
            apis.see("broken");
            Response::builder().status(500).body(String::new())
        }
        (&Method::GET, "/2020-01-01/extension/event/next") => {
            apis.see("waits");
            let invocation = apis.next(true).await;
            let (id, arn) = (invocation.to_string(), "arn:aws:lambda:us-east-1:1:function:f");
            let body = json!({
                "eventType": "INVOKE", "deadlineMs": apis.lambda.deadline(), "requestId": id, "invokedFunctionArn": arn
            });
            Response::builder().body(body.to_string())
        }
        (&Method::GET, "/2018-06-01/runtime/invocation/next") => {
            if apis.lambda.breaks {
                // The extension learns that it is broken before there is work.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let invocation = apis.next(false).await;
            Response::builder()
                .header("lambda-runtime-aws-request-id", invocation.to_string())
                .header("lambda-runtime-deadline-ms", apis.lambda.deadline().to_string())
                .body(json!(apis.lambda.invocations[invocation]).to_string())
        }
        (&Method::POST, path) => {
            if path == "/work" {
                apis.see("work");
            } else {
                let mut segments = path.rsplit('/');
                let (outcome, id) = (segments.next().unwrap(), segments.next().unwrap());
                let outcome = if outcome == "error" { "error of" } else { "response to" };
                apis.see(format!("{outcome} {}", apis.lambda.invocations[id.parse::<usize>().unwrap()]));
            }
            Response::builder().status(202).body(String::new())
        }
        _ => Response::builder().status(404).body(String::new()),
    };
    Ok(response.unwrap().map(|body| Full::new(body.into())))
}

impl Lambda {
    fn deadline(&self) -> u64 {
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + self.lifetime;
        deadline.as_millis().try_into().unwrap()
    }
}

/// The process of the function under test.
struct Function(Child);

impl Function {
    fn start(address: &str, time_limit: Duration) -> Self {
        let function = Command::new(env::current_exe().unwrap())
            .args(["--exact", "function_under_test"])
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "f")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("TIME_LIMIT_MS", time_limit.as_millis().to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(function.unwrap())
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test: what the process of the function runs.
#[tokio::test]
async fn function_under_test() {
    let Ok(address) = env::var("AWS_LAMBDA_RUNTIME_API") else { return };
    let time_limit = Duration::from_millis(env::var("TIME_LIMIT_MS").unwrap().parse().unwrap());
    let background = Background::register().await.with_time_limit(time_limit);
    let handler = async |event: LambdaEvent<String>| -> Result<Value, Error> {
        match &*event.payload {
            "nothing" => {}
            "work panics" => background.run(async { panic!("on purpose") }).await,
            "work hangs" => background.run(pending()).await,
            _ => {
                let address = address.clone();
                background.run(async move { note_work(&address) }).await;
            }
        }
        match &*event.payload {
            "fail" => Err("on purpose".into()),
            "panic" => panic!("on purpose"),
            _ => Ok(Value::Null),
        }
    };
    Runtime::new(lambda_runtime::service_fn(handler)).layer(background.layer()).run().await.unwrap();
}

/// Tells the imitation that work has run, and waits until it knows.
fn note_work(address: &str) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "POST /work HTTP/1.1\r\nhost: lambda\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
}
