use std::time::{Duration, Instant};

use gateway::{AfterResponse, Delay, InvocationRecord, Outcome, Rules, Span};
use serde_json::{Value, json};

use crate::{Local, eventually, is_alive};

/// The state of a process as the kernel has it: `T` is stopped.
fn is_frozen(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

impl Local {
    async fn pid(&self, path: &str) -> u32 {
        let (status, answer) = self.get(path).await;
        assert_eq!(status, 200, "{answer}");
        u32::try_from(answer["pid"].as_u64().unwrap()).unwrap()
    }

    fn record(&self, index: usize) -> InvocationRecord {
        self.gateway.records()[index].clone()
    }

    /// What the environment did after its response.
    async fn after_response(&self, index: usize) -> AfterResponse {
        eventually("the end of the after-work", || self.record(index).after_response).await
    }

    fn has_line(&self, text: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(text))
    }
}

#[tokio::test]
async fn answer_arrives_while_the_after_work_continues() {
    let local = Local::start().await;

    assert_eq!(local.get("/after?after=sleep&ms=1200").await.0, 200);

    assert!(!local.has_line("after-work ends"));
    assert_eq!(local.record(0).after_response, None);
    local.line("after-work ends").await;
    let after = local.after_response(0).await;
    assert_eq!(after.outcome, Outcome::Success);
    assert!(after.total_ms >= 1200.0 && local.record(0).duration_ms < after.total_ms - 1000.0, "{after:?}");
    local.gateway.stop().await;
}

#[tokio::test]
async fn environment_takes_no_event_before_its_after_work_ends() {
    let local = Local::start().await;

    let first = local.pid("/after?after=sleep&ms=1500").await;
    let second = local.pid("/after?after=none").await;
    assert!(!local.has_line("after-work ends"));
    assert_ne!(first, second);
    local.after_response(0).await;
    let third = local.pid("/after?after=none").await;

    assert_eq!(third, first, "the most recently used environment");
    local.gateway.stop().await;
}

#[tokio::test]
async fn next_event_waits_a_moment_for_an_environment_that_has_responded() {
    let local = Local::start().await;

    let mut pids = Vec::new();
    for _ in 0..50 {
        pids.push(local.pid("/echo/1").await);
    }

    pids.dedup();
    assert_eq!(pids.len(), 1);
    local.gateway.stop().await;
}

#[tokio::test]
async fn after_work_over_the_timeout_is_killed_and_its_answer_stays() {
    let local = Local::start().await;

    let pid = local.pid("/after?after=sleep&ms=60000").await;
    let after = local.after_response(0).await;

    assert_eq!((local.record(0).outcome, after.outcome), (Outcome::Success, Outcome::Timeout));
    assert!(after.total_ms >= 2000.0, "{after:?}");
    local.line("Task timed out after 2.00 seconds (after the response)").await;
    eventually("the end of the process", || (!is_alive(pid)).then_some(())).await;
    assert_ne!(local.pid("/after?after=none").await, pid);
    local.gateway.stop().await;
}

#[tokio::test]
async fn crash_during_the_after_work_does_not_change_the_answer() {
    let local = Local::start().await;

    let pid = local.pid("/after?after=crash").await;
    let after = local.after_response(0).await;

    assert_eq!((local.record(0).outcome, after.outcome), (Outcome::Success, Outcome::Crash));
    assert_ne!(local.pid("/after?after=none").await, pid);
    local.gateway.stop().await;
}

#[tokio::test]
async fn environment_is_frozen_between_invocations_only() {
    let local = Local::start().await;

    let pid = local.pid("/after?after=sleep&ms=1000").await;
    local.line("after-work begins").await;
    assert!(!is_frozen(pid));
    eventually("the freeze", || is_frozen(pid).then_some(())).await;

    assert!(local.has_line("after-work ends"));
    assert_eq!(local.pid("/after?after=none").await, pid);
    local.gateway.stop().await;
}

