//! The HTTP API.

mod cors;
mod payload;
mod routes;

use std::{net::SocketAddr, sync::Arc};

use http::{HeaderName, HeaderValue, Request, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use template::{HttpApi, Template};
use tokio::time::timeout;

use crate::{
    config::Limits,
    faults::{AnswerFate, EventFate, Faults},
    ids,
    lambda::{InvokeError, Lambda},
    server::{Answer, Reset, Respond, Whole, message},
};
use routes::Routes;

const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");

/// Answers the HTTP API's requests.
pub(crate) struct HttpDoor {
    api: HttpApi,
    routes: Routes,
    lambda: Arc<Lambda>,
    faults: Faults,
    limits: Limits,
}

impl HttpDoor {
    pub(crate) fn new(template: &Template, lambda: Arc<Lambda>, faults: Faults, limits: Limits) -> Self {
        Self { api: template.http.clone().unwrap_or_default(), routes: Routes::new(template), lambda, faults, limits }
    }

    async fn answer(&self, parts: &Parts, body: Incoming, peer: SocketAddr, request_id: &str) -> Result<Answer, Reset> {
        let Some(route) = self.routes.find(parts.method.as_str(), parts.uri.path()) else {
            return Ok(message(StatusCode::NOT_FOUND, "Not Found"));
        };
        let body = match Limited::new(body, self.limits.http_body).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Ok(too_large()),
            Err(_) => return Err(Reset),
        };
        let event = payload::event(parts, &body, &route, &self.api.logical_id, &peer.ip().to_string(), request_id);
        let EventFate::Deliver { after, .. } = self.faults.event(route.function) else {
            return Ok(unavailable());
        };
        let invocation = self.lambda.invoke_after(after, route.function, event);
        let result = timeout(route.timeout.unwrap_or(self.limits.http_timeout), invocation).await;
        match self.faults.answer(route.function) {
            AnswerFate::Deliver => {}
            AnswerFate::Lose => return Err(Reset),
            AnswerFate::Fail => return Ok(unavailable()),
        }
        Ok(match result {
            Ok(Ok(answer)) => payload::response(&answer).unwrap_or_else(failed),
            Ok(Err(InvokeError::RequestTooLarge)) => too_large(),
            // Its own patience ended, or no function has begun.
            Err(_) | Ok(Err(InvokeError::Throttled | InvokeError::Stopping)) => unavailable(),
            Ok(Err(
                InvokeError::Init(_)
                | InvokeError::TimedOut(_)
                | InvokeError::Crashed(_)
                | InvokeError::ResponseTooLarge
                | InvokeError::Function(_),
            )) => failed(),
        })
    }
}

impl Respond for HttpDoor {
    type Body = Whole;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Result<Answer, Reset> {
        let (parts, body) = request.into_parts();
        let request_id = ids::short();
        let cors = self.api.cors.as_ref();
        let mut answer = if head_size(&parts) > self.limits.http_head {
            message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large")
        } else if let Some(preflight) = cors::preflight(cors, &parts) {
            preflight
        } else {
            let mut answer = self.answer(&parts, body, peer, &request_id).await?;
            cors::apply(cors, parts.headers.get(header::ORIGIN), &mut answer);
            answer
        };
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            answer.headers_mut().insert(REQUEST_ID, value);
        }
        Ok(answer)
    }
}

/// The size of the request line and the headers as they were sent.
fn head_size(request: &Parts) -> usize {
    let path = request.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let line = request.method.as_str().len() + path + "  HTTP/1.1\r\n".len();
    line + request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum::<usize>()
}

fn too_large() -> Answer {
    message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
}

fn unavailable() -> Answer {
    message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
}

fn failed() -> Answer {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}
