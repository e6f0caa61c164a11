//! Our stand-in and, where one runs, `LocalStack` answer alike.

use std::time::{Duration, Instant};

use aws_sdk_sqs::{
    config::Credentials,
    error::ProvideErrorMetadata,
    types::{
        ChangeMessageVisibilityBatchRequestEntry as ChangeEntry, DeleteMessageBatchRequestEntry as DeleteEntry,
        MessageSystemAttributeName as Attribute, QueueAttributeName, SendMessageBatchRequestEntry as SendEntry,
    },
};
use serde_json::{Value, json};

use super::{Queue, client_with, code, entry, of};
use crate::Local;

/// The queues `plain`, `plain-dead` and `slow` of the template.
struct Three {
    plain: Queue,
    dead: Queue,
    slow: Queue,
}

async fn messages_travel_as_sqs_promises(Three { plain, .. }: &Three) {
    let id = plain.send("안녕 \u{1f600}").await;
    assert_eq!(plain.counts().await, [1, 0, 0]);
    let [message] = &plain.receive(1).await[..] else { panic!("one message") };
    assert_eq!((message.message_id(), message.body()), (Some(&*id), Some("안녕 \u{1f600}")));
    assert_eq!(of(message, &Attribute::ApproximateReceiveCount), "1");
    assert!(of(message, &Attribute::SentTimestamp) <= of(message, &Attribute::ApproximateFirstReceiveTimestamp));
    assert_eq!(plain.counts().await, [0, 1, 0]);
    assert!(plain.receive(0).await.is_empty(), "in flight");
    plain.delete(message).await;
    plain.delete(message).await;
    assert_eq!(plain.counts().await, [0, 0, 0]);
}

async fn md5_is_that_of_the_body(Three { plain, .. }: &Three) {
    let sent = plain.client.send_message().queue_url(&plain.url).message_body("a").send().await.unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("0cc175b9c0f1b6a831c399e269772661"));
    assert_eq!(plain.receive(1).await[0].md5_of_body(), sent.md5_of_message_body());
    plain.client.purge_queue().queue_url(&plain.url).send().await.unwrap();
    assert_eq!(plain.counts().await, [0, 0, 0]);
}

async fn message_that_is_not_deleted_comes_again_and_ends_in_the_dead_letter_queue(queues: &Three) {
    let Three { plain, dead, .. } = queues;
    plain.send("poison").await;
    let first = &plain.receive(1).await[0];
    let second = &plain.receive(3).await[0];
    assert_eq!(of(second, &Attribute::ApproximateReceiveCount), "2");
    assert_ne!(first.receipt_handle(), second.receipt_handle());
    assert!(plain.receive(2).await.is_empty(), "twice is enough");
    let [lost] = &dead.receive(1).await[..] else { panic!("one message") };
    assert_eq!((lost.body(), lost.message_id()), (Some("poison"), first.message_id()));
    assert_eq!(of(lost, &Attribute::ApproximateReceiveCount), "3");
    dead.delete(lost).await;
}

async fn visibility_can_be_changed(Three { plain, .. }: &Three) {
    plain.send("a").await;
    let message = &plain.receive(1).await[0];
    let change = |seconds| {
        let handle = message.receipt_handle().unwrap();
        let change = plain.client.change_message_visibility().queue_url(&plain.url).receipt_handle(handle);
        change.visibility_timeout(seconds).send()
    };
    assert_eq!(code(change(0).await), "taken");
    let again = &plain.receive(1).await[0];
    assert_eq!(again.message_id(), message.message_id());
    let handle = again.receipt_handle().unwrap();
    let longer = ChangeEntry::builder().id("a").receipt_handle(handle).visibility_timeout(60).build().unwrap();
    let changed = plain.client.change_message_visibility_batch().queue_url(&plain.url).entries(longer);
    assert_eq!(changed.send().await.unwrap().successful().len(), 1);
    assert!(plain.receive(2).await.is_empty());
    plain.delete(again).await;
}

async fn delay_is_that_of_the_message_or_of_the_queue(Three { plain, slow, .. }: &Three) {
    let begun = Instant::now();
    let delayed = plain.client.send_message().queue_url(&plain.url).message_body("a").delay_seconds(1);
    delayed.send().await.unwrap();
    slow.send("b").await;
    let hasty = slow.client.send_message().queue_url(&slow.url).message_body("c").delay_seconds(0);
    hasty.send().await.unwrap();

    assert_eq!((plain.counts().await, slow.counts().await), ([0, 0, 1], [1, 0, 1]));
    let hasty = &slow.receive(0).await[0];
    assert_eq!(hasty.body(), Some("c"));
    slow.delete(hasty).await;
    let [delayed] = &plain.receive(5).await[..] else { panic!("one message") };
    assert_eq!(delayed.body(), Some("a"));
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    plain.delete(delayed).await;
    let [slow_one] = &slow.receive(5).await[..] else { panic!("one message") };
    assert_eq!(slow_one.body(), Some("b"));
    assert!(begun.elapsed() >= Duration::from_millis(1_900), "{:?}", begun.elapsed());
    slow.client.purge_queue().queue_url(&slow.url).send().await.unwrap();
}

