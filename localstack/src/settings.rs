//! The settings of the functions that `up` takes from its options and from its environment.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};

/// What belongs to the stack itself: only `--set` overrides it.
const OWN: [&str; 9] = [
    "CONNECTIONS_URL",
    "FILES_KEY",
    "FILES_KEY_ID",
    "FILES_URL",
    "MONGO_URL",
    "MYSQL_URL",
    "SECRET_KEY",
    "SECRET_KEY_PREVIOUS",
    "WEBSOCKET_URL",
];

/// A setting on the command line.
pub(crate) fn parse(text: &str) -> Result<(String, String)> {
    let Some((name, value)) = text.split_once('=') else { bail!("a setting is NAME=VALUE") };
    Ok((name.to_owned(), value.to_owned()))
}

/// The values that override the defaults: those given by `--set`, and of the others those of the environment.
///
/// An unknown name and a bad value are errors that say what is possible.
pub(crate) fn chosen(
    known: &BTreeSet<String>,
    given: &[(String, String)],
    environment: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>> {
    for (name, _) in given {
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        ensure!(known.contains(name), "no function has a setting `{name}`; there are {}", names.join(", "));
    }
    let inherited = known.iter().filter(|name| !OWN.contains(&name.as_str()));
    let inherited = inherited.filter_map(|name| Some((name.clone(), environment(name)?)));
    // An empty variable counts as absent, as it does for a function.
    let mut values: BTreeMap<String, String> = inherited.filter(|(_, value)| !value.trim().is_empty()).collect();
    values.extend(given.iter().cloned());
    check(&values)?;
    Ok(values)
}

/// Reads the values as functions do, so that a bad one is found before anything starts.
fn check(values: &BTreeMap<String, String>) -> Result<()> {
    let mut values = values.clone();
    values.entry("SECRET_KEY".to_owned()).or_insert_with(stack::random_key);
    let settings = boot::Settings::without_secrets(values);
    let common = (settings.limits(), settings.signing(), settings.allowed_origins(), settings.mail());
    boot::values((common, settings.malware_scan()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen_from(given: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<BTreeMap<String, String>> {
        let known =
            ["ALLOWED_ORIGINS", "LIMIT_SENDS", "LIMIT_TICKETS", "MALWARE_SCAN", "MYSQL_URL"].map(str::to_owned).into();
        let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let find = |name: &str| environment.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        chosen(&known, &given, find)
    }

    fn error(given: &[(&str, &str)], environment: &[(&str, &str)]) -> String {
        chosen_from(given, environment).unwrap_err().to_string()
    }

    #[test]
    fn environment_counts_unless_an_option_says_otherwise() {
        let environment =
            [("LIMIT_SENDS", "1:1"), ("LIMIT_TICKETS", "2:2"), ("MYSQL_URL", "mysql://elsewhere/x"), ("OTHER", "x")];

        let chosen = chosen_from(&[("LIMIT_TICKETS", "3:3")], &environment).unwrap();

        let expected = [("LIMIT_SENDS", "1:1"), ("LIMIT_TICKETS", "3:3")];
        assert_eq!(chosen, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert!(chosen_from(&[], &[("LIMIT_SENDS", " ")]).unwrap().is_empty());
    }

    #[test]
    fn unknown_name_is_an_error_that_lists_the_known_ones() {
        let known = "ALLOWED_ORIGINS, LIMIT_SENDS, LIMIT_TICKETS, MALWARE_SCAN, MYSQL_URL";
        let expected = format!("no function has a setting `LIMIT_SEND`; there are {known}");
        assert_eq!(error(&[("LIMIT_SEND", "1:1")], &[]), expected);
    }

    #[test]
    fn bad_value_is_named_before_anything_starts() {
        let problem = "LIMIT_SENDS must be `burst:per_minute`, such as 20:120, each 1 to 1000000";
        assert_eq!(error(&[("LIMIT_SENDS", "many")], &[]), problem);
        assert_eq!(error(&[], &[("LIMIT_SENDS", "0:1")]), problem);
        assert_eq!(error(&[("MALWARE_SCAN", "on")], &[]), "MALWARE_SCAN must be none or guardduty");
        assert!(error(&[("ALLOWED_ORIGINS", "*")], &[]).starts_with("ALLOWED_ORIGINS must list origins"));
    }
}
