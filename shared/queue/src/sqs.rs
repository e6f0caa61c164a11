use crate::{Job, Jobs, Queue};
use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Builder, retry::RetryConfig},
    error::{BuildError, DisplayErrorContext, SdkError},
    types::SendMessageBatchRequestEntry,
};
use aws_types::SdkConfig;
use futures_util::{StreamExt as _, future::BoxFuture, stream};
use std::{collections::BTreeSet, ops::Range, sync::Arc, time::Duration};
use tokio::time::timeout;
use tracing::warn;

/// How long a send may take, however many jobs it has.
const PATIENCE: Duration = Duration::from_millis(300);

/// How long the first connection may take.
const WARM_UP: Duration = Duration::from_secs(2);

/// How many jobs SQS takes at once.
const MOST_JOBS: usize = 10;

/// How many bytes of bodies SQS takes at once.
const MOST_BYTES: usize = 256 * 1024;

/// How many requests of a send are under way at once.
const AT_ONCE: usize = 8;

/// The longest delay that SQS knows.
const LONGEST_DELAY: u64 = 900;

/// A standard queue of Amazon SQS.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    url: Arc<str>,
}

impl Sqs {
    /// A client for the queue at `url`. `AWS_ENDPOINT_URL_SQS`, where `aws` knows it, leads to another place than AWS.
    pub fn new(url: &str, aws: &SdkConfig) -> Self {
        // The time of a whole send is limited, and the caller knows what repairs a lost job.
        let config =
            Builder::from(aws).behavior_version(BehaviorVersion::latest()).retry_config(RetryConfig::disabled());
        Self { client: Client::from_conf(config.build()), url: url.into() }
    }

    /// The same as what jobs are sent to; none without a URL.
    pub fn jobs(url: Option<&str>, aws: &SdkConfig) -> Option<Jobs> {
        url.map(|url| Arc::new(Self::new(url, aws)) as Jobs)
    }

    async fn send_all(&self, jobs: &[Job]) -> Vec<usize> {
        let mut failed: BTreeSet<usize> = (0..jobs.len()).collect();
        let sends = stream::iter(batches(jobs)).map(|batch| self.send_batch(jobs, batch));
        let mut sent = std::pin::pin!(sends.buffer_unordered(AT_ONCE));
        let taking = async {
            while let Some(indexes) = sent.next().await {
                for index in indexes {
                    failed.remove(&index);
                }
            }
        };
        if timeout(PATIENCE, taking).await.is_err() {
            warn!(jobs = failed.len(), "Could not queue jobs in time");
        }
        failed.into_iter().collect()
    }

    /// The jobs that the queue has taken.
    async fn send_batch(&self, jobs: &[Job], batch: Range<usize>) -> Vec<usize> {
        let entries: Result<Vec<_>, _> = batch.map(|index| entry(index, &jobs[index])).collect();
        let Ok(entries) = entries else { return Vec::new() };
        let post = || {
            let request = self.client.send_message_batch().queue_url(&*self.url).set_entries(Some(entries.clone()));
            // Its type is too deep for the compiler inside of others.
            Box::pin(request.send())
        };
        let outcome = match post().await {
            // A pooled socket that died while the environment was frozen. A job that comes twice does no harm.
            Err(error) if is_connection_error(&error) => post().await,
            outcome => outcome,
        };
        match outcome {
            Ok(sent) => {
                for failure in &sent.failed {
                    warn!(code = failure.code, "Could not queue a job");
                }
                sent.successful.iter().filter_map(|entry| entry.id.parse().ok()).collect()
            }
            Err(error) => {
                warn!("Could not queue jobs: {}", DisplayErrorContext(&error));
                Vec::new()
            }
        }
    }
}

impl Queue for Sqs {
    fn send<'a>(&'a self, jobs: &'a [Job]) -> BoxFuture<'a, Vec<usize>> {
        Box::pin(self.send_all(jobs))
    }

    fn warm_up(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // No jobs at all are refused, and the socket stays open. A handshake takes longer than a send may.
            let request = self.client.send_message_batch().queue_url(&*self.url).set_entries(Some(Vec::new()));
            drop(timeout(WARM_UP, Box::pin(request.send())).await);
        })
    }
}

/// Jobs in a row that fit in one request. A job that is too large is alone in its own, which SQS refuses.
fn batches(jobs: &[Job]) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (index, job) in jobs.iter().enumerate() {
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_JOBS && bytes + job.body.len() <= MOST_BYTES => batch.end = index + 1,
            Some(_) | None => {
                bytes = 0;
                batches.push(index..index + 1);
            }
        }
        bytes += job.body.len();
    }
    batches
}

fn entry(index: usize, Job { body, delay, group }: &Job) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(body)
        .delay_seconds(i32::try_from(seconds.min(LONGEST_DELAY)).unwrap_or_default())
        .set_message_group_id(group.clone())
        .build()
}

