//! Names that the template does not spell out.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_norway::Value as Yaml;

use crate::values::scalar;

/// Names of the resources that SAM makes for one of its own.
pub(crate) fn names(logical_id: &str, kind: &str, properties: &Yaml) -> BTreeSet<String> {
    // The name of a stage that is an intrinsic function stands in no other name.
    let stage = match properties.get("StageName") {
        Some(Yaml::String(stage)) => stage.as_str(),
        _ => "",
    };
    match kind {
        "AWS::Serverless::Function" => BTreeSet::from([format!("{logical_id}Role")]),
        "AWS::Serverless::HttpApi" => {
            BTreeSet::from([format!("{logical_id}ApiGatewayDefaultStage"), format!("{logical_id}{stage}Stage")])
        }
        "AWS::Serverless::WebSocketApi" => {
            let routes = properties.get("Routes").and_then(Yaml::as_mapping);
            let keys = routes.into_iter().flat_map(|routes| routes.keys().filter_map(Yaml::as_str));
            keys.flat_map(|key| {
                let base = format!("{logical_id}{}", capitalized(key));
                ["Route", "Integration", "Permission"].map(|suffix| format!("{base}{suffix}"))
            })
            .chain([format!("{logical_id}{stage}Stage"), format!("{logical_id}DefaultStage")])
            .collect()
        }
        _ => BTreeSet::new(),
    }
}

/// The part of a generated name that stands for a route key, as SAM spells it.
pub(crate) fn capitalized(route_key: &str) -> String {
    let mut letters = route_key.trim_start_matches('$').chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + &letters.as_str().to_lowercase()
}

/// The name of a function's binary and in the logs.
pub(crate) fn function_name(id: &str, resource: &Yaml) -> Result<String> {
    let metadata = resource.get("Metadata");
    let binary = metadata.and_then(|it| it.get("BuildProperties")).and_then(|it| it.get("Binary"));
    if let Some(binary) = binary {
        return scalar(binary).with_context(|| format!("`Binary` of `{id}` is not a text"));
    }
    let code = resource.get("Properties").and_then(|it| it.get("CodeUri")).and_then(Yaml::as_str);
    code.and_then(|code| code.trim_end_matches('/').rsplit('/').next())
        .filter(|name| !name.is_empty() && *name != ".")
        .map(str::to_owned)
        .with_context(|| {
            format!("function `{id}` has neither a `CodeUri` of its own nor `Metadata.BuildProperties.Binary`")
        })
}
