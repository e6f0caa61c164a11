//! HTTP listeners and their shutdown.

use std::{
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{
    body::{Body, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::{net::TcpListener, sync::watch};

/// An answer whose bytes are all there.
pub(crate) type Whole = Full<Bytes>;
pub(crate) type Answer = Response<Whole>;

/// A reason to close the client's connection without an answer.
#[derive(Debug)]
pub(crate) struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is reset on purpose")
    }
}

impl Error for Reset {}

/// Answers the requests of a listener.
pub(crate) trait Respond: Send + Sync + 'static {
    /// What an answer consists of.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;

    fn respond(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Result<Response<Self::Body>, Reset>> + Send;
}

/// Tells every task of a gateway to end, at the latest when it is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Sender<bool>);

/// Waits for a shutdown.
#[derive(Clone, Debug)]
pub(crate) struct ShutdownSignal(watch::Receiver<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Shutdown {
    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn signal(&self) -> ShutdownSignal {
        ShutdownSignal(self.0.subscribe())
    }
}

impl ShutdownSignal {
    pub(crate) fn begun(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) async fn wait(&mut self) {
        // An error is a sender that was dropped: the gateway is gone.
        let _ = self.0.wait_for(|begun| *begun).await;
    }
}

/// A bound port that does not answer yet.
pub(crate) struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl Door {
    pub(crate) async fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the shutdown.
    pub(crate) fn open(self, responder: Arc<impl Respond>, shutdown: &Shutdown) {
        let mut stopped = shutdown.signal();
        tokio::spawn(async move {
            loop {
                let (stream, peer) = tokio::select! {
                    () = stopped.wait() => return,
                    accepted = self.listener.accept() => match accepted {
                        Ok(accepted) => accepted,
                        // A client that left early, or too many open files: neither ends the gateway.
                        Err(_) => continue,
                    },
                };
                // Answers are small and their reader waits: Nagle's algorithm would only delay them.
                let _ = stream.set_nodelay(true);
                let (responder, mut stopped) = (Arc::clone(&responder), stopped.clone());
                tokio::spawn(async move {
                    let service = service_fn(|request| Arc::clone(&responder).respond(request, peer));
                    let connection =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
                    tokio::select! {
                        () = stopped.wait() => {}
                        // An error here is a client that went away, or a reset on purpose.
                        _ = connection => {}
                    }
                });
            }
        });
    }
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &Json) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// An answer of API Gateway itself.
pub(crate) fn message(status: StatusCode, text: &str) -> Answer {
    json(status, &serde_json::json!({"message": text}))
}
