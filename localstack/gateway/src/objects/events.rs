//! What buckets tell `EventBridge`, and the functions that its rules invoke.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use hyper::body::Bytes;
use serde_json::{Value as Json, json};
use template::{ACCOUNT, REGION, Template, bucket_arn};

use super::disk::Meta;
use crate::{
    faults::{EventFate, Faults},
    ids,
    lambda::Lambda,
};

/// The rules of all buckets.
pub(crate) struct Events {
    /// Names of buckets, and the functions that are told of them.
    rules: Vec<(String, String)>,
    lambda: Arc<Lambda>,
    faults: Faults,
    sequence: AtomicU64,
}

impl Events {
    pub(crate) fn new(template: &Template, lambda: &Arc<Lambda>, faults: &Faults) -> Self {
        let rules = template
            .functions
            .iter()
            .flat_map(|function| function.bucket_events.iter().map(|bucket| (bucket.clone(), function.name.clone())));
        Self { rules: rules.collect(), lambda: Arc::clone(lambda), faults: faults.clone(), sequence: AtomicU64::new(1) }
    }

    /// Tells of a new object. Whoever wrote it is answered meanwhile.
    pub(crate) fn created(&self, bucket: &str, key: &str, meta: &Meta, reason: &str) {
        let mut event = None;
        for (_, function) in self.rules.iter().filter(|(name, _)| name == bucket) {
            let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
            let event =
                event.get_or_insert_with(|| Bytes::from(describe(bucket, key, meta, reason, sequence).to_string()));
            let EventFate::Deliver { after, copies } = self.faults.event(function) else { continue };
            let (lambda, function, event) = (Arc::clone(&self.lambda), function.clone(), event.clone());
            tokio::spawn(async move {
                // A failure is in the function's log.
                join_all((0..copies).map(|_| lambda.invoke_after(after, &function, event.clone()))).await;
            });
        }
    }
}

fn describe(bucket: &str, key: &str, meta: &Meta, reason: &str, sequence: u64) -> Json {
    json!({
        "version": "0",
        "id": ids::uuid(),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT,
        "time": ids::iso_time(meta.modified),
        "region": REGION,
        "resources": [bucket_arn(bucket)],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {"key": key, "size": meta.size, "etag": meta.etag, "sequencer": format!("{sequence:016X}")},
            "request-id": ids::uuid(),
            "requester": ACCOUNT,
            "source-ip-address": "127.0.0.1",
            "reason": reason,
        },
    })
}
