use std::time::{Duration, Instant};

use gateway::{Delay, Outcome, PushRules, Rules, Span};
use serde_json::json;
use tokio_tungstenite::{connect_async, tungstenite::Error};

use crate::{Client, Local, eventually, is_alive};

const SEND: &str = r#"{"action":"send"}"#;

async fn pushed(client: &mut Client, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(client.receive().await.as_u64().unwrap());
    }
    numbers
}

#[tokio::test]
async fn events_are_dropped() {
    let local = Local::start().await;
    let mut client = local.connect().await;
    local.gateway.faults().everywhere(Rules { drop: 1.0, ..Rules::default() });

    client.send(SEND).await;
    assert_eq!(local.get("/echo/1").await.0, 503);
    assert!(
        matches!(connect_async(&local.gateway.urls().ws).await, Err(Error::Http(refused)) if refused.status() == 500)
    );
    local.gateway.faults().clear();
    client.ask(SEND).await;

    assert_eq!((local.count("echo"), local.count("frames"), local.count("connect")), (0, 1, 1));
    local.gateway.stop().await;
}

#[tokio::test]
async fn delayed_event_is_overtaken() {
    let local = Local::start().await;
    let mut client = local.connect().await;
    let delay = Delay::always(Span::exactly(Duration::from_secs(3)));
    local.gateway.faults().function("frames", Rules { delay, ..Rules::default() });
    let begun = Instant::now();

    client.send(r#"{"action":"send","n":1}"#).await;
    // The first must have arrived before the rules change.
    tokio::time::sleep(Duration::from_secs(1)).await;
    local.gateway.faults().clear();
    let second = client.ask(r#"{"action":"send","n":2}"#).await;
    let first = client.receive().await;

    assert!(second["event"]["body"].as_str().unwrap().contains("\"n\":2"));
    assert!(first["event"]["body"].as_str().unwrap().contains("\"n\":1"));
    assert!(begun.elapsed() >= Duration::from_secs(3));
    local.gateway.stop().await;
}

#[tokio::test]
async fn frames_are_duplicated() {
    let local = Local::start().await;
    let mut client = local.connect().await;
    local.gateway.faults().function("frames", Rules { duplicate: 1.0, ..Rules::default() });

    let one = client.ask(SEND).await;
    let other = client.receive().await;

    assert_eq!(one["event"], other["event"]);
    assert_eq!(local.count("frames"), 2);
    local.gateway.stop().await;
}

#[tokio::test]
async fn answers_are_lost_after_the_function_ran() {
    let local = Local::start().await;
    let mut client = local.connect().await;
    let faults = local.gateway.faults();

    faults.everywhere(Rules { lose_answer: 1.0, ..Rules::default() });
    assert!(reqwest::get(local.http("/echo/1")).await.is_err(), "the connection is reset");
    client.send(SEND).await;
    eventually("the frame's invocation", || (local.count("frames") == 1).then_some(())).await;
    faults.everywhere(Rules { fail_answer: 1.0, ..Rules::default() });
    assert_eq!(local.get("/echo/1").await, (503, json!({"message": "Service Unavailable"})));
    let answer = client.ask(SEND).await;

    assert_eq!(answer["message"], "Internal server error", "the first frame has no answer, the second a failure");
    assert_eq!((local.count("echo"), local.count("frames")), (2, 2));
    local.gateway.stop().await;
}

#[tokio::test]
async fn disconnects_are_lost() {
    let local = Local::start().await;
    local.gateway.faults().function("disconnect", Rules { lose_disconnect: 1.0, ..Rules::default() });
    let mut lost = local.connect().await;
    let id = lost.id().await;

    drop(lost);
    while local.post(&id, "x").await != 410 {}
    tokio::time::sleep(Duration::from_millis(300)).await;

    assert_eq!(local.count("disconnect"), 0);
    local.gateway.stop().await;
}

#[tokio::test]
async fn environments_are_killed_during_an_invocation() {
    let local = Local::start().await;
    let faults = local.gateway.faults().clone();

    local.get("/echo/1").await;
    faults.function("echo", Rules { kill: Delay::always(Span::millis(1..=50)), ..Rules::default() });
    assert_eq!(local.get("/echo/1?do=sleep&ms=60000").await.0, 500);
    faults.clear();

    let waiting = tokio::spawn(reqwest::get(local.http("/echo/1?do=sleep&ms=59999")));
    local.line("sleeping \"59999\"").await;
    let pid = faults.kill_one("echo").unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 500);
    eventually("the end of the process", || (!is_alive(pid)).then_some(())).await;

    assert_eq!(local.get("/echo/1").await.0, 200);
    let crashes = local.gateway.records().into_iter().filter(|record| record.outcome == Outcome::Crash);
    assert!(crashes.count() >= 1);
    local.gateway.stop().await;
}

#[tokio::test]
async fn stopped_environment_continues() {
    let local = Local::start().await;
    local.get("/echo/1").await;
    let stopped_for = Span::exactly(Duration::from_secs(2));
    local
        .gateway
        .faults()
        .function("echo", Rules { stop: Delay::always(Span::default()), stopped_for, ..Rules::default() });
    let begun = Instant::now();

    let answer = local.get("/echo/1?do=sleep&ms=1000").await;

    assert_eq!(answer.0, 200);
    assert!(begun.elapsed() >= Duration::from_secs(2));
    local.gateway.stop().await;
}

#[tokio::test]
async fn pushes_are_dropped_duplicated_delayed_and_reordered() {
    let local = Local::start().await;
    let faults = local.gateway.faults();
    let mut client = local.connect().await;
    let id = client.id().await;

    faults.pushes(PushRules { drop: 1.0, ..PushRules::default() });
    assert_eq!(local.post(&id, "1").await, 200);
    faults.pushes(PushRules { duplicate: 1.0, ..PushRules::default() });
    assert_eq!(local.post(&id, "2").await, 200);
    assert_eq!(pushed(&mut client, 2).await, [2, 2]);

    faults.pushes_to(&id, PushRules { delay: Delay::always(Span::millis(300..=300)), ..PushRules::default() });
    assert_eq!(local.post(&id, "3").await, 200);
    faults.clear();
    assert_eq!(local.post(&id, "4").await, 200);
    assert_eq!(pushed(&mut client, 2).await, [4, 3]);

    faults.pushes(PushRules { reorder: 1.0, ..PushRules::default() });
    assert_eq!(local.post(&id, "5").await, 200);
    faults.clear();
    assert_eq!(local.post(&id, "6").await, 200);
    assert_eq!(pushed(&mut client, 2).await, [6, 5]);
    local.gateway.stop().await;
}

#[tokio::test]
async fn last_held_push_is_released_after_a_moment() {
    let local = Local::start().await;
    let mut client = local.connect().await;
    let id = client.id().await;

    local.gateway.faults().pushes(PushRules { reorder: 1.0, ..PushRules::default() });
    local.post(&id, "1").await;

    assert_eq!(pushed(&mut client, 1).await, [1]);
    local.gateway.stop().await;
}

#[tokio::test]
async fn posts_to_a_live_connection_answer_410_or_429() {
    let local = Local::start().await;
    let mut client = local.connect().await;
    let id = client.id().await;

    local.gateway.faults().pushes(PushRules { gone: 1.0, ..PushRules::default() });
    assert_eq!(local.post(&id, "1").await, 410);
    local.gateway.faults().pushes(PushRules { limited: 1.0, ..PushRules::default() });
    assert_eq!(local.post(&id, "1").await, 429);
    local.gateway.faults().clear();
    assert_eq!(local.post(&id, "2").await, 200);

    assert_eq!(pushed(&mut client, 1).await, [2]);
    local.gateway.stop().await;
}
