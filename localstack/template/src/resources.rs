//! The resources of a template, each read strictly.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Map, Value as Json};
use serde_norway::Value as Yaml;

use crate::{
    bucket, distribution,
    generated::{capitalized, function_name},
    intrinsics::Scope,
    model::{Cors, Function, HttpApi, HttpRoute, Template, WebSocketApi, WebSocketRoute},
    policy::Policy,
    queue,
    schedule::schedule,
    values::{known, number, plain, scalar, section, texts},
};

/// What a resource may have beside its properties.
const ATTRIBUTES: [&str; 7] =
    ["Condition", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type", "UpdateReplacePolicy"];

/// Types of resources that change nothing about how the stack runs locally.
const IRRELEVANT: [&str; 10] = [
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Route53::RecordSet",
];

/// Properties of a function that are read, then those that change nothing locally.
const FUNCTION: [&str; 21] = [
    "CodeUri",
    "Environment",
    "Events",
    "FunctionName",
    "LoggingConfig",
    "MemorySize",
    "ReservedConcurrentExecutions",
    "Timeout",
    "Architectures",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "DeploymentPreference",
    "Description",
    "EventInvokeConfig",
    "Handler",
    "Policies",
    "Role",
    "Runtime",
    "Tags",
    "Tracing",
    "VpcConfig",
];
/// Parts of a function's properties that are read, or change nothing locally.
const FUNCTION_PARTS: [(&str, &[&str]); 3] = [
    ("DeploymentPreference", &["Alarms", "Enabled", "Role", "Type"]),
    ("EventInvokeConfig", &["MaximumEventAgeInSeconds", "MaximumRetryAttempts"]),
    ("LoggingConfig", &["ApplicationLogLevel", "LogFormat", "LogGroup", "SystemLogLevel"]),
];
const HTTP_API: [&str; 8] = [
    "CorsConfiguration",
    "StageName",
    "AccessLogSettings",
    "DefaultRouteSettings",
    "Description",
    "Name",
    "RouteSettings",
    "Tags",
];
const HTTP_EVENT: [&str; 6] = ["ApiId", "Method", "Path", "PayloadFormatVersion", "RouteSettings", "TimeoutInMillis"];
const WEBSOCKET_API: [&str; 9] = [
    "RouteSelectionExpression",
    "Routes",
    "StageName",
    "AccessLogSettings",
    "DefaultRouteSettings",
    "Description",
    "Name",
    "RouteSettings",
    "Tags",
];
const WEBSOCKET_ROUTE: [&str; 3] = ["FunctionArn", "RouteResponseSelectionExpression", "IntegrationTimeout"];

/// How long an integration of the HTTP API and of the WebSocket API may take, in milliseconds.
const HTTP_TIMEOUT: RangeInclusive<u64> = 50..=30_000;
const WEBSOCKET_TIMEOUT: RangeInclusive<u64> = 50..=29_000;

/// A resource that exists under the given parameters, with its properties resolved.
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) properties: Map<String, Json>,
    name: Option<String>,
}

/// A WebSocket route with the logical id of its resource.
struct FoundRoute {
    api: String,
    resource: String,
    key: String,
    function_arn: String,
    two_way: bool,
    timeout: Option<Duration>,
}

