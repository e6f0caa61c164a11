use crate::{Code, Fault, Invalid};
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::{Deserializer, Value};
use serde_path_to_error::{Path, Segment, Track};
use std::marker::PhantomData;

/// The longest name of a field that is repeated to whoever sent it, in characters.
const LONGEST: usize = 100;

/// Reads a JSON object into a type that has `#[serde(deny_unknown_fields)]`; text that is not JSON is `malformed`.
pub fn parse_json<T: DeserializeOwned>(text: &[u8], malformed: Code) -> Result<T, Fault> {
    parse_json_seed(text, malformed, PhantomData)
}

/// The same with a seed. Valid text is parsed once; text that is refused is parsed again, to find the reason.
pub fn parse_json_seed<'de, S>(text: &'de [u8], malformed: Code, seed: S) -> Result<S::Value, Fault>
where
    S: DeserializeSeed<'de> + Copy,
{
    // Serde would take an array for a struct.
    let is_object = text.trim_ascii_start().first() == Some(&b'{');
    let mut deserializer = Deserializer::from_slice(text);
    let parsed = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match parsed {
        Ok(value) if is_object => Ok(value),
        _ => Err(refuse_json(text, malformed, seed)),
    }
}

/// Why a text is refused. Syntax is checked first, so that a broken document is malformed whatever its fields are.
fn refuse_json<'de, S: DeserializeSeed<'de>>(text: &'de [u8], malformed: Code, seed: S) -> Fault {
    match serde_json::from_slice(text) {
        Err(_) => return malformed.into(),
        Ok(Value::Object(_)) => {}
        Ok(_) => return Fault::field("$", Invalid::WrongType),
    }
    let (mut track, mut deserializer) = (Track::new(), Deserializer::from_slice(text));
    match seed.deserialize(serde_path_to_error::Deserializer::new(&mut deserializer, &mut track)) {
        Ok(_) => malformed.into(),
        Err(error) => refused(&track.path(), &error.to_string()),
    }
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
