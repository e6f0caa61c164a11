//! Runs the model by name and prints what it found.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Result, ensure};
use clap::Parser;
use model::{Expected, Outcome, Progress, Rule, Run, Size, runs};

/// Checks the message path's promises in every interleaving of bounded worlds.
#[derive(Parser)]
#[command(
    after_help = "Examples:\n  model --list\n  model order/ 'kick/send, failover'\n  model kick/ --without rights-at-stamp\n  model without/release-must-count\n  model large/ \
                        --threads 2\n  model all\n\nThe exit code is 1 if a run is not as expected."
)]
struct Options {
    /// Parts of names of runs; `bounded` is what CI runs, `all` is everything.
    names: Vec<String>,
    /// Lists the runs and what each must show.
    #[arg(long)]
    list: bool,
    /// Lists the rules of the protocol, each with the promise that needs it.
    #[arg(long)]
    rules: bool,
    /// Takes a rule away from the named runs; may be given several times.
    #[arg(long, value_name = "RULE", hide_possible_values = true)]
    without: Vec<Rule>,
    /// Threads of one run. With more than one a counterexample may not be the shortest.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    if options.rules {
        return rules();
    }
    if options.list {
        return list();
    }
    ensure!(!options.names.is_empty(), "name a run; `--list` shows them, `all` is everything");
    let runs: Vec<_> = runs().into_iter().filter(|run| options.names.iter().any(|name| is_named(run, name))).collect();
    ensure!(!runs.is_empty(), "no run has such a name; `--list` shows them");

    let mut as_expected = 0;
    for run in &runs {
        let run = &options.without.iter().fold(run.clone(), |run, &rule| run.without(rule));
        let outcome = run.check(options.threads, &mut every_five_seconds(run.name.clone()));
        as_expected += usize::from(run.expected.is_met_by(&outcome));
        report(run, &outcome)?;
    }
    writeln!(io::stdout(), "{as_expected} of {} runs are as expected", runs.len())?;
    Ok(if as_expected == runs.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_named(run: &Run, name: &str) -> bool {
    name == "all" || (name == "bounded" && run.size == Size::Bounded) || run.name.contains(name)
}

fn list() -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    for run in runs() {
        let size = if run.size == Size::Large { "large" } else { "bounded" };
        writeln!(out, "{size:<8} {:<80} {}", run.name, expectation(run.expected))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn rules() -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    for rule in Rule::all() {
        let run = rule.counterexample();
        writeln!(out, "{:<32} {:<24} {}", rule.name(), expectation(run.expected), rule.text())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn expectation(expected: Expected) -> String {
    match expected {
        Expected::Holds => "every promise holds".into(),
        Expected::Breaks(promise) => format!("breaks {promise}"),
        Expected::Limit(promise) => format!("breaks {promise}, an accepted limit"),
    }
}

fn every_five_seconds(name: String) -> impl FnMut(Progress) {
    let mut next = Duration::from_secs(5);
    move |progress: Progress| {
        if progress.time >= next {
            next += Duration::from_secs(5);
            let Progress { states, depth, time } = progress;
            eprintln!("    {name}: {states} states, depth {depth}, {} s", time.as_secs());
        }
    }
}

fn report(run: &Run, outcome: &Outcome) -> Result<()> {
    let mut out = io::stdout().lock();
    let verdict = if run.expected.is_met_by(outcome) { "ok " } else { "BAD" };
    let found = outcome.counterexample.as_ref();
    let what = found.map_or_else(|| "every promise holds".into(), |found| found.violation.to_string());
    let Outcome { states, depth, time, .. } = outcome;
    writeln!(
        out,
        "{verdict} {:<80} {states:>10} states, depth {depth:>3}, {:>7.2} s  {what}",
        run.name,
        time.as_secs_f64()
    )?;
    for (index, step) in found.iter().flat_map(|found| &found.trace).enumerate() {
        writeln!(out, "      {:>3}. {step}", index + 1)?;
    }
    Ok(())
}
