//! Event source mappings: Lambda polls a queue and invokes a function with what it finds.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use hyper::body::Bytes;
use serde_json::{Value as Json, json};
use template::{QueueEvent, REGION, Template};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::{
    LocalStack, Queue, Queues,
    door::{md5, system_attributes},
    messages::Received,
};
use crate::{
    config::Limits,
    faults::{AnswerFate, EventFate, Faults},
    lambda::Lambda,
    server::{Shutdown, ShutdownSignal},
};

/// The most messages of one receive, and how long it waits.
const RECEIVE: usize = 10;
const WAIT: Duration = Duration::from_secs(20);

/// How long is waited after a queue that could not be asked.
const PAUSE: Duration = Duration::from_secs(1);

/// Where messages are: here, or in a `LocalStack`.
#[derive(Clone)]
enum Source {
    Here(Arc<Queue>),
    There { account: Arc<LocalStack>, url: String },
}

/// A message as a function gets it, and what it is deleted by.
struct Record {
    id: String,
    receipt: String,
    json: Json,
}

struct Mapping {
    event: QueueEvent,
    source: Source,
    function: String,
    lambda: Arc<Lambda>,
    faults: Faults,
    window: Duration,
}

/// Lets every function work off its queues until the shutdown.
pub(crate) fn start(
    template: &Template,
    queues: &Queues,
    account: Option<&Arc<LocalStack>>,
    lambda: &Arc<Lambda>,
    faults: &Faults,
    limits: &Limits,
    shutdown: &Shutdown,
) {
    for function in &template.functions {
        for event in function.queue_events.iter().filter(|event| event.enabled) {
            // The template has no event without its queue.
            let Some(queue) = queues.of_arn(&event.queue) else { continue };
            let source = match account {
                Some(account) => Source::There { account: Arc::clone(account), url: queue.definition.url.clone() },
                None => Source::Here(queue),
            };
            let mapping = Mapping {
                event: event.clone(),
                source,
                function: function.name.clone(),
                lambda: Arc::clone(lambda),
                faults: faults.clone(),
                window: event.window / limits.queue_speed.max(1),
            };
            let most = event.concurrency.unwrap_or(limits.environments);
            tokio::spawn(Arc::new(mapping).run(most, shutdown.signal()));
        }
    }
}

impl Mapping {
    async fn run(self: Arc<Self>, most: usize, mut stopped: ShutdownSignal) {
        let permits = Arc::new(Semaphore::new(most));
        let course = async {
            // A message is received only when there is a function for it, so that its time in flight is not lost.
            while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
                let (mapping, batch) = (Arc::clone(&self), self.gather().await);
                tokio::spawn(async move {
                    mapping.deliver(batch).await;
                    drop(permit);
                });
            }
        };
        tokio::select! {
            biased;
            () = stopped.wait() => {}
            () = course => {}
        }
    }

    /// A full batch, or the messages that arrived within the window after the first one.
    async fn gather(&self) -> Vec<Record> {
        let mut batch = Vec::new();
        while batch.is_empty() {
            batch = self.source.receive(self.event.batch.min(RECEIVE), WAIT).await;
        }
        let closes = Instant::now() + self.window;
        while batch.len() < self.event.batch {
            let left = closes.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            batch.extend(self.source.receive((self.event.batch - batch.len()).min(RECEIVE), left).await);
        }
        batch
    }

    /// Invokes the function and deletes the messages that it processed; the others become visible again after their timeout.
    async fn deliver(&self, batch: Vec<Record>) {
        let EventFate::Deliver { after, copies } = self.faults.event(&self.function) else { return };
        let records: Vec<&Json> = batch.iter().map(|record| &record.json).collect();
        let event = Bytes::from(json!({ "Records": records }).to_string());
        let invocations = (0..copies).map(|_| self.lambda.invoke_after(after, &self.function, event.clone()));
        // A failure is in the function's log.
        let Some(Ok(answer)) = join_all(invocations).await.into_iter().next() else { return };
        if self.faults.answer(&self.function) != AnswerFate::Deliver {
            return;
        }
        let ids = batch.iter().map(|record| record.id.as_str()).collect();
        let failed = if self.event.partial { failures(&answer, &ids) } else { Some(BTreeSet::new()) };
        if let Some(failed) = failed {
            let done = batch.iter().filter(|record| !failed.contains(&record.id));
            self.source.delete(done.map(|record| record.receipt.as_str())).await;
        }
    }
}

