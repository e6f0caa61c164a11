#![doc = include_str!("../README.md")]

mod bench;
mod check;
mod clean;
mod demo;
mod doctor;
mod interrupt;
mod running;
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
    /// Starts everything and prints how to talk to it; Ctrl-C stops it.
    Up(up::Args),
    /// Runs the tests of the whole workspace over databases of their own.
    Test(test::Args),
    /// Lets clients work while processes are killed, and checks what they saw.
    Check(check::Args),
    /// Measures messages per second, and each function as the gateway sees it.
    Bench(bench::Args),
    /// Says what this machine has and what it lacks.
    Doctor,
    /// Removes `.local/`: data, downloads, everything. Sources and builds stay.
    Clean(clean::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(args) => up::run(args).await,
        Command::Test(args) => test::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Bench(args) => bench::run(args).await,
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
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
