//! What is checked: bounded worlds with the whole protocol, and what is expected of each.

use crate::{
    Outcome, Progress, Promise, Rule, Rules, Search,
    check::check,
    creation::{self, Creation},
    deliveries::{self, Deliveries},
    events::{self, Events},
    gate::{self, Gate},
    messages::{Change, ClientId, Messages, Settings, Watch},
    recipients::{self, Recipients},
};

pub(crate) const CREATE_A: Change = Change::Create(ClientId::A);
pub(crate) const CREATE_B: Change = Change::Create(ClientId::B);
pub(crate) const CREATE_C: Change = Change::Create(ClientId::C);
pub(crate) const EDIT: Change = Change::Edit(ClientId::Base);
pub(crate) const REACT: Change = Change::React(ClientId::Base);
pub(crate) const DELETE: Change = Change::Delete(ClientId::Base);
const EDIT_A: Change = Change::Edit(ClientId::A);
const DELETE_A: Change = Change::Delete(ClientId::A);

/// A model and its bounds.
#[derive(Clone, Debug)]
pub(crate) enum Scenario {
    /// The message path.
    Messages(Settings),
    /// Who gets a push while somebody is kicked.
    Recipients(recipients::Settings),
    /// Failing pushes and the sweeper.
    Deliveries(deliveries::Settings),
    /// A logout beside requests and `$connect`.
    Gate(gate::Settings),
    /// Projections beside sends.
    Creation(creation::Settings),
    /// System messages of a group's changes.
    Events(events::Settings),
}

/// What a run must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No promise is broken.
    Holds,
    /// This promise is broken.
    Breaks(Promise),
    /// This promise is broken, and the specification says so: it is a limit that was accepted.
    Limit(Promise),
}

/// Where a run belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Seconds at most: part of `cargo test`.
    Bounded,
    /// Up to minutes and gigabytes: by the command line only.
    Large,
}

/// A named world and what is expected of it.
#[derive(Clone, Debug)]
pub struct Run {
    /// `group/what`.
    pub name: String,
    /// What it must show.
    pub expected: Expected,
    /// Where it belongs.
    pub size: Size,
    /// How it is explored.
    search: Search,
    /// What is explored.
    scenario: Scenario,
}

impl Run {
    fn new(name: impl Into<String>, expected: Expected, scenario: Scenario) -> Self {
        Self { name: name.into(), expected, size: Size::Bounded, search: Search::Exhaustive, scenario }
    }

    fn large(self) -> Self {
        Self { size: Size::Large, ..self }
    }

    pub(crate) fn breaking(name: String, promise: Promise, scenario: Scenario) -> Self {
        Self::new(name, Expected::Breaks(promise), scenario)
    }

    /// The same world without one more rule.
    #[must_use]
    pub fn without(mut self, rule: Rule) -> Self {
        let without = match &mut self.scenario {
            Scenario::Messages(settings) => &mut settings.without,
            Scenario::Recipients(settings) => &mut settings.without,
            Scenario::Deliveries(settings) => &mut settings.without,
            Scenario::Gate(settings) => &mut settings.without,
            Scenario::Creation(settings) => &mut settings.without,
            Scenario::Events(settings) => &mut settings.without,
        };
        *without = without.with(rule);
        self
    }

    /// Explores the world.
    pub fn check(&self, threads: usize, progress: &mut dyn FnMut(Progress)) -> Outcome {
        let search = self.search;
        match self.scenario.clone() {
            Scenario::Messages(settings) => check(Messages::new(settings), search, threads, progress),
            Scenario::Recipients(settings) => check(Recipients(settings), search, threads, progress),
            Scenario::Deliveries(settings) => check(Deliveries(settings), search, threads, progress),
            Scenario::Gate(settings) => check(Gate(settings), search, threads, progress),
            Scenario::Creation(settings) => check(Creation(settings), search, threads, progress),
            Scenario::Events(settings) => check(Events(settings), search, threads, progress),
        }
    }
}

impl Expected {
    /// Whether this is what was found.
    pub fn is_met_by(self, outcome: &Outcome) -> bool {
        let broken = outcome.counterexample.as_ref().map(|found| found.violation.promise);
        match self {
            Self::Holds => broken.is_none(),
            Self::Breaks(promise) | Self::Limit(promise) => broken == Some(promise),
        }
    }
}

/// Every run: the whole protocol first, then the protocol without one rule each.
pub fn runs() -> Vec<Run> {
    let mut runs = order();
    runs.extend(retries());
    runs.extend(failing_pushes());
    runs.extend(kicks());
    runs.extend(readers());
    runs.extend(small_models());
    runs.extend(large());
    runs.extend(Rule::all().iter().map(|rule| rule.counterexample()));
    runs
}

