//! What failed, read from the output of `cargo test`.

use std::fmt;

/// The failed tests, by the binary that they are in.
#[derive(Debug, Default)]
pub(super) struct Failures {
    binaries: Vec<Binary>,
    /// Names of failed tests of the binary that ran last.
    tests: Vec<String>,
    /// The list that is being read.
    list: Option<Vec<String>>,
}

#[derive(Debug, Default)]
struct Binary {
    /// What selects it: `-p stack --lib`.
    selection: String,
    tests: Vec<String>,
}

impl Failures {
    /// Takes the next line.
    pub(super) fn read(&mut self, line: &str) {
        if line == "failures:" {
            // The first list has the output of the tests, the second one their names.
            self.list = Some(Vec::new());
        } else if line.starts_with("test result: FAILED") {
            self.tests = self.list.take().unwrap_or_default();
        } else if let Some(selection) = selection(line) {
            let tests = std::mem::take(&mut self.tests);
            self.binaries.push(Binary { selection: selection.to_owned(), tests });
        } else if let Some(list) = &mut self.list {
            match line.strip_prefix("    ") {
                Some(name) => list.push(name.to_owned()),
                None if line.is_empty() => {}
                None => self.list = None,
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.binaries.is_empty()
    }
}

/// What selects the binary that failed, in the line by which cargo tells of it.
fn selection(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("test failed, to rerun pass `")?;
    rest.split_once('`').map(|(selection, _)| selection)
}

impl fmt::Display for Failures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "failed; to run one again:")?;
        for Binary { selection, tests } in &self.binaries {
            for test in tests {
                write!(formatter, "\n  cargo local test -- {selection} {}", quoted(test))?;
            }
            if tests.is_empty() {
                write!(formatter, "\n  cargo local test -- {selection}   (ended without naming a test)")?;
            }
        }
        Ok(())
    }
}

/// A test's name as a shell takes it. Those of documentation tests have spaces and parentheses.
fn quoted(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_:./-".contains(letter);
    if name.chars().all(is_plain) { name.to_owned() } else { format!("'{name}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
     Running unittests src/lib.rs (target/debug/deps/stack-1)
running 3 tests
test ports::tests::one ... FAILED
test ports::tests::two ... ok
test ports::tests::three ... FAILED

failures:

---- ports::tests::one stdout ----
thread 'ports::tests::one' panicked:
    in a list of its own

---- ports::tests::three stdout ----
failures:
    not a test

failures:
    ports::tests::one
    ports::tests::three

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

error: test failed, to rerun pass `-p stack --lib`
     Running tests/journeys/main.rs (target/debug/deps/journeys-1)
running 9 tests
\u{1b}[1m\u{1b}[91merror\u{1b}[0m: test failed, to rerun pass `-p e2e --test journeys`

Caused by:
  process didn't exit successfully: `target/debug/deps/journeys-1` (signal: 9, SIGKILL: kill)
   Doc-tests boot

failures:

---- shared/boot/src/settings.rs - read (line 20) stdout ----
failures:
    shared/boot/src/settings.rs - read (line 20)

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.30s
error: doctest failed, to rerun pass `-p boot --doc`
error: 3 targets failed:
    `-p stack --lib`
    `-p e2e --test journeys`
    `-p boot --doc`
";

    #[test]
    fn failed_tests_are_listed_with_the_command_that_repeats_them() {
        let mut failures = Failures::default();

        OUTPUT.lines().for_each(|line| failures.read(line));

        let expected = "failed; to run one again:
  cargo local test -- -p stack --lib ports::tests::one
  cargo local test -- -p stack --lib ports::tests::three
  cargo local test -- -p e2e --test journeys   (ended without naming a test)
  cargo local test -- -p boot --doc 'shared/boot/src/settings.rs - read (line 20)'";
        assert_eq!(failures.to_string(), expected);
    }

    #[test]
    fn passing_run_has_no_failures() {
        let mut failures = Failures::default();

        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed".lines().for_each(|line| failures.read(line));

        assert!(failures.is_empty());
    }
}
