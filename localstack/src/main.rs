#![doc = include_str!("../README.md")]

mod bench;
mod check;
mod clean;
mod cost;
mod demo;
mod doctor;
mod interrupt;
mod log_line;
mod mailbox;
mod prices;
mod run;
mod running;
mod sam;
mod settings;
mod smoke;
mod test;
mod up;
mod welcome;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The chat on this machine. All state lies in `.local/`.
#[derive(Debug, Parser)]
#[command(name = "cargo local", bin_name = "cargo local", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts everything and prints how to use it; Ctrl-C stops it.
    Up(up::Args),
    /// Runs the tests of the whole workspace with their own databases.
    Test(test::Args),
    /// Runs clients while processes are killed, and checks their histories.
    Check(check::Args),
    /// Runs a command beside a stack of its own.
    Run(run::Args),
    /// Measures latency, rate and processor time, alone or beside another stack.
    ///
    /// Builds the functions as they are deployed and starts a stack of its own. Every row is measured in each round; the table
    /// shows the median of the rounds. With `--against` each row is measured in turn at both stacks, so that both run under the
    /// same load. The other stack must not limit its clients: start it with `cargo local up --release --unlimited`.
    Bench(bench::Args),
    #[command(hide = true)]
    Serve(bench::ServeArgs),
    /// Checks a running API over both of its doors, here or on AWS.
    Smoke(smoke::Args),
    /// Prints what a month on AWS costs.
    Cost(cost::Args),
    /// Lists what this machine has and what is missing.
    Doctor,
    /// Removes `.local/` with all data and downloads. Sources and builds stay.
    Clean(clean::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(args) => up::run(args).await,
        Command::Test(args) => test::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Run(args) => run::run(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Serve(args) => bench::serve(args).await,
        Command::Smoke(args) => smoke::run(args).await,
        Command::Cost(args) => Ok(cost::run(&args)),
        Command::Doctor => Ok(doctor::run()),
        Command::Clean(args) => clean::run(&args).await,
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }
}
