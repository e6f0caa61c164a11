//! The protocol of SQS that its SDKs speak: AWS JSON 1.0.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header::CONTENT_TYPE, request::Parts};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use md5::{Digest, Md5};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json, json};

use super::{Queue, Queues, Receipt, Received, Unchanged};
use crate::{
    iam::{Denied, Iam},
    server::{Answer, Reset, Respond, Whole, json as json_answer},
};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// The error's code in the older protocol, which SDKs show.
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// More than the largest batch in JSON.
const LARGEST: usize = 2 * 1024 * 1024;

/// The most entries and bytes of a batch.
const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 262_144;

/// Every operation of one queue that is answered.
const OPERATIONS: [&str; 10] = [
    "SendMessage",
    "SendMessageBatch",
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "GetQueueAttributes",
    "GetQueueUrl",
    "PurgeQueue",
];

const LONGEST_DELAY: i64 = 900;
const LONGEST_WAIT: i64 = 20;
const LONGEST_VISIBILITY: i64 = 43_200;

/// The listener of SQS.
pub(crate) struct QueueDoor {
    queues: Queues,
    iam: Arc<Iam>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendMessage {
    #[expect(dead_code, reason = "read before the rest")]
    queue_url: String,
    message_body: String,
    delay_seconds: Option<i64>,
    message_group_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Batch<E> {
    #[expect(dead_code, reason = "read before the rest")]
    queue_url: String,
    entries: Vec<E>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendEntry {
    id: String,
    message_body: String,
    delay_seconds: Option<i64>,
    message_group_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ReceiveMessage {
    #[expect(dead_code, reason = "read before the rest")]
    queue_url: String,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteMessage {
    #[expect(dead_code, reason = "read before the rest")]
    queue_url: String,
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteEntry {
    id: String,
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ChangeVisibility {
    #[expect(dead_code, reason = "read before the rest")]
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ChangeEntry {
    id: String,
    receipt_handle: String,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetQueueAttributes {
    #[expect(dead_code, reason = "read before the rest")]
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

/// An entry of any batch.
trait Entry {
    fn id(&self) -> &str;
}

impl Entry for SendEntry {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Entry for DeleteEntry {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Entry for ChangeEntry {
    fn id(&self) -> &str {
        &self.id
    }
}

impl QueueDoor {
    pub(crate) fn new(queues: Queues, iam: Arc<Iam>) -> Self {
        Self { queues, iam }
    }

    async fn answer(&self, request: &Parts, body: &[u8]) -> Result<Json, Denied> {
        let target = request.headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
        let operation = target.strip_prefix("AmazonSQS.").unwrap_or_default();
        let unsupported = || Denied::new("UnsupportedOperation", format!("unsupported operation `{target}`"));
        if request.method != Method::POST {
            return Err(unsupported());
        }
        let caller = self.iam.caller(request, body, "sqs")?;
        if operation == "ListQueues" {
            caller.must_be_allowed("sqs:ListQueues", &template::queue_arn("*"))?;
            return Ok(json!({ "QueueUrls": self.queues.urls() }));
        }
        if !OPERATIONS.contains(&operation) {
            return Err(unsupported());
        }
        let named: Json = read(body)?;
        // `https://host/account/name`, whatever the host: the endpoint is set apart from it.
        let name = match operation {
            "GetQueueUrl" => named["QueueName"].as_str(),
            _ => named["QueueUrl"].as_str().map(|url| url.rsplit('/').next().unwrap_or(url)),
        };
        let name = name.ok_or_else(|| missing("QueueUrl"))?;
        let action = format!("sqs:{}", operation.trim_end_matches("Batch"));
        caller.must_be_allowed(&action, &template::queue_arn(name))?;
        let queue = self.queues.named(name);
        let queue = queue.ok_or_else(|| Denied::new("QueueDoesNotExist", "The specified queue does not exist."))?;
        queue.meter.queue_requests(1);
        match operation {
            "SendMessage" => {
                let SendMessage { message_body, delay_seconds, message_group_id, .. } = read(body)?;
                send(queue, &message_body, delay_seconds, message_group_id.as_deref())
            }
            "SendMessageBatch" => {
                let batch: Batch<SendEntry> = read(body)?;
                if batch.entries.iter().map(|entry| entry.message_body.len()).sum::<usize>() > MOST_BYTES {
                    let text = format!("Batch requests cannot be longer than {MOST_BYTES} bytes.");
                    return Err(Denied::new("BatchRequestTooLong", text));
                }
                each(&batch, |entry| {
                    send(queue, &entry.message_body, entry.delay_seconds, entry.message_group_id.as_deref())
                })
            }
            "ReceiveMessage" => receive(queue, read(body)?).await,
            "DeleteMessage" => {
                let DeleteMessage { receipt_handle, .. } = read(body)?;
                delete(queue, &receipt_handle)
            }
            "DeleteMessageBatch" => {
                each(&read::<Batch<DeleteEntry>>(body)?, |entry| delete(queue, &entry.receipt_handle))
            }
            "ChangeMessageVisibility" => {
                let ChangeVisibility { receipt_handle, visibility_timeout, .. } = read(body)?;
                change(queue, &receipt_handle, visibility_timeout)
            }
            "ChangeMessageVisibilityBatch" => each(&read::<Batch<ChangeEntry>>(body)?, |entry| {
                let visibility = entry.visibility_timeout.ok_or_else(|| missing("VisibilityTimeout"))?;
                change(queue, &entry.receipt_handle, visibility)
            }),
            "GetQueueAttributes" => attributes(queue, read(body)?),
            "GetQueueUrl" => Ok(json!({ "QueueUrl": queue.definition.url })),
            "PurgeQueue" => {
                queue.messages().clear();
                Ok(json!({}))
            }
            _ => Err(unsupported()),
        }
    }
}

impl Respond for QueueDoor {
    type Body = Whole;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, _: SocketAddr) -> Result<Answer, Reset> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(|_| Reset)?.to_bytes();
        let mut answer = match self.answer(&head, &body).await {
            Ok(answer) => json_answer(StatusCode::OK, &answer),
            Err(denied) => refusal(&denied),
        };
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
        Ok(answer)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Denied> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        // Of what SQS knows some is left out here, never silently.
        let kind =
            if text.contains("unknown field") { "UnsupportedOperation" } else { "InvalidParameterValueException" };
        Denied::new(kind, text)
    })
}

fn send(queue: &Queue, body: &str, delay: Option<i64>, group: Option<&str>) -> Result<Json, Denied> {
    if body.is_empty() {
        return Err(missing("MessageBody"));
    }
    let largest = queue.definition.largest;
    if body.len() > largest {
        let text = format!("One or more parameters are invalid. Reason: Message must be shorter than {largest} bytes.");
        return Err(invalid(text));
    }
    if !body.chars().all(is_allowed) {
        let text = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
        return Err(Denied::new("InvalidMessageContents", text));
    }
    let delay = delay.map(|delay| seconds("DelaySeconds", delay, LONGEST_DELAY)).transpose()?;
    if let Some(group) = group
        && !((1..=128).contains(&group.len()) && group.chars().all(|letter| letter.is_ascii_graphic()))
    {
        return Err(invalid(format!("Value {group} for parameter MessageGroupId is invalid.")));
    }
    let id = queue.send(body, group, delay);
    Ok(json!({ "MessageId": id, "MD5OfMessageBody": md5(body) }))
}

async fn receive(queue: &Queue, request: ReceiveMessage) -> Result<Json, Denied> {
    let most = request.max_number_of_messages.unwrap_or(1);
    let most = usize::try_from(most).ok().filter(|most| (1..=MOST_ENTRIES).contains(most));
    let most = most.ok_or_else(|| {
        invalid("Value for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.")
    })?;
    let limited = |name, value: Option<i64>, most| value.map(|value| seconds(name, value, most)).transpose();
    let visibility = limited("VisibilityTimeout", request.visibility_timeout, LONGEST_VISIBILITY)?;
    let wait = limited("WaitTimeSeconds", request.wait_time_seconds, LONGEST_WAIT)?.unwrap_or(queue.definition.wait);
    let wanted = [request.attribute_names, request.message_system_attribute_names].concat();
    let received = queue.receive(most, visibility, wait).await;
    if received.is_empty() {
        return Ok(json!({}));
    }
    let messages: Vec<Json> = received.iter().map(|received| message(queue, received, &wanted)).collect();
    Ok(json!({ "Messages": messages }))
}

fn message(queue: &Queue, received: &Received, wanted: &[String]) -> Json {
    let mut message = json!({
        "MessageId": received.draft.id,
        "ReceiptHandle": received.receipt.handle(&queue.definition.name),
        "MD5OfBody": md5(&received.draft.body),
        "Body": received.draft.body,
    });
    let attributes = selected(system_attributes(received), wanted);
    if !attributes.is_empty() {
        message["Attributes"] = Json::Object(attributes);
    }
    message
}

/// The system attributes of a message, for consumers and functions.
pub(super) fn system_attributes(received: &Received) -> Vec<(&'static str, String)> {
    let draft = &received.draft;
    [
        ("ApproximateReceiveCount", Some(received.times.to_string())),
        ("SentTimestamp", Some(draft.sent_at.to_string())),
        ("SenderId", Some("AIDALOCAL".to_owned())),
        ("ApproximateFirstReceiveTimestamp", Some(received.first_at.to_string())),
        ("MessageGroupId", draft.group.clone()),
        ("DeadLetterQueueSourceArn", draft.source.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

fn selected(attributes: Vec<(&'static str, String)>, wanted: &[String]) -> Map<String, Json> {
    let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted == "All" || wanted == name);
    let selected = attributes.into_iter().filter(|(name, _)| is_wanted(name));
    selected.map(|(name, value)| (name.to_owned(), Json::String(value))).collect()
}

fn receipt(queue: &Queue, handle: &str) -> Result<Receipt, Denied> {
    Receipt::parse(handle, &queue.definition.name).ok_or_else(|| {
        let text = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
        Denied::new("ReceiptHandleIsInvalid", text)
    })
}

fn delete(queue: &Queue, handle: &str) -> Result<Json, Denied> {
    queue.delete(receipt(queue, handle)?);
    Ok(json!({}))
}

fn change(queue: &Queue, handle: &str, visibility: i64) -> Result<Json, Denied> {
    let receipt = receipt(queue, handle)?;
    let visibility = seconds("VisibilityTimeout", visibility, LONGEST_VISIBILITY)?;
    queue.change(receipt, visibility).map(|()| json!({})).map_err(|unchanged| match unchanged {
        Unchanged::NotInFlight => Denied::new("MessageNotInflight", "The message is not in flight."),
        Unchanged::Unknown => invalid(format!(
            "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."
        )),
    })
}

fn attributes(queue: &Queue, request: GetQueueAttributes) -> Result<Json, Denied> {
    let (status, definition) = (queue.status(), &queue.definition);
    let redrive = definition.redrive.as_ref().map(|redrive| {
        json!({ "deadLetterTargetArn": redrive.target, "maxReceiveCount": redrive.receives }).to_string()
    });
    let known = [
        ("ApproximateNumberOfMessages", Some(status.available.to_string())),
        ("ApproximateNumberOfMessagesNotVisible", Some(status.in_flight.to_string())),
        ("ApproximateNumberOfMessagesDelayed", Some(status.delayed.to_string())),
        ("CreatedTimestamp", Some(queue.created_at.to_string())),
        ("LastModifiedTimestamp", Some(queue.created_at.to_string())),
        ("DelaySeconds", Some(definition.delay.as_secs().to_string())),
        ("MaximumMessageSize", Some(definition.largest.to_string())),
        ("MessageRetentionPeriod", Some(definition.retention.as_secs().to_string())),
        ("QueueArn", Some(queue.arn.clone())),
        ("ReceiveMessageWaitTimeSeconds", Some(definition.wait.as_secs().to_string())),
        ("RedrivePolicy", redrive),
        ("VisibilityTimeout", Some(definition.visibility.as_secs().to_string())),
    ];
    let wanted = request.attribute_names;
    if let Some(unknown) = wanted.iter().find(|name| *name != "All" && !known.iter().any(|(known, _)| known == name)) {
        return Err(Denied::new("InvalidAttributeName", format!("Unknown Attribute {unknown}.")));
    }
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    Ok(json!({ "Attributes": selected(known, &wanted) }))
}

/// Does each entry of a batch by itself.
fn each<E: Entry>(batch: &Batch<E>, act: impl Fn(&E) -> Result<Json, Denied>) -> Result<Json, Denied> {
    let entries = &batch.entries;
    match entries.len() {
        0 => return Err(Denied::new("EmptyBatchRequest", "There should be at least one entry in the request.")),
        1..=MOST_ENTRIES => {}
        many => {
            let text = format!("Maximum number of entries per request are {MOST_ENTRIES}. You have sent {many}.");
            return Err(Denied::new("TooManyEntriesInBatchRequest", text));
        }
    }
    let is_id = |id: &str| {
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        (1..=80).contains(&id.len()) && id.chars().all(is_allowed)
    };
    if !entries.iter().all(|entry| is_id(entry.id())) {
        let text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
        return Err(Denied::new("InvalidBatchEntryId", text));
    }
    if entries.iter().map(Entry::id).collect::<BTreeSet<_>>().len() < entries.len() {
        return Err(Denied::new(
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        ));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match act(entry) {
            Ok(mut done) => {
                done["Id"] = entry.id().into();
                successful.push(done);
            }
            Err(Denied { kind, message }) => failed
                .push(json!({ "Id": entry.id(), "SenderFault": true, "Code": query_code(kind), "Message": message })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

fn is_allowed(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

fn seconds(name: &str, value: i64, most: i64) -> Result<Duration, Denied> {
    let value = u64::try_from(value).ok().filter(|_| value <= most).ok_or_else(|| {
        let text = format!("Value {value} for parameter {name} is invalid. Reason: Must be >= 0 and <= {most}.");
        invalid(text)
    })?;
    Ok(Duration::from_secs(value))
}

fn invalid(text: impl Into<String>) -> Denied {
    Denied::new("InvalidParameterValueException", text)
}

fn missing(parameter: &str) -> Denied {
    let text = format!("The request must contain the parameter {parameter}.");
    Denied::new("MissingRequiredParameterException", text)
}

pub(super) fn md5(text: &str) -> String {
    hex::encode(Md5::digest(text))
}

/// The error's code in the older protocol.
fn query_code(kind: &str) -> String {
    match kind {
        "InvalidParameterValueException" => "InvalidParameterValue".to_owned(),
        "MissingRequiredParameterException" => "MissingParameter".to_owned(),
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "EmptyBatchRequest"
        | "InvalidBatchEntryId"
        | "MessageNotInflight"
        | "TooManyEntriesInBatchRequest"
        | "UnsupportedOperation" => format!("AWS.SimpleQueueService.{kind}"),
        other => other.to_owned(),
    }
}

fn refusal(Denied { kind, message }: &Denied) -> Answer {
    let status = match *kind {
        "AccessDeniedException"
        | "IncompleteSignatureException"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut answer = json_answer(status, &json!({ "__type": format!("com.amazonaws.sqs#{kind}"), "message": message }));
    if let Ok(code) = HeaderValue::from_str(&format!("{};Sender", query_code(kind))) {
        answer.headers_mut().insert(QUERY_ERROR, code);
    }
    answer
}
