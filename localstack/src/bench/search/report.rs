//! What was measured, as a table.

use std::fmt;

use super::{super::figures::count, Class, Outcome, Scope, Sends, Weights};

/// Everything that was measured.
pub(super) struct Report {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) weights: Weights,
    /// Without the index of grams and with it.
    pub(super) sends: Option<[Sends; 2]>,
    pub(super) senders: u32,
}

impl Report {
    /// Whether every search found what reading all messages finds, and nothing else.
    pub(super) fn is_right(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.found == outcome.expected && outcome.wrong == 0)
    }

    fn of(&self, scope: Scope, class: Option<Class>) -> Vec<&Outcome> {
        let is_asked_for = |outcome: &&Outcome| match class {
            // What is searched with neither grams nor words tells nothing about words.
            None => !matches!(outcome.class, Class::OneSyllable | Class::Filters),
            Some(class) => outcome.class == class,
        };
        self.outcomes.iter().filter(|outcome| outcome.scope == scope).filter(is_asked_for).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for scope in [Scope::OneRoom, Scope::Others] {
            writeln!(f, "\n{}, first page of 30, in ms\n", scope.name())?;
            writeln!(
                f,
                "{:<24} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>7} {:>9} {:>10}",
                "", "queries", "p50", "p95", "p99", "max", "matches", "recall", "precision", "incomplete"
            )?;
            let mut classes: Vec<Class> = self.of(scope, None).iter().map(|outcome| outcome.class).collect();
            classes.extend([Class::Filters, Class::OneSyllable]);
            classes.dedup();
            for (name, class) in
                classes.into_iter().map(|class| (class.name(), Some(class))).chain([("all words", None)])
            {
                let outcomes = self.of(scope, class);
                if !outcomes.is_empty() {
                    row(f, name, &outcomes)?;
                }
            }
        }
        let Weights { document, document_without_grams, grams, computed, index, build } = &self.weights;
        let micros = computed.as_secs_f64() * 1e6;
        writeln!(f, "\n{grams:.1} grams a message, computed in {micros:.1} us; index {index:.0} bytes a message")?;
        match build {
            Some(build) => writeln!(f, "the index was built in {:.0} s", build.as_secs_f64())?,
            None => writeln!(f, "the index grew with the messages")?,
        }
        writeln!(f, "document {document:.0} bytes, {document_without_grams:.0} without grams")?;
        let Some([without, with]) = &self.sends else { return Ok(()) };
        writeln!(f, "\n{} senders in the large room, in ms\n", self.senders)?;
        writeln!(f, "{:<18} {:>8} {:>8} {:>8} {:>8}", "", "p50", "p95", "p99", "per s")?;
        for (name, Sends { percentiles: [p50, p95, p99], per_second }) in
            [("without the index", without), ("with it", with)]
        {
            writeln!(f, "{name:<18} {p50:>8.2} {p95:>8.2} {p99:>8.2} {per_second:>8.0}")?;
        }
        let p50 = with.percentiles[0] / without.percentiles[0];
        writeln!(f, "{:<18} {p50:>8.2} {:>26.2}", "ratio", with.per_second / without.per_second)
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, outcomes: &[&Outcome]) -> fmt::Result {
    let sum = |value: fn(&Outcome) -> usize| outcomes.iter().map(|outcome| value(outcome)).sum::<usize>();
    let (expected, found, wrong) = (sum(|it| it.expected), sum(|it| it.found), sum(|it| it.wrong));
    let share = |part: usize, all: usize| if all == 0 { 1.0 } else { count(part) / count(all) };
    let mut times: Vec<f64> = outcomes.iter().map(|outcome| outcome.time).collect();
    times.sort_by(f64::total_cmp);
    write!(f, "{name:<24} {:>8}", times.len())?;
    for percent in [50, 95, 99, 100] {
        // The nearest rank.
        let rank = (times.len() * percent).div_ceil(100).max(1);
        write!(f, " {:>8.1}", times[rank - 1])?;
    }
    let (recall, precision) = (share(found, expected), share(found, found + wrong));
    writeln!(f, " {expected:>9} {recall:>7.4} {precision:>9.4} {:>10}", sum(|it| it.incomplete))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn report(found: usize, wrong: usize) -> Report {
        let outcome = |time| Outcome {
            class: Class::TwoCommon,
            scope: Scope::OneRoom,
            time,
            expected: 30,
            found,
            wrong,
            incomplete: 0,
        };
        let weights = Weights {
            document: 480.0,
            document_without_grams: 360.0,
            grams: 15.5,
            computed: Duration::from_micros(5),
            index: 302.0,
            build: Some(Duration::from_secs(9)),
        };
        let sends = |p50, per_second| Sends { percentiles: [p50, 2.0 * p50, 3.0 * p50], per_second };
        let sends = Some([sends(16.0, 2_000.0), sends(20.0, 1_500.0)]);
        Report { outcomes: (1..=100).map(|time| outcome(time.into())).collect(), weights, sends, senders: 32 }
    }

    #[test]
    fn a_report_is_told_in_numbers() {
        let text = report(30, 0).to_string();
        let row = text.lines().find(|line| line.starts_with("2 syllables, common")).expect("a row");
        let numbers: Vec<&str> = row.split_whitespace().skip(3).collect();
        assert_eq!(numbers, ["100", "50.0", "95.0", "99.0", "100.0", "3000", "1.0000", "1.0000", "0"]);
        let ratio = text.lines().last().expect("a ratio");
        assert_eq!(ratio.split_whitespace().collect::<Vec<_>>(), ["ratio", "1.25", "0.75"]);
    }

    #[test]
    fn a_search_is_wrong_that_misses_or_adds_something() {
        assert!(report(30, 0).is_right());
        assert!(!report(29, 0).is_right());
        assert!(!report(30, 1).is_right());
    }
}
