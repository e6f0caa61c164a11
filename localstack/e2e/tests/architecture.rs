//! The structure of the workspace: allowed dependencies, sole owners, and the template's routes.
//!
//! The tables here are the design. A change to them belongs in the commit that needs it, with the reason.

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use e2e::{HttpFunction, group_rights, http_functions};
use serde_norway::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The workspace crates that a shared crate or a function without HTTP routes may use.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("background", &[]),
    ("boot", &["domain"]),
    ("contract", &["domain"]),
    ("credentials", &["domain"]),
    ("files", &["boot", "domain"]),
    ("media", &["domain"]),
    ("mongo", &["domain"]),
    ("mysql", &["domain"]),
    ("queue", &["domain"]),
    ("realtime", &["domain"]),
    ("announce", &["background", "contract", "domain", "mongo", "queue", "realtime"]),
    ("mail", &["credentials", "domain", "mysql"]),
    ("push", &["boot", "credentials", "domain", "mongo"]),
    ("messaging", &["announce", "contract", "credentials", "domain", "mongo", "queue"]),
    ("presence", &["announce", "contract", "domain", "mongo", "queue"]),
    ("projection", &["announce", "contract", "domain", "messaging", "mongo", "mysql", "queue"]),
    ("web", &["background", "boot", "contract", "credentials", "domain", "mongo"]),
    ("socket", &["background", "boot", "domain"]),
    ("worker", &["boot", "domain"]),
    (
        "backend",
        &[
            "announce",
            "background",
            "boot",
            "credentials",
            "domain",
            "mongo",
            "mysql",
            "projection",
            "queue",
            "realtime",
            "web",
        ],
    ),
    ("fanout", &["boot", "contract", "domain", "queue", "realtime", "worker"]),
    ("inspect", &["announce", "background", "boot", "contract", "domain", "files", "media", "mongo", "realtime"]),
    ("migrate", &["announce", "background", "boot", "domain", "mongo", "mysql", "projection", "realtime"]),
    (
        "relay",
        &[
            "announce",
            "background",
            "boot",
            "domain",
            "messaging",
            "mongo",
            "mysql",
            "presence",
            "projection",
            "queue",
            "realtime",
        ],
    ),
    ("send-mail", &["boot", "credentials", "domain", "mail", "mysql"]),
    ("send-push", &["boot", "domain", "mongo", "push", "queue", "worker"]),
    ("sweep-files", &["boot", "domain", "files", "mongo"]),
    (
        "watch-presence",
        &["announce", "background", "boot", "domain", "mongo", "presence", "queue", "realtime", "worker"],
    ),
    ("ws-connect", &["announce", "background", "boot", "credentials", "domain", "mongo", "realtime", "socket"]),
    ("ws-disconnect", &["boot", "domain", "mongo", "queue", "socket"]),
    (
        "ws-send",
        &[
            "announce",
            "background",
            "boot",
            "contract",
            "credentials",
            "domain",
            "messaging",
            "mongo",
            "queue",
            "realtime",
            "socket",
        ],
    ),
];

/// The `localstack` crates that each of them may use; all of them may use functions and shared crates.
const LOCAL_EDGES: &[(&str, &[&str])] = &[
    ("client", &[]),
    ("template", &[]),
    ("gateway", &["template"]),
    ("model", &[]),
    ("providers", &[]),
    ("stack", &["gateway", "providers", "template"]),
    ("checker", &["client", "gateway", "stack"]),
    ("localstack", &["checker", "client", "gateway", "providers", "stack", "template"]),
    ("e2e", &["checker", "client", "gateway", "providers", "stack", "template"]),
];

