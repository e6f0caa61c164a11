//! Who calls a service of AWS, and what the template lets it do.
//!
//! Each function has a key pair of its own, as each role has on AWS, so that a signature tells which function a request is from.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderMap, HeaderName, header, request::Parts};
use template::{ACCOUNT, Function, Policy, REGION, Template};
use time::{PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const DATE_FORMAT: &[BorrowedFormatItem<'static>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// How far a client's clock may be off.
const SKEW: Duration = Duration::from_mins(5);

/// Key pairs of the account's owner, who may do everything, for people and tools on this machine. The second is the default of
/// `sam local` for functions in containers.
const OWNERS: [(&str, &str); 2] = [("local", "local"), ("defaultkey", "defaultsecret")];

/// As whom the distribution reads its bucket.
const DISTRIBUTION: &str = "cloudfront.amazonaws.com";

/// A key pair, and the token that comes with the temporary keys of a role.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// The account's identities.
pub(crate) struct Iam(BTreeMap<String, Caller>);

/// An identity that a request was signed by.
pub(crate) struct Caller {
    keys: Keys,
    name: String,
    /// `None` allows everything.
    policy: Option<Policy>,
}

/// Why a request is refused: the type and the text of the error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

impl Denied {
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl Iam {
    /// Makes a key pair for every function.
    pub(crate) fn new(template: &Template) -> Self {
        let owner = |(id, secret): (&str, &str)| Caller {
            keys: Keys { id: id.to_owned(), secret: secret.to_owned(), token: None },
            name: format!("arn:aws:iam::{ACCOUNT}:root"),
            policy: None,
        };
        let temporary = |name: String, policy: &Policy| Caller {
            keys: Keys {
                id: format!("ASIA{:016X}", rand::random::<u64>()),
                secret: secret(),
                token: Some(format!("{}{}", secret(), secret())),
            },
            name,
            policy: Some(policy.clone()),
        };
        let functions = template.functions.iter().map(|function| temporary(identity(function), &function.policy));
        let distribution = template.distribution.iter().map(|it| temporary(DISTRIBUTION.to_owned(), &it.policy));
        let callers = OWNERS.into_iter().map(owner).chain(functions).chain(distribution);
        Self(callers.map(|caller| (caller.keys.id.clone(), caller)).collect())
    }

    /// The key pair of a function.
    pub(crate) fn keys_of(&self, function: &Function) -> Option<&Keys> {
        self.keys_named(&identity(function))
    }

    /// The key pair of the distribution.
    pub(crate) fn distribution_keys(&self) -> Option<&Keys> {
        self.keys_named(DISTRIBUTION)
    }

    fn keys_named(&self, name: &str) -> Option<&Keys> {
        self.0.values().find(|caller| caller.name == name).map(|caller| &caller.keys)
    }

    /// Whose key this is.
    pub(crate) fn by_id(&self, id: &str) -> Option<&Caller> {
        self.0.get(id)
    }

    /// Who has signed a request to a service.
    pub(crate) fn caller(&self, request: &Parts, body: &[u8], service: &str) -> Result<&Caller, Denied> {
        let signed = Signed::parse(&request.headers)?;
        let [id, date, region, scope, "aws4_request"] = signed.credential.split('/').collect::<Vec<_>>()[..] else {
            return Err(incomplete("Credential must be `key/date/region/service/aws4_request`"));
        };
        let caller = self.0.get(id).ok_or_else(|| {
            Denied::new("UnrecognizedClientException", "The security token included in the request is invalid.")
        })?;
        let mismatch = |text: String| Denied::new("InvalidSignatureException", text);
        if region != REGION || scope != service {
            return Err(mismatch(format!("Credential should be scoped to {REGION}/{service}, not {region}/{scope}.")));
        }
        let at = text(&request.headers, &DATE).ok_or_else(|| incomplete("the header `x-amz-date` is missing"))?;
        let time = PrimitiveDateTime::parse(at, DATE_FORMAT)
            .map(|time| SystemTime::from(time.assume_utc()))
            .map_err(|_| incomplete("the header `x-amz-date` is malformed"))?;
        if !at.starts_with(date) {
            return Err(mismatch(format!("Date in Credential scope does not match: {date} and {at}.")));
        }
        if time.elapsed().unwrap_or_else(|early| early.duration()) > SKEW {
            return Err(mismatch(format!("Signature expired or not yet current: {at}")));
        }
        if text(&request.headers, &TOKEN) != caller.keys.token.as_deref() {
            return Err(Denied::new(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ));
        }
        let expected = signature(request, body, &signed, &caller.keys, time, service);
        if expected.as_deref() != Some(signed.signature) {
            let text = "The request signature we calculated does not match the signature you provided.";
            return Err(mismatch(text.to_owned()));
        }
        Ok(caller)
    }
}

impl Caller {
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Refuses what the caller's role does not allow.
    pub(crate) fn must_be_allowed(&self, action: &str, resource: &str) -> Result<(), Denied> {
        if self.policy.as_ref().is_none_or(|policy| policy.allows(action, resource)) {
            return Ok(());
        }
        let message = format!("User: {} is not authorized to perform: {action} on resource: {resource}", self.name);
        Err(Denied::new("AccessDeniedException", message))
    }
}

/// What a function is to other services: a session of its role.
fn identity(function: &Function) -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}Role/{}", function.logical_id, function.name)
}

/// The parts of an `Authorization` header.
struct Signed<'r> {
    credential: &'r str,
    headers: Vec<&'r str>,
    signature: &'r str,
}

