//! The house keeps its shape: who uses whom, who owns what, and that the template tells what the code does.
//!
//! The tables here are the design. A change to them belongs in the commit that needs it, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use serde_norway::Value;

/// Our crates that a shared crate or a function may use.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("boot", &["domain"]),
    ("credentials", &["domain"]),
    ("mongo", &["domain"]),
    ("mysql", &["domain"]),
    // AWS's keys are taken as `boot` read them, and six functions make a projector of the same settings.
    ("realtime", &["boot", "domain"]),
    ("messaging", &["domain", "mongo", "realtime"]),
    ("projection", &["boot", "domain", "messaging", "mongo", "mysql", "realtime"]),
    ("web", &["credentials", "domain", "mongo"]),
    ("auth", PEOPLE),
    ("blocks", PEOPLE),
    ("chat-rooms", PEOPLE),
    ("docs", &["boot", "domain", "web"]),
    ("friends", PEOPLE),
    ("health", &["boot", "domain", "mongo", "mysql", "web"]),
    ("messages", &["boot", "credentials", "domain", "messaging", "mongo", "realtime", "web"]),
    ("migrate", &["boot", "domain", "mongo", "mysql"]),
    ("relay", &["boot", "domain", "messaging", "mongo", "mysql", "projection", "realtime"]),
    ("users", PEOPLE),
    ("ws-connect", &["boot", "credentials", "domain", "mongo"]),
    ("ws-disconnect", &["boot", "domain", "mongo"]),
    ("ws-send", &["boot", "domain", "messaging", "mongo", "realtime"]),
];

/// What a function uses that changes people or rooms.
const PEOPLE: &[&str] = &["boot", "credentials", "domain", "mongo", "mysql", "projection", "realtime", "web"];

/// The `localstack` crates that one of them may use; functions and shared crates are open to all of them.
const LOCAL_EDGES: &[(&str, &[&str])] = &[
    ("gateway", &[]),
    ("stack", &["gateway"]),
    ("checker", &["gateway", "stack"]),
    ("localstack", &["checker", "gateway", "stack"]),
    ("e2e", &["checker", "gateway", "stack"]),
];

/// Crates that weigh much or mean much, and who alone may name them.
const OWNERS: &[(&str, &[&str])] = &[
    ("argon2", &["credentials"]),
    ("aws-sdk-apigatewaymanagement", &["realtime"]),
    ("aws-sdk-secretsmanager", &["boot"]),
    ("axum", &["web", "auth", "blocks", "chat-rooms", "docs", "friends", "health", "messages", "users"]),
    ("bcrypt", &["credentials"]),
    ("bson", &["mongo"]),
    ("jsonwebtoken", &["credentials"]),
    ("lambda_http", &["web"]),
    ("lambda_runtime", &["migrate", "relay", "ws-connect", "ws-disconnect", "ws-send"]),
    // `stack` initiates the replica set.
    ("mongodb", &["mongo", "stack"]),
    ("sqlx", &["mysql"]),
    ("tower-http", &["web"]),
    ("tracing-subscriber", &["boot"]),
];

/// Test support, which nothing that is deployed may contain.
const TESTKIT: &str = "testkit";