pub(crate) fn read(document: &Yaml, resources: &BTreeMap<String, Yaml>, scope: &Scope) -> Result<Template> {
    let globals = globals(document, scope)?;
    let mut found = Vec::new();
    for (id, resource) in resources {
        let kind = resource.get("Type").and_then(Yaml::as_str).unwrap_or_default();
        found.extend(resolve(id, kind, resource, scope).with_context(|| format!("in resource `{id}` ({kind})"))?);
    }
    let mut template = Template {
        functions: Vec::new(),
        http: None,
        websocket: None,
        queues: Vec::new(),
        buckets: Vec::new(),
        distribution: None,
    };
    let (mut routes, mut scanners) = (Vec::new(), Vec::new());
    for resource in &found {
        let context = || format!("in resource `{}` ({})", resource.id, resource.kind);
        match resource.kind.as_str() {
            "AWS::Serverless::Function" => {
                let defaults = globals.get("Function").cloned().unwrap_or_default();
                template.functions.push(function(resource, defaults, &found).with_context(context)?);
            }
            "AWS::Serverless::HttpApi" => {
                ensure!(template.http.is_none(), "one HTTP API is supported; `{}` is another", resource.id);
                let defaults = globals.get("HttpApi").cloned().unwrap_or_default();
                template.http = Some(http_api(resource, defaults).with_context(context)?);
            }
            "AWS::Serverless::WebSocketApi" => {
                ensure!(template.websocket.is_none(), "one WebSocket API is supported; `{}` is another", resource.id);
                let defaults = globals.get("WebSocketApi").cloned().unwrap_or_default();
                template.websocket = Some(websocket_api(resource, defaults, &mut routes).with_context(context)?);
            }
            "AWS::SQS::Queue" => {
                let name = scope.queues.get(&resource.id).with_context(context)?;
                template.queues.push(queue::queue(resource, name).with_context(context)?);
            }
            "AWS::S3::Bucket" => {
                let name = scope.buckets.get(&resource.id).with_context(context)?;
                template.buckets.push(bucket::bucket(resource, name).with_context(context)?);
            }
            "AWS::GuardDuty::MalwareProtectionPlan" => {
                scanners.push(bucket::scanner(resource, &found).with_context(context)?);
            }
            "AWS::ApiGatewayV2::Route" => routes.push(raw_route(resource, &found).with_context(context)?),
            "AWS::CloudFormation::CustomResource" => check_custom(resource, scope).with_context(context)?,
            _ => {}
        }
    }
    if template.http.is_none() && template.functions.iter().any(|function| !function.http_routes.is_empty()) {
        template.http = Some(HttpApi { logical_id: "ServerlessHttpApi".to_owned(), cors: None });
    }
    attach(&mut template, routes, &found, scope)?;
    check_unique(&template)?;
    queue::check(&template.queues, &template.functions)?;
    bucket::attach(&mut template.buckets, scanners)?;
    bucket::check(&template.buckets, &template.functions)?;
    template.distribution = distribution::distribution(&found, &template.buckets)?;
    Ok(template)
}

fn globals(document: &Yaml, scope: &Scope) -> Result<Map<String, Json>> {
    let mut globals = Map::new();
    for (kind, properties) in section(document, "Globals")? {
        ensure!(
            ["Function", "HttpApi", "WebSocketApi"].contains(&kind.as_str()),
            "unsupported section `Globals.{kind}`"
        );
        let properties = scope.resolve(&properties).with_context(|| format!("in `Globals.{kind}`"))?;
        globals.insert(kind, properties.unwrap_or_default());
    }
    Ok(globals)
}

fn resolve(id: &str, kind: &str, resource: &Yaml, scope: &Scope) -> Result<Option<Resource>> {
    let runs = [
        "AWS::Serverless::Function",
        "AWS::Serverless::HttpApi",
        "AWS::Serverless::WebSocketApi",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::RouteResponse",
        "AWS::CloudFormation::CustomResource",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::Distribution",
        "AWS::CloudFront::KeyGroup",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::PublicKey",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::GuardDuty::MalwareProtectionPlan",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::Queue",
    ];
    ensure!(runs.contains(&kind) || IRRELEVANT.contains(&kind), "unsupported resource type `{kind}`");
    check_attributes(resource, scope)?;
    if let Some(condition) = resource.get("Condition").and_then(Yaml::as_str)
        && !scope.holds(condition)?
    {
        return Ok(None);
    }
    let properties = match resource.get("Properties") {
        Some(properties) => scope.resolve(properties)?,
        None => None,
    };
    let Json::Object(properties) = properties.unwrap_or_else(|| Json::Object(Map::new())) else {
        bail!("`Properties` is not a mapping");
    };
    let name = (kind == "AWS::Serverless::Function").then(|| function_name(id, resource)).transpose()?;
    Ok(Some(Resource { id: id.to_owned(), kind: kind.to_owned(), properties, name }))
}

