//! The template: routes, secrets and the order of a deployment.

use crate::root;
use anyhow::{Context, Result};
use e2e::{HttpFunction, http_functions};
use serde_norway::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

#[test]
fn template_has_every_function_with_its_declared_routes() -> Result<()> {
    let declared = declared_routes()?;
    assert_eq!(functions()?, declared.keys().cloned().collect(), "each folder declares its routes to this test");
    assert_eq!(Template::read()?.routes()?, declared);
    Ok(())
}

#[test]
fn the_template_builds_each_function_from_its_folder() -> Result<()> {
    for (name, function) in Template::read()?.resources("AWS::Serverless::Function")? {
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str();
        assert_eq!(binary, Some(function_folder(&function)?.as_str()), "binary of {name}");
    }
    Ok(())
}

#[test]
fn a_secret_can_be_given_in_place_of_its_arn() -> Result<()> {
    // `sam local` overrides only variables that the template declares.
    for (name, function) in Template::read()?.properties("AWS::Serverless::Function")? {
        let Some(variables) = function["Environment"].get("Variables") else { continue };
        for (variable, _) in mapping(variables)? {
            if let Some(secret) = variable.strip_suffix("_SECRET_ARN") {
                assert_eq!(variables.get(secret).and_then(Value::as_str), Some(""), "{secret} of {name}");
            }
        }
    }
    Ok(())
}

#[test]
fn answering_socket_routes_have_a_route_response() -> Result<()> {
    let template = Template::read()?;
    let mut answering = BTreeSet::new();
    for (api, properties) in template.properties("AWS::Serverless::WebSocketApi")? {
        for (key, route) in mapping(&properties["Routes"])? {
            if route.get("RouteResponseSelectionExpression").is_some() {
                answering.insert(format!("{api}{}Route", capitalized(key.trim_start_matches('$'))));
            }
        }
    }
    let responses = template.properties("AWS::ApiGatewayV2::RouteResponse")?;
    let answered = responses.iter().map(|(_, properties)| target(&properties["RouteId"]));
    assert_eq!(answering, answered.collect::<Result<_>>()?);
    let is_answered = |route: &&&str| !ws_send::ONE_WAY.contains(route);
    let named = ws_send::ROUTES.iter().filter(is_answered).map(|route| capitalized(route.trim_start_matches('$')));
    assert_eq!(answering, named.map(|name| format!("WebSocketApi{name}Route")).collect());
    Ok(())
}

#[test]
fn socket_routes_lead_to_what_is_deployed_step_by_step() -> Result<()> {
    // SAM leads HTTP routes, schedules and queues there by itself.
    for (_, properties) in Template::read()?.properties("AWS::Serverless::WebSocketApi")? {
        for (key, route) in mapping(&properties["Routes"])? {
            let Value::Tagged(reference) = &route["FunctionArn"] else { anyhow::bail!("{key} names no function") };
            assert!(reference.tag == "Ref", "{key}");
            assert!(reference.value.as_str().is_some_and(|name| name.ends_with(".Alias")), "{key}");
        }
    }
    Ok(())
}

#[test]
fn functions_with_a_store_follow_the_migration() -> Result<()> {
    for (name, function) in Template::read()?.resources("AWS::Serverless::Function")? {
        let variables = function["Properties"]["Environment"].get("Variables");
        let has = |secret: &str| variables.is_some_and(|variables| variables.get(secret).is_some());
        let has_store = has("MYSQL_URL_SECRET_ARN") || has("MONGO_URL_SECRET_ARN");
        let follows = function.get("DependsOn").and_then(Value::as_str) == Some("Migration");
        assert_eq!(follows, has_store && name != "MigrateFunction", "{name}");
    }
    Ok(())
}

#[test]
fn largest_files_fit_into_one_inspection() -> Result<()> {
    /// What `/tmp` holds unless the template says otherwise, in MiB.
    const DISK: u64 = 512;
    /// How long S3 has to copy a file, and how much of one it copies in a second on a slow day.
    const COPY_SECONDS: u64 = 15;
    const COPIED: u64 = 36_000_000;
    let template = Template::read()?.0;
    let most = |name: &str| template["Parameters"][name]["MaxValue"].as_u64().context("it has a maximum");
    let disk = template["Resources"]["InspectFunction"]["Properties"]["EphemeralStorage"]["Size"].as_u64();
    for name in ["MaxImageBytes", "MaxVoiceBytes", "MaxVideoBytes", "MaxPictureBytes"] {
        // As much again for what is made of it.
        assert!(2 * most(name)? <= disk.unwrap_or(DISK) * 1_024 * 1_024, "{name}");
    }
    assert!(most("MaxFileBytes")? <= COPY_SECONDS * COPIED);
    Ok(())
}

