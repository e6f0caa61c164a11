use domain::Timestamp;
use http::{Request, Response, header::RETRY_AFTER};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, builderstates::WantsSchemes};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::time::Duration;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::timeout;

/// A request's body.
pub(crate) type Body = Full<Bytes>;

/// How long a service has for its answer, a new connection included.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(2);

/// How long an unused connection is kept: environments are frozen for longer than services keep their side.
const IDLE: Duration = Duration::from_secs(20);

/// How much of an answer is read.
const MOST_READ: usize = 4_096;

/// The longest pause that a service can ask for.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Posts requests by HTTP/2 where a service speaks it, else by HTTP/1.1. It follows no redirect and knows no proxy.
#[derive(Debug, Clone)]
pub(crate) struct Http(Client<HttpsConnector<HttpConnector>, Body>);

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// Its first bytes.
    pub(crate) body: Vec<u8>,
}

/// No answer came. Whether the request was understood is unknown.
#[derive(Debug)]
pub(crate) struct NoReply;

impl Http {
    /// Trusts the authorities that browsers trust.
    pub(crate) fn new() -> Self {
        Self::over(HttpsConnectorBuilder::new().with_webpki_roots())
    }

    fn over(tls: HttpsConnectorBuilder<WantsSchemes>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let connector = tls.https_or_http().enable_all_versions().wrap_connector(tcp);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
        Self(client.build(connector))
    }

    pub(crate) async fn post(&self, request: Request<Body>, now: Timestamp) -> Result<Reply, NoReply> {
        timeout(PATIENCE, self.exchange(request, now)).await.map_err(|_| NoReply)?.map_err(|_| NoReply)
    }

    async fn exchange(&self, request: Request<Body>, now: Timestamp) -> Result<Reply, Error> {
        let answer = match self.0.request(request.clone()).await {
            // A pooled connection that died while the environment was frozen. If the service had taken the request, the second
            // one has the same key and takes its place.
            Err(_) => self.0.request(request).await?,
            Ok(answer) => answer,
        };
        let (status, retry_after) = (answer.status().as_u16(), retry_after(&answer, now));
        Ok(Reply { status, retry_after, body: beginning(answer).await })
    }
}

/// What of the body is read; a body that breaks off ends there.
async fn beginning(answer: Response<Incoming>) -> Vec<u8> {
    let (mut body, mut read) = (answer.into_body(), Vec::new());
    while read.len() < MOST_READ
        && let Some(Ok(frame)) = body.frame().await
    {
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(&data[..data.len().min(MOST_READ - read.len())]);
        }
    }
    read
}

/// RFC 9110, 10.2.3: seconds, or a date.
fn retry_after<B>(answer: &Response<B>, now: Timestamp) -> Option<Duration> {
    let value = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = if let Ok(seconds) = value.parse() {
        Duration::from_secs(seconds)
    } else {
        let date = OffsetDateTime::parse(value, &Rfc2822).ok()?;
        now.until(Timestamp::from_millis(date.unix_timestamp().saturating_mul(1_000)))
    };
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    use hyper::{server::conn::http2, service::service_fn};
    use hyper_util::rt::TokioIo;
    use rcgen::CertifiedKey;
    use rustls::{ClientConfig, RootCertStore, ServerConfig, pki_types::PrivateKeyDer};
    use std::{convert::Infallible, sync::Arc};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    /// A service that speaks HTTP/2 alone, as APNs does, and a client that trusts it.
    async fn service() -> (String, Http) {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let mut server =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        server.alpn_protocols = vec![b"h2".to_vec()];
        let (acceptor, listener) =
            (TlsAcceptor::from(Arc::new(server)), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        #[expect(clippy::disallowed_methods, reason = "a server answers beside the test")]
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let tls = acceptor.accept(stream).await.unwrap();
            let answer = service_fn(async |request: Request<Incoming>| {
                let told = format!("{:?} {}", request.version(), request.uri().path());
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(told)))
            });
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(tls), answer).await
        });
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        (url, Http::over(HttpsConnectorBuilder::new().with_tls_config(client)))
    }

    #[tokio::test]
    async fn http_2_is_agreed_upon_during_the_handshake() {
        let (url, http) = service().await;

        for path in ["/3/device/00", "/3/device/ff"] {
            let request = Request::post(format!("{url}{path}")).body(Body::default()).unwrap();
            let reply = http.post(request, NOW).await.unwrap();
            assert_eq!((reply.status, String::from_utf8(reply.body).unwrap()), (200, format!("HTTP/2.0 {path}")));
        }
    }

    #[tokio::test]
    async fn service_with_an_unknown_certificate_gets_no_request() {
        let (url, _) = service().await;
        let request = Request::post(url).body(Body::default()).unwrap();
        assert!(Http::new().post(request, NOW).await.is_err());
    }

    #[test]
    fn a_pause_is_seconds_or_a_date_and_at_most_an_hour() {
        for (value, pause) in [
            ("120", Some(Duration::from_mins(2))),
            ("Mon, 21 Sep 2026 14:14:20 GMT", Some(Duration::from_mins(1))),
            ("Mon, 21 Sep 2026 14:12:20 GMT", Some(Duration::ZERO)),
            ("86400", Some(Duration::from_hours(1))),
            ("soon", None),
            ("-1", None),
        ] {
            let answer = Response::builder().header(RETRY_AFTER, value).body(()).unwrap();
            assert_eq!(retry_after(&answer, NOW), pause, "{value}");
        }
        assert_eq!(retry_after(&Response::new(()), NOW), None);
    }
}