fn check_attributes(resource: &Yaml, scope: &Scope) -> Result<()> {
    for (attribute, value) in section(resource, "")? {
        ensure!(ATTRIBUTES.contains(&attribute.as_str()), "unsupported attribute `{attribute}`");
        if attribute == "DependsOn" {
            let others = value.as_sequence().map_or(std::slice::from_ref(&value), Vec::as_slice);
            for other in others {
                let other = scalar(other).context("`DependsOn` names resources")?;
                ensure!(scope.references.contains_key(&other), "`DependsOn` names `{other}`, which is not a resource");
            }
        }
    }
    Ok(())
}

/// A custom resource is a function that `CloudFormation` invokes during a deployment. Whoever runs the stack does it here.
fn check_custom(resource: &Resource, scope: &Scope) -> Result<()> {
    let token = resource.properties.get("ServiceToken").and_then(Json::as_str).context("`ServiceToken` is missing")?;
    ensure!(scope.functions.values().any(|arn| arn == token), "`{token}` is no function of the template");
    Ok(())
}

fn function(resource: &Resource, defaults: Json, all: &[Resource]) -> Result<Function> {
    let properties = merged(defaults, Json::Object(resource.properties.clone()));
    known(&properties, &FUNCTION)?;
    for (name, parts) in FUNCTION_PARTS {
        properties.get(name).map_or(Ok(()), |it| known(it, parts)).with_context(|| format!("in `{name}`"))?;
    }
    let name = resource.name.clone().context("a function without a name")?;
    let mut environment = BTreeMap::new();
    if let Some(variables) = properties.pointer("/Environment/Variables").and_then(Json::as_object) {
        for (key, value) in variables {
            environment.insert(key.clone(), plain(value).with_context(|| format!("in variable `{key}`"))?);
        }
    }
    let (mut http_routes, mut schedules) = (Vec::new(), Vec::new());
    let (mut queue_events, mut bucket_events) = (Vec::new(), Vec::new());
    for (event, definition) in properties.get("Events").and_then(Json::as_object).into_iter().flatten() {
        let context = || format!("in event `{event}`");
        match definition.get("Type").and_then(Json::as_str).unwrap_or_default() {
            "HttpApi" => http_routes.push(http_route(definition).with_context(context)?),
            "Schedule" => schedules.push(schedule(&resource.id, event, definition).with_context(context)?),
            "EventBridgeRule" => bucket_events.push(bucket::event(definition).with_context(context)?),
            "SQS" => queue_events.push(queue::event(definition).with_context(context)?),
            unknown => {
                return Err(anyhow!("unsupported event type `{unknown}`")).with_context(context);
            }
        }
    }
    let logging = |key| properties.pointer(&format!("/LoggingConfig/{key}")).and_then(Json::as_str).map(str::to_owned);
    Ok(Function {
        logical_id: resource.id.clone(),
        code_uri: properties.get("CodeUri").and_then(Json::as_str).unwrap_or(".").to_owned(),
        lambda_name: properties.get("FunctionName").and_then(Json::as_str).unwrap_or(&name).to_owned(),
        timeout: Duration::from_secs(number(&properties, "Timeout")?.unwrap_or(3)),
        memory: u32::try_from(number(&properties, "MemorySize")?.unwrap_or(128))?,
        reserved: number(&properties, "ReservedConcurrentExecutions")?.map(usize::try_from).transpose()?,
        logging: (logging("LogFormat"), logging("ApplicationLogLevel")),
        environment,
        policy: Policy::of_function(&properties, all)?,
        http_routes,
        websocket_routes: Vec::new(),
        schedules,
        queue_events,
        bucket_events,
        name,
    })
}

fn http_route(event: &Json) -> Result<HttpRoute> {
    let properties = event.get("Properties").cloned().unwrap_or_default();
    known(&properties, &HTTP_EVENT)?;
    if let Some(version) = properties.get("PayloadFormatVersion") {
        ensure!(plain(version)? == "2.0", "payload format 2.0 is the only supported one");
    }
    let timeout = timeout(&properties, "TimeoutInMillis", HTTP_TIMEOUT)?;
    let part = |name| properties.get(name).and_then(Json::as_str);
    match (part("Method"), part("Path")) {
        (None, None) => Ok(HttpRoute { method: "ANY".to_owned(), path: "$default".to_owned(), timeout }),
        (Some(method), Some(path)) => {
            ensure!(path.starts_with('/'), "the path `{path}` does not begin with `/`");
            let method = method.to_uppercase();
            Ok(HttpRoute {
                method: if method == "X-AMAZON-APIGATEWAY-ANY-METHOD" { "ANY".to_owned() } else { method },
                path: path.to_owned(),
                timeout,
            })
        }
        _ => bail!("an `HttpApi` event needs both `Method` and `Path`, or neither"),
    }
}

