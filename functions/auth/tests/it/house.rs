use auth::App;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request},
};
use credentials::{AccessTokens, RefreshTokens};
use domain::{Clock, ConnectionId, Limit, Locale, SessionId, Timestamp, UserId};
use mongo::{Connection, Mongo};
use mysql::Mysql;
use projection::Projector;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::Instant};
use tower::ServiceExt as _;

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";
/// So late that nothing expires by the store's own clock while a test runs.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(2_100_000_000_000);
pub(crate) const PASSWORD: &str = "비밀번호 1234";
pub(crate) const MINJI: &str = "minji@example.com";

const LIFETIME: Duration = Duration::from_mins(15);
/// More than any test asks for.
const PLENTY: Limit = Limit { burst: 1_000, per_minute: 1_000 };

/// The function's router over two stores of its own.
#[derive(Clone)]
pub(crate) struct House {
    stores: Arc<(testkit::mysql::Database, testkit::mongo::Database)>,
    app: App,
    router: Router,
}

/// What a client gets.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The status and the word for what went wrong.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap().to_owned())
    }

    pub(crate) fn retry_after(&self) -> u64 {
        self.headers["retry-after"].to_str().unwrap().parse().unwrap()
    }
}

/// What a login gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text);
        let token = |name| answer.json()[name].as_str().unwrap().to_owned();
        Self { access: token("access_token"), refresh: token("refresh_token") }
    }

    pub(crate) fn session(&self) -> SessionId {
        SessionId(self.refresh.split('.').next().unwrap().to_owned())
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        let (mysql, mongo) = tokio::join!(testkit::mysql::Database::new(), testkit::mongo::Database::new());
        let clock = Clock(|| NOON);
        let app = App {
            projector: Projector {
                mysql: mysql.mysql.clone(),
                mongo: mongo.mongo.clone(),
                pusher: testkit::pushing::into_the_void(),
                clock,
                token_lifetime: LIFETIME,
            },
            access_tokens: AccessTokens::new("HS256", KEY, None, LIFETIME).unwrap(),
            refresh_tokens: RefreshTokens::new(KEY, None),
            websocket_url: "wss://chat.example/v1".into(),
            sign_in_limit: PLENTY,
            ticket_limit: PLENTY,
            clock,
            random: boot::random(),
        };
        Self { stores: Arc::new((mysql, mongo)), router: web::layers(auth::router(app.clone())), app }
    }

    /// The same house at another time.
    pub(crate) fn at(&self, moment: fn() -> Timestamp) -> Self {
        let clock = Clock(moment);
        self.with(App { projector: Projector { clock, ..self.app.projector.clone() }, clock, ..self.app.clone() })
    }

    /// The same house with limits of so many at once, of which none comes back while a test runs.
    pub(crate) fn limited_to(&self, burst: u32) -> Self {
        let limit = Limit { burst, per_minute: 1 };
        self.with(App { sign_in_limit: limit, ticket_limit: limit, ..self.app.clone() })
    }

    /// The same house while MongoDB is away.
    pub(crate) async fn without_mongo(&self) -> Self {
        let mongo = Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();
        self.with(App { projector: Projector { mongo, ..self.app.projector.clone() }, ..self.app.clone() })
    }

    fn with(&self, app: App) -> Self {
        Self { stores: Arc::clone(&self.stores), router: web::layers(auth::router(app.clone())), app }
    }

    pub(crate) fn mysql(&self) -> &Mysql {
        &self.stores.0.mysql
    }

    pub(crate) fn mongo(&self) -> &Mongo {
        &self.stores.1.mongo
    }

    pub(crate) fn mongo_url(&self) -> &str {
        &self.stores.1.url
    }

    pub(crate) fn projector(&self) -> &Projector {
        &self.app.projector
    }

    pub(crate) fn access_tokens(&self) -> &AccessTokens {
        &self.app.access_tokens
    }

    /// Does what no code of ours does.
    pub(crate) async fn execute(&self, statement: &str) {
        testkit::mysql::execute(&self.stores.0.url, statement).await;
    }

    /// The answers to so many requests at once, each with its number. What a slow machine could not do in time is asked for
    /// again, as clients do.
    pub(crate) async fn at_once<F>(
        &self,
        number: usize,
        ask: impl Fn(Self, usize) -> F + Clone + Send + 'static,
    ) -> Vec<(usize, Answer)>
    where
        F: Future<Output = Answer> + Send,
    {
        let (begun, mut asking) = (Instant::now(), JoinSet::new());
        for n in 0..number {
            let (house, ask) = (self.clone(), ask.clone());
            asking.spawn(async move {
                loop {
                    let answer = ask(house.clone(), n).await;
                    if answer.status != 503 {
                        return (n, answer);
                    }
                    // A lock is waited for so long; whoever gives up sooner has been in a deadlock.
                    assert!(begun.elapsed() >= Duration::from_secs(2), "{}", answer.text);
                    assert!(begun.elapsed() <= Duration::from_mins(2), "{}", answer.text);
                }
            });
        }
        asking.join_all().await
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json").header("accept-language", "ko");
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// A request of someone who is logged in.
    pub(crate) async fn call(&self, method: Method, path: &str, access: &str, body: &Value) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {access}"));
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.ask(request.body(body).unwrap()).await
    }

    pub(crate) async fn register(&self, email: &str, username: &str) -> Answer {
        self.post("/auth/register", &json!({"email": email, "username": username, "password": PASSWORD})).await
    }

    /// Registers someone by their address.
    pub(crate) async fn join(&self, email: &str) -> UserId {
        let answer = self.register(email, email.split('@').next().unwrap()).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        UserId(answer.json()["id"].as_i64().unwrap().try_into().unwrap())
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Answer {
        self.post("/auth/login", &json!({"email": email, "password": password})).await
    }

    pub(crate) async fn tokens(&self, email: &str) -> Tokens {
        Tokens::of(&self.log_in(email, PASSWORD).await)
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/auth/refresh", &json!({"refresh_token": token})).await
    }

    pub(crate) async fn log_out(&self, access: &str) -> Answer {
        self.call(Method::POST, "/auth/logout", access, &Value::Null).await
    }

    pub(crate) async fn sessions(&self, access: &str, query: &str) -> Answer {
        self.call(Method::GET, &format!("/auth/sessions{query}"), access, &Value::Null).await
    }

    /// Whether a token is taken where somebody has to be logged in.
    pub(crate) async fn knows(&self, access: &str) -> bool {
        let answer = self.sessions(access, "").await;
        if answer.status != 200 {
            assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()));
        }
        answer.status == 200
    }

    /// Opens a WebSocket of a session.
    pub(crate) async fn connect(&self, user: UserId, session: SessionId, name: &str) {
        let id = ConnectionId(name.to_owned());
        let connection = Connection { id, user, session, locale: Locale::En, connected_at: NOON };
        self.mongo().insert_connection(&connection).await.unwrap();
    }

    /// The names of a person's open WebSockets.
    pub(crate) async fn connections(&self, user: UserId) -> Vec<String> {
        let open = self.mongo().list_user_connections(&[user], NOON).await.unwrap();
        open.into_iter().map(|connection| connection.id.0).collect()
    }
}
