use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use std::sync::{Arc, LazyLock};
use webpki_roots::TLS_SERVER_ROOTS;

/// Trusts the authorities that browsers trust, whatever this machine has.
static CONFIG: LazyLock<Option<Arc<ClientConfig>>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
});

/// How servers prove who they are; `None` leaves it to a library's own way.
pub(crate) fn config() -> Option<Arc<ClientConfig>> {
    CONFIG.clone()
}
