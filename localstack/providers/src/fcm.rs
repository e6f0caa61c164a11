//! Google's OAuth endpoint, and FCM HTTP v1.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{
    jwt::{self, Algorithm},
    keys::{CLIENT, PROJECT, RSA_KEY},
    refusal::{Answer, answer, fcm},
};

/// The largest message, without the device's token.
const LARGEST: usize = 4_096;

/// How long a token lives, in seconds.
const LIFE: i64 = 3_600;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Tokens that were handed out, and when they end.
#[derive(Debug, Default)]
pub(crate) struct Fcm {
    tokens: BTreeMap<String, i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    grant_type: String,
    assertion: String,
}

/// Of a message, what the product uses; another field is refused, as Google refuses unknown ones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    message: Message,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    token: String,
    #[serde(rename = "notification")]
    _notification: Option<Texts>,
    #[serde(rename = "data", default)]
    _data: BTreeMap<String, String>,
    android: Option<Android>,
    #[serde(rename = "apns")]
    _apns: Option<Apns>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "body")]
    _body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Android {
    priority: String,
    ttl: String,
    #[serde(rename = "collapse_key")]
    _collapse_key: Option<String>,
    #[serde(rename = "notification")]
    _notification: Option<AndroidNotification>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AndroidNotification {
    #[serde(rename = "tag")]
    _tag: String,
    #[serde(rename = "channel_id")]
    _channel: String,
    #[serde(rename = "notification_count")]
    _count: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Apns {
    #[serde(rename = "headers")]
    _headers: BTreeMap<String, String>,
    #[serde(rename = "payload")]
    _payload: Json,
}

impl Fcm {
    /// Hands out a token for a signed request.
    pub(crate) fn log_in(&mut self, form: &[u8], url: &str, key: &[u8], now: i64) -> Answer {
        let refused = |error: &str| answer(400, &json!({ "error": error }));
        let Ok(Grant { grant_type, assertion }) = serde_urlencoded::from_bytes(form) else {
            return refused("invalid_request");
        };
        if grant_type != GRANT {
            return refused("unsupported_grant_type");
        }
        let Some((header, claims)) = jwt::verified(&assertion, Algorithm::Rs256, key) else {
            return refused("invalid_grant");
        };
        let (issued, ends) = (claims["iat"].as_i64().unwrap_or(0), claims["exp"].as_i64().unwrap_or(0));
        let is_fresh = (now - LIFE..=now + 60).contains(&issued) && ends > now && ends <= issued + LIFE;
        let is_ours = header["kid"] == RSA_KEY && claims["iss"] == CLIENT && claims["aud"] == url;
        if !is_fresh || !is_ours || claims["scope"] != SCOPE {
            return refused("invalid_grant");
        }
        let token = format!("ya29.{:032x}", rand::random::<u128>());
        self.tokens.insert(token.clone(), now + LIFE);
        answer(200, &json!({"access_token": token, "expires_in": LIFE - 1, "token_type": "Bearer"}))
    }

    /// Takes a message, or refuses it.
    pub(crate) fn send(&self, project: &str, headers: &HeaderMap, body: &[u8], now: i64) -> Answer {
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        if bearer.and_then(|token| self.tokens.get(token)).is_none_or(|ends| now >= *ends) {
            return fcm(401, None, None);
        }
        if project != PROJECT {
            return fcm(403, None, None);
        }
        let invalid = |field: &str| fcm(400, Some("INVALID_ARGUMENT"), Some(field));
        let Ok(Send { message }) = serde_json::from_slice(body) else { return invalid("message") };
        if body.len() - message.token.len().min(body.len()) > LARGEST {
            return invalid("message");
        }
        if message.token.is_empty() || message.token.contains(char::is_whitespace) {
            return invalid("message.token");
        }
        if let Some(Android { priority, ttl, .. }) = &message.android {
            let seconds = ttl.strip_suffix('s').and_then(|seconds| seconds.parse::<u32>().ok());
            if !["HIGH", "NORMAL"].contains(&priority.as_str()) || seconds.is_none() {
                return invalid("message.android");
            }
        }
        answer(200, &json!({"name": format!("projects/{PROJECT}/messages/{:016x}", rand::random::<u64>())}))
    }

    /// Forgets every token, as after a change of the account's keys.
    pub(crate) fn revoke(&mut self) {
        self.tokens.clear();
    }
}

/// The device that a message is for.
pub(crate) fn device(body: &Json) -> String {
    body["message"]["token"].as_str().unwrap_or_default().to_owned()
}
