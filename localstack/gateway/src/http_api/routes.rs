//! The routes of the HTTP API, and how a request selects one.

use std::{collections::BTreeMap, time::Duration};

use template::Template;

use crate::uri::decoded;

/// A route and the function behind it.
#[derive(Debug, PartialEq)]
struct Route {
    method: String,
    segments: Vec<Segment>,
    key: String,
    function: String,
    timeout: Option<Duration>,
}

/// Ordered by priority: the more specific comes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

/// All routes of the HTTP API.
#[derive(Debug)]
pub(super) struct Routes {
    routes: Vec<Route>,
    /// The function of `$default`, and its timeout.
    default: Option<(String, Option<Duration>)>,
}

/// A request's route.
#[derive(Debug, PartialEq)]
pub(super) struct Match<'r> {
    /// As the route is written: `GET /messages/{room_id}`, or `$default`.
    pub(super) key: &'r str,
    pub(super) function: &'r str,
    /// How long the API waits for the function, where the route says so.
    pub(super) timeout: Option<Duration>,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(super) fn new(template: &Template) -> Self {
        let mut routes = Vec::new();
        let mut default = None;
        for function in &template.functions {
            for route in &function.http_routes {
                if route.path == "$default" {
                    default = Some((function.name.clone(), route.timeout));
                    continue;
                }
                routes.push(Route {
                    method: route.method.clone(),
                    segments: route.path[1..].split('/').map(Segment::parse).collect(),
                    key: format!("{} {}", route.method, route.path),
                    function: function.name.clone(),
                    timeout: route.timeout,
                });
            }
        }
        Self { routes, default }
    }

    /// The best route for a path, which is still percent-encoded.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Match<'_>> {
        let parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        let candidates = self.routes.iter().filter(|route| route.method == method || route.method == "ANY");
        let matches = candidates.filter_map(|route| Some((route, route.parameters(&parts)?)));
        // A full match comes before a greedy one, and an exact method before ANY on the same path.
        let best = matches.min_by(|(one, _), (other, _)| one.rank().cmp(&other.rank()));
        if let Some((route, parameters)) = best {
            return Some(Match { key: &route.key, function: &route.function, timeout: route.timeout, parameters });
        }
        let (function, timeout) = self.default.as_ref()?;
        Some(Match { key: "$default", function, timeout: *timeout, parameters: BTreeMap::new() })
    }
}

impl Route {
    fn parameters(&self, parts: &[&str]) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let part = *parts.get(index)?;
            match segment {
                Segment::Literal(literal) if literal == part => {}
                Segment::Literal(_) => return None,
                Segment::Parameter(_) | Segment::Greedy(_) if part.is_empty() => return None,
                Segment::Parameter(name) => {
                    parameters.insert(name.clone(), decoded(part));
                }
                Segment::Greedy(name) => {
                    parameters.insert(name.clone(), decoded(&parts[index..].join("/")));
                    return Some(parameters);
                }
            }
        }
        (parts.len() == self.segments.len()).then_some(parameters)
    }

    /// Static segments before parameters before greedy ones, from the left; then an exact method before `ANY`.
    fn rank(&self) -> (Vec<u8>, bool) {
        let ranks = self.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Parameter(_) => 1,
            Segment::Greedy(_) => 2,
        });
        (ranks.collect(), self.method == "ANY")
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Self::Greedy(name.to_owned()),
                None => Self::Parameter(name.to_owned()),
            },
            None => Self::Literal(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let parse = |(method, path): (&str, &str)| Route {
            method: method.to_owned(),
            segments: path[1..].split('/').map(Segment::parse).collect(),
            key: format!("{method} {path}"),
            function: "any".to_owned(),
            timeout: None,
        };
        let all = [
            ("ANY", "/{proxy+}"),
            ("GET", "/messages/{room_id}"),
            ("GET", "/messages/sync"),
            ("ANY", "/messages/sync"),
            ("GET", "/messages/{room_id}/pins"),
        ];
        Routes { routes: all.map(parse).into(), default: None }
    }

    #[test]
    fn most_specific_route_and_exact_method_win() {
        let key = |method, path| routes().find(method, path).unwrap().key.to_owned();

        assert_eq!(key("GET", "/messages/sync"), "GET /messages/sync");
        assert_eq!(key("POST", "/messages/sync"), "ANY /messages/sync");
        assert_eq!(key("GET", "/messages/7"), "GET /messages/{room_id}");
        assert_eq!(key("POST", "/messages/7"), "ANY /{proxy+}");
        assert_eq!(key("GET", "/messages/7/pins"), "GET /messages/{room_id}/pins");
        assert_eq!(key("GET", "/messages/7/pins/3"), "ANY /{proxy+}");
    }

    #[test]
    fn parameters_are_decoded_and_never_empty() {
        let routes = routes();

        assert_eq!(routes.find("GET", "/messages/a%20b%2Fc").unwrap().parameters["room_id"], "a b/c");
        assert_eq!(routes.find("GET", "/messages/").unwrap().key, "ANY /{proxy+}");
        assert_eq!(routes.find("GET", "/a/b%20c").unwrap().parameters["proxy"], "a/b c");
        assert_eq!(routes.find("GET", "/"), None);
    }
}
