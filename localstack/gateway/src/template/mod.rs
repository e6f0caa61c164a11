//! `template.yaml` as the gateway and the architecture test see it.

mod intrinsics;
mod resources;
mod schedule;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;
use serde_norway::Value as Yaml;

pub(crate) use intrinsics::ACCOUNT;
use intrinsics::Scope;

/// The region that a local stack claims to be in.
pub(crate) const REGION: &str = "us-east-1";
const STACK: &str = "local";

/// What a template says about running: functions, routes, and how the APIs behave.
#[derive(Clone, Debug)]
pub struct Template {
    /// Every `AWS::Serverless::Function`, in the order of their logical ids.
    pub functions: Vec<Function>,
    /// The `AWS::Serverless::HttpApi`, if there is one or a function has routes.
    pub http: Option<HttpApi>,
    /// The `AWS::Serverless::WebSocketApi`, if there is one.
    pub websocket: Option<WebSocketApi>,
}

/// One Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its key in `Resources`.
    pub logical_id: String,
    /// `Metadata.BuildProperties.Binary`, or else the last folder of `CodeUri`: folder, package, binary and word in the logs.
    pub name: String,
    /// `CodeUri` as written.
    pub code_uri: String,
    /// `FunctionName` where given, or else `name`.
    pub lambda_name: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// `MemorySize` in MB: told to the function, not enforced.
    pub memory: u32,
    /// `ReservedConcurrentExecutions`, where given.
    pub reserved: Option<usize>,
    /// `LoggingConfig`'s `LogFormat` and `ApplicationLogLevel`.
    pub logging: (Option<String>, Option<String>),
    /// Environment variables, those of `Globals` included.
    pub environment: BTreeMap<String, String>,
    /// Routes of the HTTP API that it serves.
    pub http_routes: Vec<HttpRoute>,
    /// Routes of the WebSocket API that it serves.
    pub websocket_routes: Vec<WebSocketRoute>,
    /// Schedules that invoke it, in the order of their events' names; disabled ones included.
    pub schedules: Vec<Schedule>,
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpRoute {
    /// Upper case, or `ANY`.
    pub method: String,
    /// As in the template: `/messages/{room_id}`, `/{proxy+}`, or `$default`.
    pub path: String,
}

/// A route of the WebSocket API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebSocketRoute {
    /// `$connect`, `$disconnect`, `$default`, or a value of the selection expression.
    pub key: String,
    /// Whether a route response exists, so that the function's `body` is sent as an answer.
    pub answers: bool,
}

/// An `EventBridge` rule that invokes a function again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// `Name` where given, or else the rule's logical id as SAM makes it: the function's and the event's, joined.
    pub name: String,
    /// The period of its `rate(...)`.
    pub every: Duration,
    /// False after `Enabled: false` or `State: DISABLED`: it exists and does not run.
    pub enabled: bool,
    /// `Input`, where given: the function gets it in place of the event.
    pub input: Option<Json>,
}

/// The HTTP API.
#[derive(Clone, Debug, Default)]
pub struct HttpApi {
    /// Its key in `Resources`.
    pub logical_id: String,
    /// `CorsConfiguration`, where given.
    pub cors: Option<Cors>,
}

/// How the HTTP API answers other origins.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// `AllowOrigins`.
    pub origins: Vec<String>,
    /// `AllowMethods`.
    pub methods: Vec<String>,
    /// `AllowHeaders`.
    pub headers: Vec<String>,
    /// `ExposeHeaders`.
    pub exposed: Vec<String>,
    /// `MaxAge` in seconds.
    pub max_age: Option<u64>,
    /// `AllowCredentials`.
    pub credentials: bool,
}

/// The WebSocket API.
#[derive(Clone, Debug)]
pub struct WebSocketApi {
    /// Its key in `Resources`.
    pub logical_id: String,
    /// `StageName`, the first segment of its URL.
    pub stage: String,
    /// The fields of the body that select a route: `["action"]` for `$request.body.action`.
    pub selection: Vec<String>,
}

impl Template {
    /// Reads a template, with `parameters` over the defaults.
    ///
    /// Fails on any resource, property or intrinsic function that the gateway does not know, and names it.
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
            ensure!(known.contains(&section.as_str()), "the gateway does not know the section `{section}`");
        }
        let resources = section(&document, "Resources")?;
        let scope = scope(&document, &resources, parameters)?;
        let template = resources::read(&document, &resources, &scope)?;
        for (name, output) in section(&document, "Outputs")? {
            scope.resolve(&output).with_context(|| format!("in output `{name}`"))?;
        }
        Ok(template)
    }

    /// The function with this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
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
        let value = given
            .or_else(|| parameter.get("Default").and_then(intrinsics::scalar))
            .unwrap_or_else(|| format!("{UNSET}{name}>"));
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
    };
    for (id, resource) in resources {
        let kind =
            resource.get("Type").and_then(Yaml::as_str).with_context(|| format!("resource `{id}` has no type"))?;
        let properties = resource.get("Properties").cloned().unwrap_or_default();
        let names: BTreeSet<String> = intrinsics::generated(id, kind, &properties);
        scope.references.extend(names.into_iter().map(|name| (name.clone(), name)));
        scope.references.insert(id.clone(), id.clone());
        if kind == "AWS::Serverless::Function" {
            let name = resources::function_name(id, resource)?;
            scope.functions.insert(id.clone(), arn(&name));
            scope.references.insert(id.clone(), name);
        }
    }
    Ok(scope)
}

const UNSET: &str = "<unset parameter ";

/// The parameter without a value that a text was made from, if there is one.
pub fn unset_parameter(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(UNSET)?;
    rest.split_once('>').map(|(name, _)| name)
}

/// The ARN of a function by its name.
pub(crate) fn arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}

/// A top-level section, or the document itself for an empty name, as a map.
fn section(document: &Yaml, name: &str) -> Result<BTreeMap<String, Yaml>> {
    let value = if name.is_empty() { Some(document) } else { document.get(name) };
    let entries = match value {
        None | Some(Yaml::Null) => return Ok(BTreeMap::new()),
        Some(value) => value.as_mapping().with_context(|| format!("`{name}` is not a mapping"))?,
    };
    entries
        .iter()
        .map(|(key, value)| {
            let key = intrinsics::scalar(key).with_context(|| format!("a key of `{name}` is not a scalar"))?;
            Ok((key, value.clone()))
        })
        .collect()
}
