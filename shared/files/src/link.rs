use crate::{Files, fault::fault};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use domain::{Fault, Timestamp, UploadId};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// How long a client may begin to send a file.
const PUT_LIFETIME: Duration = Duration::from_mins(15);

/// How long the same request is signed alike.
const STEP: Duration = Duration::from_mins(1);

/// How long a client may begin to send a part of a file.
const PART_LIFETIME: Duration = Duration::from_hours(1);

/// What everything in `UploadsBucket` is, since nobody is served from there.
pub(crate) const OCTETS: &str = "application/octet-stream";

/// A request that a client sends to S3 by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Its method.
    pub method: &'static str,
    /// Where it goes, with the signature.
    pub url: String,
    /// The headers that go with it, all of them signed.
    pub headers: Vec<(String, String)>,
    /// Until when it may begin.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Request {
    // Its URL is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Files {
    /// The request that brings a whole file: one content of this size and SHA-256 (in base64), once.
    pub async fn put_link(&self, id: UploadId, size: u64, sha256: &str, now: Timestamp) -> Result<Request, Fault> {
        let (window, expires_at) = window(now, PUT_LIFETIME)?;
        let put = self.client.put_object().bucket(&*self.uploads).key(id.to_string()).content_type(OCTETS);
        let put = put.content_length(length(size)?).checksum_sha256(sha256).if_none_match("*");
        let signed = Box::pin(put.presigned(window)).await.map_err(|error| fault("sign an upload", &error))?;
        Ok(request("PUT", &signed, expires_at))
    }

    /// The request that brings a part of a file, which may be repeated.
    pub async fn part_link(
        &self,
        id: UploadId,
        multipart: &str,
        number: u16,
        size: u64,
        sha256: &str,
        now: Timestamp,
    ) -> Result<Request, Fault> {
        let (window, expires_at) = window(now, PART_LIFETIME)?;
        let put = self.client.upload_part().bucket(&*self.uploads).key(id.to_string()).upload_id(multipart);
        let put = put.part_number(number.into()).content_length(length(size)?).checksum_sha256(sha256);
        let signed = Box::pin(put.presigned(window)).await.map_err(|error| fault("sign a part", &error))?;
        Ok(request("PUT", &signed, expires_at))
    }

    /// Where a file can be read, and until when: at `CloudFront` if it is set, else at S3.
    pub async fn link(&self, key: &str, lifetime: Duration, now: Timestamp) -> Result<(String, Timestamp), Fault> {
        if let Some(edge) = &self.edge {
            return edge.link(key, lifetime, now);
        }
        let (window, expires_at) = window(now, lifetime)?;
        let get = self.client.get_object().bucket(&*self.kept).key(key);
        let signed = Box::pin(get.presigned(window)).await.map_err(|error| fault("sign a link", &error))?;
        Ok((signed.uri().to_owned(), expires_at))
    }
}

/// What is signed for: from the beginning of this step on.
fn window(now: Timestamp, lifetime: Duration) -> Result<(PresigningConfig, Timestamp), Fault> {
    let begin = now.floor_to(STEP);
    let since_epoch = Timestamp::from_millis(0).until(begin);
    let window = PresigningConfig::builder().start_time(SystemTime::UNIX_EPOCH + since_epoch).expires_in(lifetime);
    Ok((window.build().map_err(Fault::internal)?, begin.plus(lifetime)))
}

pub(crate) fn length(size: u64) -> Result<i64, Fault> {
    i64::try_from(size).map_err(Fault::internal)
}

