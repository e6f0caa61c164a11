//! APNs with tokens.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::Value as Json;

use crate::{
    jwt::{self, Algorithm},
    keys::{APNS_KEY, TEAM, TOPIC},
    refusal::{Answer, answer, apns},
};

/// The largest payload.
const LARGEST: usize = 4_096;

/// How old a provider token may be, and how soon another one may come, in seconds.
const LIFE: i64 = 3_600;
const PAUSE: i64 = 1_200;

/// What one of the two services remembers.
#[derive(Debug, Default)]
pub(crate) struct Apns {
    /// The provider token in use, and since when.
    current: Option<(String, i64)>,
    /// Device tokens that only one of the services knows.
    devices: BTreeMap<String, &'static str>,
}

impl Apns {
    /// A device token that only this service takes, `apns` or `apns-sandbox`.
    pub(crate) fn device(&mut self, service: &'static str) -> String {
        let token = hex::encode(rand::random::<[u8; 32]>());
        self.devices.insert(token.clone(), service);
        token
    }

    pub(crate) fn send(
        &mut self,
        (service, device): (&str, &str),
        headers: &HeaderMap,
        body: &[u8],
        key: &[u8],
        now: i64,
    ) -> Answer {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(token) = text("authorization").strip_prefix("bearer ") else {
            return apns(403, "MissingProviderToken", None);
        };
        if let Some(refusal) = self.provider_token(token, key, now) {
            return refusal;
        }
        if let Some(reason) = wrong_header(headers) {
            return apns(400, reason, None);
        }
        if device.is_empty() || !device.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return apns(400, "BadDeviceToken", None);
        }
        if self.devices.get(device).is_some_and(|known| *known != service) {
            return apns(400, "BadDeviceToken", None);
        }
        if body.len() > LARGEST {
            return apns(413, "PayloadTooLarge", None);
        }
        match serde_json::from_slice::<Json>(body) {
            Ok(payload) if payload["aps"].is_object() => answer(200, &Json::Null),
            Ok(_) | Err(_) => apns(400, "PayloadEmpty", None),
        }
    }

    fn provider_token(&mut self, token: &str, key: &[u8], now: i64) -> Option<Answer> {
        let Some((header, claims)) = jwt::verified(token, Algorithm::Es256, key) else {
            return Some(apns(403, "InvalidProviderToken", None));
        };
        let issued = claims["iat"].as_i64().unwrap_or(0);
        if header["kid"] != APNS_KEY || claims["iss"] != TEAM || issued > now + 60 {
            return Some(apns(403, "InvalidProviderToken", None));
        }
        if now - issued > LIFE {
            return Some(apns(403, "ExpiredProviderToken", None));
        }
        match &self.current {
            Some((current, _)) if current == token => None,
            Some((_, since)) if now - since < PAUSE => Some(apns(429, "TooManyProviderTokenUpdates", None)),
            Some(_) | None => {
                self.current = Some((token.to_owned(), now));
                None
            }
        }
    }
}

/// The reason for which APNs refuses the headers.
fn wrong_header(headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("apns-topic") != Some(TOPIC) {
        return Some(if text("apns-topic").is_some() { "DeviceTokenNotForTopic" } else { "MissingTopic" });
    }
    if !matches!(text("apns-push-type"), Some("alert" | "background")) {
        return Some("InvalidPushType");
    }
    if !matches!(text("apns-priority"), None | Some("1" | "5" | "10")) {
        return Some("BadPriority");
    }
    if text("apns-expiration").is_some_and(|value| value.parse::<i64>().is_err()) {
        return Some("BadExpirationDate");
    }
    text("apns-collapse-id").is_some_and(|value| value.len() > 64).then_some("BadCollapseId")
}
