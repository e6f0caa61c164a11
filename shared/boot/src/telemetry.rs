use crate::{cost::note_memory, metrics::Metrics};
use domain::{METRICS, Usage};
use std::{io, panic};
use tracing::{Event, Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, filter_fn},
    fmt,
    fmt::format::FmtSpan,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// What sqlx tells of each statement, at debug level.
const STATEMENTS: &str = "sqlx::query";

/// Sends logs, metrics and panics to standard output, a JSON document a line. `read` calls it; a second call changes nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "the log starts before the settings, so that it can tell of their errors"
)]
pub fn telemetry() {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let debug = variable("DEBUG").eq_ignore_ascii_case("true");
    note_memory(&variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_span_events(FmtSpan::NONE);
    let lines = lines.with_filter(filter_fn(|metadata| metadata.target() != METRICS && !is_statement(metadata)));
    let metrics = Metrics { stack: variable("STACK_NAME"), writer: io::stdout };
    let _ = tracing_subscriber::registry().with(lines).with(metrics).with(Statements).with(levels(debug)).try_init();
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, "Panicked: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
}

/// Info and above; of our own crates debug too where `DEBUG=true`.
fn levels(debug: bool) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let most = if debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let is_enabled = move |metadata: &Metadata<'_>| {
        let level = *metadata.level();
        let is_wanted = || is_statement(metadata) || metadata.file().is_some_and(is_ours);
        level <= Level::INFO || (level <= most && is_wanted())
    };
    filter_fn(is_enabled).with_max_level_hint(most)
}

/// A slow statement is a warning, and stays one.
fn is_statement(metadata: &Metadata<'_>) -> bool {
    metadata.target() == STATEMENTS && *metadata.level() == Level::DEBUG
}

/// Counts statements, as far as sqlx tells of them.
struct Statements;

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if is_statement(event.metadata()) {
            Usage::count_store_operation();
        }
    }
}

/// Cargo names the files of a workspace by paths relative to it, those of other crates by absolute ones.
fn is_ours(file: &str) -> bool {
    !file.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_lines_are_of_our_crates_only() {
        assert!(is_ours(file!()));
        assert!(!is_ours("/home/me/.cargo/registry/src/index.crates.io-1/hyper-1.12.0/src/client.rs"));
    }
}
