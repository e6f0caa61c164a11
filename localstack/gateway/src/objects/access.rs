//! Who may do what: a request's signature tells the function, whose role in the template decides.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use s3s::{
    S3ErrorCode, S3Request, S3Result,
    access::{S3Access, S3AccessContext},
    auth::{Credentials, S3Auth, SecretKey},
    dto::{CopyObjectInput, CopySource, DeleteObjectsInput},
    path::S3Path,
    s3_error,
};
use template::bucket_arn;

use crate::iam::{Caller, Iam};

const TOKEN: &str = "x-amz-security-token";

/// The account's identities, as S3 asks for them.
#[derive(Clone)]
pub(crate) struct Access(Arc<Iam>);

impl Access {
    pub(crate) fn new(iam: &Arc<Iam>) -> Self {
        Self(Arc::clone(iam))
    }

    fn caller(&self, credentials: Option<&Credentials>) -> S3Result<&Caller> {
        let caller = credentials.and_then(|credentials| self.0.by_id(&credentials.access_key));
        caller.ok_or_else(|| s3_error!(AccessDenied, "A request must be signed"))
    }

    pub(crate) fn must_allow(&self, credentials: Option<&Credentials>, action: &str, resource: &str) -> S3Result<()> {
        let allowed = self.caller(credentials)?.must_be_allowed(action, resource);
        allowed.map_err(|denied| s3s::S3Error::with_message(S3ErrorCode::AccessDenied, denied.message))
    }
}

#[async_trait::async_trait]
impl S3Auth for Access {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let caller = self.0.by_id(access_key).ok_or_else(|| s3_error!(InvalidAccessKeyId))?;
        Ok(caller.keys().secret.as_str().into())
    }
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let caller = self.caller(context.credentials())?;
        let header = context.headers().get(TOKEN).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let token = header.or_else(|| parameter(context.uri().query().unwrap_or_default()));
        if token != caller.keys().token {
            return Err(s3_error!(InvalidToken));
        }
        let (action, resource) = match (action(context.s3_op().name()), context.s3_path()) {
            // Each key of the body is checked when it is known.
            ("DeleteObjects", _) => return Ok(()),
            (action, S3Path::Object { bucket, key }) => (action, format!("{}/{key}", bucket_arn(bucket))),
            (action, S3Path::Bucket { bucket }) => (action, bucket_arn(bucket)),
            (action, S3Path::Root) => (action, "*".to_owned()),
        };
        self.must_allow(context.credentials(), &format!("s3:{action}"), &resource)
    }

    async fn copy_object(&self, request: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        let CopySource::Bucket { bucket, key, .. } = &request.input.copy_source else {
            return Err(s3_error!(AccessDenied));
        };
        let resource = format!("{}/{key}", bucket_arn(bucket));
        self.must_allow(request.credentials.as_ref(), "s3:GetObject", &resource)
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        for object in &request.input.delete.objects {
            let resource = format!("{}/{}", bucket_arn(&request.input.bucket), object.key);
            self.must_allow(request.credentials.as_ref(), "s3:DeleteObject", &resource)?;
        }
        Ok(())
    }
}

/// The permission that an operation takes.
fn action(operation: &str) -> &str {
    match operation {
        "CompleteMultipartUpload" | "CopyObject" | "CreateMultipartUpload" | "UploadPart" => "PutObject",
        "HeadObject" => "GetObject",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListParts" => "ListMultipartUploadParts",
        other => other,
    }
}

/// The token in the query of a presigned URL.
fn parameter(query: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(TOKEN))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}