async fn receive_waits_for_the_next_message(Three { plain, .. }: &Three) {
    let begun = Instant::now();
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        plain.send("late").await;
    };
    let (received, ()) = tokio::join!(plain.receive(10), late);
    assert_eq!(received[0].body(), Some("late"));
    let waited = begun.elapsed();
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&waited), "{waited:?}");
    plain.delete(&received[0]).await;
}

async fn batch_answers_for_each_entry(Three { plain, .. }: &Three) {
    let send = plain.client.send_message_batch().queue_url(&plain.url);
    let answer = send.entries(entry("a", "1")).entries(entry("b", "\u{fffe}")).send().await.unwrap();
    let taken: Vec<_> = answer.successful().iter().map(|entry| (entry.id(), entry.md5_of_message_body())).collect();
    assert_eq!(taken, [("a", "c4ca4238a0b923820dcc509a6f75849b")]);
    let failed: Vec<_> = answer.failed().iter().map(|entry| (entry.id(), entry.code())).collect();
    assert_eq!(failed, [("b", "InvalidMessageContents")]);

    let handle = plain.receive(1).await[0].receipt_handle().unwrap().to_owned();
    let entry = |id: &str, handle: &str| DeleteEntry::builder().id(id).receipt_handle(handle).build().unwrap();
    let delete = plain.client.delete_message_batch().queue_url(&plain.url);
    let answer = delete.entries(entry("a", &handle)).entries(entry("b", "no handle")).send().await.unwrap();
    let [taken] = answer.successful() else { panic!("one entry") };
    let [failed] = answer.failed() else { panic!("one entry") };
    assert_eq!((taken.id(), failed.id(), failed.code()), ("a", "b", "ReceiptHandleIsInvalid"));
    assert_eq!(plain.counts().await, [0, 0, 0]);
}

async fn request_beyond_a_limit_is_refused(Three { plain, .. }: &Three) {
    let send = || plain.client.send_message().queue_url(&plain.url);
    let batch = |entries: Vec<SendEntry>| {
        plain.client.send_message_batch().queue_url(&plain.url).set_entries(Some(entries)).send()
    };
    let receive = || plain.client.receive_message().queue_url(&plain.url);
    let many = (0..11).map(|n| entry(&n.to_string(), "x")).collect();
    let full = (0..2).map(|n| entry(&n.to_string(), &"x".repeat(600_000))).collect();

    for (answer, refused) in [
        (code(send().message_body("x".repeat(1_100_000)).send().await), "InvalidParameterValue"),
        (code(send().message_body("\u{ffff}").send().await), "InvalidMessageContents"),
        (code(send().message_body("").send().await), "MissingParameter"),
        (code(batch(vec![]).await), "EmptyBatchRequest"),
        (code(batch(many).await), "TooManyEntriesInBatchRequest"),
        (code(batch(full).await), "BatchRequestTooLong"),
        (code(batch(vec![entry("a", "1"), entry("a", "2")]).await), "BatchEntryIdsNotDistinct"),
        (code(batch(vec![entry("a b", "1")]).await), "InvalidBatchEntryId"),
        (code(receive().max_number_of_messages(11).send().await), "InvalidParameterValue"),
    ] {
        assert!(answer.contains(refused), "{answer} is not {refused}");
    }
    let unknown = plain.client.delete_message().queue_url(&plain.url).receipt_handle("no handle").send().await;
    assert!(unknown.unwrap_err().into_service_error().is_receipt_handle_is_invalid());
    assert_eq!(plain.counts().await, [0, 0, 0]);
}

async fn queue_is_known_by_its_name_and_no_other_is(Three { plain, dead, .. }: &Three) {
    let name = plain.url.rsplit('/').next().unwrap();
    let found = plain.client.get_queue_url().queue_name(name).send().await.unwrap();
    assert_eq!(found.queue_url().unwrap().rsplit('/').next(), Some(name));
    let unknown = plain.client.get_queue_url().queue_name("nobody").send().await.unwrap_err();
    assert!(unknown.into_service_error().is_queue_does_not_exist());
    let nowhere = plain.url.replace(name, "nobody");
    let unknown = plain.client.send_message().queue_url(nowhere).message_body("x").send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("AWS.SimpleQueueService.NonExistentQueue"));
    assert!(unknown.into_service_error().is_queue_does_not_exist());

    let attributes = plain.client.get_queue_attributes().queue_url(&plain.url).attribute_names(QueueAttributeName::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    let text = |name| attributes[&name].as_str();
    assert_eq!(text(QueueAttributeName::VisibilityTimeout), "1");
    assert_eq!(text(QueueAttributeName::MessageRetentionPeriod), "345600");
    let policy: Value = serde_json::from_str(text(QueueAttributeName::RedrivePolicy)).unwrap();
    let target = format!("arn:aws:sqs:us-east-1:{}:{}", account(&dead.url), dead.url.rsplit('/').next().unwrap());
    assert_eq!(policy, json!({ "deadLetterTargetArn": target, "maxReceiveCount": 2 }));
}