#[test]
fn crates_use_only_whom_the_design_lets_them() -> Result<()> {
    let house = House::read()?;
    let mut wrong = Vec::new();
    for package in house.packages() {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let supports_tests = dependency.kind == DependencyKind::Development && dependency.name == TESTKIT;
            if !supports_tests && !house.may_use(package, &dependency.name)? {
                wrong.push(format!("`{}` uses `{}`", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn every_crate_has_a_row_and_every_row_a_crate() -> Result<()> {
    let house = House::read()?;
    let rows: BTreeSet<&str> = EDGES.iter().chain(LOCAL_EDGES).map(|(name, _)| *name).chain([TESTKIT]).collect();
    let crates: BTreeSet<&str> = house.packages().map(|package| package.name.as_str()).collect();
    assert_eq!(rows, crates);
    Ok(())
}

#[test]
fn a_heavy_crate_has_one_owner() -> Result<()> {
    let house = House::read()?;
    let mut wrong = Vec::new();
    for package in house.packages().filter(|package| package.name != TESTKIT) {
        let is_local = is_local(package)?;
        for dependency in &package.dependencies {
            // The tests of a local imitation speak to it with the real client.
            if is_local && dependency.kind == DependencyKind::Development {
                continue;
            }
            let row = OWNERS.iter().find(|(name, _)| *name == dependency.name);
            if row.is_some_and(|(_, owners)| !owners.contains(&package.name.as_str())) {
                wrong.push(format!("`{}` names `{}`", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn lints_versions_and_package_fields_come_from_the_workspace() -> Result<()> {
    let house = House::read()?;
    let mut wrong = Vec::new();
    for package in house.packages() {
        let manifest: toml::Table = fs::read_to_string(&package.manifest_path)?.parse()?;
        if !is_inherited(manifest.get("lints")) {
            wrong.push(format!("`{}` has lints of its own", package.name));
        }
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            if !is_inherited(manifest["package"].get(field)) {
                wrong.push(format!("`{}` has its own `{field}`", package.name));
            }
        }
        for (name, dependency) in dependency_tables(&manifest).flatten() {
            if !is_inherited(Some(dependency)) {
                wrong.push(format!("`{}` has its own version of `{name}`", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn a_crate_is_named_as_its_folder_and_its_readme_is_its_documentation() -> Result<()> {
    let house = House::read()?;
    let mut wrong = Vec::new();
    for package in house.packages() {
        let folder = folder(package)?;
        if !folder.ends_with(package.name.as_str()) {
            wrong.push(format!("`{}` lies in {}", package.name, folder.display()));
        }
        if !folder.join("README.md").is_file() {
            wrong.push(format!("`{}` has no README.md", package.name));
        }
        let root = ["src/lib.rs", "src/main.rs"].iter().find_map(|file| fs::read_to_string(folder.join(file)).ok());
        if !root.is_some_and(|root| root.contains("#![doc = include_str!(\"../README.md\")]")) {
            wrong.push(format!("`{}` does not show its README.md", package.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn the_template_has_every_function_with_the_routes_that_it_declares() -> Result<()> {
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
fn every_socket_route_that_answers_has_its_route_response() -> Result<()> {
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
    Ok(())
}

/// What each function says of itself: `METHOD /path` from its `OpenAPI`, or the route keys of its socket.
fn declared_routes() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let http = [
        ("auth", auth::openapi()),
        ("blocks", blocks::openapi()),
        ("chat-rooms", chat_rooms::openapi()),
        ("docs", docs::openapi()),
        ("friends", friends::openapi()),
        ("health", health::openapi()),
        ("messages", messages::openapi()),
        ("users", users::openapi()),
    ];
    let socket =
        [("ws-connect", ws_connect::ROUTES), ("ws-disconnect", ws_disconnect::ROUTES), ("ws-send", ws_send::ROUTES)];

    // Invoked by name, and by a schedule.
    let mut declared = BTreeMap::from(["migrate", "relay"].map(|name| (name.to_owned(), BTreeSet::new())));
    for (function, openapi) in http {
        let document = serde_json::to_value(openapi)?;
        let mut routes = BTreeSet::new();
        for (path, item) in document["paths"].as_object().context("no paths")? {
            let methods = item.as_object().context("no methods")?.keys();
            routes.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
        }
        declared.insert(function.to_owned(), routes);
    }
    for (function, routes) in socket {
        declared.insert(function.to_owned(), routes.iter().map(|&route| route.to_owned()).collect());
    }
    Ok(declared)
}

struct House(Metadata);

impl House {
    fn read() -> Result<Self> {
        Ok(Self(MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?))
    }

    fn packages(&self) -> impl Iterator<Item = &Package> {
        self.0.packages.iter()
    }

    fn may_use(&self, package: &Package, other: &str) -> Result<bool> {
        let found = self.packages().find(|package| package.name == other);
        let other_is_local = is_local(found.with_context(|| format!("`{other}` is no member"))?)?;
        let is_local = is_local(package)?;
        if package.name == TESTKIT || (is_local && !other_is_local) {
            return Ok(true);
        }
        let table = if is_local { LOCAL_EDGES } else { EDGES };
        let row = table.iter().find(|(name, _)| package.name == *name);
        Ok(row.is_some_and(|(_, edges)| edges.contains(&other)))
    }
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

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn functions() -> Result<BTreeSet<String>> {
    let folders = fs::read_dir(root().join("functions"))?;
    folders.map(|folder| Ok(folder?.file_name().to_string_lossy().into_owned())).collect()
}

fn folder(package: &Package) -> Result<&Path> {
    package.manifest_path.as_std_path().parent().context("a manifest lies in a folder")
}

fn is_local(package: &Package) -> Result<bool> {
    Ok(folder(package)?.canonicalize()?.starts_with(root().join("localstack").canonicalize()?))
}

fn is_inherited(value: Option<&toml::Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool).unwrap_or(false)
}

/// Every dependency table of a manifest, those of single platforms too.
fn dependency_tables(manifest: &toml::Table) -> impl Iterator<Item = &toml::Table> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table).into_iter();
    let platforms = platforms.flat_map(|table| table.values().filter_map(toml::Value::as_table));
    platforms.chain([manifest]).flat_map(|table| {
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"].into_iter();
        kinds.filter_map(|kind| table.get(kind).and_then(toml::Value::as_table))
    })
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
