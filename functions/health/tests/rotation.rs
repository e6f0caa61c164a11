//! Passwords that change while the function runs: it answers 503 and ends, and the next environment reads the new ones.
//!
//! The function is its own binary, as Lambda runs it, against an imitation of Lambda's API.
#![expect(clippy::unwrap_used, reason = "a failed arrangement ends the test")]
#![expect(clippy::disallowed_methods, reason = "a server answers beside the test")]

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use mongodb::{Client, bson::doc};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use testkit::{mongo, mysql, mysql::execute, proxy::Proxy};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinHandle,
    time::{sleep, timeout},
};

/// For so long an answer is given again, and some.
const REMEMBERED: Duration = Duration::from_millis(5_200);

/// Lambda's API for one function.
struct Lambda {
    address: String,
    events: mpsc::UnboundedSender<()>,
    answers: mpsc::UnboundedReceiver<Value>,
    task: JoinHandle<()>,
}

impl Lambda {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let ((events, next), (answered, answers)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let (next, number) = (Arc::new(Mutex::new(next)), Arc::new(AtomicU32::new(0)));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (next, answered, number) = (Arc::clone(&next), answered.clone(), Arc::clone(&number));
                let serve = service_fn(move |request: Request<Incoming>| {
                    let (next, answered, number) = (Arc::clone(&next), answered.clone(), Arc::clone(&number));
                    async move {
                        let mut response = Response::new(Full::<Bytes>::default());
                        if request.method() == Method::GET {
                            next.lock().await.recv().await;
                            let headers = response.headers_mut();
                            headers.insert("lambda-runtime-deadline-ms", "4000000000000".parse().unwrap());
                            let id = number.fetch_add(1, Ordering::Relaxed).to_string();
                            headers.insert("lambda-runtime-aws-request-id", id.parse().unwrap());
                            *response.body_mut() = event().to_string().into();
                        } else {
                            let body = request.into_body().collect().await.unwrap().to_bytes();
                            answered.send(serde_json::from_slice(&body).unwrap()).unwrap();
                        }
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), serve));
            }
        });
        Self { address, events, answers, task }
    }

    /// The status that the function answers.
    async fn invoke(&mut self) -> u64 {
        self.events.send(()).unwrap();
        let answer = timeout(Duration::from_secs(30), self.answers.recv()).await.unwrap().unwrap();
        answer["statusCode"].as_u64().unwrap()
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn event() -> Value {
    let path = "/health/ready";
    json!({
        "version": "2.0", "routeKey": format!("GET {path}"), "rawPath": path, "rawQueryString": "", "headers": {},
        "isBase64Encoded": false,
        "requestContext": {
            "accountId": "1", "apiId": "a", "requestId": "r", "stage": "$default", "routeKey": "$default", "time": "",
            "timeEpoch": 0, "domainName": "a.example", "domainPrefix": "a",
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "" },
        },
    })
}

/// An environment of the function, with its secrets in the form that RDS keeps them in.
struct Environment(Child);

impl Environment {
    fn start(lambda: &Lambda, mysql: [&str; 3], mongo: [&str; 3]) -> Self {
        let secret = |[_, user, password]: [&str; 3]| json!({ "username": user, "password": password }).to_string();
        let child = Command::new(env!("CARGO_BIN_EXE_health"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", &lambda.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "health")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("MYSQL_URL", secret(mysql))
            .env("MYSQL_SERVER", mysql[0])
            .env("MONGO_URL", secret(mongo))
            .env("MONGO_SERVER", mongo[0])
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// Whether it ends by itself, in order.
    async fn ends(&mut self) -> bool {
        for _ in 0..100 {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.success();
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where a server is, as a URL without credentials.
fn server(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place))
}

#[tokio::test]
async fn password_of_mysql_that_changes_ends_the_environment() {
    let (mysql, mongo) = tokio::join!(mysql::Database::new(), mongo::Database::new());
    let url = mysql.url_of("chat_health").await;
    let user = url.split("://").nth(1).unwrap().split(':').next().unwrap().to_owned();
    let (proxy, through) = Proxy::before(&format!("{}?ssl-mode=DISABLED", server(&url))).await;
    let [mongo_user, mongo_password] = mongo_user(&mongo.url).await;
    let mongo_secret = [&*mongo.url, &mongo_user, &mongo_password];
    let mut lambda = Lambda::start().await;
    let mut environment = Environment::start(&lambda, [&through, &user, "..."], mongo_secret);
    assert_eq!(lambda.invoke().await, 200);

    execute(&mysql.url, &format!("ALTER USER '{user}'@'%' IDENTIFIED BY 'n€w/pass:word'")).await;
    // A connection that is open stays open.
    sleep(REMEMBERED).await;
    assert_eq!(lambda.invoke().await, 200);
    assert!(environment.runs());
    proxy.drop_connections().await;
    sleep(REMEMBERED).await;
    assert_eq!(lambda.invoke().await, 503);
    assert!(environment.ends().await);

    let _next = Environment::start(&lambda, [&through, &user, "n€w/pass:word"], mongo_secret);
    assert_eq!(lambda.invoke().await, 200);
    forget_user(&mongo.url, &mongo_user).await;
}

#[tokio::test]
async fn password_of_mongodb_that_changes_ends_the_environment() {
    let (mysql, mongo) = tokio::join!(mysql::Database::new(), mongo::Database::new());
    let url = mysql.url_of("chat_health").await;
    let mysql_user = url.split("://").nth(1).unwrap().split(':').next().unwrap().to_owned();
    let mysql_server = server(&url);
    let mysql_secret = [&*mysql_server, &mysql_user, "..."];
    let (proxy, through) = Proxy::before(&mongo.url).await;
    // The set's member names itself by an address beside the proxy.
    let through = format!("{}?directConnection=true", through.split('?').next().unwrap());
    let [user, password] = mongo_user(&mongo.url).await;
    let mut lambda = Lambda::start().await;
    let mut environment = Environment::start(&lambda, mysql_secret, [&through, &user, &password]);
    assert_eq!(lambda.invoke().await, 200);

    let client = Client::with_uri_str(&mongo.url).await.unwrap();
    let change = doc! { "updateUser": &user, "pwd": "n€w/pass:word" };
    client.default_database().unwrap().run_command(change).await.unwrap();
    proxy.drop_connections().await;
    // The first request may only find that its connection is gone.
    let mut answers = Vec::new();
    while environment.runs() && answers.len() < 4 {
        sleep(REMEMBERED).await;
        answers.push(lambda.invoke().await);
        sleep(Duration::from_millis(300)).await;
    }
    assert!(!answers.is_empty() && answers.iter().all(|answer| *answer == 503), "{answers:?}");
    assert!(environment.ends().await);

    let _next = Environment::start(&lambda, mysql_secret, [&through, &user, "n€w/pass:word"]);
    assert_eq!(lambda.invoke().await, 200);
    forget_user(&mongo.url, &user).await;
}

/// A new user of a database, and their password.
async fn mongo_user(url: &str) -> [String; 2] {
    let database = Client::with_uri_str(url).await.unwrap().default_database().unwrap();
    let [user, password] = ["health", "f1rst pass@word"].map(str::to_owned);
    database.run_command(doc! { "createUser": &user, "pwd": &password, "roles": ["readWrite"] }).await.unwrap();
    [user, password]
}

async fn forget_user(url: &str, user: &str) {
    let database = Client::with_uri_str(url).await.unwrap().default_database().unwrap();
    database.run_command(doc! { "dropUser": user }).await.unwrap();
}
