//! `AWS::SQS::Queue`, and the `SQS` events of functions that work off one.

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use crate::{
    model::{ACCOUNT, Function, Queue, QueueEvent, REGION, Redrive},
    resources::Resource,
    values::{known, number, plain, texts},
};

/// Properties of a queue that are read, then those that change nothing locally.
const QUEUE: [&str; 12] = [
    "QueueName",
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "VisibilityTimeout",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
    "Tags",
];
const EVENT: [&str; 6] =
    ["BatchSize", "Enabled", "FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "Queue", "ScalingConfig"];

/// What Lambda does with a queue in the name of a function.
const ACTIONS: [&str; 3] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/// The URL of a queue, by which requests name it.
pub(crate) fn url(name: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}")
}

/// The ARN of a queue by its name.
pub fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// Reads a queue that has this name.
pub(crate) fn queue(resource: &Resource, name: &str) -> Result<Queue> {
    let properties = Json::Object(resource.properties.clone());
    known(&properties, &QUEUE)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    ensure!((1..=80).contains(&name.len()) && name.chars().all(is_name), "`{name}` is not the name of a queue");
    let number = |name, range, default| bounded(&properties, name, range).map(|number| number.unwrap_or(default));
    let seconds = |name, range, default| number(name, range, default).map(Duration::from_secs);
    Ok(Queue {
        logical_id: resource.id.clone(),
        name: name.to_owned(),
        url: url(name),
        delay: seconds("DelaySeconds", 0..=900, 0)?,
        // AWS takes four times as much; who needs less works everywhere.
        largest: usize::try_from(number("MaximumMessageSize", 1_024..=262_144, 262_144)?)?,
        retention: seconds("MessageRetentionPeriod", 60..=1_209_600, 345_600)?,
        wait: seconds("ReceiveMessageWaitTimeSeconds", 0..=20, 0)?,
        visibility: seconds("VisibilityTimeout", 0..=43_200, 30)?,
        redrive: properties.get("RedrivePolicy").map(redrive).transpose().context("in `RedrivePolicy`")?,
    })
}

fn redrive(policy: &Json) -> Result<Redrive> {
    known(policy, &["deadLetterTargetArn", "maxReceiveCount"])?;
    let target =
        policy.get("deadLetterTargetArn").and_then(Json::as_str).context("`deadLetterTargetArn` is missing")?;
    let receives = bounded(policy, "maxReceiveCount", 1..=1_000)?.context("`maxReceiveCount` is missing")?;
    Ok(Redrive { target: target.to_owned(), receives: u32::try_from(receives)? })
}

/// Reads one event of a function.
pub(crate) fn event(definition: &Json) -> Result<QueueEvent> {
    known(definition, &["Properties", "Type"])?;
    let properties = definition.get("Properties").context("`Properties` is missing")?;
    known(properties, &EVENT)?;
    let queue = properties.get("Queue").and_then(Json::as_str).context("`Queue` is missing")?;
    let batch = bounded(properties, "BatchSize", 1..=10_000)?.unwrap_or(10);
    let window = bounded(properties, "MaximumBatchingWindowInSeconds", 0..=300)?.unwrap_or(0);
    ensure!(batch <= 10 || window > 0, "a batch of {batch} needs a `MaximumBatchingWindowInSeconds`");
    let answers = texts(properties, "FunctionResponseTypes")?;
    if let Some(unknown) = answers.iter().find(|answer| *answer != "ReportBatchItemFailures") {
        bail!("unsupported response type `{unknown}`");
    }
    let scaling = properties.get("ScalingConfig").cloned().unwrap_or_default();
    known(&scaling, &["MaximumConcurrency"]).context("in `ScalingConfig`")?;
    let concurrency = bounded(&scaling, "MaximumConcurrency", 2..=1_000).context("in `ScalingConfig`")?;
    let enabled = properties.get("Enabled").map(plain).transpose()?;
    Ok(QueueEvent {
        queue: queue.to_owned(),
        batch: usize::try_from(batch)?,
        window: Duration::from_secs(window),
        partial: !answers.is_empty(),
        concurrency: concurrency.map(usize::try_from).transpose()?,
        enabled: enabled.is_none_or(|enabled| enabled == "true"),
    })
}

fn bounded(properties: &Json, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>> {
    let Some(value) = number(properties, name)? else { return Ok(None) };
    ensure!(range.contains(&value), "`{name}` is {} to {}, not {value}", range.start(), range.end());
    Ok(Some(value))
}

/// Fails on what AWS would refuse when it has both ends: a queue that is not there, and a function that can't work it off.
pub(crate) fn check(queues: &[Queue], functions: &[Function]) -> Result<()> {
    let mut names = BTreeSet::new();
    for queue in queues {
        ensure!(names.insert(&queue.name), "two queues have the name `{}`", queue.name);
        let Some(Redrive { target, .. }) = &queue.redrive else { continue };
        find(queues, target).with_context(|| format!("in the redrive policy of `{}`", queue.logical_id))?;
    }
    for function in functions {
        for event in &function.queue_events {
            let context = || format!("in an `SQS` event of `{}`", function.logical_id);
            let queue = find(queues, &event.queue).with_context(context)?;
            for action in ACTIONS {
                ensure!(
                    function.policy.allows(action, &event.queue),
                    "the role of `{}` lacks `{action}` on `{}`",
                    function.logical_id,
                    queue.logical_id
                );
            }
            ensure!(
                queue.visibility >= function.timeout,
                "messages of `{}` come again after {:?}, while `{}` may still work for {:?}",
                queue.logical_id,
                queue.visibility,
                function.logical_id,
                function.timeout
            );
        }
    }
    Ok(())
}

fn find<'q>(queues: &'q [Queue], arn: &str) -> Result<&'q Queue> {
    let found = queues.iter().find(|queue| queue_arn(&queue.name) == arn);
    found.with_context(|| format!("`{arn}` is no queue of the template"))
}
