//! The Lambda Runtime API, one listener for each environment.

use std::{convert::Infallible, sync::Arc};

use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json as value};
use tokio::{net::TcpListener, task::JoinSet};

use super::{InvokeError, environment::Environment};
use crate::{
    ids,
    server::{Answer, json},
    template,
};

const VERSION: &str = "/2018-06-01/runtime/";
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");

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

async fn route(request: Request<Incoming>, environment: &Environment) -> Answer {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.strip_prefix(VERSION).unwrap_or_default().split('/').collect();
    match (&method, parts.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(environment).await,
        (&Method::POST, ["invocation", id, "response"]) => response(request, environment, id).await,
        (&Method::POST, ["invocation", id, "error"]) => {
            let error = InvokeError::Function(reported(request).await);
            settled(environment.settle(id, Err(error)))
        }
        (&Method::POST, ["init", "error"]) => {
            environment.ready(Err(reported(request).await.to_string()));
            settled(true)
        }
        _ => json(StatusCode::NOT_FOUND, &value!({"errorType": "NotFound", "errorMessage": path})),
    }
}

async fn next(environment: &Environment) -> Answer {
    environment.ready(Ok(()));
    let mut inbox = environment.inbox.lock().await;
    let Some(work) = inbox.recv().await else {
        return json(StatusCode::GONE, &value!({"errorType": "Closed"}));
    };
    *crate::lock(&environment.current) = Some((work.request_id.clone(), work.answer));
    drop(inbox);
    // The caller may have given up by its limit; the process is killed then.
    let _ = work.taken.send(());
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", work.request_id)
        .header("lambda-runtime-deadline-ms", work.deadline_ms)
        .header("lambda-runtime-invoked-function-arn", template::arn(&environment.function.lambda_name))
        .header("lambda-runtime-trace-id", ids::trace())
        .body(Full::new(work.payload))
        .unwrap_or_default()
}

async fn response(request: Request<Incoming>, environment: &Environment, id: &str) -> Answer {
    let limit = environment.function.shared.limits.response;
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(body) => settled(environment.settle(id, Ok(body.to_bytes()))),
        Err(error) if error.is::<LengthLimitError>() => {
            environment.settle(id, Err(InvokeError::ResponseTooLarge));
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
        json(StatusCode::ACCEPTED, &value!({"status": "OK"}))
    } else {
        let kind = "InvalidRequestID";
        json(StatusCode::BAD_REQUEST, &value!({"errorType": kind, "errorMessage": "Invalid request ID"}))
    }
}
