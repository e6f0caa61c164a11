//! Web Push: RFC 8030, with VAPID (RFC 8292) and message encryption (RFC 8291).

use crate::{
    Notification, Outcome, Subscription,
    http::{Body, Http, NoReply, Reply},
    outcome::Verdict,
    secret::VapidSecret,
    words::Words,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Clock, ProviderToken, Random, Timestamp};
use http::{Request, header};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The largest text: a service takes 4,096 bytes with everything that encryption adds.
const MOST_BYTES: usize = 3_900;

/// How long a token is valid, and how long it is used.
const TOKEN_LIFE: Duration = Duration::from_hours(12);
const TOKEN_USE: Duration = Duration::from_hours(10);

/// How many services are remembered at once; a client could name any number of hosts below an allowed one.
const MOST_ORIGINS: usize = 64;

/// How many characters a topic has.
const TOPIC: usize = 24;

/// The push services of browsers.
#[derive(Debug)]
pub(crate) struct WebPush {
    secret: VapidSecret,
    /// By the origin of the service.
    tokens: Mutex<HashMap<String, ProviderToken>>,
    clock: Clock,
    random: Random,
}

impl WebPush {
    pub(crate) fn new(secret: VapidSecret, clock: Clock, random: Random) -> Self {
        Self { secret, tokens: Mutex::default(), clock, random }
    }

    pub(crate) async fn send(
        &self,
        http: &Http,
        to: &Subscription,
        notification: &Notification,
        words: Option<&Words>,
    ) -> Outcome {
        // Browsers demand that something is shown.
        let Some(words) = words else { return Outcome::Delivered };
        let failed = |why: &str| Outcome::Failed(format!("webpush {why}"));
        let payload = payload(notification, words);
        let Ok(body) = to.encrypt(&payload, self.random) else { return failed("not encrypted") };
        let now = self.clock.now();
        let Some(token) = self.token(&to.endpoint.origin(), now) else { return failed("token unsigned") };
        let request = Request::post(to.endpoint.as_str())
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::AUTHORIZATION, format!("vapid t={token}, k={}", self.secret.public))
            .header("ttl", "86400")
            .header("urgency", "high")
            .header("topic", topic(to, notification))
            .body(Body::from(body));
        let Ok(request) = request else { return failed("no request") };
        match http.post(request, now).await {
            Err(NoReply) => Outcome::Again(None),
            Ok(reply) => judge(&reply),
        }
    }

    /// The token for a service.
    fn token(&self, origin: &str, now: Timestamp) -> Option<String> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get(origin).filter(|token| now < token.issued_at.plus(TOKEN_USE)) {
            return Some(token.token.clone());
        }
        let claims = json!({"aud": origin, "exp": now.plus(TOKEN_LIFE).seconds(), "sub": self.secret.subject});
        let token = self.secret.key.sign(&claims).ok()?;
        if tokens.len() >= MOST_ORIGINS {
            tokens.clear();
        }
        tokens.insert(origin.to_owned(), ProviderToken { token: token.clone(), issued_at: now });
        Some(token)
    }
}

/// What an answer means.
fn judge(reply: &Reply) -> Outcome {
    match reply.status {
        200..300 => Outcome::Delivered,
        404 | 410 => Outcome::DeviceGone,
        429 | 500.. => Outcome::Again(reply.retry_after),
        status => match Verdict::failed("webpush", status, "") {
            Verdict::Is(outcome) => outcome,
            Verdict::Unauthorized => Outcome::Again(None),
        },
    }
}

/// A later message of a topic replaces one that waits. The service sees topics, so they are hashed with the subscription's secret:
/// nobody else can tell two devices in one room, or a room's name.
fn topic(to: &Subscription, notification: &Notification) -> String {
    let hash = digest(&SHA256, &[&to.secret[..], notification.tag().as_bytes()].concat());
    URL_SAFE_NO_PAD.encode(hash).chars().take(TOPIC).collect()
}

fn payload(notification: &Notification, words: &Words) -> Vec<u8> {
    let mut data = notification.data();
    data.insert("tag".to_owned(), notification.tag().into());
    if let Some(badge) = notification.badge {
        data.insert("badge".to_owned(), badge.into());
    }
    words.payload(MOST_BYTES, |title, body| {
        let mut data = data.clone();
        data.insert("title".to_owned(), title.into());
        data.insert("body".to_owned(), body.into());
        Value::Object(data).to_string().into_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_says_whether_the_subscription_stays() {
        let again = Outcome::Again(Some(Duration::from_secs(7)));
        for (status, expected) in [
            (201, Outcome::Delivered),
            (202, Outcome::Delivered),
            (404, Outcome::DeviceGone),
            (410, Outcome::DeviceGone),
            (429, again.clone()),
            (500, again.clone()),
            (503, again),
            (301, Outcome::Failed("webpush 301".to_owned())),
            (307, Outcome::Failed("webpush 307".to_owned())),
            (400, Outcome::Failed("webpush 400".to_owned())),
            (401, Outcome::Failed("webpush 401".to_owned())),
            (403, Outcome::Failed("webpush 403".to_owned())),
            (413, Outcome::Failed("webpush 413".to_owned())),
        ] {
            let reply = Reply { status, retry_after: Some(Duration::from_secs(7)), body: b"hush".to_vec() };
            assert_eq!(judge(&reply), expected, "{status}");
        }
    }
}
