use aws_sdk_secretsmanager::config::SharedHttpClient;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use std::time::Duration;

/// The roots of every AWS endpoint; the README says where they come from.
const ROOTS: &[u8] = include_bytes!("../amazon-roots.pem");

/// How long an unused connection is kept: environments are frozen for longer than AWS keeps its side.
const IDLE: Duration = Duration::from_secs(20);

/// What AWS clients connect with. The default reads all certificates of the machine, which takes a third of the init.
pub(crate) fn client() -> Option<SharedHttpClient> {
    let roots = TrustStore::empty().with_pem_certificate(ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build().ok()?;
    let rustls = Provider::Rustls(CryptoMode::AwsLc);
    Some(Builder::new().pool_idle_timeout(IDLE).tls_provider(rustls).tls_context(context).build_https())
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
