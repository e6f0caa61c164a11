#![doc = include_str!("../README.md")]

pub use mail::Report;

use domain::{Clock, Fault};
use mail::Post;
use std::time::Duration;

/// How long a run goes on; the function's own limit is above it.
const TIME: Duration = Duration::from_secs(25);

/// Makes a run.
pub async fn run(post: &Post, clock: Clock) -> Result<Report, Fault> {
    let report = post.send_due(clock.now().plus(TIME)).await?;
    let Report { sent, delayed, given_up } = report;
    tracing::info!(sent, delayed, given_up, "Sent the mails that were due");
    Ok(report)
}
