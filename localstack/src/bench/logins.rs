//! Failed logins: their time must not tell who has an account.

use std::time::{Duration, Instant};

use anyhow::Result;
use client::Person;
use serde_json::json;
use stack::Progress;

use super::target::Target;

/// Measures logins with an unknown address and with a wrong password, in turn.
pub(crate) async fn compare(target: &Target, logins: usize, progress: &Progress) -> Result<()> {
    let step = progress.step(&format!("{logins} logins with an unknown address, and with a wrong password"));
    for n in 0..logins {
        Person::ensure(&target.anyone, &format!("known{n}"), "a right password").await?;
    }
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for n in 0..logins {
        unknown.push(fail(target, &format!("unknown{n}@example.com")).await?);
        wrong.push(fail(target, &format!("known{n}@example.com")).await?);
    }
    let figures = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        let at = |part: usize| times.get(times.len().saturating_sub(1) * part / 100).copied().unwrap_or_default();
        let mean = times.iter().sum::<Duration>() / u32::try_from(times.len().max(1)).unwrap_or(u32::MAX);
        format!("mean {mean:.1?}, p10 {:.1?}, p50 {:.1?}, p90 {:.1?}", at(10), at(50), at(90))
    };
    step.done("failed logins");
    println!("unknown address: {}\nwrong password:  {}", figures(&mut unknown), figures(&mut wrong));
    Ok(())
}

async fn fail(target: &Target, email: &str) -> Result<Duration> {
    let login = json!({ "email": email, "password": "a wrong password" });
    let begun = Instant::now();
    target.anyone.post("/auth/login", &login).await?.expect(&[401])?;
    Ok(begun.elapsed())
}
