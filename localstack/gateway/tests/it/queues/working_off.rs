//! Functions behind queues, and what may go wrong there.

use std::time::{Duration, Instant};

use aws_sdk_sqs::config::Credentials;
use gateway::{Delay, Limits, QueueRules, Rules, Span};
use serde_json::{Value, json};

use super::{SPEED, client_with, code, entry, queues};
use crate::{Local, eventually};

#[tokio::test]
async fn role_decides_which_queues_a_function_may_use() {
    let local = Local::with_queues(1).await;
    local.queue("jobs").send("env").await;
    let line = local.line("env: ").await;
    let [id, secret, token, endpoint] = line.trim_start_matches("worker: env: ").split(' ').collect::<Vec<_>>()[..]
    else {
        panic!("{line}")
    };
    assert_eq!(endpoint, local.gateway.urls().sqs);
    let keys = Credentials::new(id, secret, Some(token.to_owned()), None, "test");
    let worker = client_with(endpoint, keys);
    let url = |name: &str| local.queue(name).url;
    let denied = "AccessDeniedException".to_owned();

    assert_eq!(code(worker.send_message().queue_url(url("plain")).message_body("1").send().await), "taken");
    let batch = worker.send_message_batch().queue_url(url("plain")).entries(entry("a", "2"));
    assert_eq!(code(batch.send().await), "taken");
    assert_eq!(code(worker.receive_message().queue_url(url("plain")).send().await), denied);
    assert_eq!(code(worker.purge_queue().queue_url(url("plain")).send().await), denied);
    for name in ["jobs", "nobody"] {
        assert_eq!(code(worker.send_message().queue_url(url(name)).message_body("3").send().await), denied, "{name}");
    }
    let wrong = client_with(endpoint, Credentials::new("local", "wrong", None, None, "test"));
    let refused = wrong.send_message().queue_url(url("plain")).message_body("4").send().await;
    assert_eq!(code(refused), "InvalidSignatureException");
    assert_eq!(local.gateway.queue("Plain").unwrap().available, 2);
    local.gateway.stop().await;
}

#[tokio::test]
async fn function_gets_batches_in_the_form_of_lambda() {
    let local = Local::with_queues(1).await;
    let jobs = local.queue("jobs");
    let send = jobs.client.send_message().queue_url(&jobs.url).message_body("hello").message_group_id("group:7");
    let id = send.send().await.unwrap().message_id.unwrap();

    let line = local.line("worker: batch: ").await;

    let mut event: Value = serde_json::from_str(line.trim_start_matches("worker: batch: ")).unwrap();
    let record = event["Records"][0].as_object_mut().unwrap();
    assert!(record.remove("receiptHandle").unwrap().is_string());
    let attributes = record.remove("attributes").unwrap();
    assert_eq!(
        (&attributes["ApproximateReceiveCount"], &attributes["MessageGroupId"]),
        (&json!("1"), &json!("group:7"))
    );
    assert!(attributes["SentTimestamp"].as_str().unwrap().parse::<i64>().is_ok());
    let expected = json!({
        "messageId": id,
        "body": "hello",
        "messageAttributes": {},
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:jobs",
        "awsRegion": "us-east-1",
    });
    assert_eq!(event, json!({ "Records": [expected] }));
    local.is_empty("jobs").await;
    local.gateway.stop().await;
}

#[tokio::test]
async fn message_that_a_function_names_comes_again_alone_and_then_is_dead() {
    let local = Local::with_queues(SPEED).await;
    let jobs = local.queue("jobs");
    let send = jobs.client.send_message_batch().queue_url(&jobs.url);
    send.entries(entry("a", "good")).entries(entry("b", "fail")).send().await.unwrap();

    local.is_empty("jobs").await;

    let seen = local.batches("worker").concat();
    assert_eq!(seen.iter().filter(|body| *body == "good").count(), 1, "{seen:?}");
    assert_eq!(seen.iter().filter(|body| *body == "fail").count(), 2, "{seen:?}");
    let dead = local.gateway.queue("DeadJobs").unwrap();
    assert_eq!(dead.messages.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["fail"]);
    local.gateway.stop().await;
}

#[tokio::test]
async fn error_of_a_function_fails_the_whole_batch() {
    let local = Local::with_queues(SPEED).await;
    let batches = local.queue("batches");
    let send = batches.client.send_message_batch().queue_url(&batches.url);
    send.entries(entry("a", "good")).entries(entry("b", "fail all")).send().await.unwrap();

    local.is_empty("batches").await;

    assert_eq!(local.batches("batcher").len(), 2);
    assert_eq!(local.gateway.queue("DeadJobs").unwrap().available, 2);
    local.gateway.stop().await;
}

