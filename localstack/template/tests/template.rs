//! Whole templates.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use template::{BucketEvent, Template};

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/it/template.yaml")
}

fn errors(text: &str) -> String {
    format!("{:#}", Template::parse(text, &BTreeMap::new()).unwrap_err())
}

#[test]
fn functions_have_their_routes_and_schedules() {
    let template = Template::load(&sample(), &BTreeMap::new()).unwrap();

    let echo = template.function("echo").unwrap();
    let routes: Vec<_> = echo.http_routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(routes, ["ANY /echo/{proxy+}", "GET /echo/{id}", "POST /echo", "GET /echo/static"]);
    let frames = template.function("frames").unwrap();
    let routes: Vec<_> = frames.websocket_routes.iter().map(|route| (route.key.as_str(), route.answers)).collect();
    assert_eq!(routes, [("$default", true), ("hasty", true), ("quiet", false), ("send", true)]);
    let quick = template.function("quick").unwrap();
    assert_eq!(quick.http_routes[0].timeout, None);
    assert_eq!(template.function("hasty").unwrap().http_routes[0].timeout, Some(Duration::from_millis(300)));
    assert_eq!(frames.websocket_routes.iter().find_map(|route| route.timeout), Some(Duration::from_millis(300)));
    let ticker = template.function("ticker").unwrap();
    let schedules: Vec<_> = ticker.schedules.iter().map(|it| (it.name.as_str(), it.every, it.enabled)).collect();
    let minute = Duration::from_mins(1);
    assert_eq!(schedules, [("TickerEveryMinute", minute, true), ("never", minute, false)]);
    assert_eq!(template.websocket.unwrap().stage, "local");
    assert_eq!(template.http.unwrap().cors.unwrap().origins, ["https://app.example", "https://other.example"]);
}

#[test]
fn deployed_template_is_supported() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");

    let template = Template::load(&path, &BTreeMap::new()).unwrap();

    assert!(template.functions.len() >= 9);
}

/// The template with one parameter.
fn deployed(parameter: &str, value: &str) -> Template {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    Template::load(&path, &BTreeMap::from([(parameter.to_owned(), value.to_owned())])).unwrap()
}

#[test]
fn tickets_name_the_domain_where_there_is_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let url = |parameters: &[(&str, &str)]| {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Template::load(&path, &parameters).unwrap().function("auth").unwrap().environment["WEBSOCKET_URL"].clone()
    };
    let domain = ("WebSocketDomain", "ws.chat.example");
    let certificate = ("CertificateArn", "arn:aws:acm:us-east-1:123456789012:certificate/1");

    assert_eq!(url(&[domain, certificate]), "wss://ws.chat.example");
    assert_eq!(url(&[]), "wss://WebSocketApi.execute-api.us-east-1.amazonaws.com/v1");
}

#[test]
fn uploads_are_scanned_where_a_parameter_says_so() {
    let (off, on) = (deployed("MalwareScan", "none"), deployed("MalwareScan", "guardduty"));
    let scanner = |template: &Template, id: &str| {
        template.buckets.iter().find(|bucket| bucket.logical_id == id).unwrap().scanner.clone()
    };
    let uploads = "arn:aws:s3:::local-uploadsbucket";

    for (template, word) in [(&off, "none"), (&on, "guardduty")] {
        let inspect = template.function("inspect").unwrap();
        assert_eq!(inspect.environment["MALWARE_SCAN"], word);
        let told = |event: fn(String) -> BucketEvent| event("local-uploadsbucket".to_owned());
        assert_eq!(inspect.bucket_events, [told(BucketEvent::Created), told(BucketEvent::Scanned)]);
        assert_eq!(scanner(template, "FilesBucket"), None);
    }
    assert_eq!(scanner(&off, "UploadsBucket"), None);
    let role = scanner(&on, "UploadsBucket").unwrap();
    let its_own = format!("{uploads}/malware-protection-resource-validation-object");
    for (action, resource) in [
        ("s3:GetObject", &format!("{uploads}/0f")),
        ("s3:GetObjectVersion", &format!("{uploads}/0f")),
        ("s3:PutObject", &its_own),
        ("s3:ListBucket", &uploads.to_owned()),
        ("s3:GetBucketNotification", &uploads.to_owned()),
        ("s3:PutBucketNotification", &uploads.to_owned()),
    ] {
        assert!(role.allows(action, resource), "{action}");
    }
    for (action, resource) in [
        ("s3:PutObject", format!("{uploads}/0f")),
        ("s3:PutObjectTagging", format!("{uploads}/0f")),
        ("s3:DeleteObject", its_own),
        ("s3:GetObject", "arn:aws:s3:::local-filesbucket/0f/original".to_owned()),
    ] {
        assert!(!role.allows(action, &resource), "{action}");
    }
}