fn http_api(resource: &Resource, defaults: Json) -> Result<HttpApi> {
    let properties = merged(defaults, Json::Object(resource.properties.clone()));
    known(&properties, &HTTP_API)?;
    let stage = properties.get("StageName").and_then(Json::as_str).unwrap_or("$default");
    ensure!(stage == "$default", "the HTTP API has a `$default` stage only, not `{stage}`");
    let cors = match properties.get("CorsConfiguration") {
        None => None,
        Some(cors @ Json::Object(_)) => {
            known(
                cors,
                &["AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge"],
            )?;
            Some(Cors {
                origins: texts(cors, "AllowOrigins")?,
                methods: texts(cors, "AllowMethods")?,
                headers: texts(cors, "AllowHeaders")?,
                exposed: texts(cors, "ExposeHeaders")?,
                max_age: number(cors, "MaxAge")?,
                credentials: cors.get("AllowCredentials").map(plain).transpose()?.is_some_and(|it| it == "true"),
            })
        }
        Some(other) => bail!("`CorsConfiguration` must be a mapping, not {other}"),
    };
    Ok(HttpApi { logical_id: resource.id.clone(), cors })
}

fn websocket_api(resource: &Resource, defaults: Json, routes: &mut Vec<FoundRoute>) -> Result<WebSocketApi> {
    let properties = merged(defaults, Json::Object(resource.properties.clone()));
    known(&properties, &WEBSOCKET_API)?;
    for (key, route) in properties.get("Routes").and_then(Json::as_object).into_iter().flatten() {
        known(route, &WEBSOCKET_ROUTE).with_context(|| format!("in route `{key}`"))?;
        let arn = route.get("FunctionArn").and_then(Json::as_str);
        routes.push(FoundRoute {
            api: resource.id.clone(),
            resource: format!("{}{}Route", resource.id, capitalized(key)),
            key: key.clone(),
            function_arn: arn.with_context(|| format!("route `{key}` has no `FunctionArn`"))?.to_owned(),
            two_way: two_way(route)?,
            timeout: timeout(route, "IntegrationTimeout", WEBSOCKET_TIMEOUT)
                .with_context(|| format!("in route `{key}`"))?,
        });
    }
    let expression =
        properties.get("RouteSelectionExpression").and_then(Json::as_str).unwrap_or("$request.body.action");
    let fields = expression
        .strip_prefix("$request.body.")
        .with_context(|| format!("unsupported route selection expression `{expression}`"))?;
    Ok(WebSocketApi {
        logical_id: resource.id.clone(),
        stage: properties.get("StageName").and_then(Json::as_str).unwrap_or("default").to_owned(),
        selection: fields.split('.').map(str::to_owned).collect(),
    })
}

fn raw_route(resource: &Resource, all: &[Resource]) -> Result<FoundRoute> {
    let text = |properties: &Map<String, Json>, key: &str| {
        properties.get(key).and_then(Json::as_str).map(str::to_owned).with_context(|| format!("`{key}` is missing"))
    };
    let target = text(&resource.properties, "Target")?;
    let integration = target.strip_prefix("integrations/").context("`Target` is not `integrations/<id>`")?;
    let integration = all
        .iter()
        .find(|other| other.id == integration && other.kind == "AWS::ApiGatewayV2::Integration")
        .with_context(|| format!("`{integration}` is not an integration of the template"))?;
    let uri = text(&integration.properties, "IntegrationUri")?;
    let arn = uri.split_once("/functions/").map_or(uri.as_str(), |(_, arn)| arn).trim_end_matches("/invocations");
    Ok(FoundRoute {
        api: text(&resource.properties, "ApiId")?,
        resource: resource.id.clone(),
        key: text(&resource.properties, "RouteKey")?,
        function_arn: arn.to_owned(),
        two_way: two_way(&Json::Object(resource.properties.clone()))?,
        timeout: timeout(&Json::Object(integration.properties.clone()), "TimeoutInMillis", WEBSOCKET_TIMEOUT)?,
    })
}

