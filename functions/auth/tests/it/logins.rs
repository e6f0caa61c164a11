use auth::{App, Mailing};
use axum::{
    body::Body,
    http::{Method, Request},
};
use background::Background;
use credentials::{AccessTokens, RefreshTokens, Tickets};
use domain::{Clock, SessionId, Timestamp, UserId};
use mongo::Mongo;
use serde_json::{Value, json};
use std::ops::Deref;
use testkit::{Answer, Door, KEY, Stores, limits_of, ses::SesServer};
use web::TrustedProxy;

pub(crate) const PASSWORD: &str = "비밀번호 1234";
pub(crate) const MINJI: &str = "minji@example.com";

/// The function's routes, and people who log in.
#[derive(Clone)]
pub(crate) struct Logins(Door<App>);

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

impl Deref for Logins {
    type Target = Door<App>;

    fn deref(&self) -> &Door<App> {
        &self.0
    }
}

impl Logins {
    pub(crate) async fn new() -> Self {
        let stores = Stores::new().await;
        let app = App {
            backend: stores.backend(),
            refresh_tokens: RefreshTokens::new(KEY, None),
            tickets: Tickets::new(KEY, None),
            websocket_url: "wss://chat.example/v1".into(),
            mailing: None,
            proxy: TrustedProxy::default(),
        };
        Self(Door::over(stores, auth::routes, app))
    }

    pub(crate) fn of(door: Door<App>) -> Self {
        Self(door)
    }

    /// The same at another time.
    pub(crate) fn at(&self, moment: fn() -> Timestamp) -> Self {
        Self(self.0.with(|app| {
            (app.backend.clock, app.backend.projector.clock) = (Clock(moment), Clock(moment));
        }))
    }

    /// The same with mails, which are sent before the answer.
    pub(crate) fn mailed(&self, ses: &SesServer) -> Self {
        let mailing = Mailing { post: self.post_to(ses), background: Background::inline() };
        Self(self.0.with(|app| app.mailing = Some(mailing)))
    }

    /// The same with limits of so many at once, of which none comes back while a test runs.
    pub(crate) fn limited_to(&self, burst: u32) -> Self {
        Self(self.0.with(|app| app.backend.limits = limits_of(burst, 1)))
    }

    /// The same while MongoDB is away.
    pub(crate) async fn without_mongo(&self) -> Self {
        let mongo = Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();
        Self(self.0.with(|app| app.backend.projector.mongo = mongo))
    }

    pub(crate) fn access_tokens(&self) -> &AccessTokens {
        &self.0.app().backend.tokens
    }

    pub(crate) async fn at_once<F>(
        &self,
        number: usize,
        ask: impl Fn(Self, usize) -> F + Clone + Send + 'static,
    ) -> Vec<(usize, Answer)>
    where
        F: Future<Output = Answer> + Send,
    {
        self.0.at_once(number, move |door, n| ask(Self(door), n)).await
    }

    /// A request of somebody unknown who reads Korean.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json").header("accept-language", "ko");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// A request with an access token.
    pub(crate) async fn call(&self, method: Method, path: &str, access: &str, body: &Value) -> Answer {
        self.0.ask(method, path, Some(access), body).await
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

    /// A refresh whose attempt has a name.
    pub(crate) async fn refresh_as(&self, token: &str, attempt: &str) -> Answer {
        self.post("/auth/refresh", &json!({"refresh_token": token, "attempt": attempt})).await
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
}
