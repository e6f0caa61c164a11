use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use gateway::{Limits, Outcome, summarize};
use serde_json::{Value, json};

use crate::{Local, echo, eventually, is_alive, sample};

#[tokio::test]
async fn idle_environment_is_reused_and_a_busy_one_is_not() {
    let local = Local::start().await;

    let first = local.get("/echo/1").await.1["pid"].clone();
    assert_eq!(local.get("/echo/2").await.1["pid"], first);
    let (one, other) = tokio::join!(local.get("/echo/1?do=sleep&ms=1000"), local.get("/echo/2?do=sleep&ms=1000"));
    assert_ne!(one.1["pid"], other.1["pid"]);

    let summary = &summarize(&local.gateway.records())["echo"];
    assert_eq!((summary.invocations, summary.cold_starts, summary.failures), (4, 2, 0));
    local.gateway.stop().await;
}

#[tokio::test]
async fn requests_of_one_client_meet_both_versions_in_turn() {
    let local = Local::beside(&["echo"]).await;
    let folder = async |path: &str| local.get(path).await.1["LAMBDA_TASK_ROOT"].as_str().unwrap().to_owned();
    let new = local.binaries.path().canonicalize().unwrap().to_string_lossy().into_owned();

    let mut are_new = Vec::new();
    for _ in 0..6 {
        are_new.push(folder("/echo/1?do=env").await == new);
    }

    assert_eq!(are_new, [true, false, true, false, true, false]);
    // There is no older version of this one.
    for _ in 0..2 {
        assert_eq!(folder("/single?do=env").await, new);
    }
    local.gateway.stop().await;
}

#[tokio::test]
async fn more_requests_than_environments_are_throttled() {
    let local = Local::start().await;

    let (one, other) = tokio::join!(local.get("/single?do=sleep&ms=1000"), local.get("/single?do=sleep&ms=1000"));

    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503]);
    local.gateway.stop().await;
}

#[tokio::test]
async fn timed_out_function_is_killed_and_replaced() {
    let local = Local::start().await;

    let first = local.get("/quick").await.1["pid"].clone();
    let failed = (500, json!({"message": "Internal Server Error"}));
    assert_eq!(local.get("/quick?do=sleep&ms=60000").await, failed);
    let next = local.get("/quick").await;

    assert_eq!(next.0, 200);
    assert_ne!(next.1["pid"], first);
    assert_eq!(local.gateway.records()[1].outcome, Outcome::Timeout);
    local.gateway.stop().await;
}

#[tokio::test]
async fn http_api_times_out_before_a_slow_function() {
    let local = Local::with(Limits { http_timeout: Duration::from_millis(200), ..Limits::default() }).await;

    let unavailable = (503, json!({"message": "Service Unavailable"}));
    assert_eq!(local.get("/echo/1?do=sleep&ms=1000").await, unavailable);

    let outcome = eventually("the function's own end", || local.gateway.records().pop()).await.outcome;
    assert_eq!(outcome, Outcome::Success);
    local.gateway.stop().await;
}

#[tokio::test]
async fn crash_and_function_error_answer_500() {
    let local = Local::start().await;
    let failed = (500, json!({"message": "Internal Server Error"}));

    let first = local.get("/echo/1").await.1["pid"].clone();
    assert_eq!(local.get("/echo/1?do=fail").await, failed);
    assert_eq!(local.get("/echo/1").await.1["pid"], first, "an error does not end the environment");
    assert_eq!(local.get("/echo/1?do=crash").await, failed);
    assert_ne!(local.get("/echo/1").await.1["pid"], first);
    assert_eq!(local.get("/echo/1?do=big").await, failed);

    let outcomes: Vec<_> = local.gateway.records().iter().map(|record| record.outcome).collect();
    let expected = [
        Outcome::Success,
        Outcome::FunctionError,
        Outcome::Success,
        Outcome::Crash,
        Outcome::Success,
        Outcome::TooLarge,
    ];
    assert_eq!(outcomes, expected);
    local.gateway.stop().await;
}

