use std::panic;
use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::{FilterFn, filter_fn},
    fmt,
    fmt::format::FmtSpan,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Sends logs and panics to standard output, a JSON document a line. `read` calls it; a second call changes nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "the log starts before the settings, so that it can tell of their errors"
)]
pub fn telemetry() {
    let debug = std::env::var("DEBUG").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_span_events(FmtSpan::NONE);
    let _ = tracing_subscriber::registry().with(lines).with(levels(debug)).try_init();
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
        level <= Level::INFO || (level <= most && metadata.file().is_some_and(is_ours))
    };
    filter_fn(is_enabled).with_max_level_hint(most)
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