impl<'r> Signed<'r> {
    fn parse(headers: &'r HeaderMap) -> Result<Self, Denied> {
        let missing = || Denied::new("MissingAuthenticationTokenException", "Missing Authentication Token");
        let header = text(headers, &header::AUTHORIZATION).ok_or_else(missing)?;
        let parts = header.strip_prefix(ALGORITHM).ok_or_else(missing)?;
        let part = |name: &str| {
            let value = parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            value.ok_or_else(|| incomplete(&format!("Authorization header requires `{name}`")))
        };
        Ok(Self {
            credential: part("Credential")?,
            headers: part("SignedHeaders")?.split(';').collect(),
            signature: part("Signature")?,
        })
    }
}

/// What the signature must be: AWS's own signer, given the same request, time and keys.
fn signature(
    request: &Parts,
    body: &[u8],
    signed: &Signed<'_>,
    keys: &Keys,
    time: SystemTime,
    service: &str,
) -> Option<String> {
    let mut settings = SigningSettings::default();
    // The client has named the headers that it signed.
    settings.excluded_headers = None;
    let identity = Credentials::new(&keys.id, &keys.secret, keys.token.clone(), None, "gateway").into();
    let params = v4::SigningParams::builder().identity(&identity).region(REGION).name(service);
    let params = params.time(time).settings(settings).build().ok()?.into();
    let host = text(&request.headers, &header::HOST)?;
    let uri = format!("http://{host}{}", request.uri.path_and_query()?);
    let headers = signed.headers.iter().flat_map(|name| {
        let values = request.headers.get_all(*name).into_iter();
        values.filter_map(|value| Some((*name, value.to_str().ok()?)))
    });
    let signable = SignableRequest::new(request.method.as_str(), uri, headers, SignableBody::Bytes(body)).ok()?;
    sign(signable, &params).ok().map(|output| output.into_parts().1)
}

fn incomplete(text: &str) -> Denied {
    Denied::new("IncompleteSignatureException", text)
}

fn text<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<&'r str> {
    headers.get(name)?.to_str().ok()
}

