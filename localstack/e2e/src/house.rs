use crate::{Api, Person};
use futures_util::FutureExt as _;
use gateway::Faults;
use serde_json::{Value, json};
use stack::{Options, Stack};
use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, LazyLock, Mutex as Lock},
};
use tokio::{runtime::Runtime, sync::Mutex};

/// A stack of its own and a way in.
#[derive(Debug)]
pub struct House {
    stack: Stack,
    lines: Lines,
}

/// Every line that a function logged, after the function's name.
type Lines = Arc<Lock<Vec<String>>>;

/// One runtime for all journeys of a process: a house that several share must outlive the first of them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// The house of the journeys that share one, and how many of these are under way.
static SHARED: Mutex<Option<(Arc<House>, usize)>> = Mutex::const_new(None);

/// What is limited, each by a variable of this name.
const LIMITED: [&str; 6] = ["FRAMES", "FRIEND_REQUESTS", "SEARCHES", "SENDS", "SIGN_INS", "TICKETS"];

/// A stack that limits nobody: here everyone comes from one address.
pub fn unlimited(mut options: Options) -> Options {
    let limits = LIMITED.map(|name| (format!("LIMIT_{name}"), "1000000:1000000".to_owned()));
    options.environment.extend(limits);
    options
}

/// Makes a journey in the house that all such journeys share.
pub fn journey(steps: impl AsyncFnOnce(&House)) {
    RUNTIME.block_on(async {
        let house = enter().await;
        let outcome = AssertUnwindSafe(steps(&house)).catch_unwind().await;
        leave(house).await;
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

/// Makes a journey in a house of its own; answers every line that its functions logged.
pub fn journey_in(options: Options, steps: impl AsyncFnOnce(&House)) -> Vec<String> {
    RUNTIME.block_on(async {
        let house = House::start(options).await;
        let outcome = AssertUnwindSafe(steps(&house)).catch_unwind().await;
        let lines = Arc::clone(&house.lines);
        house.stack.stop().await;
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
        std::mem::take(&mut *lines.lock().expect("no poison"))
    })
}

async fn enter() -> Arc<House> {
    let mut shared = SHARED.lock().await;
    let (house, guests) = match shared.take() {
        Some(open) => open,
        None => (Arc::new(House::start(unlimited(Options::for_test())).await), 0),
    };
    *shared = Some((Arc::clone(&house), guests + 1));
    house
}

async fn leave(house: Arc<House>) {
    drop(house);
    let mut shared = SHARED.lock().await;
    *shared = match shared.take() {
        Some((house, 1)) => {
            if let Some(house) = Arc::into_inner(house) {
                house.stack.stop().await;
            }
            None
        }
        other => other.map(|(house, guests)| (house, guests - 1)),
    };
}

impl House {
    async fn start(mut options: Options) -> Self {
        let lines = Lines::default();
        let (kept, shown) = (Arc::clone(&lines), options.logs);
        options.logs = Arc::new(move |function, line| {
            shown(function, line);
            if let Ok(mut kept) = kept.lock() {
                kept.push(format!("{function}: {line}"));
            }
        });
        Self { stack: Stack::start(options).await.expect("the stack starts"), lines }
    }

    /// The API as someone without an account uses it.
    pub fn api(&self) -> Api {
        Api::new(&self.stack.urls().http)
    }

    /// Someone new, whose username begins with this, logged in on one device.
    pub async fn register(&self, name: &str) -> Person {
        Person::register(self.api(), name).await
    }

    /// Two people and their room.
    pub async fn pair(&self) -> (Person, Person, i64) {
        let (one, other) = tokio::join!(self.register("minji"), self.register("junho"));
        let room = one.room_with(&other).await;
        (one, other, room)
    }

    /// Where to connect a WebSocket.
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

    /// What signs access tokens.
    pub fn secret_key(&self) -> &str {
        &self.stack.environment()["SECRET_KEY"]
    }

    /// Has `relay` make a run now, as every minute; answers its report, or what went wrong.
    pub async fn relay(&self) -> Result<Value, String> {
        self.stack.gateway().invoke("relay", json!({})).await.map_err(|error| format!("{error:#}"))
    }

    /// What can be broken.
    pub fn faults(&self) -> &Faults {
        self.stack.gateway().faults()
    }
}
