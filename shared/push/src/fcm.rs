//! FCM HTTP v1: <https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages>.

use crate::{
    Notification, Outcome, apns,
    http::{Body, Http, NoReply, Reply},
    outcome::Verdict,
    secret::FcmSecret,
    tokens::SharedToken,
    words::Words,
};
use domain::{Clock, Timestamp};
use http::{Request, header};
use mongo::Mongo;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const URL: &str = "https://fcm.googleapis.com";
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// The largest message without its token.
const MOST_BYTES: usize = 4_000;

/// An OAuth token lives for an hour.
const TOKEN_LIFE: Duration = Duration::from_mins(50);
const SIGNED_LIFE: Duration = Duration::from_hours(1);

/// How long no other token is asked for after a new one was refused.
const TOKEN_PAUSE: Duration = Duration::from_mins(1);

/// Firebase Cloud Messaging.
#[derive(Debug)]
pub(crate) struct Fcm {
    secret: FcmSecret,
    url: String,
    token_url: String,
    token: SharedToken,
    clock: Clock,
}

#[derive(Deserialize)]
struct OauthAnswer {
    access_token: String,
}

/// An error of a Google API.
#[derive(Default, Deserialize)]
struct ErrorAnswer {
    #[serde(default)]
    error: ErrorBody,
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(rename = "@type", default)]
    kind: String,
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    field_violations: Vec<Violation>,
}

#[derive(Deserialize)]
struct Violation {
    #[serde(default)]
    field: String,
}

impl Fcm {
    pub(crate) fn new(
        secret: FcmSecret,
        url: Option<&str>,
        token_url: Option<&str>,
        mongo: Option<Mongo>,
        clock: Clock,
    ) -> Self {
        let token = SharedToken::new(format!("fcm:{}", secret.email), TOKEN_LIFE, TOKEN_PAUSE, mongo, clock);
        let url = format!("{}/v1/projects/{}/messages:send", url.unwrap_or(URL), secret.project);
        Self { secret, url, token_url: token_url.unwrap_or(TOKEN_URL).to_owned(), token, clock }
    }

    pub(crate) async fn send(
        &self,
        http: &Http,
        device: &str,
        notification: &Notification,
        words: Option<&Words>,
    ) -> Outcome {
        let now = self.clock.now();
        let payload = payload(device, notification, words, now);
        let mut refused: Option<String> = None;
        loop {
            let bearer = match self.token.get(refused.as_deref(), self.log_in(http)).await {
                Ok(bearer) => bearer,
                Err(outcome) => return outcome,
            };
            let request = Request::post(&self.url)
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
                .body(Body::from(payload.clone()));
            let Ok(request) = request else { return Outcome::Failed("fcm token is no header".to_owned()) };
            match http.post(request, now).await {
                Err(NoReply) => return Outcome::Again(None),
                Ok(reply) => match judge(&reply) {
                    Verdict::Is(outcome) => return outcome,
                    Verdict::Unauthorized if refused.is_none() => refused = Some(bearer),
                    Verdict::Unauthorized => return Outcome::Failed("fcm 401".to_owned()),
                },
            }
        }
    }

    /// Asks for an OAuth token.
    async fn log_in(&self, http: &Http) -> Result<String, Outcome> {
        let now = self.clock.now();
        let claims = json!({
            "iss": self.secret.email,
            "scope": SCOPE,
            "aud": self.token_url,
            "iat": now.seconds(),
            "exp": now.plus(SIGNED_LIFE).seconds(),
        });
        let failed = |why: &str| Outcome::Failed(format!("fcm login {why}"));
        let assertion = self.secret.key.sign(&claims).map_err(|_| failed("unsigned"))?;
        // A token has no character that a form would encode.
        let form = format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}");
        let request = Request::post(&self.token_url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .map_err(|_| failed("no request"))?;
        let reply = http.post(request, now).await.map_err(|NoReply| Outcome::Again(None))?;
        match reply.status {
            200 => serde_json::from_slice::<OauthAnswer>(&reply.body)
                .map(|answer| answer.access_token)
                .map_err(|_| failed("no token")),
            429 | 500.. => Err(Outcome::Again(reply.retry_after)),
            status => Err(failed(&status.to_string())),
        }
    }
}

/// What an answer means.
fn judge(reply: &Reply) -> Verdict {
    match reply.status {
        200 => Verdict::Is(Outcome::Delivered),
        401 => Verdict::Unauthorized,
        429 | 500.. => Verdict::again(reply),
        status => {
            let error = serde_json::from_slice::<ErrorAnswer>(&reply.body).unwrap_or_default().error;
            let code = error.details.iter().find(|detail| detail.kind.ends_with(".FcmError"));
            let code = code.map_or("", |detail| detail.error_code.as_str());
            // A message that is wrong elsewhere than in its token is our fault.
            let mut violations = error.details.iter().flat_map(|detail| &detail.field_violations);
            let names_token = violations.any(|violation| violation.field == "message.token");
            match (status, code) {
                (404, "UNREGISTERED") | (403, "SENDER_ID_MISMATCH") => Verdict::Is(Outcome::DeviceGone),
                (400, "INVALID_ARGUMENT") if names_token => Verdict::Is(Outcome::DeviceGone),
                _ => Verdict::failed("fcm", status, if code.is_empty() { &error.status } else { code }),
            }
        }
    }
}

