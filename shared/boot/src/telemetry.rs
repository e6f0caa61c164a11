use std::panic;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::Targets, fmt, fmt::format::FmtSpan, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// The crates that speak at debug level where `DEBUG=true`; those of others stay at info.
const OURS: [&str; 22] = [
    "auth",
    "blocks",
    "boot",
    "chat_rooms",
    "credentials",
    "docs",
    "domain",
    "friends",
    "health",
    "messages",
    "messaging",
    "migrate",
    "mongo",
    "mysql",
    "projection",
    "realtime",
    "relay",
    "users",
    "web",
    "ws_connect",
    "ws_disconnect",
    "ws_send",
];

/// Sends logs and panics to standard output, a JSON document a line; call it first.
#[expect(
    clippy::disallowed_methods,
    reason = "the log starts before the settings, so that it can tell of their errors"
)]
pub fn telemetry() {
    let debug = std::env::var("DEBUG").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_span_events(FmtSpan::NONE);
    // A second call, as tests make, changes nothing.
    let _ = tracing_subscriber::registry().with(lines).with(levels(debug)).try_init();
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "Panicked: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
}

fn levels(debug: bool) -> Targets {
    let others = Targets::new().with_default(LevelFilter::INFO);
    if debug { others.with_targets(OURS.map(|name| (name, LevelFilter::DEBUG))) } else { others }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn debug_is_about_our_crates_only() {
        assert!(levels(true).would_enable("web::problem", &Level::DEBUG));
        assert!(!levels(true).would_enable("hyper", &Level::DEBUG));
        assert!(levels(true).would_enable("hyper", &Level::INFO));
        assert!(!levels(false).would_enable("web", &Level::DEBUG));
    }
}
