//! Values of a template, in YAML and resolved to JSON.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value as Json};
use serde_norway::Value as Yaml;

/// A top-level section, or the document itself for an empty name, as a map.
pub(crate) fn section(document: &Yaml, name: &str) -> Result<BTreeMap<String, Yaml>> {
    let value = if name.is_empty() { Some(document) } else { document.get(name) };
    let entries = match value {
        None | Some(Yaml::Null) => return Ok(BTreeMap::new()),
        Some(value) => value.as_mapping().with_context(|| format!("`{name}` is not a mapping"))?,
    };
    entries
        .iter()
        .map(|(key, value)| {
            let key = scalar(key).with_context(|| format!("a key of `{name}` is not a scalar"))?;
            Ok((key, value.clone()))
        })
        .collect()
}

/// A scalar as text, `None` for anything else.
pub(crate) fn scalar(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) => Some(text.clone()),
        Yaml::Bool(truth) => Some(truth.to_string()),
        Yaml::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A JSON scalar as text, as an environment variable or a joined part has it.
pub(crate) fn plain(value: &Json) -> Result<String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Bool(truth) => Ok(truth.to_string()),
        Json::Number(number) => Ok(number.to_string()),
        Json::Array(items) => Ok(items.iter().map(plain).collect::<Result<Vec<_>>>()?.join(",")),
        other => bail!("a text is needed, not {other}"),
    }
}

/// Fails on a property that is not in the list.
pub(crate) fn known(properties: &Json, names: &[&str]) -> Result<()> {
    for name in properties.as_object().into_iter().flat_map(Map::keys) {
        ensure!(names.contains(&name.as_str()), "unsupported property `{name}`");
    }
    Ok(())
}

pub(crate) fn number(properties: &Json, name: &str) -> Result<Option<u64>> {
    let Some(value) = properties.get(name) else { return Ok(None) };
    let number = plain(value)?.parse().with_context(|| format!("`{name}` is not a whole number"))?;
    Ok(Some(number))
}

pub(crate) fn texts(properties: &Json, name: &str) -> Result<Vec<String>> {
    match properties.get(name) {
        None => Ok(Vec::new()),
        Some(Json::Array(items)) => items.iter().map(plain).collect(),
        Some(other) => Ok(plain(other)?.split(',').map(|item| item.trim().to_owned()).collect()),
    }
}
