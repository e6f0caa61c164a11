//! Progress for the person at the terminal.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// How often a long step prints a line, where there is no terminal.
const REMINDER: Duration = Duration::from_secs(10);

/// Shows on standard error what is being done: spinners in a terminal, lines elsewhere, or nothing.
#[derive(Clone, Debug)]
pub struct Progress(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Spinners(MultiProgress),
    Lines,
    Silent,
}

impl Progress {
    /// Spinners in a terminal, plain lines elsewhere.
    pub fn detect() -> Self {
        if std::io::stderr().is_terminal() { Self(Kind::Spinners(MultiProgress::new())) } else { Self(Kind::Lines) }
    }

    /// No output, for tests.
    pub fn silent() -> Self {
        Self(Kind::Silent)
    }

    /// Prints a line.
    pub fn say(&self, line: &str) {
        match &self.0 {
            Kind::Spinners(spinners) => {
                spinners.suspend(|| eprintln!("{line}"));
            }
            Kind::Lines => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            Kind::Silent => {}
        }
    }

    /// Begins a step. Dropped before [`Step::done`], it disappears.
    pub fn step(&self, what: &str) -> Step {
        let begun = Instant::now();
        let display = match &self.0 {
            Kind::Spinners(spinners) => {
                let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg:.dim}");
                let bar = spinners.add(ProgressBar::new_spinner()).with_prefix(what.to_owned());
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                bar.enable_steady_tick(Duration::from_millis(100));
                Display::Spinner(bar)
            }
            Kind::Lines => Display::Lines(remind(what.to_owned(), begun)),
            Kind::Silent => Display::Nothing,
        };
        Step { progress: self.clone(), display, begun }
    }
}

/// Something that takes a while.
#[derive(Debug)]
pub struct Step {
    progress: Progress,
    display: Display,
    begun: Instant,
}

#[derive(Debug)]
enum Display {
    Spinner(ProgressBar),
    Lines(mpsc::Sender<String>),
    Nothing,
}

impl Step {
    /// Shows how far it is.
    pub fn at(&self, detail: &str) {
        match &self.display {
            Display::Spinner(bar) => bar.set_message(detail.to_owned()),
            Display::Lines(reminder) => {
                let _ = reminder.send(detail.to_owned());
            }
            Display::Nothing => {}
        }
    }

    /// Ends it with a line about its result.
    pub fn done(self, result: &str) {
        let took = self.begun.elapsed().as_secs_f32();
        let progress = self.progress.clone();
        drop(self);
        progress.say(&format!("✓ {result} ({took:.1} s)"));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Display::Spinner(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}

/// Prints a line after two seconds and then every [`REMINDER`], until the sender is dropped.
fn remind(what: String, begun: Instant) -> mpsc::Sender<String> {
    let (sender, receiver) = mpsc::channel::<String>();
    thread::spawn(move || {
        let mut detail = String::new();
        let mut next = begun + Duration::from_secs(2);
        loop {
            match receiver.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(latest) => detail = latest,
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let _ = writeln!(std::io::stderr(), "… {what} ({} s) {detail}", begun.elapsed().as_secs());
                    next = Instant::now() + REMINDER;
                }
            }
        }
    });
    sender
}
