use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use gateway::Limits;
use serde_json::{Value, json};

use crate::Local;

#[tokio::test]
async fn request_arrives_in_payload_format_2() {
    let local = Local::start().await;

    let response = reqwest::Client::new()
        .post(local.http("/echo/a%20b/c?x=1&x=2&y=%ED%95%9C+%2B"))
        .header("X-Twice", "1")
        .header("X-Twice", "2")
        .header("Cookie", "a=1; b=2")
        .header("User-Agent", "tests")
        .json(&json!({"안녕": 1}))
        .send()
        .await
        .unwrap();

    assert_eq!(response.headers()["apigw-requestid"].len(), 16);
    let answer: Value = response.json().await.unwrap();
    let event = &answer["event"];
    serde_json::from_value::<ApiGatewayV2httpRequest>(event.clone()).unwrap();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "ANY /echo/{proxy+}");
    assert_eq!(event["rawPath"], "/echo/a b/c");
    assert_eq!(event["rawQueryString"], "x=1&x=2&y=%ED%95%9C+%2B");
    assert_eq!(event["queryStringParameters"], json!({"x": "1,2", "y": "한 +"}));
    assert_eq!(event["pathParameters"], json!({"proxy": "a b/c"}));
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["headers"]["x-twice"], "1,2");
    assert_eq!(event["headers"]["cookie"], Value::Null);
    assert_eq!(event["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(event["body"], r#"{"안녕":1}"#);
    assert_eq!(event["isBase64Encoded"], false);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["http"]["userAgent"], "tests");
    assert_eq!(context["domainName"], "127.0.0.1");
    assert_eq!(context["stage"], "$default");
    assert!(context["timeEpoch"].as_u64().unwrap() > 1_700_000_000_000);
    local.gateway.stop().await;
}

#[tokio::test]
async fn binary_bodies_are_base64_encoded() {
    let local = Local::start().await;
    let post = async |kind: &str, body: &'static [u8]| {
        let request = reqwest::Client::new().post(local.http("/echo")).header("content-type", kind).body(body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        (answer["event"]["body"].clone(), answer["event"]["isBase64Encoded"].clone())
    };

    assert_eq!(post("text/plain; charset=utf-8", b"hi").await, (json!("hi"), json!(false)));
    assert_eq!(post("application/x-www-form-urlencoded", b"hi").await, (json!("aGk="), json!(true)));
    assert_eq!(post("application/json", b"\xff").await, (json!("/w=="), json!(true)));
    local.gateway.stop().await;
}

#[tokio::test]
async fn most_specific_route_wins_and_unknown_path_is_404() {
    let local = Local::start().await;

    assert_eq!(local.get("/echo/static").await.1["event"]["routeKey"], "GET /echo/static");
    assert_eq!(local.get("/echo/7").await.1["event"]["routeKey"], "GET /echo/{id}");
    assert_eq!(local.get("/echo/7/8").await.1["event"]["routeKey"], "ANY /echo/{proxy+}");
    assert_eq!(local.get("/nowhere").await, (404, json!({"message": "Not Found"})));
    assert_eq!(local.get("/echo").await, (404, json!({"message": "Not Found"})));
    local.gateway.stop().await;
}

#[tokio::test]
async fn responses_follow_payload_format_2() {
    let local = Local::start().await;

    let response = reqwest::get(local.http("/echo/x?do=headers")).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-one"], "1");
    assert_eq!(response.headers()["content-type"], "text/html");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(response.text().await.unwrap(), "hi");

    let response = reqwest::get(local.http("/echo/x?do=status&status=418")).await.unwrap();
    assert_eq!(response.status(), 418);
    assert_eq!(response.headers()["content-type"], "text/plain;charset=UTF-8");

    assert_eq!(local.get("/echo/x?do=bare").await, (200, json!({"bare": true})));
    assert_eq!(local.get("/echo/x?do=malformed").await, (500, json!({"message": "Internal Server Error"})));
    local.gateway.stop().await;
}

#[tokio::test]
async fn cors_headers_come_from_the_template() {
    let local = Local::start().await;
    let client = reqwest::Client::new();

    let preflight = client
        .request(reqwest::Method::OPTIONS, local.http("/nowhere"))
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://app.example");
    assert_eq!(preflight.headers()["access-control-allow-methods"], "GET,POST");
    assert_eq!(preflight.headers()["access-control-max-age"], "600");

    let get = |origin: &'static str| client.get(local.http("/echo/x?do=headers")).header("origin", origin).send();
    let known = get("https://other.example").await.unwrap();
    assert_eq!(known.headers()["access-control-allow-origin"], "https://other.example");
    assert_eq!(known.headers()["access-control-expose-headers"], "location");
    let unknown = get("https://evil.example").await.unwrap();
    assert!(!unknown.headers().contains_key("access-control-allow-origin"));
    local.gateway.stop().await;
}

#[tokio::test]
async fn oversized_bodies_are_refused_before_the_function() {
    let local = Local::start().await;
    let post = async |size: usize| {
        let request = reqwest::Client::new().post(local.http("/echo")).header("content-type", "text/plain");
        let response = request.body("x".repeat(size)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };

    let refused = (413, r#"{"message":"Request Entity Too Large"}"#.to_owned());
    assert_eq!(post(Limits::default().http_body + 1).await, refused);
    assert_eq!(post(Limits::default().request).await, refused, "with the event around it, it is too large for Lambda");
    assert_eq!(post(5_000_000).await.0, 200);
    local.gateway.stop().await;
}

#[tokio::test]
async fn oversized_request_line_and_headers_are_refused() {
    let local = Local::start().await;
    let get = async |path: usize, header: usize| {
        let request = reqwest::Client::new().get(local.http(&format!("/echo/{}", "p".repeat(path))));
        let response = request.header("x-long", "h".repeat(header)).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap()["message"].clone())
    };

    let refused = (431, json!("Request Header Fields Too Large"));
    assert_eq!(get(1, 10_240).await, refused);
    assert_eq!(get(6_000, 4_240).await, refused, "line and headers together");
    assert_eq!(get(6_000, 4_000).await.0, 200);
    assert_eq!(local.count("echo"), 1);
    local.gateway.stop().await;
}

#[tokio::test]
async fn route_waits_for_its_function_as_long_as_it_says() {
    let local = Local::start().await;

    let unavailable = (503, json!({"message": "Service Unavailable"}));
    assert_eq!(local.get("/hasty?do=sleep&ms=2000").await, unavailable);
    assert_eq!(local.get("/hasty").await.0, 200);
    local.gateway.stop().await;
}