/// The messages that a function names as failed; `None` is all of them, as after an answer that makes no sense.
fn failures(answer: &[u8], ids: &BTreeSet<&str>) -> Option<BTreeSet<String>> {
    if answer.is_empty() {
        return Some(BTreeSet::new());
    }
    let answer: Json = serde_json::from_slice(answer).ok()?;
    let failures = match answer.get("batchItemFailures") {
        None | Some(Json::Null) => return Some(BTreeSet::new()),
        Some(failures) => failures.as_array()?,
    };
    let id = |failure: &Json| Some(failure.get("itemIdentifier")?.as_str().filter(|id| ids.contains(id))?.to_owned());
    failures.iter().map(id).collect()
}

impl Source {
    /// Waits for messages; there may be none when the time is over.
    async fn receive(&self, most: usize, wait: Duration) -> Vec<Record> {
        match self {
            Self::Here(queue) => {
                let received = queue.receive(most, None, wait).await;
                queue.meter.queue_requests(usize::from(!received.is_empty()));
                received.iter().map(|received| Record::of(queue, received)).collect()
            }
            Self::There { account, url } => {
                if let Ok(messages) = account.receive(url, most, wait).await {
                    return messages.iter().map(|message| Record::from_there(url, message)).collect();
                }
                sleep(PAUSE).await;
                Vec::new()
            }
        }
    }

    async fn delete(&self, receipts: impl Iterator<Item = &str>) {
        match self {
            Self::Here(queue) => {
                let parse = |handle| super::Receipt::parse(handle, &queue.definition.name);
                let receipts: Vec<_> = receipts.filter_map(parse).collect();
                // As many at once as are received at once.
                queue.meter.queue_requests(receipts.len().div_ceil(RECEIVE));
                for receipt in receipts {
                    queue.delete(receipt);
                }
            }
            Self::There { account, url } => {
                for receipt in receipts {
                    // What is not deleted comes again.
                    let _ = account.delete(url, receipt).await;
                }
            }
        }
    }
}

impl Record {
    fn of(queue: &Queue, received: &Received) -> Self {
        let attributes: Json = system_attributes(received).into_iter().collect();
        let handle = received.receipt.handle(&queue.definition.name);
        Self::new(&received.draft.id, &handle, &received.draft.body, &attributes, &queue.arn)
    }

    /// A message as the API tells of it.
    fn from_there(url: &str, message: &Json) -> Self {
        let text = |name: &str| message[name].as_str().unwrap_or_default();
        let attributes = &message["Attributes"];
        let arn = template::queue_arn(url.rsplit('/').next().unwrap_or_default());
        Self::new(text("MessageId"), text("ReceiptHandle"), text("Body"), attributes, &arn)
    }

    fn new(id: &str, receipt: &str, body: &str, attributes: &Json, arn: &str) -> Self {
        let json = json!({
            "messageId": id,
            "receiptHandle": receipt,
            "body": body,
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfBody": md5(body),
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": REGION,
        });
        Self { id: id.to_owned(), receipt: receipt.to_owned(), json }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_names_what_failed_or_fails_the_batch() {
        let ids = BTreeSet::from(["a", "b"]);
        let named =
            |answer: &str| failures(answer.as_bytes(), &ids).map(|failed| failed.into_iter().collect::<Vec<_>>());

        for all_done in ["", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert_eq!(named(all_done), Some(vec![]), "{all_done}");
        }
        assert_eq!(named(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#), Some(vec!["b".to_owned()]));
        for senseless in [
            "no json",
            r#"{"batchItemFailures":{}}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"id":"a"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#,
        ] {
            assert_eq!(named(senseless), None, "{senseless}");
        }
    }
}
