use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use gateway::{Limits, Rules, summarize};
use serde_json::Value;

use crate::{Local, eventually};

/// The period of every schedule here.
const PERIOD: Duration = Duration::from_millis(50);

async fn start() -> Local {
    Local::with(Limits { schedule: Some(PERIOD), ..Limits::default() }).await
}

impl Local {
    /// The scheduled events that `ticker` has seen.
    fn ticks(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        let events = lines.iter().filter_map(|line| line.strip_prefix("ticker: event: "));
        events.map(|event| serde_json::from_str(event).unwrap()).collect()
    }

    async fn invoked(&self, function: &str, times: usize) {
        let what = format!("invocation {times} of `{function}`");
        eventually(&what, || (self.count(function) >= times).then_some(())).await;
    }
}

#[tokio::test]
async fn schedule_invokes_its_function_periodically() {
    let begun = Instant::now();
    let local = start().await;

    let ticks = eventually("three events", || Some(local.ticks()).filter(|ticks| ticks.len() >= 3)).await;

    assert!(begun.elapsed() >= 3 * PERIOD, "the first comes after a period");
    for tick in &ticks {
        assert_eq!(tick["detail-type"], "Scheduled Event");
        assert_eq!(tick["resources"][0], "arn:aws:events:us-east-1:123456789012:rule/TickerEveryMinute");
    }
    assert_ne!(ticks[0]["id"], ticks[1]["id"]);
    local.gateway.stop().await;
}

#[tokio::test]
async fn disabled_schedule_does_not_run() {
    let local = start().await;

    // It has the same period as the one that runs.
    let ticks = eventually("three events", || Some(local.ticks()).filter(|ticks| ticks.len() >= 3)).await;

    assert!(ticks.iter().all(|tick| !tick["resources"][0].as_str().unwrap().ends_with("/never")));
    local.gateway.stop().await;
}

#[tokio::test]
async fn input_replaces_the_event_and_a_failure_is_logged() {
    let local = start().await;

    local.invoked("complainer", 2).await;

    assert!(local.line("asked to fail").await.starts_with("complainer: "));
    assert_eq!(summarize(&local.gateway.records())["complainer"].cold_starts, 1);
    local.gateway.stop().await;
}

#[tokio::test]
async fn schedule_waits_for_its_previous_invocation() {
    let local = start().await;

    local.invoked("sleeper", 3).await;

    let summary = &summarize(&local.gateway.records())["sleeper"];
    assert_eq!((summary.cold_starts, summary.failures), (1, 0), "two at once would need two environments");
    local.gateway.stop().await;
}

#[tokio::test]
async fn rate_of_the_template_is_the_default() {
    let local = Local::start().await;

    local.get("/echo/1").await;

    assert_eq!(local.gateway.records().len(), 1, "the shortest rate is a minute");
    local.gateway.stop().await;
}

#[tokio::test]
async fn fault_duplicates_a_scheduled_event() {
    let local = start().await;

    local.gateway.faults().function("ticker", Rules { duplicate: 1.0, ..Rules::default() });

    eventually("an event that came twice", || {
        let ticks = local.ticks();
        let twice = |id: &Value| ticks.iter().filter(|tick| tick["id"] == *id).count() == 2;
        ticks.iter().any(|tick| twice(&tick["id"])).then_some(())
    })
    .await;
    local.gateway.stop().await;
}

#[tokio::test]
async fn schedules_end_with_the_gateway() {
    // Whoever could still invoke a function holds the function's log.
    let alone = async |lines: &Arc<_>| {
        eventually("the end of the schedules", || (Arc::strong_count(lines) == 1).then_some(())).await;
    };

    let local = start().await;
    local.invoked("ticker", 1).await;
    local.gateway.stop().await;
    alone(&local.lines).await;

    let local = start().await;
    local.invoked("ticker", 1).await;
    drop(local.gateway);
    alone(&local.lines).await;
}
