//! CORS as the template configures it. The CORS headers of functions are replaced.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use template::Cors;

use crate::server::Answer;

const HEADERS: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// The gateway's own answer, if the request is a preflight.
pub(super) fn preflight(cors: Option<&Cors>, request: &Parts) -> Option<Answer> {
    let cors = cors?;
    let origin = request.headers.get(header::ORIGIN)?;
    if request.method != Method::OPTIONS || !request.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut answer = Response::new(http_body_util::Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    if let Some(allowed) = allowed(cors, origin) {
        let headers = answer.headers_mut();
        put_common(cors, allowed, headers);
        put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.methods);
        put(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.headers);
        if let Some(seconds) = cors.max_age {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
        }
    }
    Some(answer)
}

/// Replaces the function's headers with the configured ones.
pub(super) fn apply(cors: Option<&Cors>, origin: Option<&HeaderValue>, answer: &mut Answer) {
    let Some(cors) = cors else { return };
    let headers = answer.headers_mut();
    for name in HEADERS {
        headers.remove(name);
    }
    if let Some(allowed) = origin.and_then(|origin| allowed(cors, origin)) {
        put_common(cors, allowed, headers);
        put(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.exposed);
    }
}

/// What a response says about this origin, if it is allowed.
fn allowed(cors: &Cors, origin: &HeaderValue) -> Option<HeaderValue> {
    let text = origin.to_str().ok()?;
    let any = cors.origins.iter().any(|allowed| allowed == "*");
    let scheme = |allowed: &String| {
        allowed.strip_suffix('*').is_some_and(|prefix| prefix.ends_with("://") && text.starts_with(prefix))
    };
    if any && !cors.credentials {
        return Some(HeaderValue::from_static("*"));
    }
    let listed = any || cors.origins.iter().any(|allowed| allowed == text || scheme(allowed));
    listed.then(|| origin.clone())
}

fn put_common(cors: &Cors, allowed: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if cors.credentials {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Ok(value) = HeaderValue::from_str(&values.join(","))
        && !values.is_empty()
    {
        headers.insert(name, value);
    }
}