fn request(method: &'static str, signed: &PresignedRequest, expires_at: Timestamp) -> Request {
    let mut headers: Vec<_> = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    headers.sort();
    Request { method, url: signed.uri().to_owned(), headers, expires_at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boot::{EdgeSettings, FileSettings, Settings};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_012_345);
    const MINUTE: Timestamp = Timestamp::from_millis(1_789_999_980_000);
    const ID: UploadId = UploadId([0xab; 16]);
    const SHA256: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

    fn settings(url: &str) -> FileSettings {
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("S3_URL", url),
            ("UPLOADS_BUCKET", "uploads"),
            ("FILES_BUCKET", "files"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::without_secrets(variables.into()).files().unwrap()
    }

    fn files() -> Files {
        Files::connect(&settings("https://s3.eu-west-1.amazonaws.com"))
    }

    fn query<'a>(url: &'a str, name: &str) -> &'a str {
        let pairs = url.split_once('?').unwrap().1.split('&').map(|pair| pair.split_once('=').unwrap());
        pairs.clone().find(|(key, _)| *key == name).unwrap_or_else(|| panic!("{name} in {url}")).1
    }

    #[tokio::test]
    async fn upload_signs_the_length_type_checksum_and_that_it_is_new() {
        let put = files().put_link(ID, 3, SHA256, NOW).await.unwrap();

        let host = format!("https://uploads.s3.eu-west-1.amazonaws.com/{}?", "ab".repeat(16));
        assert!(put.url.starts_with(&host), "{}", put.url);
        let signed = "content-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-amz-checksum-sha256";
        assert_eq!(query(&put.url, "X-Amz-SignedHeaders"), signed);
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            header("content-length", "3"),
            header("content-type", "application/octet-stream"),
            header("if-none-match", "*"),
            header("x-amz-checksum-sha256", SHA256),
        ];
        assert_eq!((put.method, put.headers), ("PUT", headers.to_vec()));
        assert!(!put.url.to_lowercase().contains("checksum-sha256="), "{}", put.url);
    }

    #[tokio::test]
    async fn part_signs_its_length_and_checksum() {
        let put = files().part_link(ID, "multi/part", 2, 8, SHA256, NOW).await.unwrap();

        assert_eq!(query(&put.url, "X-Amz-SignedHeaders"), "content-length%3Bhost%3Bx-amz-checksum-sha256");
        assert_eq!((query(&put.url, "partNumber"), query(&put.url, "uploadId")), ("2", "multi%2Fpart"));
        let names: Vec<_> = put.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-length", "x-amz-checksum-sha256"]);
        assert_eq!(put.expires_at, MINUTE.plus(PART_LIFETIME));
    }

    #[tokio::test]
    async fn link_to_a_file_stays_the_same_for_a_minute() {
        let (files, life) = (files(), Duration::from_mins(10));
        let (url, expires_at) = files.link("abab/small", life, NOW).await.unwrap();

        assert!(url.starts_with("https://files.s3.eu-west-1.amazonaws.com/abab/small?"), "{url}");
        assert_eq!((query(&url, "X-Amz-SignedHeaders"), query(&url, "X-Amz-Expires")), ("host", "600"));
        assert_eq!(expires_at, MINUTE.plus(life));
        assert_eq!(files.link("abab/small", life, MINUTE).await.unwrap(), (url.clone(), expires_at));
        assert_ne!(files.link("abab/small", life, NOW.plus(Duration::from_mins(1))).await.unwrap().0, url);
    }

    #[tokio::test]
    async fn link_leads_to_cloudfront_where_it_is_set_and_an_upload_to_s3() {
        let edge = EdgeSettings { url: "https://files.example".to_owned(), key_id: "K1".to_owned(), key: [1; 32] };
        let settings = FileSettings { edge: Some(edge), ..settings("https://s3.eu-west-1.amazonaws.com") };
        let files = Files::connect(&settings);

        let (url, expires_at) = files.link("abab/small", Duration::from_mins(10), NOW).await.unwrap();

        assert!(url.starts_with("https://files.example/abab/small?Expires=1790000400&Signature="), "{url}");
        assert_eq!(expires_at, Timestamp::from_millis(1_790_000_400_000));
        let put = files.put_link(ID, 3, SHA256, NOW).await.unwrap();
        assert!(put.url.starts_with("https://uploads.s3.eu-west-1.amazonaws.com/"), "{}", put.url);
    }

    #[tokio::test]
    async fn bucket_stands_in_the_path_at_an_address() {
        let files = Files::connect(&settings("http://127.0.0.1:9000"));
        let (url, _) = files.link("abab/original", Duration::from_mins(10), NOW).await.unwrap();
        assert!(url.starts_with("http://127.0.0.1:9000/files/abab/original?"), "{url}");
    }

    #[tokio::test]
    async fn signed_request_keeps_its_url_from_logs() {
        let put = files().put_link(ID, 3, SHA256, NOW).await.unwrap();
        assert_eq!(format!("{put:?}"), r#"Request { method: "PUT", .. }"#);
    }
}
