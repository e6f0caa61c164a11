//! SQS, as the real client asks for it.

mod conformance;
mod working_off;

use std::path::{Path, PathBuf};

use aws_sdk_sqs::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    types::{
        Message, MessageSystemAttributeName as Attribute, QueueAttributeName, SendMessageBatchRequestEntry as SendEntry,
    },
};
use gateway::Limits;
use serde_json::Value;

use crate::{Local, eventually};

/// What the queues' times are divided by, where a test waits for them.
const SPEED: u32 = 15;

fn queues() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/queues.yaml")
}

fn client_with(endpoint: &str, keys: Credentials) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(keys)
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}

/// Every refusal, by its code.
fn code<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> String {
    match answer {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.code().unwrap_or_default().to_owned(),
    }
}

/// A queue of either.
struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    async fn send(&self, body: &str) -> String {
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await.unwrap();
        sent.message_id().unwrap().to_owned()
    }

    async fn receive(&self, wait: i32) -> Vec<Message> {
        let receive = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let receive = receive.wait_time_seconds(wait).message_system_attribute_names(Attribute::All);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    /// The bodies of all that is there, received and deleted.
    async fn drain(&self) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let messages = self.receive(1).await;
            if messages.is_empty() {
                return bodies;
            }
            for message in messages {
                self.delete(&message).await;
                bodies.push(message.body.unwrap());
            }
        }
    }

    async fn delete(&self, message: &Message) {
        let handle = message.receipt_handle().unwrap();
        self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await.unwrap();
    }

    async fn counts(&self) -> [i32; 3] {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let asked = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(QueueAttributeName::All);
        let attributes = asked.send().await.unwrap().attributes.unwrap();
        names.map(|name| attributes[&name].parse().unwrap())
    }
}

fn of<'m>(message: &'m Message, attribute: &Attribute) -> &'m str {
    &message.attributes().unwrap()[attribute]
}

fn entry(id: &str, body: &str) -> SendEntry {
    SendEntry::builder().id(id).message_body(body).build().unwrap()
}

impl Local {
    async fn with_queues(speed: u32) -> Self {
        Self::over(&queues(), None, Limits { queue_speed: speed, ..Limits::default() }, None).await
    }

    /// A queue of the template, as the account's owner sees it.
    fn queue(&self, name: &str) -> Queue {
        let client = client_with(&self.gateway.urls().sqs, Credentials::new("local", "local", None, None, "test"));
        Queue { client, url: format!("https://sqs.us-east-1.amazonaws.com/123456789012/{name}") }
    }

    /// The batches that a function has seen, each the bodies of its messages.
    fn batches(&self, function: &str) -> Vec<Vec<String>> {
        let prefix = format!("{function}: batch: ");
        let lines = self.lines.lock().unwrap();
        let events = lines.iter().filter_map(|line| line.strip_prefix(&prefix));
        let bodies = events.map(|event| {
            let event: Value = serde_json::from_str(event).unwrap();
            let records = event["Records"].as_array().unwrap().iter();
            records.map(|record| record["body"].as_str().unwrap().to_owned()).collect()
        });
        bodies.collect()
    }

    async fn is_empty(&self, queue: &str) {
        let is_empty = || self.gateway.queue(queue).unwrap().messages.is_empty().then_some(());
        eventually("an empty queue", is_empty).await;
    }
}
