//! `CloudFront`: a distribution in front of a bucket, for those who have a link that a trusted key has signed.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::SystemTime};

use anyhow::{Context, Result, anyhow};
use aws_credential_types::Credentials;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderName, HeaderValue, Request, Response, StatusCode,
    header::{CONTENT_TYPE, HOST, RANGE},
    request::Parts,
};
use hyper::body::Incoming;
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};
use s3s::Body;
use template::{Distribution, REGION};

use crate::{
    iam::{Iam, Keys},
    ids,
    objects::{ObjectDoor, cors},
    server::{Reset, Respond},
};

/// Parameters of a link that are no part of what it is for.
const SIGNING: [&str; 5] = ["Expires", "Hash-Algorithm", "Key-Pair-Id", "Policy", "Signature"];

/// What the bucket is called by; the signature needs a name.
const ORIGIN: &str = "s3.local";

/// The listener of the distribution.
pub(crate) struct EdgeDoor {
    distribution: Distribution,
    keys: BTreeMap<String, ParsedPublicKey>,
    headers: Vec<(HeaderName, HeaderValue)>,
    own: Keys,
    store: Arc<ObjectDoor>,
}

/// Why a request is refused, as the code of the error and its text.
type Refused = (&'static str, &'static str);

const DENIED: Refused = ("AccessDenied", "Access denied");

impl EdgeDoor {
    pub(crate) fn new(distribution: &Distribution, iam: &Iam, store: &Arc<ObjectDoor>) -> Result<Self> {
        let key = |(id, pem): (&String, &String)| -> Result<_> {
            let key = public_key(pem).with_context(|| format!("`{id}` is no public key on P-256"))?;
            Ok((id.clone(), key))
        };
        let header = |(name, value): &(String, String)| -> Result<_> {
            Ok((name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?))
        };
        Ok(Self {
            keys: distribution.keys.iter().map(key).collect::<Result<_>>()?,
            headers: distribution.headers.iter().map(header).collect::<Result<_>>()?,
            own: iam.distribution_keys().context("the distribution has no keys")?.clone(),
            store: Arc::clone(store),
            distribution: distribution.clone(),
        })
    }

    /// Whether a trusted key has signed that this very resource may be read now.
    fn check(&self, request: &Parts) -> Result<(), Refused> {
        if !self.distribution.methods.iter().any(|method| method == request.method.as_str()) {
            return Err(("AccessDenied", "This distribution is not configured to allow the HTTP request method."));
        }
        let query = request.uri.query().unwrap_or_default();
        let pairs: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let parameter = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let missing = ("MissingKey", "Missing Key-Pair-Id query parameter or cookie value");
        let key = self.keys.get(parameter("Key-Pair-Id").ok_or(missing)?).ok_or(DENIED)?;
        if parameter("Hash-Algorithm") != Some("SHA256") {
            return Err(DENIED);
        }
        let expires = parameter("Expires").ok_or(DENIED)?;
        let signature = parameter("Signature").ok_or(DENIED)?.replace('-', "+").replace('_', "=").replace('~', "/");
        let signature = STANDARD.decode(signature).map_err(|_| DENIED)?;
        let resource = resource(request).ok_or(DENIED)?;
        let policy = format!(
            r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
        );
        key.verify_sig(policy.as_bytes(), &signature).map_err(|_| DENIED)?;
        let end: i64 = expires.parse().map_err(|_| DENIED)?;
        if ids::now().unix_timestamp() < end { Ok(()) } else { Err(DENIED) }
    }

    /// Reads the object, signed as the distribution.
    async fn read(&self, request: &Parts) -> Result<Response<Body>, Reset> {
        let path = format!("/{}{}", self.distribution.bucket, request.uri.path());
        let mut forwarded = Request::builder().method(&request.method).uri(&path).header(HOST, ORIGIN);
        if let Some(range) = request.headers.get(RANGE) {
            forwarded = forwarded.header(RANGE, range);
        }
        let mut forwarded = forwarded.body(Body::empty()).map_err(|_| Reset)?;
        self.sign(&mut forwarded, &format!("http://{ORIGIN}{path}")).map_err(|_| Reset)?;
        let (head, body) = forwarded.into_parts();
        self.store.answer(head, body).await
    }

    fn sign(&self, request: &mut Request<Body>, url: &str) -> Result<()> {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let Keys { id, secret, token } = &self.own;
        let identity = Credentials::new(id, secret, token.clone(), None, "gateway").into();
        let params = v4::SigningParams::builder().identity(&identity).region(REGION).name("s3");
        let params = params.time(SystemTime::now()).settings(settings).build()?.into();
        let method = request.method().as_str();
        let signable = SignableRequest::new(method, url, std::iter::empty(), SignableBody::Bytes(&[]))?;
        sign(signable, &params)?.into_parts().0.apply_to_request_http1x(request);
        Ok(())
    }
}

impl Respond for EdgeDoor {
    type Body = Body;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, _: SocketAddr) -> Result<Response<Body>, Reset> {
        let (head, _) = request.into_parts();
        let mut answer = match self.check(&head) {
            Ok(()) => self.read(&head).await?,
            Err(why) => refusal(why),
        };
        let headers = answer.headers_mut();
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        if let Some(rule) = &self.distribution.cors {
            headers.extend(cors::headers(&head, std::slice::from_ref(rule)));
        }
        Ok(answer)
    }
}

/// What a link is for: its URL, without what signs it. TLS ends before this gateway, so that links begin as they came.
fn resource(request: &Parts) -> Option<String> {
    let host = request.headers.get(HOST)?.to_str().ok()?;
    let query = request.uri.query().unwrap_or_default();
    let is_own = |pair: &&str| !SIGNING.contains(&pair.split('=').next().unwrap_or_default());
    let own: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).filter(is_own).collect();
    let query = if own.is_empty() { String::new() } else { format!("?{}", own.join("&")) };
    Some(format!("http://{host}{}{query}", request.uri.path()))
}

fn public_key(pem: &str) -> Result<ParsedPublicKey> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|error| anyhow!("{error}"))?;
    ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der[..]).map_err(|error| anyhow!("{error}"))
}

fn refusal((code, text): Refused) -> Response<Body> {
    let xml =
        format!(r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{text}</Message></Error>"#);
    let mut answer = Response::new(Body::from(xml));
    *answer.status_mut() = StatusCode::FORBIDDEN;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    answer
}