fn holds(name: &str, settings: Settings) -> Run {
    Run::new(name, Expected::Holds, Scenario::Messages(settings))
}

fn limit(name: &str, settings: Settings) -> Run {
    Run::new(name, Expected::Limit(Promise::RightsEnd), Scenario::Messages(settings))
}

const SEND_AND_EDIT: Settings = Settings::of(&[CREATE_A, EDIT]);
const SEND: Settings = Settings::of(&[CREATE_A]);

/// P1, P2 and P3 under every fault.
fn order() -> Vec<Run> {
    let edit_and_react = Settings::of(&[EDIT, REACT]);
    let two_sends = Settings::of(&[CREATE_A, CREATE_B]);
    let late = Settings { late_writer: true, ..SEND_AND_EDIT };
    let failover = Settings { failover: 1, ..SEND_AND_EDIT };
    vec![
        holds("order/send and edit", SEND_AND_EDIT),
        holds("order/edit and react", edit_and_react.clone()),
        holds("order/edit and delete", Settings::of(&[EDIT, DELETE])),
        holds("order/two readers", Settings { clients: 2, ..SEND_AND_EDIT }),
        holds("order/crash", Settings { crash: 1, ..SEND_AND_EDIT }),
        holds("order/late writer", late.clone()),
        holds("order/late writer, the sweeper beside it", Settings { crash: 1, sweeps: 1, late_writer: true, ..SEND }),
        holds("order/failover", failover.clone()),
        holds("order/failover, the commit point lags", Settings { lag: true, ..failover.clone() }),
        holds("order/a deposed primary goes on", Settings { deposed: true, ..failover.clone() }),
        holds("order/a deposed primary, edit and react", Settings { failover: 1, deposed: true, ..edit_and_react }),
        holds(
            "order/a deposed primary, late writer",
            Settings { failover: 1, deposed: true, late_writer: true, ..SEND },
        ),
        holds("order/two sends, pages of one row, failover", Settings { page: 1, failover: 1, ..two_sends.clone() }),
        holds(
            "order/two sends, pages of one row, a deposed primary",
            Settings { page: 1, failover: 1, deposed: true, ..two_sends.clone() },
        ),
        holds(
            "order/three sends, a deposed primary, no reader",
            Settings { failover: 1, deposed: true, clients: 0, ..Settings::of(&[CREATE_A, CREATE_B, CREATE_C]) },
        ),
        holds("order/crash, failover, late writer", Settings { crash: 1, failover: 1, ..late.clone() }),
        holds("order/two failovers", Settings { failover: 2, deposed: true, ..SEND }),
        holds(
            "order/three sends, failover, no reader",
            Settings { failover: 1, clients: 0, ..Settings::of(&[CREATE_A, CREATE_B, CREATE_C]) },
        )
        .large(),
        holds(
            "order/no unique rev, no pages",
            Settings { failover: 1, without: Rules::only(Rule::UniqueRev), ..two_sends },
        ),
        holds("order/head, then rows, no failover", Settings { without: Rules::only(Rule::OneSnapshot), ..late }),
    ]
}

/// P4: a second send of A is a retry.
fn retries() -> Vec<Run> {
    let retry = Settings::of(&[CREATE_A, CREATE_A]);
    let crash_late = Settings { crash: 1, late_writer: true, ..retry.clone() };
    vec![
        holds("retry/no faults", retry.clone()),
        holds("retry/crash, late writer", crash_late.clone()),
        holds("retry/failover", Settings { failover: 1, ..retry.clone() }),
        holds("retry/a deposed primary", Settings { failover: 1, deposed: true, ..retry.clone() }),
        holds("retry/unknown outcome, crash", Settings { unknown: 1, crash: 1, ..retry.clone() }),
        holds("retry/delayed write", Settings { delayed: 1, attempts: 1, late_writer: true, ..retry.clone() }).large(),
        holds("retry/looked up only when the key collides", Settings { look_up_first: false, ..crash_late }),
        holds("retry/an edit between", Settings::of(&[CREATE_A, EDIT_A, CREATE_A])),
    ]
}

/// Pushes that fail are noted as released, and pushed again at the same `rev`.
fn failing_pushes() -> Vec<Run> {
    let fails = Settings { fails: 1, ..SEND_AND_EDIT };
    let retry = Settings { fails: 1, ..Settings::of(&[CREATE_A, CREATE_A]) };
    vec![
        holds("failing push/send and edit", fails.clone()),
        holds("failing push/late writer", Settings { late_writer: true, ..fails.clone() }),
        holds("failing push/failover", Settings { failover: 1, ..fails.clone() }),
        holds("failing push/a deposed primary", Settings { failover: 1, deposed: true, ..fails }),
        holds("failing push/retry, crash", Settings { crash: 1, ..retry.clone() }),
        holds(
            "failing push/retry, failover, late writer",
            Settings { failover: 1, attempts: 1, late_writer: true, ..retry },
        )
        .large(),
    ]
}

