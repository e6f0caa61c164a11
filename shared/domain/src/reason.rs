use crate::{Code, Fault, Invalid};
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::{Deserializer, Value};
use serde_path_to_error::{Path, Segment, Track};
use std::marker::PhantomData;

/// Fields whose keys the client chooses: a path ends with them, since it repeats nothing of the input.
const MAPS: [&str; 1] = ["cursors"];

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

/// What serde says of a value, in our words: its own never reach a client, nor does any part of the input. A client that sent
/// its whole body as the name of a field may have a password in it. An unknown field is named by the object that holds it.
pub fn refused(path: &Path, message: &str) -> Fault {
    let mut segments: Vec<String> = path.iter().filter_map(segment).collect();
    let reason = if let Some(name) = message.strip_prefix("missing field `") {
        segments.push(until(name, name.find('`')));
        Invalid::Required
    } else if let Some(name) = message.strip_prefix("unknown field `") {
        // `name`, expected `a` or `b`; or `name`, there are no fields. The name may hold a backtick itself.
        let name = until(name, name.rfind("`, expected").or_else(|| name.rfind("`, there are")));
        segments.pop_if(|last| *last == name);
        Invalid::UnknownField
    } else if let Some(name) = message.strip_prefix("duplicate field `") {
        let name = until(name, name.find('`'));
        segments.pop_if(|last| *last == name);
        segments.push(name);
        Invalid::Contradiction
    } else if message.starts_with("invalid value: integer") || message.starts_with("number too ") {
        Invalid::OutOfRange
    } else {
        Invalid::WrongType
    };
    if let Some(map) = segments.iter().position(|segment| MAPS.contains(&segment.as_str())) {
        segments.truncate(map + 1);
    }
    Fault::field(if segments.is_empty() { "$".to_owned() } else { segments.join(".") }, reason)
}

fn segment(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        // The name of a variant is a value.
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn until(name: &str, end: Option<usize>) -> String {
    name[..end.unwrap_or(name.len())].to_owned()
}
