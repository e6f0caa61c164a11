#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test ends where its set-up fails")]

use crate::{Answer, NOON, Stores, limits_of};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::MatchedPath,
    http::{Method, Request},
    middleware::{Next, from_fn},
    response::Response,
};
use backend::Backend;
use domain::{SessionId, UserId};
use serde_json::Value;
use std::{ops::Deref, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::Instant};
use tower::ServiceExt as _;
use utoipa_axum::router::OpenApiRouter;

/// A function's routes over stores of its own; it derefs to `Stores`.
#[derive(Debug, Clone)]
pub struct Door<A = Backend> {
    stores: Arc<Stores>,
    routes: fn() -> OpenApiRouter<A>,
    app: A,
    router: Router,
    /// The routes as the API's document describes them.
    document: Arc<Value>,
}

/// Which operation answered.
#[derive(Debug, Clone)]
struct Operation {
    method: Method,
    path: MatchedPath,
}

impl Door {
    /// A function of people or rooms.
    pub async fn new(routes: fn() -> OpenApiRouter<Backend>) -> Self {
        let stores = Stores::new().await;
        let backend = stores.backend();
        Self::over(stores, routes, backend)
    }

    /// The same with limits of so many at once, of which none comes back while a test runs.
    #[must_use]
    pub fn limited_to(&self, burst: u32) -> Self {
        self.with(|backend| backend.limits = limits_of(burst, 1))
    }
}

impl<A: Clone + Send + Sync + 'static> Door<A> {
    /// A function whose handlers work with `app`, which was made of these stores.
    pub fn over(stores: Stores, routes: fn() -> OpenApiRouter<A>, app: A) -> Self {
        Self::build(Arc::new(stores), routes, app)
    }

    fn build(stores: Arc<Stores>, routes: fn() -> OpenApiRouter<A>, app: A) -> Self {
        let (inner, document) = routes().with_state(app.clone()).split_for_parts();
        let document = Arc::new(serde_json::to_value(document).expect("a document in JSON"));
        Self { stores, routes, app, router: web::layers(inner.layer(from_fn(name_operation))), document }
    }

    /// The same stores and routes, with another time, limit or store in what the handlers work with.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut A)) -> Self {
        let mut app = self.app.clone();
        change(&mut app);
        Self::build(Arc::clone(&self.stores), self.routes, app)
    }

    /// What the handlers work with.
    pub fn app(&self) -> &A {
        &self.app
    }

    /// The answers to so many requests at once, each with its number, in the order in which they came. What a slow machine could
    /// not do in time (503) is asked for again, as clients do.
    pub async fn at_once<F>(
        &self,
        number: usize,
        ask: impl Fn(Self, usize) -> F + Clone + Send + 'static,
    ) -> Vec<(usize, Answer)>
    where
        F: Future<Output = Answer> + Send,
    {
        let (begun, mut asking) = (Instant::now(), JoinSet::new());
        for n in 0..number {
            let (door, ask) = (self.clone(), ask.clone());
            asking.spawn(async move {
                loop {
                    let answer = ask(door.clone(), n).await;
                    if answer.status != 503 {
                        return (n, answer);
                    }
                    // MySQL waits that long for a lock; whoever gives up sooner was in a deadlock.
                    assert!(begun.elapsed() >= Duration::from_secs(2), "{}", answer.text);
                    assert!(begun.elapsed() <= Duration::from_mins(2), "{}", answer.text);
                }
            });
        }
        asking.join_all().await
    }

    /// What a person gets.
    pub async fn get(&self, caller: UserId, path: impl AsRef<str>) -> Answer {
        self.call(caller, Method::GET, path, &Value::Null).await
    }

    /// The answer to a person's request, with a valid token of a session that is not revoked.
    pub async fn call(&self, caller: UserId, method: Method, path: impl AsRef<str>, body: &Value) -> Answer {
        let session = SessionId::from_bytes([1; 16]);
        let token = self.tokens().issue(caller, &session, NOON).expect("a token can be signed");
        self.ask(method, path, Some(&token), body).await
    }

    /// The answer to a request; without a body where it is null.
    pub async fn ask(&self, method: Method, path: impl AsRef<str>, token: Option<&str>, body: &Value) -> Answer {
        let request = Request::builder().method(method).uri(path.as_ref()).header("content-type", "application/json");
        let request = match token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).expect("a request")).await
    }

    /// The answer to any request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body in memory");
        let text = String::from_utf8(body.to_vec()).expect("a body of text");
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, text };
        if let Some(operation) = parts.extensions.get() {
            self.check_quotas(operation, &answer);
        }
        answer
    }

    /// Every limited operation says what is left of its limit, and no other does.
    fn check_quotas(&self, Operation { method, path }: &Operation, answer: &Answer) {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let responses = &self.document["paths"][path.as_str()][method.as_str().to_lowercase()]["responses"];
        if answer.status < 300 || answer.status == 429 {
            let shown = ["ratelimit", "ratelimit-policy"].map(|name| answer.headers.contains_key(name));
            assert_eq!(shown, [responses["429"].is_object(); 2], "{method} {}: {answer:?}", path.as_str());
        }
    }
}

async fn name_operation(request: Request<Body>, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(Operation { method, path });
    }
    response
}

impl<A> Deref for Door<A> {
    type Target = Stores;

    fn deref(&self) -> &Stores {
        &self.stores
    }
}