/// P5: K is kicked or blocked at any time.
fn kicks() -> Vec<Run> {
    let seen = Settings { kicked: &[0], watch: Watch::Visible, ..SEND };
    let split = Settings { failover: 1, deposed: true, ..seen.clone() };
    let acknowledged = Settings { watch: Watch::Acknowledged, ..split.clone() };
    let retry = Settings { kicked: &[0, 1], watch: Watch::Visible, ..Settings::of(&[CREATE_A, CREATE_A]) };
    let retry_split = Settings { failover: 1, deposed: true, clients: 0, ..retry.clone() };
    let edit = Settings { kicked: &[0], watch: Watch::Visible, failover: 1, deposed: true, ..Settings::of(&[EDIT]) };
    vec![
        holds("kick/send", seen.clone()),
        holds("kick/send, late writer", Settings { late_writer: true, ..seen.clone() }),
        holds("kick/send, failover", Settings { failover: 1, ..seen.clone() }),
        holds("kick/send, a deposed primary", split.clone()),
        holds("kick/send, a deposed primary, late writer", Settings { late_writer: true, ..split.clone() }),
        holds("kick/send, a deposed primary, unknown outcome", Settings { unknown: 1, ..split.clone() }),
        holds("kick/send, two failovers", Settings { failover: 2, ..split.clone() }),
        holds(
            "kick/send, an admin deletes it meanwhile, a deposed primary",
            Settings { changes: &[CREATE_A, DELETE_A], clients: 0, ..split.clone() },
        ),
        holds(
            "kick/send beside another send, a deposed primary",
            Settings { changes: &[CREATE_A, CREATE_B], clients: 0, ..split.clone() },
        ),
        holds(
            "kick/send and retry, a deposed primary: acknowledged",
            Settings { watch: Watch::Acknowledged, ..retry_split.clone() },
        ),
        holds("kick/send and retry, a deposed primary: visible", retry_split.clone()).large(),
        holds("kick/send and retry, failover: visible", Settings { failover: 1, clients: 0, ..retry.clone() }),
        holds(
            "kick/send and retry, a deposed primary, crash: acknowledged",
            Settings { watch: Watch::Acknowledged, crash: 1, ..retry_split },
        )
        .large(),
        holds("kick/send and retry, late writer", Settings { late_writer: true, ..retry.clone() }).large(),
        holds(
            "kick/send and retry, late twice",
            Settings { late_writer: true, drops: 2, clients: 0, watch: Watch::Acknowledged, ..retry.clone() },
        ),
        holds(
            "kick/send and retry, unknown outcome",
            Settings { unknown: 1, clients: 0, watch: Watch::Acknowledged, ..retry },
        ),
        holds("kick/edit, a deposed primary", edit.clone()),
        holds("kick/edit, a deposed primary, late writer", Settings { late_writer: true, ..edit }),
        holds("kick/send, a deposed primary, crash: acknowledged", Settings { crash: 1, ..acknowledged.clone() }),
        limit("limit/send, a deposed primary, crash: visible", Settings { crash: 1, ..split }),
        holds(
            "kick/send, a deposed primary, the sweeper beside its writer: acknowledged",
            Settings { sweeps: 1, late_writer: true, ..acknowledged },
        ),
        holds("kick/send, crash, failover: visible", Settings { crash: 1, failover: 1, ..seen }),
    ]
}

/// What a reader may conclude from an answer.
fn readers() -> Vec<Run> {
    let caught_up = Settings { watch: Watch::CaughtUp, ..SEND_AND_EDIT };
    let lagging = Settings { watch: Watch::CaughtUp, failover: 1, lag: true, ..SEND };
    let missed = Expected::Limit(Promise::NothingMissed);
    let own = Settings { watch: Watch::OwnReads, ..SEND };
    vec![
        holds("reader/caught up, crash", Settings { crash: 1, ..caught_up.clone() }),
        holds("reader/caught up, failover", Settings { failover: 1, ..caught_up }),
        Run::new("limit/caught up, the commit point lags", missed, Scenario::Messages(lagging)),
        Run::new("limit/a reader sees what was acknowledged to him", missed, Scenario::Messages(own)),
    ]
}

