//! Measured times in numbers, and the table of them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::Result;
use hdrhistogram::Histogram;

use super::{
    processes::{Processes, Usage},
    rows::Row,
    target::Target,
};

/// One measurement of a row at a stack.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Milliseconds at p50, p95 and p99.
    percentiles: [f64; 3],
    /// Calls per second.
    rate: f64,
    /// Milliseconds of processor time per call.
    processor: Option<Usage>,
}

impl Figures {
    /// Measures a row for this long.
    pub(crate) async fn of(row: &Row, target: &Target, time: Duration) -> Result<Self> {
        let used = target.processes().map(Processes::usage);
        let begun = Instant::now();
        let times = row.measure(target, begun + time).await?;
        let elapsed = begun.elapsed().as_secs_f64();
        let calls = count(times.len());
        let processor = used.zip(target.processes()).map(|(used, processes)| processes.usage().since(&used) / calls);
        Ok(Self { percentiles: percentiles(&times)?, rate: calls / elapsed, processor })
    }
}

/// Milliseconds at p50, p95 and p99.
pub(crate) fn percentiles(times: &[Duration]) -> Result<[f64; 3]> {
    let mut histogram = Histogram::<u64>::new(3)?;
    for time in times {
        histogram.record(u64::try_from(time.as_micros())?)?;
    }
    Ok([0.5, 0.95, 0.99].map(|quantile| millis(histogram.value_at_quantile(quantile))))
}

/// Measurements by row and stack, in the order of the rows.
#[derive(Debug, Default)]
pub(crate) struct Table {
    names: Vec<&'static str>,
    figures: BTreeMap<(usize, usize), Vec<Figures>>,
}

impl Table {
    pub(crate) fn add(&mut self, name: &'static str, stack: usize, figures: Figures) {
        let known = self.names.iter().position(|known| *known == name);
        let row = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        self.figures.entry((row, stack)).or_default().push(figures);
    }

    /// The table of the medians; of two stacks with the ratio of the first to the second.
    pub(crate) fn render(&self, urls: &[&str]) -> String {
        let mut text = format!("{:<38}", "");
        for url in urls {
            write(&mut text, format_args!("  {url:<36}"));
        }
        text.push_str(if urls.len() == 2 { "  ratio\n" } else { "\n" });
        write(&mut text, format_args!("{:<38}", "row"));
        for _ in urls {
            write(&mut text, format_args!("  {:>8} {:>8} {:>8} {:>9}", "p50", "p95", "p99", "per s"));
        }
        text.push_str(if urls.len() == 2 { "  p50   rate\n" } else { "\n" });
        for (row, name) in self.names.iter().enumerate() {
            write(&mut text, format_args!("{name:<38}"));
            let medians: Vec<[f64; 4]> = (0..urls.len()).map(|stack| self.median(row, stack)).collect();
            for [p50, p95, p99, rate] in &medians {
                write(&mut text, format_args!("  {p50:>8.2} {p95:>8.2} {p99:>8.2} {rate:>9.1}"));
            }
            if let [own, other] = &medians[..] {
                write(&mut text, format_args!("  {:<5.2} {:.2}", own[0] / other[0], own[3] / other[3]));
            }
            text.push('\n');
        }
        text.push_str("\nprocessor time per call, in ms:\n");
        for (row, name) in self.names.iter().enumerate() {
            write(&mut text, format_args!("{name:<38}"));
            for stack in 0..urls.len() {
                let figures = self.of(row, stack);
                let used: Vec<&Usage> = figures.iter().filter_map(|figures| figures.processor.as_ref()).collect();
                match Usage::median(&used) {
                    Some(used) => write(&mut text, format_args!("  {used}")),
                    None => write(&mut text, format_args!("  unknown: its processes are not on this machine")),
                }
            }
            text.push('\n');
        }
        text
    }

    fn of(&self, row: usize, stack: usize) -> &[Figures] {
        self.figures.get(&(row, stack)).map_or(&[], Vec::as_slice)
    }

    fn median(&self, row: usize, stack: usize) -> [f64; 4] {
        let figures = self.of(row, stack);
        let of = |value: &dyn Fn(&Figures) -> f64| median(figures.iter().map(value));
        [of(&|it| it.percentiles[0]), of(&|it| it.percentiles[1]), of(&|it| it.percentiles[2]), of(&|it| it.rate)]
    }
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values[..] {
        [] => 0.0,
        _ if values.len() % 2 == 1 => values[half],
        _ => f64::midpoint(values[half - 1], values[half]),
    }
}

fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1000.0
}

pub(crate) fn count(calls: usize) -> f64 {
    u32::try_from(calls).unwrap_or(u32::MAX).into()
}

/// Writing to a string never fails.
fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(p50: f64, rate: f64) -> Figures {
        Figures { percentiles: [p50, p50 * 2.0, p50 * 3.0], rate, processor: None }
    }

    #[test]
    fn the_median_of_the_rounds_is_shown_with_the_ratio() {
        let mut table = Table::default();
        for (stack, p50, rate) in [(0, 5.0, 150.0), (0, 900.0, 1.0), (0, 6.0, 140.0), (1, 10.0, 100.0)] {
            table.add("send", stack, figures(p50, rate));
        }

        let text = table.render(&["http://one", "http://other"]);

        let row = text.lines().nth(2).expect("a row");
        let numbers: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(
            numbers,
            ["send", "6.00", "12.00", "18.00", "140.0", "10.00", "20.00", "30.00", "100.0", "0.60", "1.40"]
        );
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert!((median([4.0, 1.0, 2.0, 100.0].into_iter()) - 3.0).abs() < f64::EPSILON);
    }
}
