//! `Schedule` events of a function.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use crate::{
    model::Schedule,
    values::{known, plain},
};

/// Properties that are read, then those that change nothing locally.
const SCHEDULE: [&str; 8] =
    ["Enabled", "Input", "Name", "Schedule", "State", "DeadLetterConfig", "Description", "RetryPolicy"];
const DEAD_LETTER_CONFIG: [&str; 3] = ["Arn", "QueueLogicalId", "Type"];
const RETRY_POLICY: [&str; 2] = ["MaximumEventAgeInSeconds", "MaximumRetryAttempts"];

/// Reads one event of the function with this logical id.
pub(crate) fn schedule(function: &str, event: &str, definition: &Json) -> Result<Schedule> {
    known(definition, &["Properties", "Type"])?;
    let properties = definition.get("Properties").context("`Properties` is missing")?;
    known(properties, &SCHEDULE)?;
    for (name, parts) in [("DeadLetterConfig", &DEAD_LETTER_CONFIG[..]), ("RetryPolicy", &RETRY_POLICY)] {
        properties.get(name).map_or(Ok(()), |it| known(it, parts)).with_context(|| format!("in `{name}`"))?;
    }
    let text = |name| {
        let text = |value: &Json| value.as_str().map(str::to_owned).with_context(|| format!("`{name}` is not a text"));
        properties.get(name).map(text).transpose()
    };
    // From a parameter it is a text, in the template itself a boolean.
    let switch = properties.get("Enabled").map(plain).transpose().context("in `Enabled`")?;
    let input = text("Input")?.map(|input| serde_json::from_str(&input)).transpose();
    Ok(Schedule {
        name: text("Name")?.unwrap_or_else(|| format!("{function}{event}")),
        every: rate(&text("Schedule")?.context("`Schedule` is missing")?)?,
        enabled: enabled(switch.as_deref(), text("State")?.as_deref())?,
        input: input.context("`Input` is not a JSON text")?,
    })
}

fn enabled(enabled: Option<&str>, state: Option<&str>) -> Result<bool> {
    ensure!(enabled.is_none() || state.is_none(), "a schedule has `Enabled` or `State`, not both");
    match (enabled, state) {
        (None | Some("true"), None) | (None, Some("ENABLED")) => Ok(true),
        (Some("false"), None) | (None, Some("DISABLED")) => Ok(false),
        (Some(other), _) => bail!("`Enabled` is true or false, not `{other}`"),
        (None, Some(other)) => bail!("unsupported state `{other}`"),
    }
}