/// Heavy or central dependencies, and their sole owners.
const OWNERS: &[(&str, &[&str])] = &[
    ("argon2", &["credentials"]),
    ("aws-sdk-apigatewaymanagement", &["realtime"]),
    ("aws-sdk-s3", &["files"]),
    ("aws-sdk-secretsmanager", &["boot"]),
    ("aws-sdk-sesv2", &["mail"]),
    ("aws-sdk-sqs", &["queue"]),
    ("aws-smithy-http-client", &["boot"]),
    ("aws-smithy-runtime-api", &["boot"]),
    ("bcrypt", &["credentials"]),
    ("bson", &["mongo"]),
    ("fast_image_resize", &["media"]),
    ("image", &["media"]),
    ("infer", &["media"]),
    ("jiff", &["domain"]),
    ("hyper-rustls", &["push"]),
    ("jsonwebtoken", &["credentials"]),
    ("lambda-extension", &["background"]),
    ("lambda_http", &["web"]),
    // `background` tests itself under the runtime.
    ("lambda_runtime", &["background", "inspect", "migrate", "relay", "send-mail", "socket", "sweep-files", "worker"]),
    // `stack` initiates the replica set, `localstack` fills one with a million messages.
    ("mongodb", &["localstack", "mongo", "stack"]),
    ("re_mp4", &["media"]),
    ("reqwest", &["client"]),
    ("s3s", &["gateway"]),
    ("sqlx", &["mysql"]),
    ("stateright", &["model"]),
    ("symphonia", &["media"]),
    ("thumbhash", &["media"]),
    ("tokio-tungstenite", &["client", "gateway"]),
    ("tower-http", &["web"]),
    ("tracing-subscriber", &["boot"]),
    // Schemas are in `contract`, those of ids in `domain` under its feature `schema`; a route is described where it is.
    (
        "utoipa",
        &[
            "contract",
            "domain",
            "web",
            "auth",
            "blocks",
            "chat-rooms",
            "docs",
            "e2e",
            "friends",
            "group-rooms",
            "health",
            "messages",
            "notifications",
            "uploads",
            "users",
        ],
    ),
];

/// Every row of a shared crate or a function.
fn edges() -> Vec<Row> {
    let functions = http_functions().into_iter().map(|function| (function.name, function.uses));
    rows(EDGES).chain(functions).collect()
}

/// A crate and those that it may use.
type Row = (&'static str, Vec<&'static str>);

fn rows(table: &'static [(&'static str, &'static [&'static str])]) -> impl Iterator<Item = Row> {
    table.iter().map(|(name, uses)| (*name, uses.to_vec()))
}

/// Test support, which is never deployed.
const TESTKIT: &str = "testkit";

/// What tests may use beside it: work that runs before the answer, and the stand-ins of push services.
const TEST_SUPPORT: [&str; 3] = [TESTKIT, "background", "providers"];

#[test]
fn crates_use_only_allowed_crates() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut wrong = Vec::new();
    for package in workspace.packages() {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let supports_tests =
                dependency.kind == DependencyKind::Development && TEST_SUPPORT.contains(&dependency.name.as_str());
            if !supports_tests && !workspace.may_use(package, &dependency.name)? {
                wrong.push(format!("`{}` uses `{}`", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn every_crate_has_a_row_and_every_row_a_crate() -> Result<()> {
    let workspace = Workspace::read()?;
    let rows: BTreeSet<&str> =
        edges().into_iter().chain(rows(LOCAL_EDGES)).map(|(name, _)| name).chain([TESTKIT]).collect();
    let crates: BTreeSet<&str> = workspace.packages().map(|package| package.name.as_str()).collect();
    assert_eq!(rows, crates);
    Ok(())
}

#[test]
fn a_heavy_crate_has_one_owner() -> Result<()> {
    let workspace = Workspace::read()?;
    // `backend` is the state of routers.
    let functions = http_functions().into_iter().map(|function| function.name);
    let routers: Vec<_> = functions.chain(["backend", "web"]).collect();
    let mut wrong = Vec::new();
    for package in workspace.packages().filter(|package| package.name != TESTKIT) {
        let is_local = is_local(package)?;
        for dependency in &package.dependencies {
            // Tests of a local stand-in use the real client, and tests of the message path look into the store.
            let is_tested_by = is_local || dependency.name == "mongodb";
            if is_tested_by && dependency.kind == DependencyKind::Development {
                continue;
            }
            let row = OWNERS.iter().find(|(name, _)| *name == dependency.name);
            let may_route = row.is_none() && (dependency.name != "axum" || routers.contains(&package.name.as_str()));
            if !may_route && !row.is_some_and(|(_, owners)| owners.contains(&package.name.as_str())) {
                wrong.push(format!("`{}` names `{}`", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn lints_versions_and_package_fields_come_from_the_workspace() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut wrong = Vec::new();
    for package in workspace.packages() {
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
fn crates_are_named_like_their_folder_and_documented_by_readme() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut wrong = Vec::new();
    for package in workspace.packages() {
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

#[test]
fn architecture_shows_who_may_do_what_in_a_group() -> Result<()> {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md"))?;
    assert!(page.contains(&group_rights()), "ARCHITECTURE.md needs this table:\n\n{}", group_rights());
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

struct Workspace(Metadata);

impl Workspace {
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
        let table: Vec<_> = if is_local { rows(LOCAL_EDGES).collect() } else { edges() };
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

/// Every dependency table of a manifest, those of platforms too.
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
