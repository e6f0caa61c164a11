use aws_sdk_apigatewaymanagement::{config::Credentials, error::ProvideErrorMetadata, primitives::Blob};
use serde_json::{Value, json};

use crate::{Local, SECRET, outcome, secrets::client_with};

/// The keys that are in a function's environment.
pub(crate) fn keys(environment: &Value) -> Credentials {
    let key = |name: &str| environment[name].as_str().unwrap().to_owned();
    let token = Some(key("AWS_SESSION_TOKEN"));
    Credentials::new(key("AWS_ACCESS_KEY_ID"), key("AWS_SECRET_ACCESS_KEY"), token, None, "test")
}

#[tokio::test]
async fn role_decides_what_a_function_may_do_with_connections() {
    let local = Local::start().await;
    let mut client = local.connect().await;
    let id = client.id().await;
    let poster = local.management_with(keys(&client.ask(r#"{"action":"send","do":"env"}"#).await));
    let stranger = local.management_with(keys(&local.get("/echo/1?do=env").await.1));
    let denied = (403, "AccessDeniedException".to_owned());

    let post = poster.post_to_connection().connection_id(&id).data(Blob::new("1"));
    assert_eq!(outcome(post.send().await).0, 200);
    assert_eq!(client.receive().await, json!(1));
    assert_eq!(outcome(poster.get_connection().connection_id(&id).send().await), denied);
    assert_eq!(outcome(poster.delete_connection().connection_id(&id).send().await), denied);
    let post = stranger.post_to_connection().connection_id(&id).data(Blob::new("2"));
    assert_eq!(outcome(post.send().await), denied);
    assert_eq!(outcome(local.management().delete_connection().connection_id(&id).send().await).0, 200, "the owner");
    local.gateway.stop().await;
}

#[tokio::test]
async fn role_decides_which_secrets_a_function_may_read() {
    let local = Local::start().await;
    let mut client = local.connect().await;
    let read = async |keys: Credentials, id: &str| {
        let client = client_with(&local.gateway.urls().secrets, keys);
        client.get_secret_value().secret_id(id).send().await.map(|secret| secret.secret_string().map(str::to_owned))
    };
    let reader = keys(&client.ask(r#"{"action":"send","do":"env"}"#).await);
    let stranger = keys(&local.get("/echo/1?do=env").await.1);

    assert_eq!(read(reader.clone(), SECRET.0).await.unwrap().as_deref(), Some(SECRET.1));
    for (keys, id) in [(reader, "another"), (stranger, SECRET.0)] {
        let refused = read(keys, id).await.unwrap_err();
        assert_eq!(refused.code(), Some("AccessDeniedException"), "{refused:?}");
    }
    local.gateway.stop().await;
}

#[tokio::test]
async fn unsigned_or_wrongly_signed_request_is_refused() {
    let local = Local::start().await;
    let kind = async |request: reqwest::RequestBuilder| {
        let response = request.send().await.unwrap();
        let kind = response.headers()["x-amzn-errortype"].to_str().unwrap().to_owned();
        (response.status().as_u16(), kind)
    };
    let url = format!("{}/@connections/x%3D", local.gateway.urls().connections);
    let post = || reqwest::Client::new().post(&url).body("x");

    assert_eq!(kind(post()).await, (403, "MissingAuthenticationTokenException".to_owned()));
    let signed = post().header("authorization", "AWS4-HMAC-SHA256 local");
    assert_eq!(kind(signed).await, (403, "IncompleteSignatureException".to_owned()));
    let wrong = local.management_with(Credentials::new("local", "wrong", None, None, "test"));
    let refused = outcome(wrong.get_connection().connection_id("x=").send().await);
    assert_eq!(refused, (403, "InvalidSignatureException".to_owned()));
    local.gateway.stop().await;
}

#[tokio::test]
async fn every_function_has_keys_of_its_own() {
    let local = Local::start().await;
    let mut client = local.connect().await;

    let frames = client.ask(r#"{"action":"send","do":"env"}"#).await;
    let echo = local.get("/echo/1?do=env").await.1;

    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        assert!(echo[name].is_string() && echo[name] != frames[name], "{name}");
    }
    local.gateway.stop().await;
}