fn rate(expression: &str) -> Result<Duration> {
    let rate = expression
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'))
        .with_context(|| format!("unsupported schedule `{expression}`: it is not `rate(...)`"))?;
    let (value, unit) = rate.split_once(' ').with_context(|| format!("`{expression}` is not a number and a unit"))?;
    let number: Option<u32> = value.parse().ok();
    // AWS refuses `+5` and `05`, which parse.
    let number = number
        .filter(|number| *number > 0 && number.to_string() == value)
        .with_context(|| format!("`{value}` of `{expression}` is not a whole number above zero"))?;
    let seconds = match (number, unit) {
        (1, "minute") | (2.., "minutes") => 60,
        (1, "hour") | (2.., "hours") => 60 * 60,
        (1, "day") | (2.., "days") => 24 * 60 * 60,
        _ => bail!(
            "`{unit}` of `{expression}` is not a unit: 1 takes minute, hour or day; more take minutes, hours or days"
        ),
    };
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(properties: &Json) -> Result<Schedule> {
        schedule("Relay", "EveryMinute", &json!({"Type": "Schedule", "Properties": properties}))
    }

    fn error(properties: &Json) -> String {
        format!("{:#}", read(properties).unwrap_err())
    }

    #[test]
    fn rate_is_a_number_and_a_unit() {
        let minutes = |expression| read(&json!({"Schedule": expression})).unwrap().every.as_secs() / 60;

        let rates =
            ["rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(12 hours)", "rate(1 day)", "rate(7 days)"];
        assert_eq!(rates.map(minutes), [1, 5, 60, 720, 1440, 10080]);
    }

    #[test]
    fn expression_other_than_a_rate_is_named() {
        let schedules = [
            "cron(0 12 * * ? *)",
            "at(2026-11-24T22:00:00)",
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(0 minutes)",
            "rate(-1 minutes)",
            "rate(+5 minutes)",
            "rate(05 minutes)",
            "rate(1.5 hours)",
            "rate(5  minutes)",
            "rate(5 minutes )",
            "rate(30 seconds)",
            "rate(5 Minutes)",
            "rate(minute)",
            "rate()",
            "rate(5 minutes",
            "rate(99999999999 days)",
            "5 minutes",
            "",
        ];
        for schedule in schedules {
            let error = error(&json!({"Schedule": schedule}));
            assert!(error.contains(&format!("`{schedule}`")), "{error}");
        }
        assert!(error(&json!({})).contains("`Schedule` is missing"));
    }

    #[test]
    fn schedule_is_enabled_by_default() {
        let enabled =
            |key: &str, value: Json| read(&json!({"Schedule": "rate(1 minute)", key: value})).unwrap().enabled;

        assert!(enabled("Description", json!("whatever")));
        assert!(enabled("Enabled", json!(true)));
        assert!(!enabled("Enabled", json!(false)));
        assert!(!enabled("Enabled", json!("false")));
        assert!(enabled("State", json!("ENABLED")));
        assert!(!enabled("State", json!("DISABLED")));
    }

    #[test]
    fn unknown_or_contradictory_state_is_an_error() {
        let with = |more: Json| {
            let mut properties = json!({"Schedule": "rate(1 minute)"});
            properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            error(&properties)
        };

        assert!(with(json!({"Enabled": "no"})).contains("not `no`"));
        assert!(with(json!({"State": "enabled"})).contains("unsupported state `enabled`"));
        assert!(with(json!({"Enabled": true, "State": "ENABLED"})).contains("not both"));
    }

    #[test]
    fn given_name_replaces_the_generated_one() {
        assert_eq!(read(&json!({"Schedule": "rate(1 day)"})).unwrap().name, "RelayEveryMinute");
        assert_eq!(read(&json!({"Schedule": "rate(1 day)", "Name": "daily"})).unwrap().name, "daily");
    }

    #[test]
    fn input_is_json_in_a_string() {
        let input = |input: Json| read(&json!({"Schedule": "rate(1 day)", "Input": input}));

        assert_eq!(input(json!(r#"{"full": true}"#)).unwrap().input, Some(json!({"full": true})));
        assert!(format!("{:#}", input(json!("{full}")).unwrap_err()).contains("`Input` is not a JSON text"));
        assert!(format!("{:#}", input(json!({"full": true})).unwrap_err()).contains("`Input` is not a text"));
    }

    #[test]
    fn unsupported_property_is_named() {
        let property = json!({"Schedule": "rate(1 day)", "Timezone": "UTC"});
        assert!(error(&property).contains("property `Timezone`"));
        let nested = json!({"Schedule": "rate(1 day)", "RetryPolicy": {"MaximumRetryAttempts": 2, "Backoff": 1}});
        assert!(error(&nested).contains("in `RetryPolicy`: unsupported property `Backoff`"));
        let misplaced = json!({"Type": "Schedule", "Schedule": "rate(1 day)"});
        let error = schedule("Relay", "EveryMinute", &misplaced).unwrap_err().to_string();
        assert!(error.contains("property `Schedule`"), "{error}");
    }

    #[test]
    fn property_without_local_effect_is_accepted() {
        let schedule = read(&json!({
            "Schedule": "rate(1 minute)",
            "Description": "Sends what waits.",
            "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 2},
            "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:123456789012:lost"},
        }));

        assert_eq!(schedule.unwrap().every, Duration::from_mins(1));
    }
}
