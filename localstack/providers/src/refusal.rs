//! How each service words what it refuses.

use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value as Json, json};

use crate::record::Refuse;

pub(crate) type Answer = Response<Full<Bytes>>;

/// A JSON answer.
pub(crate) fn answer(status: u16, body: &Json) -> Answer {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// FCM's error: the HTTP status with its name in Google's APIs, and FCM's own code.
pub(crate) fn fcm(status: u16, code: Option<&str>, field: Option<&str>) -> Answer {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    let own =
        code.map(|code| json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}));
    let violation = field.map(|field| {
        let violations = [json!({"field": field, "description": "Invalid value"})];
        json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
    });
    let details: Vec<Json> = violation.into_iter().chain(own).collect();
    answer(status, &json!({"error": {"code": status, "message": "Refused", "status": name, "details": details}}))
}

/// APNs' error.
pub(crate) fn apns(status: u16, reason: &str, timestamp: Option<i64>) -> Answer {
    let mut body = json!({ "reason": reason });
    if let Some(timestamp) = timestamp {
        body["timestamp"] = timestamp.into();
    }
    answer(status, &body)
}

/// A refusal that was asked for, in the words of the service.
pub(crate) fn planned(provider: &str, refuse: &Refuse, now: i64) -> Answer {
    let Refuse { status, reason, retry_after, timestamp, location } = refuse;
    let mut answer = match provider {
        "fcm" => {
            let usual = match status {
                400 => Some("INVALID_ARGUMENT"),
                404 => Some("UNREGISTERED"),
                429 => Some("QUOTA_EXCEEDED"),
                500 => Some("INTERNAL"),
                503 => Some("UNAVAILABLE"),
                _ => None,
            };
            let code = reason.as_deref().or(usual);
            fcm(*status, code, (code == Some("INVALID_ARGUMENT")).then_some("message.token"))
        }
        "apns" | "apns-sandbox" => {
            let usual = match status {
                400 => "BadDeviceToken",
                403 => "InvalidProviderToken",
                410 => "Unregistered",
                413 => "PayloadTooLarge",
                429 => "TooManyRequests",
                503 => "ServiceUnavailable",
                _ => "InternalServerError",
            };
            let timestamp = (*status == 410).then(|| timestamp.unwrap_or(now));
            apns(*status, reason.as_deref().unwrap_or(usual), timestamp)
        }
        "token" => answer(*status, &json!({"error": reason.as_deref().unwrap_or("invalid_grant")})),
        _ => answer(*status, &json!({"message": reason})),
    };
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    if let Some(location) = location.as_deref().and_then(|location| HeaderValue::from_str(location).ok()) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}
