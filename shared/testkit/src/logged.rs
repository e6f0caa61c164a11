#![expect(clippy::expect_used, reason = "a test ends where its set-up fails")]

use std::{
    fmt::Debug,
    sync::{Arc, LazyLock, Mutex},
};
use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// The statements that `MySQL` is sent by some work on the thread of a test, as sqlx tells of them: on one line each, in order.
pub async fn statements(work: impl AsyncFnOnce()) -> Vec<String> {
    let told = listen(|metadata| metadata.target() == "sqlx::query", work).await;
    told.iter().map(statement).collect()
}

/// The errors that some work logs on the thread of a test, each as its fields: `code=internal version=7`.
pub async fn errors(work: impl AsyncFnOnce()) -> Vec<String> {
    let told = listen(|metadata| *metadata.level() == Level::ERROR, work).await;
    told.iter().map(Fields::line).collect()
}

/// Every line that some work logs on the thread of a test, whatever its level and whoever logs it, each as its fields.
pub async fn lines(work: impl AsyncFnOnce()) -> Vec<String> {
    let told = listen(|_| true, work).await;
    told.iter().map(Fields::line).collect()
}

/// While there is one dispatcher only, `tracing` asks the thread that meets a callsite first whether anybody listens to it, and keeps
/// the answer for all: that thread may be another test's, where nobody does.
static SECOND: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(Listener { wanted: |_| false, told: Arc::default() }));

async fn listen(wanted: fn(&Metadata<'_>) -> bool, work: impl AsyncFnOnce()) -> Vec<Fields> {
    let told = Arc::<Mutex<Vec<Fields>>>::default();
    {
        LazyLock::force(&SECOND);
        // The runtime of a test has one thread.
        let _listening = tracing::subscriber::set_default(Listener { wanted, told: Arc::clone(&told) });
        work().await;
    }
    std::mem::take(&mut *told.lock().expect("no test panics while it listens"))
}

/// A short statement is its own summary.
fn statement(Fields(fields): &Fields) -> String {
    let find = |wanted| fields.iter().find(|(name, text)| *name == wanted && !text.is_empty()).map(|(_, text)| text);
    let text = find("db.statement").or_else(|| find("summary")).map_or("", String::as_str);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The fields of an event, by name.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn line(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }
}

/// Keeps the events that are wanted.
struct Listener {
    wanted: fn(&Metadata<'_>) -> bool,
    told: Arc<Mutex<Vec<Fields>>>,
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        (self.wanted)(metadata)
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.told.lock().expect("no test panics while it listens").push(fields);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
