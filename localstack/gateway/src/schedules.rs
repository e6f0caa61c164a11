//! `EventBridge`'s schedules: functions that are invoked at a rate.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use hyper::body::Bytes;
use serde_json::{Value as Json, json};
use template::{ACCOUNT, REGION, Schedule, Template};
use time::OffsetDateTime;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{
    config::Limits,
    faults::{EventFate, Faults},
    ids,
    lambda::Lambda,
    server::{Shutdown, ShutdownSignal},
};

/// The shortest period of the timer, which refuses zero.
const SHORTEST: Duration = Duration::from_millis(1);

/// A rule and the function that is its target.
struct Rule {
    schedule: Schedule,
    function: String,
    lambda: Arc<Lambda>,
    faults: Faults,
}

/// Runs every enabled schedule until the shutdown, the first time after one period.
pub(crate) fn start(template: &Template, lambda: &Arc<Lambda>, faults: &Faults, limits: &Limits, shutdown: &Shutdown) {
    for function in &template.functions {
        for schedule in function.schedules.iter().filter(|schedule| schedule.enabled) {
            let period = limits.schedule.unwrap_or(schedule.every).max(SHORTEST);
            let rule = Rule {
                schedule: schedule.clone(),
                function: function.name.clone(),
                lambda: Arc::clone(lambda),
                faults: faults.clone(),
            };
            tokio::spawn(rule.run(period, shutdown.signal()));
        }
    }
}

impl Rule {
    async fn run(self, period: Duration, mut stopped: ShutdownSignal) {
        let mut ticks = interval_at(Instant::now() + period, period);
        // Ticks that were missed while the function was busy become one.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let course = async {
            loop {
                ticks.tick().await;
                self.fire().await;
            }
        };
        tokio::select! {
            biased;
            () = stopped.wait() => {}
            () = course => {}
        }
    }

    /// Invokes the function and waits for its response.
    async fn fire(&self) {
        let EventFate::Deliver { after, copies } = self.faults.event(&self.function) else { return };
        let event = self.schedule.input.clone().unwrap_or_else(|| event(&self.schedule.name, ids::now()));
        let event = Bytes::from(event.to_string());
        let invocation = || self.lambda.invoke_after(after, &self.function, event.clone());
        // A failure is in the function's log.
        join_all((0..copies).map(|_| invocation())).await;
    }
}

/// What `EventBridge` sends for a schedule without an input of its own.
fn event(rule: &str, at: OffsetDateTime) -> Json {
    json!({
        "version": "0",
        "id": ids::uuid(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": ids::iso_time(ids::epoch_millis(at)),
        "region": REGION,
        "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}")],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_has_the_shape_of_eventbridge() {
        let at = OffsetDateTime::from_unix_timestamp(1_795_557_600).unwrap();

        let mut event = event("every-minute", at);

        assert_eq!(event["id"].take().as_str().unwrap().len(), 36);
        let expected = json!({
            "version": "0",
            "id": null,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "time": "2026-11-24T22:00:00Z",
            "region": "us-east-1",
            "resources": ["arn:aws:events:us-east-1:123456789012:rule/every-minute"],
            "detail": {},
        });
        assert_eq!(event, expected);
    }
}
