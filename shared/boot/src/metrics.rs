use crate::{clock, cost::Cost};
use domain::{METRICS, Timestamp};
use serde_json::{Map, Value, json};
use std::{fmt::Debug, io::Write as _};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context};

/// Where `CloudWatch` keeps the metrics.
const NAMESPACE: &str = "BigTechChat";

/// Writes events that are metrics as lines in `CloudWatch`'s embedded metric format.
pub(crate) struct Metrics<W> {
    pub(crate) stack: String,
    pub(crate) writer: W,
}

impl<S: Subscriber, W: for<'a> MakeWriter<'a> + 'static> Layer<S> for Metrics<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == METRICS {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let line = fields.line(&self.stack, clock().now(), Cost::so_far());
            // Nobody is told of a log that can't be written.
            let _ = writeln!(self.writer.make_writer(), "{line}");
        }
    }
}

/// The fields of an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn line(self, stack: &str, now: Timestamp, cost: Option<Cost>) -> Value {
        let Self(mut line) = self;
        let metrics = line.iter().filter(|(name, value)| is_camel_case(name) && value.is_number());
        let metrics: Vec<_> = metrics.map(|(name, _)| json!({ "Name": name, "Unit": unit(name) })).collect();
        let texts = line.iter().filter(|(name, value)| is_camel_case(name) && value.is_string());
        // In all, and by each text.
        let mut dimensions = vec![vec!["Stack".to_owned()]];
        dimensions.extend(texts.map(|(name, _)| vec!["Stack".to_owned(), name.clone()]));
        if let Some(cost) = cost {
            cost.note(&mut line);
        }
        line.insert("Stack".to_owned(), stack.into());
        // Without these two Lambda takes no line for JSON with a level.
        line.insert("timestamp".to_owned(), now.to_string().into());
        line.insert("level".to_owned(), "INFO".into());
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics });
        line.insert("_aws".to_owned(), json!({ "Timestamp": now.millis(), "CloudWatchMetrics": [directive] }));
        Value::Object(line)
    }

    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

fn is_camel_case(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_uppercase())
}

fn unit(name: &str) -> &'static str {
    match name {
        _ if name.ends_with("Seconds") => "Seconds",
        _ if name.ends_with("Ms") => "Milliseconds",
        _ => "Count",
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.insert(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, Mutex, MutexGuard},
    };
    use tracing_subscriber::layer::SubscriberExt as _;

    /// What was written.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    struct Writer<'a>(MutexGuard<'a, Vec<u8>>);

    impl io::Write for Writer<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Writer<'a>;

        fn make_writer(&'a self) -> Writer<'a> {
            Writer(self.0.lock().unwrap())
        }
    }

    fn written(work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let metrics = Metrics { stack: "chat".to_owned(), writer: lines.clone() };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(metrics), work);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    /// The line but for its time.
    fn line(text: &str) -> Value {
        let mut line: Value = serde_json::from_str(text).unwrap();
        let millis = line["_aws"]["Timestamp"].take().as_i64().unwrap();
        assert_eq!(line["timestamp"].take(), Timestamp::from_millis(millis).to_string(), "{text}");
        line
    }

    #[test]
    fn event_of_metrics_is_one_line_in_embedded_metric_format() {
        let text = written(|| {
            tracing::info!(target: METRICS, Projected = 3, OldestOutboxSeconds = 61.5, InsertMs = 4_u64, erased = 1, "Relayed");
        });

        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert_eq!(
            line(&text),
            json!({
                "_aws": {
                    "Timestamp": null,
                    "CloudWatchMetrics": [{
                        "Namespace": "BigTechChat",
                        "Dimensions": [["Stack"]],
                        "Metrics": [
                            { "Name": "InsertMs", "Unit": "Milliseconds" },
                            { "Name": "OldestOutboxSeconds", "Unit": "Seconds" },
                            { "Name": "Projected", "Unit": "Count" },
                        ],
                    }],
                },
                "Stack": "chat",
                "timestamp": null,
                "level": "INFO",
                "message": "Relayed",
                "Projected": 3,
                "OldestOutboxSeconds": 61.5,
                "InsertMs": 4,
                "erased": 1,
            })
        );
    }

    #[test]
    fn text_in_camel_case_is_a_dimension_beside_the_whole() {
        let text = written(|| tracing::info!(target: METRICS, Provider = "fcm", PushesSent = 1, "Sent"));

        let directive = &line(&text)["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Stack"], ["Stack", "Provider"]]));
        assert_eq!(directive["Metrics"], json!([{ "Name": "PushesSent", "Unit": "Count" }]));
    }

    #[test]
    fn other_events_are_no_metrics() {
        assert_eq!(written(|| tracing::info!(Projected = 3, "Relayed")), "");
    }
}
