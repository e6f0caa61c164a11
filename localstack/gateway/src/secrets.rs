//! Secrets Manager, of which functions use one action: `GetSecretValue`.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use http::{HeaderValue, Request, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use template::{ACCOUNT, REGION};

use crate::{
    iam::{Denied, Iam},
    ids,
    server::{Answer, Reset, Respond, Whole, json as json_answer},
};

/// The variable that leads the AWS SDK here.
pub(crate) const ENDPOINT: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";

/// Secrets Manager's largest request.
const LARGEST: usize = 64 * 1024;

/// The ARN of a local secret. Secrets Manager ends it with six characters of its own.
pub fn secret_arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-local0")
}

/// The listener of Secrets Manager.
pub(crate) struct SecretsDoor {
    /// By name.
    secrets: BTreeMap<String, Secret>,
    iam: Arc<Iam>,
}

struct Secret {
    text: String,
    version: String,
    created_at: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
}

impl SecretsDoor {
    pub(crate) fn new(secrets: BTreeMap<String, String>, iam: Arc<Iam>) -> Self {
        let created_at = ids::now().unix_timestamp();
        let secret = |text| Secret { text, version: ids::uuid(), created_at };
        Self { secrets: secrets.into_iter().map(|(name, text)| (name, secret(text))).collect(), iam }
    }

    fn get(&self, request: &Parts, body: &[u8]) -> Result<Json, Denied> {
        let caller = self.iam.caller(request, body, "secretsmanager")?;
        let target = request.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        if target != Some("secretsmanager.GetSecretValue") {
            return Err(Denied::new("UnknownOperationException", ""));
        }
        let Ok(GetSecretValue { secret_id }) = serde_json::from_slice(body) else {
            return Err(Denied::new("SerializationException", "The request is no JSON with a SecretId."));
        };
        let named = self.secrets.iter().find(|(name, _)| **name == secret_id || secret_arn(name) == secret_id);
        let arn = named.map_or_else(|| secret_id.clone(), |(name, _)| secret_arn(name));
        caller.must_be_allowed("secretsmanager:GetSecretValue", &arn)?;
        let unknown = "Secrets Manager can't find the specified secret.";
        let (name, secret) = named.ok_or_else(|| Denied::new("ResourceNotFoundException", unknown))?;
        Ok(json!({
            "ARN": secret_arn(name),
            "Name": name,
            "VersionId": secret.version,
            "SecretString": secret.text,
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": secret.created_at,
        }))
    }
}

impl Respond for SecretsDoor {
    type Body = Whole;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, _: SocketAddr) -> Result<Answer, Reset> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(|_| Reset)?.to_bytes();
        let mut answer = match self.get(&head, &body) {
            Ok(secret) => json_answer(StatusCode::OK, &secret),
            Err(Denied { kind, message }) => {
                json_answer(StatusCode::BAD_REQUEST, &json!({"__type": kind, "Message": message}))
            }
        };
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        Ok(answer)
    }
}