/// No `collapse_key` for each room: a device has four of them, and FCM keeps any.
fn payload(device: &str, notification: &Notification, words: Option<&Words>, now: Timestamp) -> Vec<u8> {
    let Some(words) = words else { return clear(device, notification, now).to_string().into_bytes() };
    let (mut android, mut aps) =
        (json!({"tag": notification.tag(), "channel_id": "messages"}), apns::details(notification));
    if let Some(badge) = notification.badge {
        android["notification_count"] = badge.into();
        aps["badge"] = badge.into();
    }
    let message = json!({"message": {
        "token": device,
        "notification": {"title": "", "body": ""},
        "data": notification.data(),
        "android": {"priority": "HIGH", "ttl": "86400s", "notification": android},
        "apns": {"headers": headers(notification, now), "payload": {"aps": aps}},
    }});
    let build = |title: &str, body: &str| {
        let mut message = message.clone();
        message["message"]["notification"] = json!({"title": title, "body": body});
        message.to_string().into_bytes()
    };
    words.payload(MOST_BYTES + device.len(), build)
}

/// Nothing is shown: the app takes away what is there.
fn clear(device: &str, notification: &Notification, now: Timestamp) -> Value {
    let mut data = notification.data();
    let mut message =
        json!({"token": device, "android": {"priority": "NORMAL", "ttl": "86400s", "collapse_key": "clear"}});
    if let Some(badge) = notification.badge {
        data.insert("badge".to_owned(), badge.to_string().into());
        message["apns"] = json!({"headers": headers(notification, now), "payload": {"aps": {"badge": badge}}});
    }
    message["data"] = data.into();
    json!({ "message": message })
}

/// For apps of Apple's that use Firebase.
fn headers(notification: &Notification, now: Timestamp) -> Value {
    apns::headers(notification, now).map(|(name, value)| (name.to_owned(), Value::String(value))).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &Value) -> Verdict {
        judge(&Reply { status, retry_after: Some(Duration::from_secs(7)), body: body.to_string().into_bytes() })
    }

    fn error(status: &str, details: &Value) -> Value {
        json!({"error": {"code": 400, "message": "hush", "status": status, "details": details}})
    }

    fn fcm_error(code: &str) -> Value {
        json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
    }

    #[test]
    fn device_is_gone_only_if_fcm_names_its_token() {
        let gone = Verdict::Is(Outcome::DeviceGone);
        let violation = |field: &str| json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field}]});
        let invalid = |details: Value| error("INVALID_ARGUMENT", &details);
        assert_eq!(verdict(404, &error("NOT_FOUND", &json!([fcm_error("UNREGISTERED")]))), gone);
        assert_eq!(verdict(403, &error("PERMISSION_DENIED", &json!([fcm_error("SENDER_ID_MISMATCH")]))), gone);
        let token = json!([violation("message.token"), fcm_error("INVALID_ARGUMENT")]);
        assert_eq!(verdict(400, &invalid(token)), gone);

        let failed = |words: &str| Verdict::Is(Outcome::Failed(words.to_owned()));
        let data = json!([violation("message.data"), fcm_error("INVALID_ARGUMENT")]);
        assert_eq!(verdict(400, &invalid(data)), failed("fcm 400 INVALID_ARGUMENT"));
        let unnamed = json!([fcm_error("INVALID_ARGUMENT")]);
        assert_eq!(verdict(400, &invalid(unnamed)), failed("fcm 400 INVALID_ARGUMENT"));
        assert_eq!(verdict(400, &invalid(json!([]))), failed("fcm 400 INVALID_ARGUMENT"));
        // The project is another one.
        assert_eq!(verdict(404, &error("NOT_FOUND", &json!([]))), failed("fcm 404 NOT_FOUND"));
        assert_eq!(verdict(403, &error("PERMISSION_DENIED", &json!([]))), failed("fcm 403 PERMISSION_DENIED"));
        assert_eq!(verdict(404, &json!("<html>")), failed("fcm 404"));
        assert_eq!(verdict(302, &json!({})), failed("fcm 302"));
    }

    #[test]
    fn busy_fcm_is_asked_again_when_it_says() {
        for status in [429, 500, 502, 503, 504] {
            let again = Verdict::Is(Outcome::Again(Some(Duration::from_secs(7))));
            assert_eq!(verdict(status, &error("UNAVAILABLE", &json!([fcm_error("UNAVAILABLE")]))), again);
        }
        assert_eq!(verdict(401, &json!({})), Verdict::Unauthorized);
        assert_eq!(verdict(200, &json!({"name": "projects/p/messages/1"})), Verdict::Is(Outcome::Delivered));
    }
}