#[test]
fn functions_with_mysql_reserve_their_concurrency() {
    let limited = deployed("MysqlConcurrency", "7");
    let unlimited = deployed("MysqlConcurrency", "0");

    let with_mysql: Vec<_> =
        limited.functions.iter().filter(|it| it.environment.contains_key("MYSQL_URL_SECRET_ARN")).collect();
    let reserved: Vec<_> = with_mysql.iter().map(|it| (it.name.as_str(), it.reserved.unwrap())).collect();
    let expected =
        ["auth", "blocks", "chat-rooms", "friends", "group-rooms", "health", "migrate", "relay", "send-mail", "users"];
    assert_eq!(reserved, expected.into_iter().zip([7, 7, 7, 7, 7, 2, 1, 1, 1, 7]).collect::<Vec<_>>());
    assert!(unlimited.functions.iter().all(|it| it.reserved.is_none()));
}

#[test]
fn reserved_concurrency_of_the_guide_leaves_mysql_connections() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guides/operate.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let number = |cell: &str| cell.chars().filter(char::is_ascii_digit).collect::<String>().parse::<usize>().unwrap();
    let rows: Vec<Vec<&str>> = guide
        .lines()
        .filter(|line| line.contains("`db.t4g"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();

    for row in &rows {
        let (connections, concurrency) = (number(row[1]), number(row[2]));
        let template = deployed("MysqlConcurrency", &concurrency.to_string());
        // During a deployment old and new environments exist, each with a connection.
        let opened = 2 * template.functions.iter().filter_map(|it| it.reserved).sum::<usize>();
        assert!(opened < connections - 10, "{row:?}: {opened}");
    }
    assert_eq!(deployed("Debug", "true").function("auth").unwrap().reserved, None);
    assert_eq!(rows.len(), 4);
}

#[test]
fn no_web_page_is_allowed_by_default() {
    let origins = |template: Template| template.http.unwrap().cors.unwrap().origins;

    assert_eq!(origins(deployed("Debug", "true")), [""; 0]);
    assert_eq!(origins(deployed("AllowedOrigins", "https://chat.example")), ["https://chat.example"]);
}

#[test]
fn unsupported_part_is_named() {
    let topic = "Resources: {Topic: {Type: AWS::SNS::Topic}}";
    assert!(errors(topic).contains("`AWS::SNS::Topic`"), "{}", errors(topic));
    let intrinsic = "Resources: {Role: {Type: AWS::IAM::Role, Properties: {Path: !ImportValue other}}}";
    assert!(errors(intrinsic).contains("`ImportValue`"), "{}", errors(intrinsic));
    let long = "Resources: {Role: {Type: AWS::IAM::Role, Properties: {Path: {Fn::Cidr: [a, b]}}}}";
    assert!(errors(long).contains("`Cidr`"), "{}", errors(long));
    let event = "Resources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Events: {E: {Type: SNS}}}}}";
    assert!(errors(event).contains("event type `SNS`"), "{}", errors(event));
    let schedule = "Resources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Events: {E: {Type: Schedule, Properties: {Schedule: cron(0 0 * * ? *)}}}}}}";
    assert!(errors(schedule).contains("in event `E`: unsupported schedule `cron("), "{}", errors(schedule));
    let timeout = "Resources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Events: {E: {Type: HttpApi, Properties: {TimeoutInMillis: 31000}}}}}}";
    assert!(errors(timeout).contains("`TimeoutInMillis` is 50 to 30000 ms"), "{}", errors(timeout));
    let property = "Resources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Layers: []}}}";
    assert!(errors(property).contains("property `Layers`"), "{}", errors(property));
    let reference = "Resources: {Role: {Type: AWS::IAM::Role, Properties: {Path: !Ref Nobody}}}";
    assert!(errors(reference).contains("`Nobody`"), "{}", errors(reference));
}

#[test]
fn route_leads_to_the_alias_of_a_function() {
    let template = |globals: &str, arn: &str| {
        format!(
            "{globals}Resources:
  Api: {{Type: AWS::Serverless::WebSocketApi, Properties: {{Routes: {{send: {{FunctionArn: {arn}}}}}}}}}
  F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: f}}}}