/// 40 characters, as long as AWS's.
fn secret() -> String {
    format!("{:032x}{:08x}", rand::random::<u128>(), rand::random::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Uri};

    const TEMPLATE: &str = "
Resources:
  Writer:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: writer
      Policies: [{Statement: {Effect: Allow, Action: 'sqs:SendMessage', Resource: queue}}]
";

    fn iam() -> (Iam, Keys) {
        let template = Template::parse(TEMPLATE, &BTreeMap::new()).unwrap();
        let iam = Iam::new(&template);
        let keys = iam.keys_of(&template.functions[0]).unwrap().clone();
        (iam, keys)
    }

    /// A request that AWS's signer has signed.
    fn signed(keys: &Keys, service: &str, at: SystemTime) -> Parts {
        let uri: Uri = "http://127.0.0.1:8001/local/%40connections/a%3D?b=1&a=2".parse().unwrap();
        let mut request = Request::post(uri.clone()).header("content-type", "text/plain").body("hello").unwrap();
        let identity = Credentials::new(&keys.id, &keys.secret, keys.token.clone(), None, "test").into();
        let params = v4::SigningParams::builder().identity(&identity).region(REGION).name(service).time(at);
        let params = params.settings(SigningSettings::default()).build().unwrap().into();
        let headers = [("content-type", "text/plain")].into_iter();
        let signable = SignableRequest::new("POST", uri.to_string(), headers, SignableBody::Bytes(b"hello")).unwrap();
        sign(signable, &params).unwrap().into_parts().0.apply_to_request_http1x(&mut request);
        let (mut parts, _) = request.into_parts();
        // On the way, a request loses its origin to the header `host`.
        parts.uri = uri.path_and_query().unwrap().as_str().parse().unwrap();
        parts.headers.insert(header::HOST, "127.0.0.1:8001".parse().unwrap());
        parts
    }

    fn kind(iam: &Iam, request: &Parts, body: &[u8]) -> Result<String, &'static str> {
        iam.caller(request, body, "sqs").map(|caller| caller.name.clone()).map_err(|denied| denied.kind)
    }

    #[test]
    fn signature_tells_the_function() {
        let (iam, keys) = iam();

        let request = signed(&keys, "sqs", SystemTime::now());

        assert_eq!(
            kind(&iam, &request, b"hello").as_deref(),
            Ok("arn:aws:sts::123456789012:assumed-role/WriterRole/writer")
        );
    }

    #[test]
    fn altered_or_foreign_request_is_refused() {
        let (iam, keys) = iam();
        let now = SystemTime::now();
        let mismatch = Err("InvalidSignatureException");
        let unknown = Err("UnrecognizedClientException");

        let mut request = signed(&keys, "sqs", now);
        assert_eq!(kind(&iam, &request, b"another body"), mismatch);
        request.headers.insert("content-type", "text/html".parse().unwrap());
        assert_eq!(kind(&iam, &request, b"hello"), mismatch);
        assert_eq!(kind(&iam, &signed(&keys, "execute-api", now), b"hello"), mismatch);
        assert_eq!(kind(&iam, &signed(&keys, "sqs", now - Duration::from_mins(6)), b"hello"), mismatch);
        let wrong = Keys { secret: "wrong".to_owned(), ..keys.clone() };
        assert_eq!(kind(&iam, &signed(&wrong, "sqs", now), b"hello"), mismatch);
        let stranger = Keys { id: "ASIA0".to_owned(), ..keys.clone() };
        assert_eq!(kind(&iam, &signed(&stranger, "sqs", now), b"hello"), unknown);
        let expired = Keys { token: None, ..keys.clone() };
        assert_eq!(kind(&iam, &signed(&expired, "sqs", now), b"hello"), unknown);
        request.headers.remove(header::AUTHORIZATION);
        assert_eq!(kind(&iam, &request, b"hello"), Err("MissingAuthenticationTokenException"));
        request.headers.insert(header::AUTHORIZATION, "AWS4-HMAC-SHA256 local".parse().unwrap());
        assert_eq!(kind(&iam, &request, b"hello"), Err("IncompleteSignatureException"));
    }

    #[test]
    fn function_may_do_what_its_role_allows_and_the_owner_everything() {
        let (iam, keys) = iam();

        let writer = &iam.0[&keys.id];
        assert_eq!(writer.must_be_allowed("sqs:SendMessage", "queue"), Ok(()));
        let denied = writer.must_be_allowed("sqs:ReceiveMessage", "queue").unwrap_err();
        assert_eq!(denied.kind, "AccessDeniedException");
        assert!(
            denied
                .message
                .ends_with("WriterRole/writer is not authorized to perform: sqs:ReceiveMessage on resource: queue")
        );
        assert_eq!(iam.0["local"].must_be_allowed("sqs:ReceiveMessage", "queue"), Ok(()));
    }
}