/// Whether no answer came since the connection failed, and not since the time was over.
fn is_connection_error<E>(error: &SdkError<E>) -> bool {
    // The client calls it transient, not I/O, if a connection ends in order while a request is under way.
    matches!(error, SdkError::DispatchFailure(failure) if failure.is_io() || failure.as_other().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::config::{Credentials, Region, SharedCredentialsProvider};
    use proptest::{collection::vec, prelude::*};
    use serde_json::{Value, json};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    fn job(body: &str) -> Job {
        Job { body: body.to_owned(), delay: Duration::from_millis(1_500), group: Some("group:7".to_owned()) }
    }

    /// A queue whose server is this test.
    async fn queue() -> (TcpListener, Sqs) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let keys = SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test"));
        let aws = SdkConfig::builder()
            .region(Region::new("us-east-1"))
            .credentials_provider(keys)
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
            .build();
        (listener, Sqs::new("http://sqs/1/jobs", &aws))
    }

    /// A connection on which a whole request has arrived, and its body.
    async fn request(listener: &TcpListener) -> (TcpStream, Value) {
        let (mut stream, _) = listener.accept().await.unwrap();
        let body = read_request(&mut stream).await;
        (stream, body)
    }

    async fn read_request(stream: &mut TcpStream) -> Value {
        let mut read = Vec::new();
        loop {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
            let text = std::str::from_utf8(&read).unwrap();
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str(body)
            {
                assert!(head.contains("x-amz-target: AmazonSQS.SendMessageBatch"), "{head}");
                return body;
            }
        }
    }

    async fn answer(stream: &mut TcpStream, body: &Value) {
        let (body, length) = (body.to_string(), body.to_string().len());
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}");
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
    }

    #[tokio::test]
    async fn jobs_that_the_queue_refused_are_named() {
        let (listener, queue) = queue().await;
        let server = async {
            let (mut stream, body) = request(&listener).await;
            let failed = json!({ "Id": "1", "SenderFault": true, "Code": "InvalidMessageContents" });
            // md5("a")
            let taken = json!({ "Id": "0", "MessageId": "m", "MD5OfMessageBody": "0cc175b9c0f1b6a831c399e269772661" });
            answer(&mut stream, &json!({ "Successful": [taken], "Failed": [failed] })).await;
            body
        };

        let jobs = [job("a"), job("b")];
        let (failed, body) = tokio::join!(queue.send(&jobs), server);

        assert_eq!(failed, [1]);
        let entry = |id, text| json!({ "Id": id, "MessageBody": text, "DelaySeconds": 2, "MessageGroupId": "group:7" });
        assert_eq!(body, json!({ "QueueUrl": "http://sqs/1/jobs", "Entries": [entry("0", "a"), entry("1", "b")] }));
    }

    #[tokio::test]
    async fn send_is_repeated_where_its_connection_ends_without_an_answer() {
        let (listener, queue) = queue().await;
        let server = async {
            let (mut first, _) = request(&listener).await;
            first.shutdown().await.unwrap();
            let (mut second, _) = request(&listener).await;
            let taken = json!({ "Id": "0", "MessageId": "m", "MD5OfMessageBody": "0cc175b9c0f1b6a831c399e269772661" });
            answer(&mut second, &json!({ "Successful": [taken], "Failed": [] })).await;
        };

        let jobs = [job("a")];
        let (failed, ()) = tokio::join!(queue.send(&jobs), server);

        assert!(failed.is_empty());
    }

    #[tokio::test]
    async fn warm_up_opens_the_connection_that_a_send_takes() {
        let (listener, queue) = queue().await;
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let taken = json!({ "Id": "0", "MessageId": "m", "MD5OfMessageBody": "0cc175b9c0f1b6a831c399e269772661" });
            for successful in [json!([]), json!([taken])] {
                read_request(&mut stream).await;
                answer(&mut stream, &json!({ "Successful": successful, "Failed": [] })).await;
            }
        };
        let client = async {
            queue.warm_up().await;
            queue.send(&[job("a")]).await
        };

        let both = timeout(Duration::from_secs(5), async { tokio::join!(client, server) });

        assert!(both.await.unwrap().0.is_empty());
    }

    #[tokio::test]
    async fn silent_queue_costs_its_time_and_no_more() {
        let (listener, queue) = queue().await;
        let jobs: Vec<_> = (0..25).map(|n| job(&n.to_string())).collect();

        let waited = timeout(Duration::from_secs(2), queue.send(&jobs)).await;

        assert_eq!(waited.unwrap(), (0..25).collect::<Vec<_>>());
        drop(listener);
    }

    proptest! {
        #[test]
        fn every_job_is_in_one_request_that_sqs_takes(sizes in vec(0..MOST_BYTES, 0..40)) {
            let jobs: Vec<_> = sizes.iter().map(|&size| job(&"x".repeat(size))).collect();
            let batches = batches(&jobs);
            for batch in &batches {
                prop_assert!(batch.len() <= MOST_JOBS);
                prop_assert!(sizes[batch.clone()].iter().sum::<usize>() <= MOST_BYTES);
            }
            prop_assert_eq!(batches.into_iter().flatten().collect::<Vec<_>>(), (0..jobs.len()).collect::<Vec<_>>());
        }
    }
}