fn small_models() -> Vec<Run> {
    let holds = |name: &str, scenario| Run::new(name, Expected::Holds, scenario);
    let recipients = recipients::Settings::default;
    let from_image = |settings| Scenario::Recipients(settings);
    let causal = |settings| {
        let without = Rules::only(Rule::RecipientsFromReservation);
        Scenario::Recipients(recipients::Settings { without, causal: true, ..settings })
    };
    let all_faults = recipients::Settings { failover: 1, deposed: true, late: true, ..recipients() };
    let two_failovers = recipients::Settings { failover: 2, ..recipients() };
    let crashes = deliveries::Settings { crash: 2, fails: 1, ..deliveries::Settings::default() };
    let deposed = gate::Settings { deposed: true, ..gate::Settings::default() };
    let notes = deliveries::Settings {
        without: Rules::only(Rule::NoteGuardedByRev),
        fails: 3,
        ..deliveries::Settings::default()
    };
    vec![
        holds("recipients/from the reservation", from_image(recipients())),
        holds("recipients/from the reservation, two failovers", from_image(two_failovers.clone())),
        holds("recipients/from the reservation, every fault", from_image(all_faults.clone())),
        holds("recipients/read causally, two failovers", causal(two_failovers)),
        holds("recipients/read causally, every fault", causal(all_faults)),
        holds("deliveries/a crash, two failing pushes", Scenario::Deliveries(deliveries::Settings::default())),
        holds("deliveries/two crashes, a failing push", Scenario::Deliveries(crashes)),
        Run::breaking("deliveries/notes without guard".into(), Promise::NothingMissed, Scenario::Deliveries(notes)),
        holds("gate/logout, requests, $connect", Scenario::Gate(gate::Settings::default())),
        holds(
            "gate/a deposed primary, w: majority",
            Scenario::Gate(gate::Settings { majority: true, ..deposed.clone() }),
        ),
        Run::new("limit/gate of a deposed primary, w: 1", Expected::Limit(Promise::RightsEnd), Scenario::Gate(deposed)),
        holds("creation/projections beside sends", Scenario::Creation(creation::Settings::default())),
        holds("events/two requests place the same changes", Scenario::Events(events::Settings::default())),
    ]
}

/// Larger bounds: everything at once.
fn large() -> Vec<Run> {
    let three = Settings {
        failover: 2,
        deposed: true,
        crash: 1,
        drops: 2,
        clients: 2,
        attempts: 4,
        sweeps: 1,
        late_writer: true,
        ..Settings::of(&[CREATE_A, EDIT, REACT])
    };
    let retry = Settings {
        failover: 1,
        deposed: true,
        crash: 1,
        unknown: 1,
        delayed: 1,
        clients: 2,
        attempts: 4,
        late_writer: true,
        ..Settings::of(&[CREATE_A, EDIT_A, CREATE_A])
    };
    let kick = Settings {
        kicked: &[0, 1],
        failover: 2,
        deposed: true,
        crash: 1,
        unknown: 1,
        drops: 2,
        attempts: 4,
        sweeps: 1,
        late_writer: true,
        ..Settings::of(&[CREATE_A, CREATE_A, CREATE_B])
    };
    let worlds = [
        ("three changes, every fault", three),
        ("retry and an edit of it, every fault", retry),
        ("kick, send, retry and another, every fault", kick),
    ];
    let walks = |&(name, ref settings): &(&str, Settings)| {
        let run = |group, states, size| Run {
            search: Search::Walks(states),
            size,
            ..holds(&format!("{group}/{name}"), settings.clone())
        };
        [run("walks", 400_000, Size::Bounded), run("long", 20_000_000, Size::Large)]
    };
    let exhaustive = [
        holds("large/three changes, failover", Settings { failover: 1, ..Settings::of(&[CREATE_A, EDIT, REACT]) }),
        holds(
            "large/three changes, crash, late writer",
            Settings { crash: 1, late_writer: true, ..Settings::of(&[CREATE_A, EDIT, REACT]) },
        ),
        holds(
            "large/three sends, a deposed primary, pages of one row",
            Settings { failover: 1, deposed: true, page: 1, ..Settings::of(&[CREATE_A, CREATE_B, CREATE_C]) },
        ),
        holds(
            "large/send and edit, every fault",
            Settings { failover: 1, deposed: true, crash: 1, sweeps: 1, fails: 1, late_writer: true, ..SEND_AND_EDIT },
        ),
        holds(
            "large/kick, send and retry, every fault, no reader",
            Settings {
                kicked: &[0, 1],
                failover: 1,
                deposed: true,
                crash: 1,
                unknown: 1,
                drops: 2,
                sweeps: 1,
                clients: 0,
                late_writer: true,
                ..Settings::of(&[CREATE_A, CREATE_A])
            },
        ),
    ];
    let exhaustive = exhaustive.into_iter().map(Run::large);
    worlds.iter().flat_map(walks).chain(exhaustive).collect()
}
