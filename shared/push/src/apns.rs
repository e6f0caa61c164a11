//! APNs: <https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns>.

use crate::{
    News, Notification, Outcome,
    http::{Body, Http, NoReply, Reply},
    outcome::Verdict,
    secret::ApnsSecret,
    tokens::SharedToken,
    words::Words,
};
use domain::{Clock, Timestamp, notification::PushHost};
use http::{Request, header};
use mongo::Mongo;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const URL: &str = "https://api.push.apple.com";
const SANDBOX_URL: &str = "https://api.sandbox.push.apple.com";

/// The largest payload.
const MOST_BYTES: usize = 4_096;

/// APNs takes a token for an hour, and refuses those who bring another one within 20 minutes.
const TOKEN_LIFE: Duration = Duration::from_mins(40);
const TOKEN_PAUSE: Duration = Duration::from_mins(20);

/// How long a service is left alone that says that we change tokens too often.
const TOO_MANY_TOKENS: Duration = Duration::from_mins(10);

/// How long a notification is kept for a device that is off.
const KEPT: Duration = Duration::from_hours(24);

/// Apple Push Notification service, both of it.
#[derive(Debug)]
pub(crate) struct Apns {
    secret: ApnsSecret,
    url: String,
    sandbox_url: String,
    token: SharedToken,
    clock: Clock,
}

#[derive(Default, Deserialize)]
struct ErrorAnswer {
    #[serde(default)]
    reason: String,
    /// When the token ended, in milliseconds.
    timestamp: Option<i64>,
}

impl Apns {
    pub(crate) fn new(
        secret: ApnsSecret,
        url: Option<&str>,
        sandbox_url: Option<&str>,
        mongo: Option<Mongo>,
        clock: Clock,
    ) -> Self {
        let id = format!("apns:{}:{}", secret.team_id, secret.key_id);
        let token = SharedToken::new(id, TOKEN_LIFE, TOKEN_PAUSE, mongo, clock);
        let sandbox_url = sandbox_url.unwrap_or(SANDBOX_URL).to_owned();
        Self { secret, url: url.unwrap_or(URL).to_owned(), sandbox_url, token, clock }
    }

    pub(crate) async fn send(
        &self,
        http: &Http,
        (token, host): (&str, PushHost),
        seen_at: Timestamp,
        notification: &Notification,
        words: Option<&Words>,
    ) -> Outcome {
        let now = self.clock.now();
        // What clears shows nothing, so without a number there is nothing to say.
        let Some(payload) = payload(notification, words) else { return Outcome::Delivered };
        let mut refused: Option<String> = None;
        loop {
            let bearer = match self.token.get(refused.as_deref(), async { self.issue(now) }).await {
                Ok(bearer) => bearer,
                Err(outcome) => return outcome,
            };
            let url = match host {
                PushHost::Production => &self.url,
                PushHost::Development => &self.sandbox_url,
            };
            let mut request = Request::post(format!("{url}/3/device/{token}"))
                .header(header::AUTHORIZATION, format!("bearer {bearer}"))
                .header("apns-topic", &self.secret.topic);
            for (name, value) in headers(notification, now) {
                request = request.header(name, value);
            }
            let request = request.body(Body::from(payload.clone()));
            let Ok(request) = request else { return Outcome::Failed("apns token is no header".to_owned()) };
            match http.post(request, now).await {
                Err(NoReply) => return Outcome::Again(None),
                Ok(reply) => match judge(&reply, seen_at) {
                    Verdict::Is(outcome) => return outcome,
                    Verdict::Unauthorized if refused.is_none() => refused = Some(bearer),
                    Verdict::Unauthorized => return Outcome::Failed("apns 403".to_owned()),
                },
            }
        }
    }

    fn issue(&self, now: Timestamp) -> Result<String, Outcome> {
        let claims = json!({"iss": self.secret.team_id, "iat": now.seconds()});
        self.secret.key.sign(&claims).map_err(|_| Outcome::Failed("apns token unsigned".to_owned()))
    }
}

