#![doc = include_str!("../README.md")]

mod clean;
mod edge;
mod fault;
mod headers;
mod keep;
mod link;
mod parts;
mod read;

pub use headers::Headers;
pub use link::Request;
pub use parts::Part;
pub use read::Stored;

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Builder, RequestChecksumCalculation, retry::RetryConfig, timeout::TimeoutConfig},
};
use boot::FileSettings;
use edge::Edge;
use std::{sync::Arc, time::Duration};

/// How long S3 has for an answer without bytes, all tries together, and each of them.
const PATIENCE: Duration = Duration::from_secs(6);
const PATIENCE_OF_A_TRY: Duration = Duration::from_millis(2_500);

/// The same while bytes are moved.
const TRANSFER: Duration = Duration::from_secs(30);
const TRANSFER_OF_A_TRY: Duration = Duration::from_secs(15);

/// How often S3 is asked: it answers 503 to some requests and takes them again.
const TRIES: u32 = 3;

/// Both buckets.
#[derive(Debug, Clone)]
pub struct Files {
    client: Client,
    transfers: Client,
    uploads: Arc<str>,
    kept: Arc<str>,
    edge: Option<Arc<Edge>>,
}

impl Files {
    /// A client for the buckets of this installation. Nothing is sent yet.
    pub fn connect(settings: &FileSettings) -> Self {
        let client = |whole, one| {
            let timeouts = TimeoutConfig::builder().operation_timeout(whole).operation_attempt_timeout(one).build();
            let config = Builder::from(&settings.aws)
                .behavior_version(BehaviorVersion::v2026_01_12())
                .endpoint_url(&settings.url)
                // A checksum of ours would turn a body into chunks that are signed one by one; TLS protects it on its way.
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
                .timeout_config(timeouts);
            Client::from_conf(config.build())
        };
        Self {
            client: client(PATIENCE, PATIENCE_OF_A_TRY),
            transfers: client(TRANSFER, TRANSFER_OF_A_TRY),
            uploads: settings.uploads_bucket.as_str().into(),
            kept: settings.files_bucket.as_str().into(),
            edge: settings.edge.as_ref().map(|edge| Arc::new(Edge::new(edge))),
        }
    }
}

/// An `ETag` as headers have it.
fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// An `ETag` as events have it.
fn unquoted(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}
