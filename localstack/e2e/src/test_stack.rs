use crate::{Api, Person};
use futures_util::FutureExt as _;
use gateway::{Faults, SentMail};
use providers::{Providers, Record};
use serde_json::{Value, json};
use stack::{Options, Stack};
use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, LazyLock, Mutex as Lock},
    time::Duration,
};
use tokio::{
    runtime::Runtime,
    sync::Mutex,
    time::{Instant, sleep},
};

/// A running stack, as journeys use it.
#[derive(Debug)]
pub struct TestStack {
    stack: Stack,
    lines: Lines,
    mails: Arc<Lock<Vec<SentMail>>>,
}

/// Every line that a function logged, after the function's name.
type Lines = Arc<Lock<Vec<String>>>;

/// How long a mail may take: longer than a minute, after which the schedule sends what its request could not.
const PATIENCE: Duration = Duration::from_secs(90);

/// One runtime for all journeys of a process, because a shared stack outlives the first of them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// The stack that journeys share, and how many of them are running.
static SHARED: Mutex<Option<(Arc<TestStack>, usize)>> = Mutex::const_new(None);

/// Runs a journey in the shared stack, which limits nobody, because everyone has the same IP address.
pub fn journey(steps: impl AsyncFnOnce(&TestStack)) {
    RUNTIME.block_on(async {
        let stack = enter().await;
        let outcome = AssertUnwindSafe(steps(&stack)).catch_unwind().await;
        leave(stack).await;
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

/// Runs a journey in a stack of its own; returns every line that its functions logged.
pub fn journey_in(options: Options, steps: impl AsyncFnOnce(&TestStack)) -> Vec<String> {
    RUNTIME.block_on(async {
        let stack = TestStack::start(options).await;
        let outcome = AssertUnwindSafe(steps(&stack)).catch_unwind().await;
        let lines = Arc::clone(&stack.lines);
        stack.stack.stop().await;
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
        std::mem::take(&mut *lines.lock().expect("no poison"))
    })
}

async fn enter() -> Arc<TestStack> {
    let mut shared = SHARED.lock().await;
    let (stack, users) = match shared.take() {
        Some(running) => running,
        None => (Arc::new(TestStack::start(Options::for_test().without_limits()).await), 0),
    };
    *shared = Some((Arc::clone(&stack), users + 1));
    stack
}

async fn leave(stack: Arc<TestStack>) {
    drop(stack);
    let mut shared = SHARED.lock().await;
    *shared = match shared.take() {
        Some((stack, 1)) => {
            if let Some(last) = Arc::into_inner(stack) {
                last.stack.stop().await;
            }
            None
        }
        other => other.map(|(stack, users)| (stack, users - 1)),
    };
}

impl TestStack {
    async fn start(mut options: Options) -> Self {
        let lines = Lines::default();
        let (kept, shown) = (Arc::clone(&lines), options.logs);
        options.logs = Arc::new(move |function, line| {
            shown(function, line);
            if let Ok(mut kept) = kept.lock() {
                kept.push(format!("{function}: {line}"));
            }
        });
        let mails = Arc::<Lock<Vec<SentMail>>>::default();
        let kept = Arc::clone(&mails);
        options.mails = Some(Arc::new(move |mail| kept.lock().expect("no poison").push(mail)));
        Self { stack: Stack::start(options).await.expect("the stack starts"), lines, mails }
    }

    /// The API as someone without an account uses it.
    pub fn api(&self) -> Api {
        Api(client::Api::new(&self.stack.urls().http))
    }

    /// A new person whose username begins with this, logged in on one device.
    pub async fn register(&self, name: &str) -> Person {
        Person::register(&self.api(), name).await
    }

    /// Two people and their room.
    pub async fn pair(&self) -> (Person, Person, i64) {
        let (one, other) = tokio::join!(self.register("minji"), self.register("junho"));
        let room = one.room_with(&other).await;
        (one, other, room)
    }

    /// The HTTP API.
    pub fn http_url(&self) -> &str {
        &self.stack.urls().http
    }

    /// The URL of the WebSocket API.
    pub fn socket_url(&self) -> &str {
        &self.stack.urls().ws
    }

    /// The MySQL database.
    pub fn mysql_url(&self) -> &str {
        self.stack.mysql_url()
    }

    /// The MongoDB database.
    pub fn mongo_url(&self) -> &str {
        self.stack.mongo_url()
    }

    /// The key that signs access tokens.
    pub fn secret_key(&self) -> &str {
        self.setting("SECRET_KEY")
    }

    /// A setting of the functions, also one that they read from Secrets Manager.
    pub fn setting(&self, name: &str) -> &str {
        &self.stack.environment()[name]
    }

    /// The newest mail to an address whose link leads to a page of the app; waits until there is one that is not among `seen`.
    pub async fn mail(&self, address: &str, page: &str, seen: &[SentMail]) -> SentMail {
        let begun = Instant::now();
        loop {
            let mails = self.mails.lock().expect("no poison").clone();
            let wanted = |mail: &SentMail| mail.to == [address] && mail.text.contains(&format!("/{page}#token="));
            if let Some(mail) = mails.into_iter().rev().find(|mail| wanted(mail) && !seen.contains(mail)) {
                return mail;
            }
            assert!(begun.elapsed() < PATIENCE, "no mail to {address} for {page}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The stand-ins of push services: browsers and devices, what they were sent, and what shall go wrong.
    pub fn providers(&self) -> &Providers {
        self.stack.providers()
    }

    /// The notifications that the services took for a device's token or a browser, in order; waits until there are so many.
    pub async fn pushes(&self, target: &str, count: usize) -> Vec<Record> {
        let begun = Instant::now();
        loop {
            let mut records = self.providers().records(0);
            records.retain(|record| record.target == target && record.is_taken());
            if records.len() >= count {
                return records;
            }
            assert!(begun.elapsed() < PATIENCE, "{} of {count} notifications to {target}", records.len());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs `relay` now; returns its report, or the error.
    pub async fn relay(&self) -> Result<Value, String> {
        self.stack.gateway().invoke("relay", json!({})).await.map_err(|error| format!("{error:#}"))
    }

    /// Rebuilds what MongoDB knows; returns the report of each invocation.
    pub async fn rebuild(&self) -> Vec<Value> {
        self.stack.rebuild().await.expect("MongoDB is rebuilt")
    }

    /// The faults to inject.
    pub fn faults(&self) -> &Faults {
        self.stack.gateway().faults()
    }
}