#[tokio::test]
async fn batch_fills_while_its_window_is_open() {
    let local = Local::with_queues(SPEED).await;
    let batches = local.queue("batches");
    for n in 0..30 {
        batches.send(&n.to_string()).await;
    }

    local.is_empty("batches").await;

    // Each of them was sent alone; they were received and deleted by tens.
    let requests = local.gateway.traffic().queue_requests;
    assert!((30 + 2 * 3..30 + 2 * 30).contains(&requests), "{requests}");
    let sizes: Vec<_> = local.batches("batcher").iter().map(Vec::len).collect();
    assert_eq!((sizes.iter().sum::<usize>(), sizes.iter().max()), (30, Some(&25)), "{sizes:?}");
    local.gateway.stop().await;
}

#[tokio::test]
async fn function_has_no_more_batches_at_once_than_the_template_allows() {
    let local = Local::with_queues(1).await;
    let jobs = local.queue("jobs");
    for _ in 0..4 {
        jobs.send("sleep").await;
        // Apart, so that each is a batch of its own.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }

    local.is_empty("jobs").await;

    assert_eq!(local.gateway.pids().len(), 2);
    local.gateway.stop().await;
}

#[tokio::test]
async fn fault_loses_doubles_delays_and_reorders_messages() {
    let local = Local::with_queues(1).await;
    let plain = local.queue("plain");
    let faults = local.gateway.faults();
    let bodies = || -> Vec<String> {
        local.gateway.queue("plain").unwrap().messages.into_iter().map(|message| message.body).collect()
    };

    faults.queue("plain", QueueRules { drop: 1.0, ..QueueRules::default() });
    plain.send("lost").await;
    assert!(bodies().is_empty());
    faults.queue("plain", QueueRules { duplicate: 1.0, ..QueueRules::default() });
    plain.send("twice").await;
    assert_eq!(plain.drain().await, ["twice", "twice"]);
    faults.queue("plain", QueueRules { delay: Delay::always(Span::millis(500..=500)), ..QueueRules::default() });
    plain.send("late").await;
    assert_eq!(local.gateway.queue("plain").unwrap().delayed, 1);
    assert_eq!(plain.drain().await, ["late"]);
    faults.queue("plain", QueueRules { reorder: 1.0, ..QueueRules::default() });
    plain.send("first").await;
    faults.clear();
    plain.send("second").await;
    assert_eq!(plain.drain().await, ["second", "first"]);
    local.gateway.stop().await;
}

#[tokio::test]
async fn batch_whose_answer_is_lost_comes_again() {
    let local = Local::with_queues(SPEED).await;
    local.gateway.faults().function("worker", Rules { lose_answer: 1.0, ..Rules::default() });
    local.queue("jobs").send("good").await;

    eventually("the first time", || (local.batches("worker").len() == 1).then_some(())).await;
    local.gateway.faults().clear();
    local.is_empty("jobs").await;

    assert_eq!(local.batches("worker"), [["good"], ["good"]]);
    assert!(local.gateway.queue("DeadJobs").unwrap().messages.is_empty());
    local.gateway.stop().await;
}

#[tokio::test]
async fn functions_work_off_queues_of_a_localstack() {
    let Ok(endpoint) = std::env::var("TEST_LOCALSTACK_URL") else {
        println!("NOT CHECKED: TEST_LOCALSTACK_URL names no LocalStack");
        return;
    };
    let local = Local::over(&queues(), Some(endpoint.clone()), Limits::default(), None).await;
    let secrets = crate::secrets::client_with(&endpoint, Credentials::new("test", "test", None, None, "test"));
    let secret = secrets.get_secret_value().secret_id(crate::SECRET.0).send().await.unwrap();
    assert_eq!(secret.secret_string(), Some(crate::SECRET.1));
    assert_eq!(local.gateway.urls().sqs, endpoint);
    let jobs = local.queue("jobs");

    jobs.send("hello").await;

    eventually("a batch", || local.batches("worker").concat().contains(&"hello".to_owned()).then_some(())).await;
    let begun = Instant::now();
    while jobs.counts().await != [0, 0, 0] {
        assert!(begun.elapsed() < crate::PATIENCE, "the message was not deleted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    local.gateway.stop().await;
}