#[tokio::test]
async fn fault_kills_an_environment_after_its_response() {
    let local = Local::start().await;
    let kill_after_response = Delay::always(Span::default());
    local.gateway.faults().function("after", Rules { kill_after_response, ..Rules::default() });

    let first = local.pid("/after?after=sleep&ms=500").await;
    let after = local.after_response(0).await;
    let second = local.pid("/after?after=none").await;

    assert_eq!((local.record(0).outcome, after.outcome), (Outcome::Success, Outcome::Crash));
    assert!(!local.has_line("after-work ends"));
    assert_ne!(first, second);
    local.gateway.stop().await;
}

#[tokio::test]
async fn fault_stops_an_environment_after_its_response() {
    let local = Local::start().await;
    let (stop_after_response, stopped_for) = (Delay::always(Span::default()), Span::millis(1000..=1000));
    local.gateway.faults().function("after", Rules { stop_after_response, stopped_for, ..Rules::default() });
    let begun = Instant::now();

    let pid = local.pid("/after?after=none").await;
    let answered = begun.elapsed();
    let after = local.after_response(0).await;
    local.gateway.faults().clear();

    assert!(answered + Duration::from_millis(900) < begun.elapsed());
    assert_eq!(after.outcome, Outcome::Success);
    assert_eq!(local.pid("/after?after=none").await, pid, "it continued");
    local.gateway.stop().await;
}

#[tokio::test]
async fn fault_cuts_the_connections_of_a_frozen_environment() {
    let local = Local::start().await;
    let faults = local.gateway.faults().clone();
    let hold = async || local.gateway.invoke("frames", json!({"do": "hold"})).await.unwrap()["body"].clone();

    assert_eq!(hold().await, "opened");
    let pid = local.gateway.pids()[0];
    eventually("the freeze", || is_frozen(pid).then_some(())).await;
    faults.function("frames", Rules { cut_frozen: Delay::always(Span::default()), ..Rules::default() });
    assert_eq!(hold().await, "open");
    eventually("the cut", || (faults.connections_cut() > 0).then_some(())).await;

    assert_eq!(hold().await, "ended");
    assert_eq!(local.gateway.pids(), [pid], "the Runtime API was spared");
    local.gateway.stop().await;
}

#[tokio::test]
async fn fault_after_the_response_spares_an_environment_that_waits() {
    let local = Local::start().await;
    let kill_after_response = Delay::always(Span::millis(300..=300));
    local.gateway.faults().function("echo", Rules { kill_after_response, ..Rules::default() });

    let pid = local.pid("/echo/1").await;
    tokio::time::sleep(Duration::from_millis(600)).await;

    assert!(is_alive(pid));
    local.gateway.stop().await;
}

#[tokio::test]
async fn extensions_api_refuses_what_aws_refuses() {
    let local = Local::start().await;
    let ask = async |request: Value| {
        let mut request = request;
        request["do"] = json!("extension");
        let answer = local.gateway.invoke("echo", request).await.unwrap();
        serde_json::from_str::<Value>(answer["body"].as_str().unwrap()).unwrap()
    };
    let register = |name: &str, body: &str| json!({"path": "register", "name": name, "body": body});

    let closed = ask(register("late", r#"{"events": ["INVOKE"]}"#)).await;
    assert_eq!(closed, json!([403, "Extension.RegistrationClosed"]));
    let shutdown = ask(register("late", r#"{"events": ["INVOKE", "SHUTDOWN"]}"#)).await;
    assert_eq!(shutdown, json!([403, "Extension.InvalidEventType"]));
    let malformed = ask(register("late", "events")).await;
    assert_eq!(malformed, json!([403, "InvalidRequestFormat"]));
    let nameless = ask(register("", r#"{"events": []}"#)).await;
    assert_eq!(nameless, json!([403, "Extension.InvalidExtensionName"]));
    let unknown = ask(json!({"path": "event/next", "id": "nobody"})).await;
    assert_eq!(unknown, json!([403, "Extension.UnknownExtensionIdentifier"]));
    local.gateway.stop().await;
}