/// What an answer means to a device that registered last at `seen_at`.
fn judge(reply: &Reply, seen_at: Timestamp) -> Verdict {
    if reply.status == 200 {
        return Verdict::Is(Outcome::Delivered);
    }
    let ErrorAnswer { reason, timestamp } = serde_json::from_slice(&reply.body).unwrap_or_default();
    match (reply.status, reason.as_str()) {
        (400, "BadDeviceToken" | "DeviceTokenNotForTopic") => Verdict::Is(Outcome::DeviceGone),
        (403, "ExpiredProviderToken" | "InvalidProviderToken") => Verdict::Unauthorized,
        // It may have registered again since.
        (410, _) if timestamp.is_some_and(|ended| seen_at <= Timestamp::from_millis(ended)) => {
            Verdict::Is(Outcome::DeviceGone)
        }
        (410, _) => Verdict::Is(Outcome::Again(None)),
        (429, "TooManyProviderTokenUpdates") => Verdict::Is(Outcome::Again(Some(TOO_MANY_TOKENS))),
        (429 | 500.., _) => Verdict::again(reply),
        (status, reason) => Verdict::failed("apns", status, reason),
    }
}

/// The headers that say how a notification is treated.
pub(crate) fn headers(notification: &Notification, now: Timestamp) -> [(&'static str, String); 4] {
    let priority = if matches!(notification.news, News::Clear) { "5" } else { "10" };
    [
        ("apns-push-type", "alert".to_owned()),
        ("apns-priority", priority.to_owned()),
        ("apns-expiration", now.plus(KEPT).seconds().to_string()),
        ("apns-collapse-id", notification.collapse_id()),
    ]
}

/// The part for the system, without texts and badge.
pub(crate) fn details(notification: &Notification) -> Value {
    json!({"sound": "default", "thread-id": notification.tag(), "mutable-content": 1})
}

fn payload(notification: &Notification, words: Option<&Words>) -> Option<Vec<u8>> {
    let whole = |aps: Value| {
        let mut payload = notification.data();
        payload.insert("aps".to_owned(), aps);
        Value::Object(payload).to_string().into_bytes()
    };
    let Some(words) = words else { return notification.badge.map(|badge| whole(json!({"badge": badge}))) };
    let mut aps = details(notification);
    if let Some(badge) = notification.badge {
        aps["badge"] = badge.into();
    }
    Some(words.payload(MOST_BYTES, |title, body| {
        let mut aps = aps.clone();
        aps["alert"] = json!({"title": title, "body": body});
        whole(aps)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn verdict(status: u16, body: &Value) -> Verdict {
        let body = body.to_string().into_bytes();
        judge(&Reply { status, retry_after: Some(Duration::from_secs(7)), body }, SEEN)
    }

    #[test]
    fn device_is_gone_if_its_token_ended_after_it_registered() {
        let gone = Verdict::Is(Outcome::DeviceGone);
        for timestamp in [SEEN.millis(), SEEN.millis() + 1] {
            assert_eq!(verdict(410, &json!({"reason": "Unregistered", "timestamp": timestamp})), gone);
        }
        for body in [json!({"reason": "Unregistered", "timestamp": SEEN.millis() - 1}), json!({})] {
            assert_eq!(verdict(410, &body), Verdict::Is(Outcome::Again(None)));
        }
        for reason in ["BadDeviceToken", "DeviceTokenNotForTopic"] {
            assert_eq!(verdict(400, &json!({"reason": reason})), gone);
        }
    }

    #[test]
    fn other_refusals_leave_the_device() {
        let pause = |seconds| Verdict::Is(Outcome::Again(Some(Duration::from_secs(seconds))));
        let failed = |words: &str| Verdict::Is(Outcome::Failed(words.to_owned()));
        for (status, reason, expected) in [
            (403, "ExpiredProviderToken", Verdict::Unauthorized),
            (403, "InvalidProviderToken", Verdict::Unauthorized),
            (403, "BadCertificate", failed("apns 403 BadCertificate")),
            (429, "TooManyProviderTokenUpdates", pause(600)),
            (429, "TooManyRequests", pause(7)),
            (500, "InternalServerError", pause(7)),
            (503, "ServiceUnavailable", pause(7)),
            (413, "PayloadTooLarge", failed("apns 413 PayloadTooLarge")),
            (400, "BadTopic", failed("apns 400 BadTopic")),
            (400, "00ff, /path", failed("apns 400 ffpath")),
        ] {
            assert_eq!(verdict(status, &json!({ "reason": reason })), expected, "{status} {reason}");
        }
        assert_eq!(verdict(200, &json!("")), Verdict::Is(Outcome::Delivered));
    }
}
