//! Pages of other origins: what buckets and the distribution answer to them.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
    request::Parts,
};
use template::CorsRule;

/// The answer to a preflight request, which nobody signs: its status and headers.
pub(crate) fn preflight(request: &Parts, rules: &[CorsRule]) -> Option<(StatusCode, HeaderMap)> {
    if request.method != Method::OPTIONS {
        return None;
    }
    let refused = (StatusCode::FORBIDDEN, HeaderMap::new());
    let Some(method) = text(request, &ACCESS_CONTROL_REQUEST_METHOD) else { return Some(refused) };
    let asked = text(request, &ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default().to_ascii_lowercase();
    let takes_headers = |rule: &CorsRule| {
        let mut names = asked.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.all(|name| rule.headers.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(name)))
    };
    let Some((rule, mut headers)) = granted(request, method, rules, takes_headers) else { return Some(refused) };
    insert(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, &rule.methods.join(", "));
    insert(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, &asked);
    if let Some(seconds) = rule.max_age {
        insert(&mut headers, ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    Some((StatusCode::OK, headers))
}

/// What goes with the answer to any other request.
pub(crate) fn headers(request: &Parts, rules: &[CorsRule]) -> HeaderMap {
    let found = granted(request, request.method.as_str(), rules, |_| true);
    found.map(|(_, headers)| headers).unwrap_or_default()
}

/// The first rule that lets this origin and method in.
fn granted<'r>(
    request: &Parts,
    method: &str,
    rules: &'r [CorsRule],
    fits: impl Fn(&CorsRule) -> bool,
) -> Option<(&'r CorsRule, HeaderMap)> {
    let origin = text(request, &ORIGIN)?;
    let rule = rules.iter().find(|rule| {
        let takes_origin = rule.origins.iter().any(|allowed| allowed == "*" || allowed == origin);
        takes_origin && rule.methods.iter().any(|allowed| allowed == method) && fits(rule)
    })?;
    let mut headers = HeaderMap::new();
    insert(&mut headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    insert(&mut headers, ACCESS_CONTROL_EXPOSE_HEADERS, &rule.exposed.join(", "));
    insert(&mut headers, VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    Some((rule, headers))
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}

fn text<'r>(request: &'r Parts, name: &HeaderName) -> Option<&'r str> {
    request.headers.get(name)?.to_str().ok()
}
