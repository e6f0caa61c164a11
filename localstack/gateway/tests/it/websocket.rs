use std::time::Duration;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use futures_util::SinkExt;
use gateway::Limits;
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::{Local, eventually, outcome};

#[tokio::test]
async fn two_way_route_answers_with_the_body() {
    let local = Local::start().await;
    let mut client = local.connect().await;

    let answer = client.ask(r#"{"action":"send","x":1}"#).await;

    let event = &answer["event"];
    assert_eq!(event["body"], r#"{"action":"send","x":1}"#);
    assert_eq!(event["isBase64Encoded"], false);
    let context = &event["requestContext"];
    assert_eq!(context["routeKey"], "send");
    assert_eq!(context["eventType"], "MESSAGE");
    assert_eq!(context["messageDirection"], "IN");
    assert_eq!(context["stage"], "local");
    assert_eq!(context["identity"]["sourceIp"], "127.0.0.1");
    assert!(context["connectionId"].as_str().unwrap().ends_with('='));
    assert!(context["messageId"].is_string() && context["requestId"].is_string());
    assert!(context["connectedAt"].as_i64() <= context["requestTimeEpoch"].as_i64());
    local.gateway.stop().await;
}

#[tokio::test]
async fn connect_and_disconnect_events_parse_as_aws_types() {
    let local = Local::start().await;
    let mut request = format!("{}?ticket=a%2Bb&x=1&x=2", local.gateway.urls().ws).into_client_request().unwrap();
    request.headers_mut().insert("origin", "https://app.example".parse().unwrap());
    let (socket, _) = connect_async(request).await.unwrap();
    drop(socket);

    let read = async |start: &str| {
        let line = local.line(start).await;
        serde_json::from_str::<ApiGatewayWebsocketProxyRequest>(line.strip_prefix(start).unwrap()).unwrap()
    };
    let connect = read("connect: event: ").await;
    assert_eq!(connect.request_context.event_type.as_deref(), Some("CONNECT"));
    assert_eq!(connect.query_string_parameters.first("ticket"), Some("a+b"));
    assert_eq!(connect.query_string_parameters.first("x"), Some("2"));
    assert_eq!(connect.headers["origin"], "https://app.example");
    let disconnect = read("disconnect: event: ").await;
    assert_eq!(disconnect.request_context.connection_id, connect.request_context.connection_id);
    local.gateway.stop().await;
}

#[tokio::test]
async fn frame_that_selects_no_route_goes_to_default() {
    let local = Local::start().await;
    let mut client = local.connect().await;

    for frame in ["no JSON", r#"{"action":"unknown"}"#, r#"{"action":7}"#, r#"{"action":"$connect"}"#, "[]"] {
        let answer = client.ask(frame).await;
        assert_eq!(answer["event"]["requestContext"]["routeKey"], "$default", "{frame}");
    }
    local.gateway.stop().await;
}

#[tokio::test]
async fn one_way_route_answers_only_on_failure() {
    let local = Local::start().await;
    let mut client = local.connect().await;

    client.send(r#"{"action":"quiet"}"#).await;
    eventually("the quiet invocation", || (local.count("frames") == 1).then_some(())).await;
    let answer = client.ask(r#"{"action":"send"}"#).await;
    assert_eq!(answer["event"]["requestContext"]["routeKey"], "send", "the quiet frame has no answer");

    let failure = client.ask(r#"{"action":"quiet","do":"fail"}"#).await;
    assert_eq!(failure["message"], "Internal server error");
    assert_eq!(failure["connectionId"], answer["event"]["requestContext"]["connectionId"]);
    assert!(failure["requestId"].is_string());
    local.gateway.stop().await;
}

#[tokio::test]
async fn frames_of_one_connection_run_concurrently() {
    let local = Local::start().await;
    let mut client = local.connect().await;

    client.send(r#"{"action":"send","do":"sleep","ms":1000,"n":"slow"}"#).await;
    client.send(r#"{"action":"send","n":"fast"}"#).await;

    assert!(client.receive().await["event"]["body"].as_str().unwrap().contains("fast"));
    assert!(client.receive().await["event"]["body"].as_str().unwrap().contains("slow"));
    local.gateway.stop().await;
}

#[tokio::test]
async fn refused_connect_has_the_status_of_the_function() {
    let local = Local::start().await;
    let attempt = async |query: &str| {
        let url = format!("{}?{query}", local.gateway.urls().ws);
        match connect_async(url).await {
            Err(Error::Http(response)) => response.status().as_u16(),
            other => panic!("not refused: {other:?}"),
        }
    };

    assert_eq!(attempt("do=status&status=401").await, 401);
    assert_eq!(attempt("do=status&status=403").await, 403);
    assert_eq!(attempt("do=fail").await, 502);
    assert_eq!(attempt("do=malformed").await, 502);
    local.gateway.stop().await;
}

#[tokio::test]
async fn function_chooses_the_subprotocol() {
    let local = Local::start().await;
    let mut request = format!("{}?do=protocol", local.gateway.urls().ws).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "chat.v1".parse().unwrap());

    let (_socket, response) = connect_async(request).await.unwrap();

    assert_eq!(response.headers()["sec-websocket-protocol"], "chat.v1");
    local.gateway.stop().await;
}

#[tokio::test]
async fn connections_api_posts_describes_and_closes() {
    let local = Local::start().await;
    let mut client = local.connect().await;
    let id = client.id().await;
    let owner = local.management();

    assert_eq!(local.post(&id, r#"{"t":"hi"}"#).await, 200);
    assert_eq!(client.receive().await, json!({"t": "hi"}));

    let description = owner.get_connection().connection_id(&id).send().await.unwrap();
    assert_eq!(description.identity().unwrap().source_ip(), Some("127.0.0.1"));
    assert!(description.connected_at() <= description.last_active_at());

    let post = |id: &str, size: usize| {
        let post = owner.post_to_connection().connection_id(id).data(Blob::new(vec![b'x'; size]));
        async { outcome(post.send().await) }
    };
    assert_eq!(post(&id, 128 * 1024 + 1).await, (413, "PayloadTooLargeException".to_owned()));
    assert_eq!(post("unknown=", 1).await, (410, "GoneException".to_owned()));

    owner.delete_connection().connection_id(&id).send().await.unwrap();
    assert_eq!(client.closed().await.code, CloseCode::Normal);
    assert_eq!(outcome(owner.get_connection().connection_id(&id).send().await).0, 410);
    local.gateway.stop().await;
}

#[tokio::test]
async fn frames_of_both_directions_are_counted() {
    let local = Local::start().await;
    let mut client = local.connect().await;

    let id = client.id().await;
    client.send(r#"{"action":"quiet"}"#).await;
    assert_eq!(local.post(&id, "news").await, 200);
    client.next().await;

    eventually("two frames each way", || {
        let traffic = local.gateway.traffic();
        ((traffic.frames_in, traffic.frames_out) == (2, 2)).then_some(())
    })
    .await;
    local.gateway.stop().await;
}

#[tokio::test]
async fn route_waits_for_its_function_as_long_as_it_says() {
    let local = Local::start().await;
    let mut client = local.connect().await;

    let answer = client.ask(r#"{"action":"hasty","do":"sleep","ms":2000}"#).await;
    assert_eq!(answer["message"], "Internal server error");
    assert_eq!(client.ask(r#"{"action":"hasty"}"#).await["event"]["requestContext"]["routeKey"], "hasty");
    local.gateway.stop().await;
}

#[tokio::test]
async fn aws_client_posts_except_within_its_own_connect() {
    let local = Local::start().await;

    let (_early, _) = connect_async(format!("{}?do=post&data=early", local.gateway.urls().ws)).await.unwrap();
    assert_eq!(local.line("connect: posted").await, "connect: posted: gone");

    let mut client = local.connect().await;
    client.send(r#"{"action":"quiet","do":"post","data":"{\"t\":\"pushed\"}"}"#).await;
    assert_eq!(client.receive().await, json!({"t": "pushed"}));
    assert_eq!(local.line("frames: posted").await, "frames: posted: sent");
    local.gateway.stop().await;
}

#[tokio::test]
async fn oversized_and_binary_frames_close_the_connection() {
    let local = Local::start().await;

    let mut client = local.connect().await;
    client.send("x".repeat(32 * 1024)).await;
    assert!(client.receive().await["event"]["body"].is_string(), "32 KB fit");
    client.send("x".repeat(33 * 1024)).await;
    assert_eq!(client.closed().await.code, CloseCode::Size);

    let mut client = local.connect().await;
    client.socket.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(client.closed().await.code, CloseCode::Unsupported);
    local.gateway.stop().await;
}

#[tokio::test]
async fn idle_connection_is_closed_despite_pings() {
    let local = Local::with(Limits { ws_idle: Duration::from_secs(2), ..Limits::default() }).await;
    let mut client = local.connect().await;

    client.socket.send(Message::Ping("a".into())).await.unwrap();
    assert_eq!(client.next().await, Message::Pong("a".into()));
    let close = client.closed().await;

    assert_eq!((close.code, close.reason.as_str()), (CloseCode::Away, "Going away"));
    eventually("the disconnect", || (local.count("disconnect") == 1).then_some(())).await;
    local.gateway.stop().await;
}

#[tokio::test]
async fn connection_is_closed_at_its_maximum_age() {
    let local = Local::with(Limits { ws_life: Duration::from_millis(500), ..Limits::default() }).await;

    assert_eq!(local.connect().await.closed().await.code, CloseCode::Away);
    local.gateway.stop().await;
}

#[tokio::test]
async fn disconnect_event_has_the_close_code_and_reason() {
    let local = Local::start().await;

    let mut polite = local.connect().await;
    let frame = CloseFrame { code: CloseCode::Library(4001), reason: "bye".into() };
    polite.socket.close(Some(frame)).await.unwrap();
    assert!(local.line("\"disconnectStatusCode\":4001").await.contains("\"disconnectReason\":\"bye\""));
    drop(local.connect().await);
    local.line("\"disconnectStatusCode\":1006").await;
    local.gateway.stop().await;
}

#[tokio::test]
async fn client_that_leaves_during_connect_causes_a_disconnect() {
    let local = Local::start().await;
    let root = local.gateway.urls().ws.strip_prefix("ws://").unwrap();
    let (address, stage) = root.split_once('/').unwrap();
    let upgrade = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /{stage}?do=sleep&ms=500 HTTP/1.1\r\n{upgrade}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    local.line("connect: sleeping").await;
    drop(stream);

    local.line("disconnect: event").await;
    local.gateway.stop().await;
}

#[tokio::test]
async fn plain_request_and_unknown_stage_are_refused() {
    let local = Local::start().await;
    let root = &local.gateway.urls().connections;

    assert_eq!(reqwest::get(root).await.unwrap().status(), 426);
    assert_eq!(reqwest::get(format!("{root}x")).await.unwrap().status(), 403);
    assert_eq!(reqwest::get(root.replace("/local", "/other")).await.unwrap().status(), 403);
    local.gateway.stop().await;
}