#[tokio::test]
async fn failed_or_hanging_init_is_an_error() {
    let limits = Limits { init: Duration::from_millis(500), ..Limits::default() };
    let local = Local::with(limits).await;

    assert_eq!(local.get("/crasher").await.0, 500);
    let error = local.gateway.invoke("hanger", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("the init took longer"), "{error}");

    let outcomes: Vec<_> = local.gateway.records().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::InitError, Outcome::InitError]);
    local.gateway.stop().await;
}

#[tokio::test]
async fn invoke_passes_json_and_reports_function_errors() {
    let local = Local::start().await;

    assert_eq!(local.gateway.invoke("echo", json!({"do": "bare"})).await.unwrap(), json!({"bare": true}));
    let error = local.gateway.invoke("echo", json!({"do": "fail"})).await.unwrap_err();
    assert!(error.to_string().contains("asked to fail"), "{error}");
    assert!(local.gateway.invoke("nobody", json!({})).await.unwrap_err().to_string().contains("no function `nobody`"));
    local.gateway.stop().await;
}

#[tokio::test]
async fn function_sees_only_the_environment_of_lambda() {
    let local = Local::start().await;

    let (_, environment) = local.get("/echo/1?do=env").await;

    let variables: Vec<&str> = environment.as_object().unwrap().keys().map(String::as_str).collect();
    // The trace id is set by the runtime library itself.
    let lambda = |name: &str| name.starts_with("AWS_") || name.starts_with("LAMBDA_") || name == "_X_AMZN_TRACE_ID";
    let others: Vec<_> = variables.into_iter().filter(|name| !lambda(name)).collect();
    let ours =
        ["CONNECTIONS_URL", "DEBUG", "KEY", "KEY_SECRET_ARN", "LANG", "MONGO_URL", "OWN", "PATH", "TZ", "_HANDLER"];
    assert_eq!(others, ours, "a value replaces its secret");
    assert_eq!(environment["MONGO_URL"], "mongodb://here");
    assert_eq!(environment["KEY_SECRET_ARN"], gateway::secret_arn(crate::SECRET.0));
    assert_eq!(environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"], local.gateway.urls().secrets.as_str());
    assert_eq!(environment["OWN"], "a-c-d");
    assert_eq!(environment["DEBUG"], "true");
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_NAME"], "local-echo");
    local.gateway.stop().await;
}

#[tokio::test]
async fn log_lines_carry_the_function_name() {
    let local = Local::start().await;

    local.get("/echo/1").await;

    assert_eq!(local.line("init done").await, "echo: init done");
    local.gateway.stop().await;
}

#[tokio::test]
async fn no_process_is_left_after_stop_or_drop() {
    let pid = async |local: &Local| {
        let answer: Value = local.get("/echo/1").await.1;
        u32::try_from(answer["pid"].as_u64().unwrap()).unwrap()
    };

    let local = Local::start().await;
    let stopped = pid(&local).await;
    assert!(is_alive(stopped));
    assert_eq!(local.gateway.pids(), [stopped]);
    local.gateway.stop().await;
    assert!(!is_alive(stopped));

    let local = Local::start().await;
    let dropped = pid(&local).await;
    drop(local);
    eventually("the end of the process", || (!is_alive(dropped)).then_some(())).await;
}

#[tokio::test]
async fn processes_end_with_a_killed_gateway() {
    // With `setpriv` the kernel ends them; without it, the runtime library does as its connection breaks.
    for path in [std::env::var("PATH").unwrap().as_str(), ""] {
        let host = echo().with_file_name("host");
        let mut host =
            Command::new(host).arg(sample()).arg(echo()).env("PATH", path).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pid: u32 = line.trim().parse().unwrap();
        assert!(is_alive(pid));

        host.kill().unwrap();
        host.wait().unwrap();

        eventually("the end of the process", || (!is_alive(pid)).then_some(())).await;
    }
}
