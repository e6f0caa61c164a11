//! A `LocalStack` that takes the place of the stand-ins of SQS and Secrets Manager.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use template::{ACCOUNT, Queue, REGION};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long a request may take beyond what it waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The access key of the account that functions with keys of a real form belong to there.
const FUNCTIONS: &str = "test";

/// Its API.
#[derive(Debug)]
pub(crate) struct LocalStack {
    /// `host:port`.
    address: String,
}

impl LocalStack {
    /// The one at this URL, with the template's queues and these secrets in it.
    pub(crate) async fn prepare(url: &str, queues: &[Queue], secrets: &BTreeMap<String, String>) -> Result<Arc<Self>> {
        let address = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let address =
            address.filter(|address| !address.contains('/')).context("it has a URL like http://127.0.0.1:4566")?;
        let there = Self { address: address.to_owned() };
        for (name, text) in secrets {
            there.put_secret(name, text).await.with_context(|| format!("cannot create the secret {name}"))?;
        }
        // Queues that others name as their dead-letter queue first.
        let (with, without): (Vec<_>, Vec<_>) = queues.iter().partition(|queue| queue.redrive.is_some());
        for queue in without.into_iter().chain(with) {
            there.put_queue(queue).await.with_context(|| format!("cannot create the queue {}", queue.name))?;
        }
        Ok(Arc::new(there))
    }

    async fn put_secret(&self, name: &str, text: &str) -> Result<()> {
        let token = crate::ids::uuid();
        let create = json!({ "Name": name, "SecretString": text, "ClientRequestToken": token });
        match self.ask("secretsmanager", "secretsmanager.CreateSecret", FUNCTIONS, &create).await? {
            Ok(_) => Ok(()),
            Err(error) if error.contains("ResourceExistsException") => {
                let change = json!({ "SecretId": name, "SecretString": text, "ClientRequestToken": token });
                let changed = self.ask("secretsmanager", "secretsmanager.PutSecretValue", FUNCTIONS, &change).await?;
                changed.map(drop).map_err(anyhow::Error::msg)
            }
            Err(error) => bail!(error),
        }
    }

    /// Creates a queue. A queue of an earlier run is recreated, since its settings may differ.
    async fn put_queue(&self, queue: &Queue) -> Result<()> {
        let mut attributes = BTreeMap::from([
            ("DelaySeconds", queue.delay.as_secs().to_string()),
            ("MaximumMessageSize", queue.largest.to_string()),
            ("MessageRetentionPeriod", queue.retention.as_secs().to_string()),
            ("ReceiveMessageWaitTimeSeconds", queue.wait.as_secs().to_string()),
            ("VisibilityTimeout", queue.visibility.as_secs().to_string()),
        ]);
        if let Some(redrive) = &queue.redrive {
            let policy = json!({ "deadLetterTargetArn": redrive.target, "maxReceiveCount": redrive.receives });
            attributes.insert("RedrivePolicy", policy.to_string());
        }
        let create = json!({ "QueueName": queue.name, "Attributes": attributes });
        match self.sqs("CreateQueue", &create).await? {
            Ok(_) => Ok(()),
            Err(error) if error.contains("QueueNameExists") || error.contains("QueueAlreadyExists") => {
                let change = json!({ "QueueUrl": queue.url, "Attributes": attributes });
                self.sqs("SetQueueAttributes", &change).await?.map(drop).map_err(anyhow::Error::msg)
            }
            Err(error) => bail!(error),
        }
    }

    /// Waits for messages of a queue.
    pub(super) async fn receive(&self, url: &str, most: usize, wait: Duration) -> Result<Vec<Json>> {
        // The protocol knows whole seconds alone.
        let seconds = wait.as_secs();
        if seconds == 0 {
            sleep(wait).await;
        }
        let request = json!({
            "QueueUrl": url,
            "MaxNumberOfMessages": most,
            "WaitTimeSeconds": seconds,
            "MessageSystemAttributeNames": ["All"],
        });
        let mut answer = self.sqs("ReceiveMessage", &request).await?.map_err(anyhow::Error::msg)?;
        Ok(match answer["Messages"].take() {
            Json::Array(messages) => messages,
            _ => Vec::new(),
        })
    }

    /// Deletes a message of a queue.
    pub(super) async fn delete(&self, url: &str, receipt: &str) -> Result<()> {
        let request = json!({ "QueueUrl": url, "ReceiptHandle": receipt });
        self.sqs("DeleteMessage", &request).await?.map(drop).map_err(anyhow::Error::msg)
    }

    async fn sqs(&self, operation: &str, body: &Json) -> Result<Result<Json, String>> {
        self.ask("sqs", &format!("AmazonSQS.{operation}"), ACCOUNT, body).await
    }

    /// The answer or the refusal. `LocalStack` takes the account from the access key and checks no signature.
    async fn ask(&self, service: &str, target: &str, key: &str, body: &Json) -> Result<Result<Json, String>> {
        let wait = Duration::from_secs(body["WaitTimeSeconds"].as_u64().unwrap_or_default());
        let exchange = async {
            let stream = TcpStream::connect(&self.address).await?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            let connection = tokio::spawn(connection);
            let credential = format!("Credential={key}/20260101/{REGION}/{service}/aws4_request");
            let request = Request::post("/")
                .header(header::HOST, &self.address)
                .header(
                    header::CONTENT_TYPE,
                    if service == "sqs" { "application/x-amz-json-1.0" } else { "application/x-amz-json-1.1" },
                )
                .header("x-amz-target", target)
                .header(
                    header::AUTHORIZATION,
                    format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"),
                )
                .body(Full::new(Bytes::from(body.to_string())))?;
            let answer = sender.send_request(request).await?;
            let is_success = answer.status().is_success();
            let body = answer.into_body().collect().await?.to_bytes();
            connection.abort();
            let text = String::from_utf8_lossy(&body);
            if !is_success {
                return Ok(Err(text.into_owned()));
            }
            Ok(Ok(if text.is_empty() { Json::Null } else { serde_json::from_str(&text)? }))
        };
        timeout(wait + PATIENCE, exchange).await.with_context(|| format!("{} does not answer", self.address))?
    }
}
