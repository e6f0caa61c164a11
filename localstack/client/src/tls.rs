use anyhow::Result;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use std::sync::Arc;
use webpki_roots::TLS_SERVER_ROOTS;

/// Trusts the authorities that browsers trust, whatever this machine has.
pub(crate) fn config() -> Result<ClientConfig> {
    let roots = RootCertStore { roots: TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
