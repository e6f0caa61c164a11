//! What functions log, as a person reads it.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// How `up` shows what functions log.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum LogStyle {
    /// A line of text: time (UTC), level, function, message, fields
    #[default]
    Text,
    /// The JSON object that the function logs, with its name added
    Json,
}

impl LogStyle {
    /// Shows one line of a function.
    pub(crate) fn show(self, function: &str, line: &str) -> String {
        let logged = serde_json::from_str::<Map<String, Value>>(line).ok();
        match self {
            Self::Text => text(function, line, logged),
            Self::Json => json(function, line, logged),
        }
    }
}

fn json(function: &str, line: &str, logged: Option<Map<String, Value>>) -> String {
    let mut logged = logged.unwrap_or_else(|| Map::from_iter([("message".to_owned(), line.into())]));
    logged.insert("function".to_owned(), function.into());
    Value::Object(logged).to_string()
}

fn text(function: &str, line: &str, logged: Option<Map<String, Value>>) -> String {
    let Some(mut logged) = logged else {
        return row("", "", function, line);
    };
    let mut take = |name: &str| logged.remove(name).as_ref().map(plain);
    let (time, level) = (take("timestamp").unwrap_or_default(), take("level"));
    // An error that the runtime reports has these and no level.
    let (kind, error) = (take("errorType"), take("errorMessage"));
    take("target");
    take("_aws");
    let message = take("message").or(error).unwrap_or_default();
    let message = kind.map_or(message.clone(), |kind| format!("{kind}: {message}"));
    let level = level.unwrap_or_else(|| "ERROR".to_owned());
    let mut text = row(time.get(11..23).unwrap_or_default(), &level, function, &message);
    let span = logged.remove("span");
    let of_span = span.as_ref().and_then(Value::as_object).into_iter().flatten();
    let of_span = of_span.filter(|(name, _)| !["name", "requestId", "xrayTraceId"].contains(&name.as_str()));
    for (name, value) in logged.iter().chain(of_span) {
        let _ = write!(text, "  {name}={}", one_line(&plain(value)));
    }
    text
}

fn row(time: &str, level: &str, function: &str, message: &str) -> String {
    format!("{time:12}  {level:5}  {function:13}  {}", one_line(message)).trim_end().to_owned()
}

/// A JSON value as text, without quotation marks.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text with its line ends written out.
fn one_line(text: &str) -> String {
    text.trim_end().replace('\n', "\\n").replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"timestamp":"2026-11-26T05:46:16.123456Z","level":"WARN","message":"Could not push: dispatch failure: io error:\nbroken pipe","code":"push_failed","target":"announce::deliver","span":{"room.id":"private:7","name":"Lambda runtime invoke","requestId":"4f","xrayTraceId":"Root=1"}}"#;

    #[test]
    fn logged_object_becomes_one_line_with_its_fields() {
        let expected = "05:46:16.123  WARN   messages       Could not push: dispatch failure: io error:\\nbroken pipe  \
            code=push_failed  room.id=private:7";
        assert_eq!(LogStyle::Text.show("messages", LINE), expected);
    }

    #[test]
    fn error_of_the_runtime_has_its_type_and_message() {
        let line = r#"{"errorMessage":"SECRET_KEY is missing","errorType":"SettingsError"}"#;
        let expected = "              ERROR  auth           SettingsError: SECRET_KEY is missing";
        assert_eq!(LogStyle::Text.show("auth", line), expected);
    }

    #[test]
    fn plain_line_stays_readable() {
        let expected = "                     ws-send        Task timed out after 3.00 seconds";
        assert_eq!(LogStyle::Text.show("ws-send", "Task timed out after 3.00 seconds"), expected);
    }

    #[test]
    fn json_is_what_the_function_logged_and_its_name() {
        let shown: Value = serde_json::from_str(&LogStyle::Json.show("messages", LINE)).unwrap();
        let mut logged: Value = serde_json::from_str(LINE).unwrap();
        logged["function"] = "messages".into();
        assert_eq!(shown, logged);

        let plain = LogStyle::Json.show("auth", "no JSON");
        assert_eq!(plain, r#"{"function":"auth","message":"no JSON"}"#);
    }
}
