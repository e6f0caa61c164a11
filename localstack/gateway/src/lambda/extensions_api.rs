//! The Lambda Extensions API for internal extensions: those that run inside the function's own process.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use serde_json::{Value as Json, json as value};

use super::environment::{Environment, Unregistered};
use crate::{
    ids,
    server::{Answer, json},
};

const NAME: HeaderName = HeaderName::from_static("lambda-extension-name");
const ID: HeaderName = HeaderName::from_static("lambda-extension-identifier");
const EVENT_ID: HeaderName = HeaderName::from_static("lambda-extension-event-identifier");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-extension-function-error-type");
const FEATURES: HeaderName = HeaderName::from_static("lambda-extension-accept-feature");

/// Why a request is refused: the type and the text of the error.
struct Refusal(&'static str, String);

/// Answers a request by its path after the API's prefix.
pub(super) async fn route(
    request: Request<Incoming>,
    environment: &Arc<Environment>,
    method: &Method,
    path: &str,
) -> Answer {
    let result = match (method, path) {
        (&Method::POST, "register") => register(request, environment).await,
        (&Method::GET, "event/next") => match known(&request, environment) {
            Ok(id) => Ok(next(environment, id).await),
            Err(refusal) => Err(refusal),
        },
        (&Method::POST, "init/error" | "exit/error") => fail(&request, environment),
        _ => return json(StatusCode::NOT_FOUND, &value!({"errorType": "NotFound", "errorMessage": path})),
    };
    result.unwrap_or_else(|Refusal(kind, message)| {
        json(StatusCode::FORBIDDEN, &value!({"errorType": kind, "errorMessage": message}))
    })
}

async fn register(request: Request<Incoming>, environment: &Environment) -> Result<Answer, Refusal> {
    let name = text(&request, &NAME).filter(|name| !name.is_empty()).map(str::to_owned);
    let name = name.ok_or_else(|| refusal("Extension.InvalidExtensionName", "Empty extension name"))?;
    let wants_account = text(&request, &FEATURES).is_some_and(|features| features.contains("accountId"));
    let body = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
    let malformed = || refusal("InvalidRequestFormat", "The body is not a JSON object with a list of events");
    let events = events(&body).ok_or_else(malformed)?;
    let id = environment.register(&name, &events).map_err(|reason| match reason {
        Unregistered::UnknownEvent(event) => {
            refusal("Extension.InvalidEventType", format!("{event}: not for an internal extension"))
        }
        Unregistered::Closed => refusal("Extension.RegistrationClosed", "Extension registration closed already"),
        Unregistered::NameTaken => {
            refusal("Extension.InvalidExtensionState", "Extension with this name already registered")
        }
        Unregistered::TooMany => refusal("Extension.TooManyExtensions", "Extension limit reached"),
    })?;
    let mut registered = value!({
        "functionName": environment.definition.lambda_name,
        "functionVersion": "$LATEST",
        "handler": "bootstrap",
    });
    if wants_account {
        registered["accountId"] = Json::from(template::ACCOUNT);
    }
    let mut answer = json(StatusCode::OK, &registered);
    answer.headers_mut().extend(HeaderValue::from_str(&id).ok().map(|id| (ID, id)));
    Ok(answer)
}

async fn next(environment: &Arc<Environment>, id: &str) -> Answer {
    let Some(event) = environment.next_for_extension(id).await else {
        return json(StatusCode::GONE, &value!({"errorType": "Closed"}));
    };
    let mut answer = Response::new(Full::new(event));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(HeaderValue::from_str(&ids::uuid()).ok().map(|id| (EVENT_ID, id)));
    answer
}

/// An extension that reports an error ends its environment, during the init as well as later.
fn fail(request: &Request<Incoming>, environment: &Environment) -> Result<Answer, Refusal> {
    let id = known(request, environment)?;
    let kind = text(request, &ERROR_TYPE)
        .ok_or_else(|| refusal("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found"))?;
    let error = format!("Extension.Error: {kind} (extension {id})");
    (environment.shared.logs)(&environment.definition.name, &error);
    environment.fail_init(error);
    environment.kill();
    Ok(json(StatusCode::ACCEPTED, &value!({"status": "OK"})))
}

/// The identifier of a request, if it is that of a registered extension.
fn known<'r>(request: &'r Request<Incoming>, environment: &Environment) -> Result<&'r str, Refusal> {
    let missing = || refusal("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header");
    let id = text(request, &ID).ok_or_else(missing)?;
    if environment.has_extension(id) {
        return Ok(id);
    }
    Err(refusal("Extension.UnknownExtensionIdentifier", format!("Unknown extension {id}")))
}

fn events(body: &[u8]) -> Option<Vec<String>> {
    let body: Json = serde_json::from_slice(body).ok()?;
    match body.as_object()?.get("events") {
        None | Some(Json::Null) => Some(Vec::new()),
        Some(events) => events.as_array()?.iter().map(|event| event.as_str().map(str::to_owned)).collect(),
    }
}

fn text<'r>(request: &'r Request<Incoming>, name: &HeaderName) -> Option<&'r str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn refusal(kind: &'static str, message: impl Into<String>) -> Refusal {
    Refusal(kind, message.into())
}
