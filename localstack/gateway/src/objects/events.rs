//! What buckets and their scanner tell `EventBridge`, and the functions that its rules invoke.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{TryStreamExt as _, future::join_all};
use hyper::body::Bytes;
use s3s::StdError;
use serde_json::{Value as Json, json};
use template::{ACCOUNT, BucketEvent, Policy, REGION, Template, bucket_arn};

use super::disk::{self, Disk, Meta};
use crate::{
    faults::{EventFate, Faults},
    ids,
    lambda::Lambda,
};

/// The string in two parts with which scanners for malware are tested. Whatever holds it is malware here, and nothing else.
pub const EICAR: [&str; 2] = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR", "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

/// The rules of all buckets.
pub(crate) struct Events {
    /// What is told, and the functions that are told of it.
    rules: Vec<(BucketEvent, String)>,
    /// Names of buckets that are scanned, and what their scanner may do.
    scanners: BTreeMap<String, Policy>,
    disk: Arc<Disk>,
    lambda: Arc<Lambda>,
    faults: Faults,
    sequence: AtomicU64,
}

/// A function that is told of an event, after how long, and how often.
struct Delivery {
    function: String,
    after: Duration,
    copies: usize,
}

impl Events {
    pub(crate) fn new(template: &Template, disk: &Arc<Disk>, lambda: &Arc<Lambda>, faults: &Faults) -> Self {
        let rules = template
            .functions
            .iter()
            .flat_map(|function| function.bucket_events.iter().map(|event| (event.clone(), function.name.clone())));
        let scanners = template.buckets.iter().filter_map(|it| Some((it.name.clone(), it.scanner.clone()?)));
        Self {
            rules: rules.collect(),
            scanners: scanners.collect(),
            disk: Arc::clone(disk),
            lambda: Arc::clone(lambda),
            faults: faults.clone(),
            sequence: AtomicU64::new(1),
        }
    }

    /// Tells of a new object, and of what is found in it. Whoever wrote it is answered meanwhile.
    pub(crate) fn created(&self, bucket: &str, key: &str, meta: &Meta, reason: &str) {
        let deliveries = self.deliveries(&BucketEvent::Created(bucket.to_owned()));
        if !deliveries.is_empty() {
            let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
            deliver(&self.lambda, deliveries, &describe(bucket, key, meta, reason, sequence));
        }
        let Some(scanner) = self.scanners.get(bucket) else { return };
        let deliveries = self.deliveries(&BucketEvent::Scanned(bucket.to_owned()));
        let may_read = scanner.allows("s3:GetObject", &format!("{}/{key}", bucket_arn(bucket)));
        let (disk, lambda) = (Arc::clone(&self.disk), Arc::clone(&self.lambda));
        let (bucket, key, etag) = (bucket.to_owned(), key.to_owned(), meta.etag.clone());
        tokio::spawn(async move {
            let status = if may_read { scan(&disk, &bucket, &key).await } else { "ACCESS_DENIED" };
            deliver(&lambda, deliveries, &describe_scan(&bucket, &key, &etag, status));
        });
    }

    /// Who is told, as the faults have it at the moment.
    fn deliveries(&self, event: &BucketEvent) -> Vec<Delivery> {
        let functions = self.rules.iter().filter(|(told, _)| told == event).map(|(_, function)| function);
        let deliveries = functions.filter_map(|function| match self.faults.event(function) {
            EventFate::Drop => None,
            EventFate::Deliver { after, copies } => Some(Delivery { function: function.clone(), after, copies }),
        });
        deliveries.collect()
    }
}

fn deliver(lambda: &Arc<Lambda>, deliveries: Vec<Delivery>, event: &Json) {
    let event = Bytes::from(event.to_string());
    for Delivery { function, after, copies } in deliveries {
        let (lambda, event) = (Arc::clone(lambda), event.clone());
        tokio::spawn(async move {
            // A failure is in the function's log.
            join_all((0..copies).map(|_| lambda.invoke_after(after, &function, event.clone()))).await;
        });
    }
}

/// The word for what is found in an object.
async fn scan(disk: &Disk, bucket: &str, key: &str) -> &'static str {
    match holds_eicar(disk, bucket, key).await {
        Ok(true) => "THREATS_FOUND",
        Ok(false) => "NO_THREATS_FOUND",
        Err(_) => "FAILED",
    }
}

async fn holds_eicar(disk: &Disk, bucket: &str, key: &str) -> Result<bool, StdError> {
    let wanted = EICAR.concat().into_bytes();
    let (file, meta) = disk.find(bucket, key).await?.ok_or("it is gone")?;
    let mut content = disk::stream(file, 0, meta.size).await?;
    let mut read = Vec::new();
    while let Some(bytes) = content.try_next().await? {
        read.extend_from_slice(&bytes);
        if read.windows(wanted.len()).any(|window| window == wanted) {
            return Ok(true);
        }
        // The next bytes may complete it.
        read.drain(..read.len().saturating_sub(wanted.len() - 1));
    }
    Ok(false)
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

fn describe_scan(bucket: &str, key: &str, etag: &str, status: &str) -> Json {
    let threats = (status == "THREATS_FOUND").then(|| json!([{"name": "EICAR-Test-File (not a virus)"}]));
    let scan_status = if matches!(status, "THREATS_FOUND" | "NO_THREATS_FOUND") { "COMPLETED" } else { "FAILED" };
    json!({
        "version": "0",
        "id": ids::uuid(),
        "detail-type": "GuardDuty Malware Protection Object Scan Result",
        "source": "aws.guardduty",
        "account": ACCOUNT,
        "time": ids::iso_time(ids::epoch_millis(ids::now())),
        "region": REGION,
        "resources": [format!("arn:aws:guardduty:{REGION}:{ACCOUNT}:malware-protection-plan/{bucket}")],
        "detail": {
            "schemaVersion": "1.0",
            "scanStatus": scan_status,
            "resourceType": "S3_OBJECT",
            "s3ObjectDetails": {
                "bucketName": bucket, "objectKey": key, "eTag": etag, "versionId": null, "s3Throttled": false,
            },
            "scanResultDetails": {"scanResultStatus": status, "threats": threats},
        },
    })
}