"
        )
    };
    let globals = "Globals: {Function: {AutoPublishAlias: live}}\n";

    let found = Template::parse(&template(globals, "!Ref F.Alias"), &BTreeMap::new()).unwrap();

    assert_eq!(found.function("f").unwrap().websocket_routes[0].key, "send");
    assert!(errors(&template("", "!Ref F.Alias")).contains("`F.Alias` is neither"));
    assert!(errors(&template(globals, "!GetAtt F.Alias")).contains("no attribute `Alias`"));
    assert!(errors(&template(globals, "!Ref F.Version")).contains("no function of the template"));
}

#[test]
fn custom_resource_names_a_function() {
    let template = |token: &str| {
        format!(
            "Resources:
  F: {{Type: AWS::Serverless::Function, DependsOn: C, Properties: {{CodeUri: f}}}}
  C: {{Type: AWS::CloudFormation::CustomResource, Properties: {{ServiceToken: {token}, Anything: 1}}}}
"
        )
    };

    Template::parse(&template("!GetAtt F.Arn"), &BTreeMap::new()).unwrap();

    assert!(errors(&template("arn:aws:sns:us-east-1:123456789012:topic")).contains("no function of the template"));
    assert!(
        errors("Resources: {C: {Type: AWS::CloudFormation::CustomResource}}").contains("`ServiceToken` is missing")
    );
}

#[test]
fn unknown_part_of_a_resource_is_named() {
    let function = |attributes: &str, properties: &str| {
        let text = format!(
            "Resources: {{F: {{Type: AWS::Serverless::Function, {attributes} Properties: {{CodeUri: f, {properties}}}}}}}"
        );
        errors(&text)
    };

    assert!(function("UpdatePolicy: {},", "").contains("attribute `UpdatePolicy`"));
    assert!(function("DependsOn: [Nobody],", "").contains("Nobody"));
    let hooks = function("", "DeploymentPreference: {Type: AllAtOnce, Hooks: {PreTraffic: x}}");
    assert!(hooks.contains("in `DeploymentPreference`: unsupported property `Hooks`"), "{hooks}");
    assert!(function("", "LoggingConfig: {Level: x}").contains("in `LoggingConfig`: unsupported property `Level`"));
}

#[test]
fn route_belongs_to_one_function() {
    let function = |id: &str| {
        format!(
            "  {id}: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: {id}, Events: {{E: {{Type: HttpApi, Properties: {{Method: GET, Path: /x}}}}}}}}}}\n"
        )
    };
    let both = format!("Resources:\n{}{}", function("One"), function("Two"));

    assert!(errors(&both).contains("`GET /x` is a route of both"), "{}", errors(&both));
}

#[test]
fn schedule_name_is_unique() {
    let function = |id: &str| {
        format!(
            "  {id}: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: {id}, Events: {{E: {{Type: Schedule, Properties: {{Name: x, Schedule: rate(1 day)}}}}}}}}}}\n"
        )
    };
    let both = format!("Resources:\n{}{}", function("One"), function("Two"));

    assert!(errors(&both).contains("`x` is a schedule of both"), "{}", errors(&both));
}
