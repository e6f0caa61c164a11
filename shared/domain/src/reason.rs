use crate::{Code, Fault, Invalid};
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};
use serde_path_to_error::{Path, Segment};

/// The longest name of a field that is repeated to whoever sent it, in characters.
const LONGEST: usize = 100;

/// Reads a JSON object into a type that has `#[serde(deny_unknown_fields)]`; what is no JSON at all is `malformed`.
///
/// Syntax comes first and on its own, so that a broken document is malformed whatever its fields are, and so are lone
/// surrogates in a field that nobody asked for.
pub fn parse_json<T: DeserializeOwned>(text: &[u8], malformed: Code) -> Result<T, Fault> {
    let value: Value = serde_json::from_slice(text).map_err(|_| malformed)?;
    // Serde would take an array for a struct.
    if !value.is_object() {
        return Err(Fault::field("$", Invalid::WrongType));
    }
    serde_path_to_error::deserialize(&mut Deserializer::from_slice(text))
        .map_err(|error| refused(error.path(), &error.inner().to_string()))
}

/// What serde says of a value, in our words: its own never reach a client.
pub fn refused(path: &Path, message: &str) -> Fault {
    let mut segments: Vec<String> = path.iter().filter_map(segment).collect();
    let reason = if let Some(name) = message.strip_prefix("missing field `") {
        segments.push(until(name, name.find('`')));
        Invalid::Required
    } else if let Some(name) = message.strip_prefix("unknown field `") {
        // `name`, expected `a` or `b`; or `name`, there are no fields. The name may hold a backtick itself.
        name_once(&mut segments, until(name, name.rfind("`, expected").or_else(|| name.rfind("`, there are"))));
        Invalid::UnknownField
    } else if let Some(name) = message.strip_prefix("duplicate field `") {
        name_once(&mut segments, until(name, name.find('`')));
        Invalid::Contradiction
    } else if message.starts_with("invalid value: integer") || message.starts_with("number too ") {
        Invalid::OutOfRange
    } else {
        Invalid::WrongType
    };
    let field: String = segments.join(".").chars().take(LONGEST).collect();
    Fault::field(if field.is_empty() { "$".to_owned() } else { field }, reason)
}

fn segment(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    }
}

fn until(name: &str, end: Option<usize>) -> String {
    name[..end.unwrap_or(name.len())].to_owned()
}

/// The path already ends with the name where serde had read it as a key.
fn name_once(segments: &mut Vec<String>, name: String) {
    if segments.last() != Some(&name) {
        segments.push(name);
    }
}
