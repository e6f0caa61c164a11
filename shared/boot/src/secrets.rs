use crate::{Settings, checks::Check};
use aws_sdk_secretsmanager::{
    Client,
    config::{BehaviorVersion, Builder, timeout::TimeoutConfig},
};
use futures_util::future::join_all;
use std::{collections::BTreeMap, time::Duration};

/// What may come from Secrets Manager.
const SECRETS: [&str; 9] = [
    "MYSQL_URL",
    "MONGO_URL",
    "SECRET_KEY",
    "SECRET_KEY_PREVIOUS",
    "PUSH_SECRET",
    "FILES_KEY",
    "TRUSTED_PROXY_KEY",
    "APP_MYSQL_URL",
    "HEALTH_MYSQL_URL",
];

pub(crate) type Secrets = BTreeMap<&'static str, Check<String>>;

/// Fetches, all at once, the secrets whose ARN is set and whose variable is not.
pub(crate) async fn fetch(settings: &Settings) -> Secrets {
    let variables = &settings.variables;
    let wanted = SECRETS.iter().filter(|name| variables.get(name).is_none());
    let wanted: Vec<(&str, &str)> =
        wanted.filter_map(|name| variables.get(&format!("{name}_SECRET_ARN")).map(|arn| (*name, arn))).collect();
    if wanted.is_empty() {
        return Secrets::new();
    }
    let Some(client) = client(settings) else {
        return wanted
            .into_iter()
            .map(|(name, _)| (name, Err("is a secret, and AWS credentials are missing")))
            .collect();
    };
    join_all(wanted.into_iter().map(async |(name, arn)| (name, read(&client, name, arn).await)))
        .await
        .into_iter()
        .collect()
}

async fn read(client: &Client, name: &str, arn: &str) -> Check<String> {
    match client.get_secret_value().secret_id(arn).send().await {
        Ok(secret) => match secret.secret_string().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Ok(text.to_owned()),
            None => Err("is a secret without text"),
        },
        Err(error) => {
            let error = aws_sdk_secretsmanager::error::DisplayErrorContext(&error);
            tracing::error!("Could not read the secret of {name}: {error}");
            Err("is a secret that could not be read")
        }
    }
}

/// A client with what Lambda puts into every environment; `aws-config` would look in many other sources.
fn client(settings: &Settings) -> Option<Client> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build();
    let config =
        Builder::from(&settings.aws().ok()?).behavior_version(BehaviorVersion::v2026_01_12()).timeout_config(timeouts);
    Some(Client::from_conf(config.build()))
}

#[cfg(test)]
mod tests {
    use crate::Settings;
    use std::collections::BTreeMap;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    /// Answers every request on one connection each, as Secrets Manager would, with the secret's name as its text.
    async fn answer_like_secrets_manager(listener: TcpListener) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
            }
            let request = String::from_utf8(request).unwrap();
            assert!(request.contains("x-amz-target: secretsmanager.GetSecretValue"), "{request}");
            assert!(request.contains("x-amz-security-token: session"), "{request}");
            let (status, body) = if request.contains("mongo") {
                ("200 OK", r#"{"SecretString":"mongodb://host/chat\n"}"#)
            } else {
                ("400 Bad Request", r#"{"__type":"ResourceNotFoundException","Message":"no such secret"}"#)
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    fn variables(endpoint: &str) -> BTreeMap<String, String> {
        [
            ("MONGO_URL_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:1:secret:mongo"),
            ("MYSQL_URL_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:1:secret:gone"),
            ("SECRET_KEY_PREVIOUS_SECRET_ARN", ""),
            ("SECRET_KEY_SECRET_ARN", "arn:not-asked-for-since-the-variable-is-set"),
            ("SECRET_KEY", "0123456789abcdef0123456789abcdef"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("AWS_SESSION_TOKEN", "session"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[tokio::test]
    async fn secrets_are_read_by_arn_and_failures_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());

        let settings = tokio::select! {
            settings = Settings::from_variables(variables(&endpoint)) => settings,
            () = answer_like_secrets_manager(listener) => unreachable!(),
        };

        assert_eq!(settings.mongo_url().unwrap(), "mongodb://host/chat");
        assert!(settings.signing().unwrap().previous_key.is_none());
        assert_eq!(settings.mysql_url().unwrap_err().to_string(), "MYSQL_URL is a secret that could not be read");
    }
}
