//! Amazon SES, of which functions use one action of its second API: `SendEmail`. Nothing leaves this machine.

use std::{net::SocketAddr, sync::Arc};

use http::{HeaderName, HeaderValue, Method, Request, StatusCode, request::Parts};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;
use template::{ACCOUNT, REGION};

use crate::{
    iam::{Denied, Iam},
    ids,
    server::{Answer, Reset, Respond, Whole, json as json_answer, message},
};

/// The variable that leads a client here.
pub(crate) const ENDPOINT: &str = "AWS_ENDPOINT_URL_SESV2";

const PATH: &str = "/v2/email/outbound-emails";
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// More than any mail of text has; SES itself takes 40 MB.
const LARGEST: usize = 1024 * 1024;

/// A mail that a function sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMail {
    /// The id that the function was answered.
    pub id: String,
    /// The sender, an address or `Name <address>`.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// Where mails go.
pub type Mailbox = Arc<dyn Fn(SentMail) + Send + Sync>;

/// The listener of SES.
pub(crate) struct MailDoor {
    mailbox: Option<Mailbox>,
    iam: Arc<Iam>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendEmail {
    from_email_address: String,
    destination: Destination,
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Destination {
    to_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Content {
    simple: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Message {
    subject: Part,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Body {
    text: Part,
    html: Part,
}

/// SES reads a text as 7-bit ASCII unless its character set is named.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Part {
    data: String,
    charset: Option<String>,
}

impl MailDoor {
    pub(crate) fn new(mailbox: Option<Mailbox>, iam: Arc<Iam>) -> Self {
        Self { mailbox, iam }
    }

    /// The id of a mail that was taken.
    fn send(&self, request: &Parts, body: &[u8]) -> Result<String, Denied> {
        let caller = self.iam.caller(request, body, "ses")?;
        let mail: SendEmail = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
        let address = address(&mail.from_email_address);
        let (_, domain) = address.rsplit_once('@').ok_or_else(|| bad("Missing final '@domain'"))?;
        // Permission for the address or for its whole domain.
        let may = |identity| caller.must_be_allowed("ses:SendEmail", &identity_arn(identity));
        may(address).or_else(|_| may(domain))?;
        let SendEmail { from_email_address: from, destination, content: Content { simple } } = mail;
        let to = destination.to_addresses;
        if to.is_empty() || to.len() > 50 || !to.iter().all(|to| to.is_ascii() && to.contains('@')) {
            return Err(bad("Invalid recipients"));
        }
        let parts = [&simple.subject, &simple.body.text, &simple.body.html];
        if !parts.iter().all(|part| part.charset.as_deref() == Some("UTF-8") || part.data.is_ascii()) {
            return Err(bad("A text with other characters names no character set"));
        }
        let id = format!("local-{}", ids::uuid());
        let Message { subject, body } = simple;
        let sent =
            SentMail { id: id.clone(), from, to, subject: subject.data, text: body.text.data, html: body.html.data };
        if let Some(mailbox) = &self.mailbox {
            mailbox(sent);
        }
        Ok(id)
    }
}

impl Respond for MailDoor {
    type Body = Whole;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, _: SocketAddr) -> Result<Answer, Reset> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(|_| Reset)?.to_bytes();
        if head.method != Method::POST || head.uri.path() != PATH {
            return Ok(refusal("UnknownOperationException", ""));
        }
        Ok(match self.send(&head, &body) {
            Ok(id) => json_answer(StatusCode::OK, &json!({"MessageId": id})),
            Err(Denied { kind, message }) => refusal(kind, &message),
        })
    }
}

fn refusal(kind: &'static str, text: &str) -> Answer {
    let status = match kind {
        "BadRequestException" => StatusCode::BAD_REQUEST,
        "UnknownOperationException" => StatusCode::NOT_FOUND,
        _ => StatusCode::FORBIDDEN,
    };
    let mut answer = message(status, text);
    answer.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(kind));
    answer
}

fn bad(text: &str) -> Denied {
    Denied::new("BadRequestException", text)
}

/// The address of a sender who may have a name.
fn address(sender: &str) -> &str {
    sender.rsplit_once('<').map_or(sender, |(_, rest)| rest.trim_end_matches('>'))
}

fn identity_arn(identity: &str) -> String {
    format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/{identity}")
}
