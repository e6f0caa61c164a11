//! Secrets Manager: our stand-in and, where one runs, `LocalStack` answer the real client alike.

use aws_sdk_secretsmanager::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    operation::get_secret_value::GetSecretValueOutput,
};
use gateway::secret_arn;

use crate::{Local, SECRET};

fn client(endpoint: &str) -> Client {
    client_with(endpoint, Credentials::new("local", "local", None, None, "test"))
}

pub(crate) fn client_with(endpoint: &str, keys: Credentials) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(keys)
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}

/// Asks for a secret in every way that a function may, and for one that nobody has.
async fn conforms(client: &Client, name: &str, arn: &str, text: &str) {
    let get = async |id: &str| client.get_secret_value().secret_id(id).send().await;

    for id in [name, arn] {
        let secret: GetSecretValueOutput = get(id).await.unwrap();
        assert_eq!((secret.name(), secret.arn()), (Some(name), Some(arn)));
        assert_eq!(secret.secret_string(), Some(text));
        assert_eq!(secret.version_stages(), ["AWSCURRENT"]);
        assert!(secret.version_id().is_some() && secret.created_date().is_some());
    }

    for id in ["nobody", "arn:aws:secretsmanager:us-east-1:123456789012:secret:nobody-AbCdEf"] {
        let refused = get(id).await.unwrap_err().into_service_error();
        assert!(refused.is_resource_not_found_exception(), "{refused:?}");
    }
}

#[tokio::test]
async fn functions_read_secrets_by_name_and_arn() {
    let local = Local::start().await;
    let client = client(&local.gateway.urls().secrets);

    conforms(&client, SECRET.0, &secret_arn(SECRET.0), SECRET.1).await;
}

#[tokio::test]
async fn a_request_for_a_secret_must_be_signed() {
    let local = Local::start().await;
    let request = reqwest::Client::new()
        .post(&local.gateway.urls().secrets)
        .header("x-amz-target", "secretsmanager.GetSecretValue")
        .body(format!(r#"{{"SecretId":"{}"}}"#, SECRET.0));

    let answer = request.send().await.unwrap();

    assert_eq!(answer.status(), 400);
    let body = answer.text().await.unwrap();
    assert!(body.contains("MissingAuthenticationTokenException") && !body.contains(SECRET.1), "{body}");
}

#[tokio::test]
async fn localstack_answers_like_the_stand_in() {
    let Ok(endpoint) = std::env::var("TEST_LOCALSTACK_URL") else {
        println!("NOT CHECKED: TEST_LOCALSTACK_URL names no LocalStack");
        return;
    };
    let client = client(&endpoint);
    let name = format!("local/{:016x}", rand::random::<u64>());
    let created = client.create_secret().name(&name).secret_string("text").send().await.unwrap();

    conforms(&client, &name, created.arn().unwrap(), "text").await;
}
