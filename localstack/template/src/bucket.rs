//! `AWS::S3::Bucket`, `AWS::GuardDuty::MalwareProtectionPlan` for one, and the `EventBridgeRule` events of functions that are told of
//! new objects and of what a scan found in them.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use crate::{
    model::{Bucket, BucketEvent, CorsRule, Function},
    policy::Policy,
    resources::Resource,
    values::{known, number, plain, texts},
};

/// Properties of a bucket that are read, then those that change nothing locally.
const BUCKET: [&str; 9] = [
    "BucketName",
    "CorsConfiguration",
    "NotificationConfiguration",
    "BucketEncryption",
    "LifecycleConfiguration",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "Tags",
    "VersioningConfiguration",
];
const RULE: [&str; 6] = ["AllowedHeaders", "AllowedMethods", "AllowedOrigins", "ExposedHeaders", "MaxAge", "Id"];
const EVENT: [&str; 2] = ["Pattern", "RuleName"];
const PLAN: [&str; 3] = ["ProtectedResource", "Role", "Tags"];

/// The ARN of a bucket by its name.
pub fn bucket_arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

/// Reads a bucket that has this name.
pub(crate) fn bucket(resource: &Resource, name: &str) -> Result<Bucket> {
    let properties = Json::Object(resource.properties.clone());
    known(&properties, &BUCKET)?;
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    ensure!((3..=63).contains(&name.len()) && name.chars().all(is_letter), "`{name}` is not the name of a bucket");
    let notifications = properties.get("NotificationConfiguration").cloned().unwrap_or_default();
    known(&notifications, &["EventBridgeConfiguration"]).context("in `NotificationConfiguration`")?;
    let enabled = notifications.pointer("/EventBridgeConfiguration/EventBridgeEnabled").map(plain).transpose()?;
    let cors = properties.get("CorsConfiguration").cloned().unwrap_or_default();
    known(&cors, &["CorsRules"]).context("in `CorsConfiguration`")?;
    let rules = cors.get("CorsRules").and_then(Json::as_array).into_iter().flatten();
    Ok(Bucket {
        logical_id: resource.id.clone(),
        name: name.to_owned(),
        events: enabled.is_some_and(|enabled| enabled == "true"),
        cors: rules.map(cors_rule).collect::<Result<_>>().context("in `CorsConfiguration`")?,
        scanner: None,
    })
}

/// Reads a plan: the name of its bucket, and what its role allows.
pub(crate) fn scanner(resource: &Resource, all: &[Resource]) -> Result<(String, Policy)> {
    let properties = Json::Object(resource.properties.clone());
    known(&properties, &PLAN)?;
    let role = properties.get("Role").and_then(Json::as_str).context("`Role` is missing")?;
    let protected = properties.get("ProtectedResource").context("`ProtectedResource` is missing")?;
    let bucket = protected.pointer("/S3Bucket/BucketName").and_then(Json::as_str).unwrap_or_default();
    ensure!(*protected == json!({"S3Bucket": {"BucketName": bucket}}), "unsupported `ProtectedResource`: {protected}");
    Ok((bucket.to_owned(), Policy::of_role(role, all)?))
}

/// Gives every plan to its bucket.
pub(crate) fn attach(buckets: &mut [Bucket], scanners: Vec<(String, Policy)>) -> Result<()> {
    for (name, policy) in scanners {
        let bucket = buckets.iter_mut().find(|bucket| bucket.name == name);
        let bucket = bucket.with_context(|| format!("`{name}` of a plan is no bucket of the template"))?;
        ensure!(bucket.scanner.replace(policy).is_none(), "`{}` has two plans", bucket.logical_id);
    }
    Ok(())
}

fn cors_rule(rule: &Json) -> Result<CorsRule> {
    known(rule, &RULE)?;
    let texts = |name| texts(rule, name);
    Ok(CorsRule {
        origins: texts("AllowedOrigins")?,
        methods: texts("AllowedMethods")?,
        headers: texts("AllowedHeaders")?,
        exposed: texts("ExposedHeaders")?,
        max_age: number(rule, "MaxAge")?,
    })
}

/// Reads one event of a function: of which bucket it is told what.
pub(crate) fn event(definition: &Json) -> Result<BucketEvent> {
    known(definition, &["Properties", "Type"])?;
    let properties = definition.get("Properties").context("`Properties` is missing")?;
    known(properties, &EVENT)?;
    let pattern = properties.get("Pattern").context("`Pattern` is missing")?;
    let named = |path| pattern.pointer(path).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (created, scanned) = (named("/detail/bucket/name/0"), named("/detail/s3ObjectDetails/bucketName/0"));
    let of_created = json!({
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [created]}},
    });
    let of_scanned = json!({
        "source": ["aws.guardduty"],
        "detail-type": ["GuardDuty Malware Protection Object Scan Result"],
        "detail": {"s3ObjectDetails": {"bucketName": [scanned]}},
    });
    if *pattern == of_created {
        return Ok(BucketEvent::Created(created));
    }
    ensure!(*pattern == of_scanned, "unsupported `Pattern`: {pattern}");
    Ok(BucketEvent::Scanned(scanned))
}

/// Fails on a name that two buckets have, and on an event of a bucket that sends none.
pub(crate) fn check(buckets: &[Bucket], functions: &[Function]) -> Result<()> {
    let mut names = BTreeSet::new();
    for bucket in buckets {
        ensure!(names.insert(&bucket.name), "two buckets have the name `{}`", bucket.name);
    }
    for function in functions {
        for event in &function.bucket_events {
            let name = event.bucket();
            let bucket = buckets.iter().find(|bucket| bucket.name == name);
            let bucket = bucket.with_context(|| format!("`{name}` is no bucket of the template"));
            let bucket = bucket.with_context(|| format!("in an `EventBridgeRule` of `{}`", function.logical_id))?;
            let is_told = bucket.events || matches!(event, BucketEvent::Scanned(_));
            ensure!(is_told, "`{}` tells `EventBridge` nothing", bucket.logical_id);
        }
    }
    Ok(())
}
