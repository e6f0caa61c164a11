//! The listener, what it remembers, and what it does wrong on purpose.

use std::{
    collections::BTreeMap,
    fmt,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Clock;
use http::{HeaderMap, Method, Request, request::Parts};
use http_body_util::{BodyExt, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    apns::Apns,
    browser::{self, Browser, Secrets},
    fcm::{self, Fcm},
    keys::{Keys, PublicKeys},
    record::{Fault, Planned, Record},
    refusal::{self, Answer, answer},
};

/// More than any of the services takes.
const LARGEST: usize = 64 * 1024;

/// How many requests are remembered.
const MOST_RECORDS: usize = 100_000;

/// Longer than any client waits.
const SILENCE: Duration = Duration::from_mins(1);

/// The running stand-ins. They end with this value.
pub struct Providers {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    url: String,
    secret: Json,
    keys: PublicKeys,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fcm: Fcm,
    apns: Apns,
    browsers: BTreeMap<String, Secrets>,
    faults: Vec<Planned>,
    records: Vec<Record>,
}

/// A service, and which of its devices a request is for.
struct Addressee {
    provider: &'static str,
    target: String,
}

/// The connection ends without an answer.
#[derive(Debug)]
struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection is reset on purpose")
    }
}

impl std::error::Error for Reset {}

impl Providers {
    /// Listens on this machine. The clock decides about the ages of tokens.
    pub async fn start(keys: &Keys, clock: Clock) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the push services cannot listen")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (secret, keys) = (keys.secret(), keys.public()?);
        let shared = Arc::new(Shared { url, secret, keys, clock, state: Mutex::default() });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, task })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The settings with which functions reach the stand-ins. `PUSH_SECRET` is a secret.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let Shared { url, secret, keys, .. } = &*self.shared;
        let pairs = [
            ("PUSH_PLATFORMS", "fcm,apns,webpush".to_owned()),
            ("PUSH_SECRET", secret.to_string()),
            ("VAPID_PUBLIC_KEY", URL_SAFE_NO_PAD.encode(&keys.vapid)),
            ("WEBPUSH_HOSTS", url.clone()),
            ("FCM_URL", url.clone()),
            ("GOOGLE_TOKEN_URL", format!("{url}/token")),
            ("APNS_URL", format!("{url}/apns")),
            ("APNS_SANDBOX_URL", format!("{url}/apns-sandbox")),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// A browser that subscribes now.
    pub fn browser(&self) -> Result<Browser> {
        self.shared.subscribe()
    }

    /// A device token that only one of APNs' two services takes.
    pub fn apns_device(&self, is_development: bool) -> String {
        self.shared.state().apns.device(if is_development { "apns-sandbox" } else { "apns" })
    }

    /// What was sent after the first so many requests, in order.
    pub fn records(&self, after: usize) -> Vec<Record> {
        self.shared.state().records.iter().skip(after).cloned().collect()
    }

    /// What becomes of the next so many requests to a device's token, a browser's id or a provider.
    pub fn fail(&self, target: &str, times: usize, fault: Fault) {
        self.shared.state().faults.push(Planned { target: target.to_owned(), times, fault });
    }

    /// No token of FCM that was handed out is taken any more.
    pub fn revoke_fcm_tokens(&self) {
        self.shared.state().fcm.revoke();
    }
}

impl Drop for Providers {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Providers").field("url", &self.shared.url).finish_non_exhaustive()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // A client that left early, or too many open files: neither ends the server.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| respond(Arc::clone(&shared), request));
            // An error here is a client that went away, or a reset on purpose.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answer, Reset> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.map_err(|_| Reset)?.to_bytes();
    let path = head.uri.path().trim_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    match (&head.method, segments.as_slice()) {
        (&Method::GET, ["records"]) => Ok(shared.list(head.uri.query())),
        (&Method::POST, ["faults"]) => Ok(shared.plan(&body)),
        (&Method::POST, ["webpush"]) => match shared.subscribe() {
            Ok(browser) => Ok(answer(201, &json!(browser))),
            Err(_) => Ok(answer(500, &Json::Null)),
        },
        (&Method::POST, segments) => match addressee(segments, &body) {
            Some(addressee) => shared.serve(&addressee, segments, &head, &body).await,
            None => Ok(answer(404, &Json::Null)),
        },
        _ => Ok(answer(404, &Json::Null)),
    }
}

