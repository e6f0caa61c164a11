//! What a run is made of.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::bail;
use stack::Progress;

use crate::history::Via;

/// A run: the same options make the same choices, though not the same timing.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seed of every choice.
    pub seed: u64,
    /// How long clients work and faults happen, in seconds.
    pub seconds: u64,
    /// Clients, over all rooms and their people.
    pub clients: usize,
    /// Private rooms, each with two people of its own.
    pub rooms: usize,
    /// What the clients do.
    pub usage: Usage,
    /// What is broken meanwhile.
    pub faults: FaultPlan,
    /// The folder of the function binaries; `None` takes `FUNCTION_BINARIES`.
    pub binaries: Option<PathBuf>,
    /// Who hears what is being done.
    pub progress: Progress,
}

impl Options {
    /// Eight clients in two rooms over both doors, and every fault there is.
    pub fn new(seed: u64, seconds: u64) -> Self {
        Self {
            seed,
            seconds,
            clients: 8,
            rooms: 2,
            usage: Usage::default(),
            faults: FaultPlan::all(),
            binaries: None,
            progress: Progress::silent(),
        }
    }

    /// How long clients work and faults happen.
    pub fn lasts(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// How clients use the product.
#[derive(Clone, Debug)]
pub struct Usage {
    /// The door for what both doors can do; `None` is sometimes this one, sometimes that.
    pub via: Option<Via>,
    /// The longest pause between two actions of a client, in milliseconds.
    pub think_ms: u64,
    /// The shortest time that a client waits for an answer before it takes the outcome for unknown; the longest is six times that.
    pub patience: Duration,
    /// How many actions in a hundred delete a message.
    pub deletes: u32,
    /// How many say what was read.
    pub reads: u32,
    /// How many log out, and in again.
    pub logouts: u32,
    /// How many block the other person for a moment.
    pub blocks: u32,
}

impl Default for Usage {
    fn default() -> Self {
        let patience = Duration::from_secs(2);
        Self { via: None, think_ms: 150, patience, deletes: 5, reads: 5, logouts: 1, blocks: 1 }
    }
}

/// A way in which the stack is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A function's environment gets SIGKILL in the middle of an invocation.
    KillFunction,
    /// A function's environment is stopped in the middle of an invocation, for up to 8 s.
    StopFunction,
    /// `mongod` gets SIGKILL and is started again.
    KillMongod,
    /// `mongod` is stopped for a while.
    StopMongod,
    /// Events and frames come late, twice, in another order, or not at all.
    Events,
    /// A function did its work, but its answer is lost.
    LoseAnswers,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::KillFunction, Self::StopFunction, Self::KillMongod, Self::StopMongod, Self::Events, Self::LoseAnswers];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::KillFunction => "kill-function",
            Self::StopFunction => "stop-function",
            Self::KillMongod => "kill-mongod",
            Self::StopMongod => "stop-mongod",
            Self::Events => "events",
            Self::LoseAnswers => "lose-answers",
        }
    }
}

/// The kinds of faults that a run has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan(pub BTreeSet<Fault>);

impl FaultPlan {
    /// Every kind of fault.
    pub fn all() -> Self {
        Self(Fault::ALL.into())
    }

    /// A run in which nothing breaks.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether this kind happens.
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}

impl FromStr for FaultPlan {
    type Err = anyhow::Error;

    /// `all`, `none`, or names with commas between them.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "all" => return Ok(Self::all()),
            "none" => return Ok(Self::none()),
            _ => {}
        }
        let mut plan = Self::none();
        for name in text.split(',') {
            let Some(fault) = Fault::ALL.into_iter().find(|fault| fault.name() == name.trim()) else {
                let names: Vec<&str> = Fault::ALL.into_iter().map(Fault::name).collect();
                bail!("no fault is named {name:?}; there are all, none, {}", names.join(", "));
            };
            plan.0.insert(fault);
        }
        Ok(plan)
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let names: Vec<&str> = self.0.iter().map(|fault| fault.name()).collect();
        f.write_str(&names.join(","))
    }
}
