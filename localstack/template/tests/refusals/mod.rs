//! Stacks, and those that are refused because of one of their parts.

use std::collections::BTreeMap;

use template::Template;

pub(crate) fn parse(text: &str) -> Template {
    Template::parse(text, &BTreeMap::new()).unwrap()
}

/// Expects an error for each replaced part of a stack: the part, what replaces it, and a part of the error.
#[track_caller]
pub(crate) fn assert_refused(stack: &str, replaced: &[(&str, &str, &str)]) {
    for (part, by, expected) in replaced {
        assert!(stack.contains(part), "{part}");
        let error = format!("{:#}", Template::parse(&stack.replacen(part, by, 1), &BTreeMap::new()).unwrap_err());
        assert!(error.contains(expected), "{by}: {error}");
    }
}
