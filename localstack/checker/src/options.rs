//! Options of a run.

use std::{collections::BTreeSet, fmt, path::PathBuf, str::FromStr, time::Duration};

use anyhow::bail;
use stack::Progress;
use strum::{EnumIter, EnumString, IntoEnumIterator as _, IntoStaticStr};

use crate::history::Via;

/// A run: equal options make equal choices, though not equal timing.
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
    /// Groups.
    pub groups: usize,
    /// The people of each group.
    pub people: usize,
    /// Clients beside those of the private rooms, over all groups and their people.
    pub group_clients: usize,
    /// What the clients do.
    pub usage: Usage,
    /// The faults.
    pub faults: FaultPlan,
    /// The folder of the function binaries; `None` takes `FUNCTION_BINARIES`.
    pub binaries: Option<PathBuf>,
    /// The folder of the binaries of the version before, which run at the same time.
    pub old_binaries: Option<PathBuf>,
    /// Shows what is being done.
    pub progress: Progress,
}

impl Options {
    /// Eight clients in two rooms and five in a group of eight people, over HTTP and WebSocket, with every fault.
    pub fn new(seed: u64, seconds: u64) -> Self {
        Self {
            seed,
            seconds,
            clients: 8,
            rooms: 2,
            groups: 1,
            people: 8,
            group_clients: 5,
            usage: Usage::default(),
            faults: FaultPlan::all(),
            binaries: None,
            old_binaries: None,
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
    /// HTTP or WebSocket for requests that both can carry; `None` chooses at random.
    pub via: Option<Via>,
    /// The longest pause between two actions of a client, in milliseconds.
    pub think_ms: u64,
    /// The shortest time after which a client takes an outcome for unknown; the longest is six times that.
    pub patience: Duration,
    /// Deletions, in percent of all actions.
    pub deletes: u32,
    /// Reads, in percent.
    pub reads: u32,
    /// Files that are sent, and links that are asked for, in percent.
    pub files: u32,
    /// Refreshes of the session, in percent; each client waits a while between two.
    pub refreshes: u32,
    /// Logouts with a new login, in percent.
    pub logouts: u32,
    /// Short blocks of the other person, in percent.
    pub blocks: u32,
    /// Changes of a group's members, in percent of the actions in groups.
    pub members: u32,
    /// Reactions, in percent of the actions in groups.
    pub reactions: u32,
    /// Whether clients say that they type and what has arrived.
    pub signals: bool,
    /// Whether clients ask what is unread in all.
    pub totals: bool,
    /// For how long at most people are away now and then, so that the devices of their sessions are notified; none has any if it is zero.
    pub away: Duration,
    /// Whether it is watched at the end who is online.
    pub presence: bool,
}

impl Default for Usage {
    fn default() -> Self {
        let patience = Duration::from_secs(2);
        Self {
            via: None,
            think_ms: 150,
            patience,
            deletes: 5,
            reads: 5,
            files: 6,
            refreshes: 2,
            logouts: 1,
            blocks: 1,
            members: 6,
            reactions: 15,
            signals: true,
            totals: true,
            away: Duration::from_secs(6),
            presence: true,
        }
    }
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Fault {
    /// A function's environment gets SIGKILL during an invocation.
    KillFunction,
    /// A function's environment is stopped during an invocation, for up to 8 s.
    StopFunction,
    /// The connections of a function's environment die while it is frozen.
    CutFrozen,
    /// `mongod` gets SIGKILL and is restarted.
    KillMongod,
    /// `mongod` is stopped for a while.
    StopMongod,
    /// The MySQL server gets SIGKILL and is restarted.
    KillMysqld,
    /// Events and frames are delayed, duplicated, reordered or dropped.
    Events,
    /// The answer of a function is lost.
    LoseAnswers,
    /// S3 is unavailable, slow, or cuts connections.
    Store,
}

/// The kinds of faults of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan(pub BTreeSet<Fault>);

impl FaultPlan {
    /// Every kind of fault.
    pub fn all() -> Self {
        Self(Fault::iter().collect())
    }

    /// A run without faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether this kind is included.
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}

impl FromStr for FaultPlan {
    type Err = anyhow::Error;

    /// `all`, `none`, or names separated by commas.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "all" => return Ok(Self::all()),
            "none" => return Ok(Self::none()),
            _ => {}
        }
        let mut plan = Self::none();
        for name in text.split(',') {
            let Ok(fault) = name.trim().parse() else {
                bail!("no fault is named {name:?}; there are all, none, {}", Self::all());
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
        let names: Vec<&str> = self.0.iter().map(Into::into).collect();
        f.write_str(&names.join(","))
    }
}