/// The time that an API gives a function, where the template says so.
fn timeout(properties: &Json, name: &str, range: RangeInclusive<u64>) -> Result<Option<Duration>> {
    let Some(millis) = number(properties, name)? else { return Ok(None) };
    ensure!(range.contains(&millis), "`{name}` is {} to {} ms, not {millis}", range.start(), range.end());
    Ok(Some(Duration::from_millis(millis)))
}

fn two_way(route: &Json) -> Result<bool> {
    match route.get("RouteResponseSelectionExpression").and_then(Json::as_str) {
        None => Ok(false),
        Some("$default") => Ok(true),
        Some(other) => bail!("unsupported route response selection expression `{other}`"),
    }
}

/// Gives every WebSocket route to its function.
fn attach(template: &mut Template, routes: Vec<FoundRoute>, all: &[Resource], scope: &Scope) -> Result<()> {
    let responses: Vec<&str> = all
        .iter()
        .filter(|resource| resource.kind == "AWS::ApiGatewayV2::RouteResponse")
        .filter_map(|resource| resource.properties.get("RouteId").and_then(Json::as_str))
        .collect();
    for response in &responses {
        ensure!(
            routes.iter().any(|route| route.resource == *response),
            "a route response names the route `{response}`, which does not exist"
        );
    }
    for route in routes {
        ensure!(
            template.websocket.as_ref().is_some_and(|api| api.logical_id == route.api),
            "route `{}` belongs to `{}`, which is not the WebSocket API",
            route.key,
            route.api
        );
        let leads_to = |id: &str, arn: &String| {
            let alias = scope.references.get(&format!("{id}.Alias"));
            [Some(arn), alias].contains(&Some(&route.function_arn))
        };
        let id = scope.functions.iter().find(|(id, arn)| leads_to(id, arn)).map(|(id, _)| id);
        let function = template.functions.iter_mut().find(|function| Some(&function.logical_id) == id);
        let answers = route.two_way && responses.contains(&route.resource.as_str());
        function
            .with_context(|| {
                format!("route `{}` goes to `{}`, which is no function of the template", route.key, route.function_arn)
            })?
            .websocket_routes
            .push(WebSocketRoute { key: route.key, answers, timeout: route.timeout });
    }
    Ok(())
}

/// Fails on a name, a route or a schedule that two functions have.
fn check_unique(template: &Template) -> Result<()> {
    let mut names = BTreeMap::new();
    let mut routes = BTreeMap::new();
    let mut rules = BTreeMap::new();
    for function in &template.functions {
        if let Some(other) = names.insert(&function.name, &function.logical_id) {
            bail!("functions `{other}` and `{}` have the same name `{}`", function.logical_id, function.name);
        }
        let http = function.http_routes.iter().map(|route| format!("{} {}", route.method, route.path));
        let websocket = function.websocket_routes.iter().map(|route| route.key.clone());
        for route in http.chain(websocket) {
            if let Some(other) = routes.insert(route.clone(), &function.name) {
                bail!("`{route}` is a route of both `{other}` and `{}`", function.name);
            }
        }
        for schedule in &function.schedules {
            if let Some(other) = rules.insert(&schedule.name, &function.name) {
                bail!("`{}` is a schedule of both `{other}` and `{}`", schedule.name, function.name);
            }
        }
    }
    Ok(())
}

/// `Globals` under a resource's own properties: mappings are merged, lists joined, the rest replaced, as SAM does.
fn merged(defaults: Json, own: Json) -> Json {
    match (defaults, own) {
        (Json::Object(mut defaults), Json::Object(own)) => {
            for (key, value) in own {
                let default = defaults.remove(&key).unwrap_or_default();
                defaults.insert(key, merged(default, value));
            }
            Json::Object(defaults)
        }
        (Json::Array(mut defaults), Json::Array(own)) => {
            defaults.extend(own);
            Json::Array(defaults)
        }
        (_, own) => own,
    }
}