/// The routes that each function declares: `METHOD /path` from its `OpenAPI`, with HEAD beside each GET, or route keys of the WebSocket API.
fn declared_routes() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let socket =
        [("ws-connect", ws_connect::ROUTES), ("ws-disconnect", ws_disconnect::ROUTES), ("ws-send", ws_send::ROUTES)];

    // These are invoked by name, by a schedule, and by a queue.
    let unrouted = ["fanout", "inspect", "migrate", "relay", "send-mail", "send-push", "sweep-files", "watch-presence"];
    let mut declared = BTreeMap::from(unrouted.map(|name| (name.to_owned(), BTreeSet::new())));
    for HttpFunction { name, openapi, .. } in http_functions() {
        let document = serde_json::to_value(openapi)?;
        let mut routes = BTreeSet::new();
        for (path, item) in document["paths"].as_object().context("no paths")? {
            for method in item.as_object().context("no methods")?.keys() {
                routes.insert(format!("{} {path}", method.to_uppercase()));
                if method == "get" {
                    // A handler of GET answers HEAD as well; API Gateway wants a route of its own for it.
                    routes.insert(format!("HEAD {path}"));
                }
            }
        }
        declared.insert(name.to_owned(), routes);
    }
    for (function, routes) in socket {
        declared.insert(function.to_owned(), routes.iter().map(|&route| route.to_owned()).collect());
    }
    Ok(declared)
}

struct Template(Value);

impl Template {
    fn read() -> Result<Self> {
        Ok(Self(serde_norway::from_str(&fs::read_to_string(root().join("template.yaml"))?)?))
    }

    fn resources(&self, kind: &str) -> Result<Vec<(String, Value)>> {
        let mut resources = mapping(&self.0["Resources"])?;
        resources.retain(|(_, resource)| resource["Type"] == kind);
        Ok(resources)
    }

    fn properties(&self, kind: &str) -> Result<Vec<(String, Value)>> {
        let resources = self.resources(kind)?.into_iter();
        Ok(resources.map(|(name, resource)| (name, resource["Properties"].clone())).collect())
    }

    /// Routes by the folder of the function that they lead to.
    fn routes(&self) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let mut folders = BTreeMap::new();
        let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, function) in self.resources("AWS::Serverless::Function")? {
            let folder = function_folder(&function)?;
            folders.insert(name, folder.clone());
            let own = routes.entry(folder).or_default();
            for (_, event) in function["Properties"].get("Events").map_or(Ok(Vec::new()), mapping)? {
                if event["Type"] != "HttpApi" {
                    continue;
                }
                let text = |key: &str| event["Properties"][key].as_str().with_context(|| format!("no {key}"));
                own.insert(format!("{} {}", text("Method")?, text("Path")?));
            }
        }
        for (_, properties) in self.properties("AWS::Serverless::WebSocketApi")? {
            for (key, route) in mapping(&properties["Routes"])? {
                let function = target(&route["FunctionArn"])?;
                let folder = folders.get(&function).with_context(|| format!("no {function}"))?;
                routes.entry(folder.clone()).or_default().insert(key);
            }
        }
        Ok(routes)
    }
}

fn functions() -> Result<BTreeSet<String>> {
    let folders = fs::read_dir(root().join("functions"))?;
    folders.map(|folder| Ok(folder?.file_name().to_string_lossy().into_owned())).collect()
}

fn mapping(value: &Value) -> Result<Vec<(String, Value)>> {
    let mapping = value.as_mapping().with_context(|| format!("no mapping: {value:?}"))?;
    let key = |key: &Value| key.as_str().map(str::to_owned).context("a key is a text");
    mapping.iter().map(|(name, value)| Ok((key(name)?, value.clone()))).collect()
}

/// The resource that a `!Ref Resource` or `!GetAtt Resource.Attribute` names.
fn target(reference: &Value) -> Result<String> {
    let Value::Tagged(tagged) = reference else { anyhow::bail!("no reference: {reference:?}") };
    let path = tagged.value.as_str().context("a reference names a resource")?;
    Ok(path.split('.').next().unwrap_or(path).to_owned())
}

fn function_folder(function: &Value) -> Result<String> {
    let code = function["Properties"]["CodeUri"].as_str().context("no CodeUri")?;
    Ok(code.strip_prefix("functions/").with_context(|| format!("CodeUri is {code}"))?.to_owned())
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
