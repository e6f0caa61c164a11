//! The Lambda Runtime API, one listener for each environment. The Extensions API answers on the same one.

use std::{convert::Infallible, sync::Arc};

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json as value};
use tokio::{net::TcpListener, task::JoinSet};

use super::{environment::Environment, extensions_api, work::InvokeError};
use crate::server::{Answer, json};

const RUNTIME: &str = "/2018-06-01/runtime/";
const EXTENSION: &str = "/2020-01-01/extension/";
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const DEADLINE: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const FUNCTION: HeaderName = HeaderName::from_static("lambda-runtime-invoked-function-arn");
const TRACE: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");

/// Serves one process until aborted.
pub(super) async fn serve(listener: TcpListener, environment: Arc<Environment>) {
    // Connections end with this task, and with them the processes that wait in `next`.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let environment = Arc::clone(&environment);
        // Answers are small and their reader waits: Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        connections.spawn(async move {
            let service = service_fn(|request| {
                let environment = Arc::clone(&environment);
                async move { Ok::<_, Infallible>(route(request, &environment).await) }
            });
            // An error here is a process that went away in the middle.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn route(request: Request<Incoming>, environment: &Arc<Environment>) -> Answer {
    let uri = request.uri().clone();
    let (path, method) = (uri.path(), request.method().clone());
    if let Some(path) = path.strip_prefix(EXTENSION) {
        return extensions_api::route(request, environment, &method, path).await;
    }
    let path = path.strip_prefix(RUNTIME).unwrap_or_default();
    let of_invocation = path.strip_prefix("invocation/").and_then(|rest| rest.split_once('/'));
    match (&method, path, of_invocation) {
        (&Method::GET, "invocation/next", _) => next(environment).await,
        (&Method::POST, _, Some((id, "response"))) => response(request, environment, id).await,
        (&Method::POST, _, Some((id, "error"))) => {
            let error = InvokeError::Function(reported(request).await);
            settled(environment.respond(id, Err(error)))
        }
        (&Method::POST, "init/error", _) => {
            environment.fail_init(reported(request).await.to_string());
            settled(true)
        }
        _ => json(StatusCode::NOT_FOUND, &value!({"errorType": "NotFound", "errorMessage": uri.path()})),
    }
}

async fn next(environment: &Arc<Environment>) -> Answer {
    let Some(event) = environment.next().await else {
        return json(StatusCode::GONE, &value!({"errorType": "Closed"}));
    };
    let mut answer = Response::new(Full::new(event.payload));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(DEADLINE, HeaderValue::from(event.deadline_ms));
    for (name, value) in
        [(REQUEST_ID, &event.request_id), (FUNCTION, &environment.definition.arn), (TRACE, &event.trace)]
    {
        headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
    }
    answer
}

async fn response(request: Request<Incoming>, environment: &Environment, id: &str) -> Answer {
    let limit = environment.shared.limits.response;
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(body) => settled(environment.respond(id, Ok(body.to_bytes()))),
        Err(error) if error.is::<LengthLimitError>() => {
            environment.respond(id, Err(InvokeError::ResponseTooLarge));
            let message = format!("Exceeded maximum allowed payload size ({limit} bytes).");
            let kind = "RequestEntityTooLarge";
            json(StatusCode::PAYLOAD_TOO_LARGE, &value!({"errorType": kind, "errorMessage": message}))
        }
        // The connection broke: the process is ending, which settles the invocation.
        Err(_) => json(StatusCode::BAD_REQUEST, &value!({"errorType": "BrokenBody"})),
    }
}

/// The error that a process reports, with its type.
async fn reported(request: Request<Incoming>) -> Json {
    let kind = request.headers().get(ERROR_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut error =
        serde_json::from_slice(&body).unwrap_or_else(|_| value!({"errorMessage": String::from_utf8_lossy(&body)}));
    if let (Some(kind), Some(fields)) = (kind, error.as_object_mut()) {
        fields.entry("errorType").or_insert(Json::String(kind));
    }
    error
}

fn settled(known: bool) -> Answer {
    if known {
        let mut answer = Response::new(Full::new(Bytes::from_static(br#"{"status":"OK"}"#)));
        *answer.status_mut() = StatusCode::ACCEPTED;
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        answer
    } else {
        let kind = "InvalidRequestID";
        json(StatusCode::BAD_REQUEST, &value!({"errorType": kind, "errorMessage": "Invalid request ID"}))
    }
}
