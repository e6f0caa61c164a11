//! Reading a template.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;
use serde_norway::Value as Yaml;

use crate::{
    generated,
    intrinsics::Scope,
    model::{REGION, Template, arn},
    queue, resources,
    values::{plain, scalar, section},
};

const STACK: &str = "local";

impl Template {
    /// Reads a template, with `parameters` over the defaults.
    ///
    /// Fails on any unsupported resource, property or intrinsic function, and names it.
    /// A parameter with neither a value nor a default resolves to a text that [`unset_parameter`] recognizes:
    /// a function whose environment needs it can't start.
    pub fn load(path: &Path, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, parameters).with_context(|| format!("in {}", path.display()))
    }

    /// Reads a template from its text; see [`Template::load`].
    pub fn parse(text: &str, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let mut document: Yaml = serde_norway::from_str(text)?;
        document.apply_merge()?;
        let known = [
            "AWSTemplateFormatVersion",
            "Transform",
            "Description",
            "Metadata",
            "Globals",
            "Parameters",
            "Conditions",
            "Resources",
            "Outputs",
            "Rules",
        ];
        for section in section(&document, "")?.keys() {
            ensure!(known.contains(&section.as_str()), "unsupported section `{section}`");
        }
        let resources = section(&document, "Resources")?;
        let scope = scope(&document, &resources, parameters)?;
        let template = resources::read(&document, &resources, &scope)?;
        for (name, output) in section(&document, "Outputs")? {
            scope.resolve(&output).with_context(|| format!("in output `{name}`"))?;
        }
        Ok(template)
    }
}

fn scope(document: &Yaml, resources: &BTreeMap<String, Yaml>, overrides: &BTreeMap<String, String>) -> Result<Scope> {
    let mut parameters = BTreeMap::new();
    let declared = section(document, "Parameters")?;
    for name in overrides.keys() {
        ensure!(declared.contains_key(name), "the template has no parameter `{name}`");
    }
    for (name, parameter) in declared {
        let given = overrides.get(&name).cloned();
        let value =
            given.or_else(|| parameter.get("Default").and_then(scalar)).unwrap_or_else(|| format!("{UNSET}{name}>"));
        let kind = parameter.get("Type").and_then(Yaml::as_str).unwrap_or("String");
        let value = if kind == "CommaDelimitedList" || kind.starts_with("List<") {
            value.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
        } else {
            Json::String(value)
        };
        parameters.insert(name, value);
    }
    let mut scope = Scope {
        region: REGION.to_owned(),
        stack: STACK.to_owned(),
        parameters,
        conditions: section(document, "Conditions")?,
        references: BTreeMap::from([("ServerlessHttpApi".to_owned(), "ServerlessHttpApi".to_owned())]),
        functions: BTreeMap::new(),
        queues: BTreeMap::new(),
        buckets: BTreeMap::new(),
    };
    for (id, resource) in resources {
        let kind =
            resource.get("Type").and_then(Yaml::as_str).with_context(|| format!("resource `{id}` has no type"))?;
        let properties = resource.get("Properties").cloned().unwrap_or_default();
        let names: BTreeSet<String> = generated::names(id, kind, &properties);
        scope.references.extend(names.into_iter().map(|name| (name.clone(), name)));
        scope.references.insert(id.clone(), id.clone());
        if kind == "AWS::Serverless::Function" {
            let name = generated::function_name(id, resource)?;
            if let Some(alias) = alias(document, &properties, &scope).with_context(|| format!("in `{id}`"))? {
                scope.references.insert(format!("{id}.Alias"), alias_arn(&name, &alias));
                // AWS counts versions; here there is one.
                scope.references.insert(format!("{id}.Version"), alias_arn(&name, "1"));
            }
            scope.functions.insert(id.clone(), arn(&name));
            scope.references.insert(id.clone(), name);
        }
        if kind == "AWS::SQS::Queue" {
            let name = name(id, &properties, "QueueName", &scope)?.unwrap_or_else(|| format!("{STACK}-{id}"));
            scope.references.insert(id.clone(), queue::url(&name));
            scope.queues.insert(id.clone(), name);
        }
        if kind == "AWS::S3::Bucket" {
            let made = || format!("{STACK}-{}", id.to_lowercase());
            let name = name(id, &properties, "BucketName", &scope)?.unwrap_or_else(made);
            scope.references.insert(id.clone(), name.clone());
            scope.buckets.insert(id.clone(), name);
        }
    }
    Ok(scope)
}

/// The name that a resource gives itself, if it does.
fn name(id: &str, properties: &Yaml, property: &str, scope: &Scope) -> Result<Option<String>> {
    let Some(name) = properties.get(property) else { return Ok(None) };
    let name = scope.resolve(name).with_context(|| format!("in `{property}` of `{id}`"))?;
    name.as_ref().map(plain).transpose()
}

/// The alias that SAM makes for a function, if it does.
fn alias(document: &Yaml, properties: &Yaml, scope: &Scope) -> Result<Option<String>> {
    let globals = document.get("Globals").and_then(|globals| globals.get("Function"));
    let declared = [Some(properties), globals].into_iter().flatten().find_map(|it| it.get("AutoPublishAlias"));
    let Some(declared) = declared else { return Ok(None) };
    scope.resolve(declared).context("in `AutoPublishAlias`")?.as_ref().map(plain).transpose()
}

fn alias_arn(function: &str, alias: &str) -> String {
    format!("{}:{alias}", arn(function))
}

const UNSET: &str = "<unset parameter ";

/// The parameter without a value that a text was made from, if there is one.
pub fn unset_parameter(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(UNSET)?;
    rest.split_once('>').map(|(name, _)| name)
}
