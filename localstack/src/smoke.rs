//! `cargo local smoke`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use client::Smoke;

use crate::{
    interrupt::{INTERRUPTED, Interrupt},
    running::Running,
};

/// Checks a running API over both of its doors: two people register, connect and write to each other, and their accounts are deleted.
///
/// Mails of the registration go to Amazon's mailbox for tests. The exit code says whether everything was as it must be.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Root of the HTTP API, such as the output `HttpUrl` of the stack [default: the running `cargo local up`]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Use this account instead of a new one, and delete its message alone; twice, for two people
    #[arg(long = "as", value_name = "ADDRESS:PASSWORD", value_parser = account)]
    accounts: Vec<(String, String)>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let url = match args.url {
        Some(url) => url,
        None => Running::read().context("nothing runs here: name an API by --url")?.http_url,
    };
    let accounts = match args.accounts.len() {
        0 => None,
        _ => Some(<[_; 2]>::try_from(args.accounts).ok().context("--as is given for two people or for none")?),
    };
    let mut interrupt = Interrupt::listen()?;
    println!("{url}");
    let smoke = Smoke::new(&url, |what, time| println!("  ok {:>6} ms  {what}", time.as_millis()));
    let checked = tokio::select! {
        checked = smoke.run(accounts.as_ref()) => Some(checked),
        () = interrupt.asked() => None,
    };
    let cleaned = smoke.clean_up().await;
    match checked {
        None => return Ok(ExitCode::from(INTERRUPTED)),
        Some(checked) => checked?,
    }
    cleaned.context("the accounts are still there")?;
    println!("all well");
    Ok(ExitCode::SUCCESS)
}

fn account(text: &str) -> Result<(String, String)> {
    match text.split_once(':') {
        Some((address, password)) if !password.is_empty() => Ok((address.to_owned(), password.to_owned())),
        _ => bail!("an account is an address, a colon and a password"),
    }
}
