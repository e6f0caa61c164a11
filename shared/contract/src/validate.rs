use crate::asyncapi;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::LazyLock};

static DOCUMENT: LazyLock<Value> = LazyLock::new(asyncapi);

/// Why a frame, of either direction, is none that the document of frames describes; for tests and tools.
pub fn misfit_of_frame(frame: &Value) -> Option<String> {
    let tag = if frame["action"].is_string() { "action" } else { "t" };
    let messages = DOCUMENT["channels"]["chat"]["messages"].as_object().into_iter().flatten();
    let is_named = |payload: &Value| payload["properties"][tag]["enum"][0] == frame[tag];
    let candidates =
        messages.map(|(name, message)| (name, &message["payload"])).filter(|(_, payload)| is_named(payload));
    let mut misfits = Vec::new();
    for (name, payload) in candidates {
        match misfit(&DOCUMENT, payload, frame) {
            None => return None,
            Some(misfit) => misfits.push(format!("{name}: {misfit}")),
        }
    }
    Some(if misfits.is_empty() { format!("{} is not described", frame[tag]) } else { misfits.join("; ") })
}

/// The same for a frame that a client received, which may be an error of API Gateway itself.
pub fn misfit_of_received(frame: &Value) -> Option<String> {
    let is_foreign = ["message", "connectionId", "requestId"].iter().all(|field| frame[field].is_string());
    if is_foreign { None } else { misfit_of_frame(frame) }
}

/// Why a value does not fit a schema of a document, by the keywords that the schemas of both documents use. A field that is not
/// described does not fit.
pub fn misfit<'d>(document: &'d Value, schema: &'d Value, value: &Value) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return match document.pointer(reference.trim_start_matches('#')) {
            Some(schema) => misfit(document, schema, value),
            None => Some(format!("{reference} leads nowhere")),
        };
    }
    if let Some(any) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let fits = |schema: &Value| misfit(document, schema, value).is_none();
        return (!any.iter().any(fits)).then(|| format!("{value} is none of {any:?}"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = schema["type"].as_array().map_or(std::slice::from_ref(&schema["type"]), Vec::as_slice);
    if !kinds.iter().any(|allowed| allowed.is_null() || allowed == kind) {
        return Some(format!("{value} is no {kinds:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Some(format!("{value} is none of {}", schema["enum"]));
    }
    match value {
        Value::Object(fields) => Object::of(document, schema).misfit(document, fields),
        Value::Array(items) if schema["items"].is_object() => {
            items.iter().find_map(|item| misfit(document, &schema["items"], item))
        }
        _ => None,
    }
}

/// The fields of an object, those of all parts where it is put together of several.
#[derive(Default)]
struct Object<'d> {
    properties: BTreeMap<&'d str, &'d Value>,
    required: Vec<&'d str>,
    others: Option<&'d Value>,
    is_closed: bool,
}

impl<'d> Object<'d> {
    fn of(document: &'d Value, schema: &'d Value) -> Self {
        let mut object = Self::default();
        object.add(document, schema);
        object
    }

    fn add(&mut self, document: &'d Value, schema: &'d Value) {
        let schema = match schema["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null),
            None => schema,
        };
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.add(document, part);
        }
        if let Some(properties) = schema["properties"].as_object() {
            self.properties.extend(properties.iter().map(|(name, schema)| (name.as_str(), schema)));
            self.is_closed = true;
        }
        self.required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
        self.others = self.others.or_else(|| schema.get("additionalProperties").filter(|schema| schema.is_object()));
    }

    fn misfit(&self, document: &'d Value, fields: &Map<String, Value>) -> Option<String> {
        if let Some(name) = self.required.iter().find(|name| !fields.contains_key(**name)) {
            return Some(format!("{name} is missing"));
        }
        fields.iter().find_map(|(name, value)| match (self.properties.get(name.as_str()).copied(), self.others) {
            (Some(schema), _) | (None, Some(schema)) => {
                misfit(document, schema, value).map(|misfit| format!("{name}: {misfit}"))
            }
            (None, None) => self.is_closed.then(|| format!("{name} is not described")),
        })
    }
}
