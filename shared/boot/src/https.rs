use crate::{BoxError, checks};
use aws_sdk_secretsmanager::config::SharedHttpClient;
use aws_smithy_http_client::{
    Builder, Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::HttpConnector as _, orchestrator::HttpRequest, result::ConnectorError};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The roots of every AWS endpoint; the README says where they come from.
const ROOTS: &[u8] = include_bytes!("../amazon-roots.pem");

/// How long an unused connection is kept: environments are frozen for longer than AWS keeps its side.
const IDLE: Duration = Duration::from_secs(20);

/// How often a text is put, how long each time may take, and how long to wait in between.
const TRIES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(500);

/// What AWS clients connect with. The default reads all certificates of the machine, which takes a third of the init.
pub(crate) fn client() -> Option<SharedHttpClient> {
    let client = Builder::new().pool_idle_timeout(IDLE).tls_provider(RUSTLS);
    Some(client.tls_context(roots()?).build_https())
}

const RUSTLS: Provider = Provider::Rustls(CryptoMode::AwsLc);

fn roots() -> Option<TlsContext> {
    let roots = TrustStore::empty().with_pem_certificate(ROOTS);
    TlsContext::builder().with_trust_store(roots).build().ok()
}

/// Puts a text where a presigned URL of S3 says, and tries again if that fails. The URL is a secret, which no error tells.
pub async fn put(url: &str, text: &str) -> Result<(), BoxError> {
    checks::provider_url(url).map_err(|why| format!("the presigned URL {why}"))?;
    let connector = Connector::builder().tls_provider(RUSTLS).tls_context(roots().ok_or("no roots")?).build();
    let mut failed = String::new();
    for tries in 0..TRIES {
        if tries > 0 {
            sleep(PAUSE).await;
        }
        match timeout(PATIENCE, put_once(&connector, url, text)).await {
            Ok(Ok(200..=299)) => return Ok(()),
            Ok(Ok(status)) => failed = format!("it answered {status}"),
            Ok(Err(error)) => failed = error.to_string(),
            Err(late) => failed = late.to_string(),
        }
    }
    Err(format!("could not put an answer at a presigned URL: {failed}").into())
}

/// The status. The signature holds for a request without a media type.
async fn put_once(connector: &Connector, url: &str, text: &str) -> Result<u16, ConnectorError> {
    let mut request = HttpRequest::new(text.into());
    let invalid = |error| ConnectorError::user(BoxError::from(error));
    request.set_method("PUT").map_err(invalid)?;
    request.set_uri(url).map_err(invalid)?;
    Ok(connector.call(request).await?.status().as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_secretsmanager::{
        Client, Config,
        config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    };

    #[tokio::test]
    async fn bundled_roots_make_a_client_for_https() {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("id", "key", None, None, "test"))
            .region(Region::new("eu-west-1"))
            .endpoint_url("https://127.0.0.1:9")
            .retry_config(RetryConfig::disabled())
            .http_client(client().unwrap());

        // A certificate that can't be read would panic.
        let refused = Client::from_conf(config.build()).get_secret_value().secret_id("any").send().await;

        assert!(refused.unwrap_err().as_service_error().is_none());
    }

    #[test]
    fn the_bundle_holds_the_roots_of_amazon_and_nothing_else() {
        let text = std::str::from_utf8(ROOTS).unwrap();
        assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        assert_eq!(text.matches("-----END CERTIFICATE-----").count(), 5);
    }
}
