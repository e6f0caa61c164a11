#![doc = include_str!("../README.md")]

mod batch;
mod event;

pub use batch::Batch;

use boot::{BoxError, Cost, EndWhenStale};
use domain::Fault;
use event::{Answer, Event};
use lambda_runtime::{LambdaEvent, Runtime, layers::TracingLayer, service_fn};
use std::time::Duration;
use tokio::time::timeout;
use tracing::{Instrument as _, info_span};

/// What Lambda needs to take the answer.
const MARGIN: Duration = Duration::from_secs(1);

/// Runs a Lambda that works off a queue.
///
/// `connect` runs during init and opens what `handle` needs; `parse` reads a body. `handle` answers the index of each job of the batch
/// that must come again. If it fails or is late, all of them come again.
pub async fn run<B, J>(
    connect: impl AsyncFnOnce() -> Result<B, BoxError>,
    parse: impl Fn(&str) -> Result<J, Fault>,
    handle: impl AsyncFn(&B, Batch<J>) -> Result<Vec<usize>, Fault>,
) -> Result<(), BoxError> {
    boot::telemetry();
    let backend = connect().await?;
    let answer = async |event: LambdaEvent<Event>| {
        let span = info_span!("batch", request.id = event.context.request_id);
        let time_left = Duration::from_millis(event.context.deadline)
            .saturating_sub(Duration::from_millis(boot::clock().now().millis().unsigned_abs()))
            .saturating_sub(MARGIN);
        Cost::begin();
        let answer = work(event.payload, time_left, &parse, |batch| handle(&backend, batch));
        let answer = answer.instrument(span.clone()).await;
        span.in_scope(Cost::log);
        Ok::<_, BoxError>(answer)
    };
    Runtime::new(service_fn(answer)).layer(TracingLayer::new()).layer(EndWhenStale).run().await
}

/// Works off the records of an event, and answers which of them must come again.
async fn work<J>(
    event: Event,
    time_left: Duration,
    parse: impl Fn(&str) -> Result<J, Fault>,
    handle: impl AsyncFnOnce(Batch<J>) -> Result<Vec<usize>, Fault>,
) -> Answer {
    let (mut failed, mut read) = (Vec::new(), Vec::new());
    let mut jobs = Vec::new();
    for record in event.records {
        match parse(&record.body).inspect_err(|fault| fault.log("read a job")) {
            Ok(job) => {
                read.push(record.message_id);
                jobs.push(job);
            }
            Err(_) => failed.push(record.message_id),
        }
    }
    if jobs.is_empty() {
        return Answer::of(failed);
    }
    let batch = Batch { jobs, time_left };
    let handled = timeout(time_left, handle(batch)).await.unwrap_or_else(|late| Err(Fault::unavailable(late)));
    match handled.inspect_err(|fault| fault.log("do a batch of jobs")) {
        Ok(indexes) => failed.extend(indexes.into_iter().filter_map(|index| read.get(index).cloned())),
        Err(_) => failed.extend(read),
    }
    Answer::of(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json, to_value};
    use std::future::pending;
    use testkit::errors;

    const TIME: Duration = Duration::from_secs(10);

    fn parse(body: &str) -> Result<u32, Fault> {
        body.parse().map_err(Fault::internal)
    }

    fn event(bodies: &[&str]) -> Event {
        let record =
            |(n, body): (usize, &&str)| json!({ "messageId": format!("m{n}"), "body": body, "attributes": {} });
        let records: Vec<_> = bodies.iter().enumerate().map(record).collect();
        serde_json::from_value(json!({ "Records": records })).unwrap()
    }

    async fn answer(bodies: &[&str], handle: impl AsyncFnOnce(Batch<u32>) -> Result<Vec<usize>, Fault>) -> Value {
        to_value(work(event(bodies), TIME, parse, handle).await).unwrap()
    }

    fn failures(ids: &[&str]) -> Value {
        let failures: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
        json!({ "batchItemFailures": failures })
    }

    #[tokio::test]
    async fn job_that_fails_comes_again_alone() {
        let answer = answer(&["1", "2", "3"], async |batch| {
            assert_eq!(batch.jobs, [1, 2, 3]);
            Ok(vec![1])
        });
        assert_eq!(answer.await, failures(&["m1"]));
    }

    #[tokio::test]
    async fn body_that_nobody_can_read_fails_alone_and_is_logged_once() {
        let told = errors(async || {
            let answer = answer(&["1", "?", "3"], async |batch| {
                assert_eq!(batch.jobs, [1, 3]);
                Ok(vec![1])
            });
            assert_eq!(answer.await, failures(&["m1", "m2"]));
        });
        assert_eq!(told.await.len(), 1);
    }

    #[tokio::test]
    async fn fault_of_the_whole_batch_brings_all_of_it_again() {
        let told = errors(async || {
            let answer = answer(&["1", "2"], async |_| Err(Fault::internal("broken")));
            assert_eq!(answer.await, failures(&["m0", "m1"]));
        });
        assert_eq!(told.await.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn late_batch_comes_again() {
        assert_eq!(answer(&["1"], async |_| pending().await).await, failures(&["m0"]));
    }

    #[tokio::test(start_paused = true)]
    async fn late_and_failing_jobs_do_not_hold_up_the_others() {
        let each = async |job: &u32| match job {
            1 => Ok(()),
            2 => pending().await,
            _ => Err(Fault::internal("broken")),
        };
        let answer = answer(&["1", "2", "3"], async |batch| Ok(batch.each("count", each).await));
        assert_eq!(answer.await, failures(&["m1", "m2"]));
    }
}