async fn group_of_a_standard_queue_is_handed_on(Three { plain, .. }: &Three) {
    let send = plain.client.send_message().queue_url(&plain.url).message_body("a").message_group_id("group:7");
    send.send().await.unwrap();
    let message = &plain.receive(1).await[0];
    assert_eq!(of(message, &Attribute::MessageGroupId), "group:7");
    plain.delete(message).await;
}

/// Everything that ours and a real one must have in common.
async fn conforms(queues: &Three) {
    messages_travel_as_sqs_promises(queues).await;
    md5_is_that_of_the_body(queues).await;
    message_that_is_not_deleted_comes_again_and_ends_in_the_dead_letter_queue(queues).await;
    visibility_can_be_changed(queues).await;
    delay_is_that_of_the_message_or_of_the_queue(queues).await;
    receive_waits_for_the_next_message(queues).await;
    batch_answers_for_each_entry(queues).await;
    request_beyond_a_limit_is_refused(queues).await;
    queue_is_known_by_its_name_and_no_other_is(queues).await;
    group_of_a_standard_queue_is_handed_on(queues).await;
}

fn account(url: &str) -> &str {
    url.rsplit('/').nth(1).unwrap()
}

#[tokio::test]
async fn stand_in_is_a_standard_queue() {
    let local = Local::with_queues(1).await;

    let [plain, dead, slow] = ["plain", "plain-dead", "slow"].map(|name| local.queue(name));
    conforms(&Three { plain, dead, slow }).await;

    // What AWS refuses as well, and LocalStack does not.
    let plain = local.queue("plain");
    let send = |body: &str, delay| {
        plain.client.send_message().queue_url(&plain.url).message_body(body).delay_seconds(delay).send()
    };
    assert_eq!(code(send("x", 901).await), "InvalidParameterValue");
    assert_eq!(code(send(&"x".repeat(262_145), 0).await), "InvalidParameterValue", "AWS takes four times as much");
    let receive = plain.client.receive_message().queue_url(&plain.url).max_number_of_messages(0);
    assert_eq!(code(receive.send().await), "InvalidParameterValue");
    let listed = plain.client.list_queues().send().await.unwrap();
    assert!(listed.queue_urls().contains(&plain.url));
    assert_eq!(
        code(plain.client.delete_queue().queue_url(&plain.url).send().await),
        "AWS.SimpleQueueService.UnsupportedOperation"
    );
    let message = plain.client.send_message().queue_url(&plain.url).message_body("x").message_deduplication_id("1");
    assert_eq!(code(message.send().await), "AWS.SimpleQueueService.UnsupportedOperation");
    local.gateway.stop().await;
}

#[tokio::test]
async fn localstack_is_such_a_queue_too() {
    let Ok(endpoint) = std::env::var("TEST_LOCALSTACK_URL") else {
        println!("NOT CHECKED: TEST_LOCALSTACK_URL names no LocalStack");
        return;
    };
    let client = client_with(&endpoint, Credentials::new("test", "test", None, None, "test"));
    let create = async |name: &str, attributes: &[(QueueAttributeName, String)]| {
        let name = format!("{name}-{:016x}", rand::random::<u64>());
        let create = client.create_queue().queue_name(name).set_attributes(Some(attributes.iter().cloned().collect()));
        Queue { client: client.clone(), url: create.send().await.unwrap().queue_url.unwrap() }
    };
    let dead = create("dead", &[]).await;
    let target = format!("arn:aws:sqs:us-east-1:{}:{}", account(&dead.url), dead.url.rsplit('/').next().unwrap());
    let redrive = json!({ "deadLetterTargetArn": target, "maxReceiveCount": 2 }).to_string();
    let second = (QueueAttributeName::VisibilityTimeout, "1".to_owned());
    let plain = create("plain", &[second.clone(), (QueueAttributeName::RedrivePolicy, redrive)]).await;
    let slow = create("slow", &[second, (QueueAttributeName::DelaySeconds, "2".to_owned())]).await;

    conforms(&Three { plain, dead, slow }).await;
}
