use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request},
};
use credentials::AccessTokens;
use domain::{Clock, DisplayName, Email, Limit, Locale, SessionId, Timestamp, UserId, Username};
use friends::App;
use mongo::Mongo;
use mysql::{Mysql, Names, NewUser};
use projection::Projector;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use testkit::{mongo as documents, mysql as tables};
use tokio::{task::JoinSet, time::Instant};
use tower::ServiceExt as _;

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// So late that nothing expires by the store's own clock while a test runs.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(2_100_000_000_000);
const LIFETIME: Duration = Duration::from_mins(15);
/// More than any test asks for.
const PLENTY: Limit = Limit { burst: 1_000, per_minute: 1_000 };

/// The function's router over two stores of its own.
#[derive(Clone)]
pub(crate) struct House {
    stores: Arc<(tables::Database, documents::Database)>,
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
}

impl House {
    pub(crate) async fn new() -> Self {
        let (mysql, mongo) = tokio::join!(tables::Database::new(), documents::Database::new());
        let clock = Clock(|| NOON);
        let tokens = AccessTokens::new("HS256", KEY, None, LIFETIME).unwrap();
        let app = App {
            gatekeeper: web::Gatekeeper { tokens, mongo: mongo.mongo.clone(), clock },
            projector: Projector {
                mysql: mysql.mysql.clone(),
                mongo: mongo.mongo.clone(),
                pusher: testkit::pushing::into_the_void(),
                clock,
                token_lifetime: LIFETIME,
            },
            request_limit: PLENTY,
            clock,
        };
        Self { stores: Arc::new((mysql, mongo)), router: web::layers(friends::router(app.clone())), app }
    }

    /// The same house with a limit of so many at once, of which none comes back while a test runs.
    pub(crate) fn limited_to(&self, burst: u32) -> Self {
        let app = App { request_limit: Limit { burst, per_minute: 1 }, ..self.app.clone() };
        Self { stores: Arc::clone(&self.stores), router: web::layers(friends::router(app.clone())), app }
    }

    pub(crate) fn mysql(&self) -> &Mysql {
        &self.stores.0.mysql
    }

    pub(crate) fn mongo(&self) -> &Mongo {
        &self.stores.1.mongo
    }

    /// Someone with an account, who is found by their name.
    pub(crate) async fn join(&self, name: &str) -> UserId {
        let new = NewUser {
            email: Email::parse(&format!("{name}@example.com")).unwrap(),
            username: Username::parse(name).unwrap(),
            display_name: Some(DisplayName::parse(&name.to_uppercase()).unwrap()),
            password_hash: String::new(),
            locale: Locale::En,
            at: NOON,
        };
        let profile = self.mysql().users().insert(new).await.unwrap().profile;
        let (username, display_name) = (Some(profile.username), profile.display_name);
        self.mysql().users().insert_names(&[Names { user: profile.id, username, display_name }]).await.unwrap();
        profile.id
    }

    pub(crate) async fn block(&self, by: UserId, blocked: UserId) {
        self.mysql().blocks().insert(by, blocked, NOON).await.unwrap();
    }

    /// What MongoDB knows of someone.
    pub(crate) async fn known(&self, user: UserId) -> domain::Person {
        self.mongo().find_person(user).await.unwrap().unwrap()
    }

    /// Ends an account, as no route does yet.
    pub(crate) async fn deactivate(&self, user: UserId) {
        tables::execute(&self.stores.0.url, &format!("UPDATE users SET is_active = FALSE WHERE id = {user}")).await;
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

    pub(crate) async fn get(&self, caller: UserId, path: impl AsRef<str>) -> Answer {
        self.call(caller, Method::GET, path, &Value::Null).await
    }

    pub(crate) async fn call(&self, caller: UserId, method: Method, path: impl AsRef<str>, body: &Value) -> Answer {
        let token = self.app.gatekeeper.tokens.issue(caller, &SessionId::from_bytes([1; 16]), NOON).unwrap();
        self.ask(method, path.as_ref(), Some(&token), body).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let (parts, body) = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}
