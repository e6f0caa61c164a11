//! Cold and warm times of each function, as the gateway sees them.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::Result;
use client::{Api, Method, Person, message};
use gateway::{CpuShares, summarize};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use stack::{Options, Progress, Scratch, Stack};
use template::Template;

/// Warm calls of each route in a round.
const WARM: usize = 30;

/// A job of the function behind a queue; it is long past its time.
const FANOUT: &str = include_str!("../../events/fanout.json");

/// Measures every function, cold once in each round.
pub(crate) async fn measure(binaries: PathBuf, rounds: u32, progress: &Progress) -> Result<()> {
    let scratch = Scratch::new()?;
    let mut options = Options::for_command(&scratch, binaries, progress);
    match CpuShares::probe() {
        Ok(shares) => options.cpu_shares = Some(shares),
        Err(error) => progress.say(&format!("! every function gets whole cores: {error:#}")),
    }
    let stack = Stack::start(options).await?;
    let measured = measure_stack(&stack, rounds, progress).await;
    stack.stop().await;
    measured
}

async fn measure_stack(stack: &Stack, rounds: u32, progress: &Progress) -> Result<()> {
    let api = Api::new(&stack.urls().http);
    let people =
        [Person::enter(&api, "anna", "anna's password").await?, Person::enter(&api, "bora", "bora's password").await?];
    let room = people[0].room_with(people[1].id).await?;
    for round in 1..=rounds {
        let step = progress.step(&format!("round {round} of {rounds}"));
        end_environments(stack).await;
        for turn in 0..=WARM {
            step.at(&format!("call {turn} of each route"));
            touch_every_route(stack, &people, room).await?;
        }
        step.done(&format!("round {round} of {rounds}"));
    }
    let memory = memory_sizes()?;
    println!("\ntimes in ms; init includes starting the process, total includes the work after the response\n");
    println!(
        "{:<14} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "function", "MB", "init", "first", "worst", "warm p50", "warm p99", "total p50"
    );
    for (function, summary) in summarize(&stack.gateway().records()) {
        let (first, worst) = summary.cold.unzip();
        let (warm, slow) = summary.warm.unzip();
        let times = [summary.init.unzip().0, first, worst, warm, slow, summary.total.unzip().0];
        let times = times.map(|time| time.map_or("-".to_owned(), |time| format!("{time:.1}")));
        let size = memory.get(&function).map_or("-".to_owned(), u32::to_string);
        println!("{function:<14} {size:>6} {}", times.map(|time| format!("{time:>9}")).join(" "));
    }
    Ok(())
}

/// The `MemorySize` of each function, in MB.
pub(crate) fn memory_sizes() -> Result<BTreeMap<String, u32>> {
    let template = Template::load(&stack::root().join("template.yaml"), &BTreeMap::new())?;
    Ok(template.functions.into_iter().map(|function| (function.name, function.memory)).collect())
}

/// Kills every environment, so that the next invocation of each function is cold.
async fn end_environments(stack: &Stack) {
    for pid in stack.gateway().pids() {
        let _ = i32::try_from(pid).map(|pid| kill(Pid::from_raw(pid), Signal::SIGKILL));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// One call of each function that clients reach.
async fn touch_every_route(stack: &Stack, [one, other]: &[Person; 2], room: i64) -> Result<()> {
    let sent = message(room, "안녕하세요");
    let nobodys = json!({ "items": [{ "user_id": other.id, "id": "0".repeat(32) }] });
    let calls: [(Method, String, Option<&Value>); 17] = [
        (Method::POST, "/messages".to_owned(), Some(&sent)),
        (Method::GET, format!("/messages/{room}"), None),
        (Method::GET, format!("/messages/sync?room_id={room}&after_rev=0"), None),
        (Method::GET, "/messages/unread".to_owned(), None),
        (Method::GET, format!("/chat-rooms/{room}"), None),
        (Method::GET, "/chat-rooms".to_owned(), None),
        (Method::GET, "/group-rooms".to_owned(), None),
        (Method::GET, "/notifications/settings".to_owned(), None),
        (Method::POST, "/files/links".to_owned(), Some(&nobodys)),
        (Method::GET, "/users/me".to_owned(), None),
        (Method::GET, "/users/search?q=an".to_owned(), None),
        (Method::GET, "/friends".to_owned(), None),
        (Method::GET, "/blocks".to_owned(), None),
        (Method::GET, "/auth/sessions".to_owned(), None),
        (Method::GET, "/health".to_owned(), None),
        (Method::GET, "/health/ready".to_owned(), None),
        (Method::GET, "/openapi.json".to_owned(), None),
    ];
    for (method, path, body) in calls {
        other.api.call(method, &path, body).await?.expect(&[200, 201])?;
    }
    let (socket, _) = one.connect(json!({})).await?;
    socket.close().await?;
    stack.gateway().invoke("fanout", serde_json::from_str(FANOUT)?).await?;
    for function in ["inspect", "relay", "send-mail", "sweep-files"] {
        stack.gateway().invoke(function, json!({})).await?;
    }
    Ok(())
}
