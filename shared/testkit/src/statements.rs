#![expect(clippy::expect_used, reason = "a test ends where its set-up fails")]

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// The statements that `MySQL` was sent, as sqlx tells of them.
#[derive(Debug, Clone, Default)]
pub struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    /// The statements that some work sends from the thread of a test, on one line each, in order.
    pub async fn of(work: impl AsyncFnOnce()) -> Vec<String> {
        let heard = Self::default();
        {
            // The runtime of a test has one thread.
            let _listening = tracing::subscriber::set_default(heard.clone());
            work().await;
        }
        heard.all()
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().expect("no test panics while it listens").clone()
    }
}

/// A short statement is its own summary.
#[derive(Default)]
struct Told {
    summary: String,
    statement: String,
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.statement),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut told = Told::default();
        event.record(&mut told);
        let text = if told.statement.is_empty() { told.summary } else { told.statement };
        self.0
            .lock()
            .expect("no test panics while it listens")
            .push(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