fn addressee(segments: &[&str], body: &[u8]) -> Option<Addressee> {
    let (provider, target) = match segments {
        ["token"] => ("token", String::new()),
        ["v1", "projects", _, "messages:send"] => {
            ("fcm", fcm::device(&serde_json::from_slice(body).unwrap_or_default()))
        }
        ["apns", "3", "device", token] => ("apns", (*token).to_owned()),
        ["apns-sandbox", "3", "device", token] => ("apns-sandbox", (*token).to_owned()),
        ["webpush", id] => ("webpush", (*id).to_owned()),
        _ => return None,
    };
    Some(Addressee { provider, target })
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribe(&self) -> Result<Browser> {
        let id = hex::encode(rand::random::<[u8; 16]>());
        let (browser, secrets) = Secrets::subscribe(&id, &self.url).map_err(|_| anyhow!("no browser could be made"))?;
        self.state().browsers.insert(id, secrets);
        Ok(browser)
    }

    fn list(&self, query: Option<&str>) -> Answer {
        let after = query.and_then(|query| query.strip_prefix("after=")).map_or(Ok(0), str::parse::<usize>);
        match after {
            Ok(after) => answer(200, &json!({"items": self.state().records.iter().skip(after).collect::<Vec<_>>()})),
            Err(_) => answer(400, &Json::Null),
        }
    }

    fn plan(&self, body: &[u8]) -> Answer {
        match serde_json::from_slice(body) {
            Ok(planned) => {
                self.state().faults.push(planned);
                answer(204, &Json::Null)
            }
            Err(error) => answer(400, &json!({"message": error.to_string()})),
        }
    }

    /// Serves a request as the service does, unless something else was asked for.
    async fn serve(&self, to: &Addressee, segments: &[&str], head: &Parts, body: &Bytes) -> Result<Answer, Reset> {
        let (outcome, is_silent) = {
            let mut state = self.state();
            let fault = state.fault(to);
            let (served, read) = match &fault {
                Some(Fault::Refuse(refuse)) => {
                    let refused = refusal::planned(to.provider, refuse, self.clock.now().millis());
                    (refused, readable(&state, to, body))
                }
                Some(Fault::Silence | Fault::Cut) | None => self.answer(&mut state, to, segments, head, body),
            };
            let is_answered = !matches!(fault, Some(Fault::Silence | Fault::Cut)) || served.status().as_u16() >= 300;
            let status = is_answered.then(|| served.status().as_u16());
            state.note(to, head, read, status, self.clock.now().millis());
            (if is_answered { Ok(served) } else { Err(Reset) }, matches!(fault, Some(Fault::Silence)))
        };
        if is_silent {
            tokio::time::sleep(SILENCE).await;
        }
        outcome
    }

    fn answer(
        &self,
        state: &mut State,
        to: &Addressee,
        segments: &[&str],
        head: &Parts,
        body: &Bytes,
    ) -> (Answer, Json) {
        let (headers, now) = (&head.headers, self.clock.now().seconds());
        let json = || serde_json::from_slice(body).unwrap_or_default();
        match to.provider {
            "token" => {
                let url = format!("{}/token", self.url);
                (state.fcm.log_in(body, &url, &self.keys.rsa, now), Json::Null)
            }
            "fcm" => (state.fcm.send(segments.get(2).unwrap_or(&""), headers, body, now), json()),
            "webpush" => {
                let browser = state.browsers.get(&to.target);
                browser::send(browser, headers, body, &self.url, &self.keys.vapid, now)
            }
            service => (state.apns.send((service, &to.target), headers, body, &self.keys.apns, now), json()),
        }
    }
}

impl State {
    /// The next fault for a request: of its device, else of its provider.
    fn fault(&mut self, to: &Addressee) -> Option<Fault> {
        let is_of = |planned: &Planned| planned.target == to.target || planned.target == to.provider;
        let at = self.faults.iter().position(|planned| planned.times > 0 && is_of(planned))?;
        let planned = self.faults.get_mut(at)?;
        planned.times -= 1;
        let fault = planned.fault.clone();
        if planned.times == 0 {
            self.faults.remove(at);
        }
        Some(fault)
    }

    fn note(&mut self, to: &Addressee, head: &Parts, body: Json, status: Option<u16>, at: i64) {
        if self.records.len() >= MOST_RECORDS {
            return;
        }
        self.records.push(Record {
            number: self.records.len() + 1,
            at,
            provider: to.provider,
            target: to.target.clone(),
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            headers: texts(&head.headers),
            body,
            status,
        });
    }
}

/// What a refused request said.
fn readable(state: &State, to: &Addressee, body: &[u8]) -> Json {
    let decrypted = state.browsers.get(&to.target).and_then(|browser| browser.decrypt(body));
    serde_json::from_slice(decrypted.as_deref().unwrap_or(body)).unwrap_or_default()
}

fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}
