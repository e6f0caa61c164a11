use crate::Letter;
use aws_sdk_sesv2::{
    Client,
    config::{BehaviorVersion, Builder, retry::RetryConfig, timeout::TimeoutConfig},
    error::{BuildError, ProvideErrorMetadata as _, SdkError},
    operation::send_email::{SendEmailError, SendEmailOutput},
    types::{Body, Content, Destination, EmailContent, Message},
};
use aws_types::SdkConfig;
use std::{fmt, sync::Arc, time::Duration};

/// How long SES has for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Amazon SES, which sends mails from one address.
#[derive(Debug, Clone)]
pub struct Ses {
    client: Client,
    from: Arc<str>,
}

/// Why SES took no mail. It never says to whom: SES' own words may hold the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No other try would end differently.
    Final(String),
    /// Too many mails at the moment; the others would be refused as well.
    Throttled(String),
    /// Another try may succeed. SES may have taken the mail, and its answer was lost.
    Unknown(String),
}

impl Ses {
    /// A client that sends from `from`, an address or `Name <address>`; `url` leads to another place than AWS.
    pub fn new(from: &str, url: Option<&str>, aws: &SdkConfig) -> Self {
        // A mail that was refused is tried again later, by the record that outlives this process.
        let timeouts = TimeoutConfig::builder().operation_timeout(PATIENCE).build();
        let mut config = Builder::from(aws)
            .behavior_version(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(url) = url {
            config = config.endpoint_url(url);
        }
        Self { client: Client::from_conf(config.build()), from: from.into() }
    }

    /// Sends a letter. What SES has taken it may still fail to deliver, which it tells the owner of the account.
    pub async fn send(&self, address: &str, letter: &Letter) -> Result<(), Refusal> {
        let content = content(letter).map_err(|_| Refusal::Final("incomplete".to_owned()))?;
        let to = Destination::builder().to_addresses(wire_address(address)).build();
        let post = || self.post(to.clone(), content.clone());
        let sent = match post().await {
            // A pooled socket that died while the environment was frozen: no answer began.
            Err(error) if is_connection_error(&error) => post().await,
            outcome => outcome,
        };
        sent.map(drop).map_err(|error| Refusal::of(&error))
    }

    async fn post(&self, to: Destination, content: EmailContent) -> Result<SendEmailOutput, SdkError<SendEmailError>> {
        let request = self.client.send_email().from_email_address(&*self.from).destination(to).content(content);
        // Its type is too deep for the compiler inside of others.
        Box::pin(request.send()).await
    }
}

fn content(letter: &Letter) -> Result<EmailContent, BuildError> {
    let part = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(part(&letter.text)?).html(part(&letter.html)?).build();
    let message = Message::builder().subject(part(letter.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

/// The address with its domain in Punycode, as SES wants it.
fn wire_address(address: &str) -> String {
    match address.rsplit_once('@').map(|(local, domain)| (local, idna::domain_to_ascii(domain))) {
        Some((local, Ok(domain))) => format!("{local}@{domain}"),
        Some((_, Err(_))) | None => address.to_owned(),
    }
}

/// Whether no answer came since the connection failed, and not since the time was over.
fn is_connection_error(error: &SdkError<SendEmailError>) -> bool {
    matches!(error, SdkError::DispatchFailure(failure) if failure.is_io() || failure.as_other().is_some())
}

impl Refusal {
    fn of(error: &SdkError<SendEmailError>) -> Self {
        let why = match error {
            SdkError::TimeoutError(_) => "timeout",
            SdkError::DispatchFailure(failure) if failure.is_timeout() => "timeout",
            SdkError::DispatchFailure(_) => "connection",
            _ => error.code().unwrap_or("unreadable"),
        };
        let why = why.to_owned();
        match error.as_service_error() {
            Some(SendEmailError::BadRequestException(_) | SendEmailError::MessageRejected(_)) => Self::Final(why),
            Some(SendEmailError::TooManyRequestsException(_) | SendEmailError::LimitExceededException(_)) => {
                Self::Throttled(why)
            }
            _ => Self::Unknown(why),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Final(why) | Self::Throttled(why) | Self::Unknown(why)) = self;
        f.write_str(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_of_an_address_is_sent_in_punycode() {
        assert_eq!(wire_address("a.B@münchen.example"), "a.B@xn--mnchen-3ya.example");
        assert_eq!(wire_address("a@Example.com"), "a@example.com");
    }
}
