//! `CloudFront` in front of files: the product's links and its template at the stand-in.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::{
    encoding::{AsBigEndian as _, AsDer as _, EcPrivateKeyBin, PublicKeyX509Der},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use boot::EdgeSettings;
use domain::Timestamp;
use files::Headers;
use reqwest::{Client, Method, Response};

use super::{Site, now};
use crate::Local;

const LIFETIME: Duration = Duration::from_mins(10);
const KEY: &str = "abab/original";

/// The product's template with a domain for files, and whoever signs links.
struct Edge {
    local: Local,
    site: Site,
    _template: tempfile::TempDir,
}

impl Edge {
    /// With a file of ten digits.
    async fn start() -> Self {
        Self::with("", "").await
    }

    /// The same after a part of the template was replaced.
    async fn with(part: &str, by: &str) -> Self {
        let text = fs::read_to_string(root().join("template.yaml")).unwrap();
        assert!(text.contains(part), "{part}");
        let folder = tempfile::tempdir().unwrap();
        let template = folder.path().join("template.yaml");
        fs::write(&template, text.replacen(part, by, 1)).unwrap();
        let (private, public) = pair();
        let local = Local::of_template(&template, &parameters(&public)).await;
        let site = signer(&local, private);
        let headers = Headers { media_type: "video/mp4".to_owned(), file_name: Some("film.mp4".to_owned()) };
        site.files.keep(KEY, &site.file(b"0123456789"), &headers).await.unwrap();
        Self { local, site, _template: folder }
    }

    async fn link(&self) -> String {
        link(&self.site, now()).await
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A private key as a number, and its public key as the template takes it.
fn pair() -> ([u8; 32], String) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let private: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let text = STANDARD.encode(public.as_ref());
    (private.as_ref().try_into().unwrap(), format!("{},{}", &text[..64], &text[64..]))
}

/// The parameters of a domain for files, beside those that every deployment has.
fn parameters(public: &str) -> BTreeMap<String, String> {
    let given = [
        ("FilesDomain", "files.chat.example"),
        ("FilesCertificateArn", "arn:aws:acm:us-east-1:123456789012:certificate/1"),
        ("FilesPublicKey", public),
        ("AllowedOrigins", "https://chat.example"),
    ];
    let mut parameters = secrets();
    parameters.extend(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
    parameters
}

fn secrets() -> BTreeMap<String, String> {
    let names = ["MongoUrlSecretArn", "MysqlUrlSecretArn", "SecretKeySecretArn"];
    names.map(|name| (name.to_owned(), gateway::secret_arn(name))).into()
}

/// Whoever has this key, and the id of the one that is trusted.
fn signer(local: &Local, key: [u8; 32]) -> Site {
    let urls = local.gateway.urls();
    let edge = EdgeSettings { url: urls.files.clone().unwrap(), key_id: "FilesKey".to_owned(), key };
    let mut settings = Site::settings(&urls.s3, ["local", "local"], ["local-uploadsbucket", "local-filesbucket"]);
    settings.edge = Some(edge);
    Site::of(&settings)
}

async fn link(site: &Site, at: Timestamp) -> String {
    site.files.link(KEY, LIFETIME, at).await.unwrap().0
}

async fn get(url: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers.iter().fold(Client::new().get(url), |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

async fn status(url: &str) -> u16 {
    get(url, &[]).await.status().as_u16()
}

#[tokio::test]
async fn link_reads_a_file_in_ranges_with_the_headers_of_the_template() {
    let edge = Edge::start().await;
    let url = edge.link().await;

    let whole = get(&url, &[("cookie", "session=1")]).await;
    let header = |name: &str| whole.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((whole.status().as_u16(), header("content-type").as_str()), (200, "video/mp4"));
    assert!(header("content-disposition").starts_with("attachment"));
    assert_eq!(header("cache-control"), "private, max-age=86400, immutable");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
    assert!(!whole.headers().contains_key("access-control-allow-origin"));
    assert_eq!(whole.bytes().await.unwrap(), "0123456789");
    let part = get(&url, &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status().as_u16(), part.headers()["content-range"].to_str().unwrap()), (206, "bytes 2-4/10"));
    assert_eq!(part.bytes().await.unwrap(), "234");
    let head = Client::new().head(&url).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "10"));
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_what_they_fetch() {
    let edge = Edge::start().await;
    let url = edge.link().await;

    let ours = get(&url, &[("origin", "https://chat.example")]).await;
    assert_eq!(ours.headers()["access-control-allow-origin"], "https://chat.example");
    assert_eq!(ours.headers()["access-control-expose-headers"], "content-length, content-range, etag");
    let other = get(&url, &[("origin", "https://evil.example")]).await;
    assert!(!other.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn link_is_for_one_file_until_its_end() {
    let edge = Edge::start().await;
    let url = edge.link().await;
    let (path, query) = url.split_once('?').unwrap();
    let expires = query.split('&').find_map(|pair| pair.strip_prefix("Expires=")).unwrap();
    let later = (expires.parse::<u64>().unwrap() + 1).to_string();

    assert_eq!(status(&url).await, 200);
    for wrong in [
        path.to_owned(),
        url.replace("original", "small"),
        url.replace(expires, &later),
        url.replace("FilesKey", "OtherFilesKey"),
        url.replace("&Hash-Algorithm=SHA256", ""),
        format!("{url}&response-content-type=text/html"),
        url.replace("http://127.0.0.1", "http://localhost"),
    ] {
        assert_eq!(status(&wrong).await, 403, "{wrong}");
    }
    let over = link(&edge.site, now().minus(LIFETIME)).await;
    assert_eq!(status(&over).await, 403);
    let stranger = signer(&edge.local, pair().0);
    assert_eq!(status(&link(&stranger, now()).await).await, 403, "another key signs nothing");
}

#[tokio::test]
async fn distribution_only_reads() {
    let edge = Edge::start().await;
    let url = edge.link().await;

    for method in [Method::PUT, Method::POST, Method::DELETE, Method::OPTIONS] {
        let answer = Client::new().request(method.clone(), &url).body("x").send().await.unwrap();
        assert_eq!(answer.status(), 403, "{method}");
    }
    assert_eq!(get(&url, &[]).await.bytes().await.unwrap(), "0123456789");
}

#[tokio::test]
async fn bucket_is_closed_to_those_without_a_signature() {
    let edge = Edge::start().await;
    let direct = format!("{}/local-filesbucket/{KEY}", edge.local.gateway.urls().s3);
    assert_eq!(status(&direct).await, 403);
}

#[tokio::test]
async fn deleted_file_is_refused_like_one_that_never_was() {
    let edge = Edge::start().await;
    let url = edge.link().await;

    edge.site.files.delete(&[KEY.to_owned()]).await.unwrap();

    let gone = get(&url, &[]).await;
    let never = edge.site.files.link("cdcd/original", LIFETIME, now()).await.unwrap().0;
    let never = get(&never, &[]).await;
    assert_eq!((gone.status().as_u16(), never.status().as_u16()), (403, 403));
}

#[tokio::test]
async fn distribution_reads_by_the_policy_of_the_bucket() {
    let permission = "Principal: {Service: cloudfront.amazonaws.com}\n              Action: s3:GetObject\n";
    let none = "Principal: {Service: cloudfront.amazonaws.com}\n              Action: s3:GetObjectAcl\n";

    let edge = Edge::with(permission, none).await;

    assert_eq!(status(&edge.link().await).await, 403);
}

#[tokio::test]
async fn distribution_exists_with_its_parameters_alone() {
    let local = Local::of_template(&root().join("template.yaml"), &secrets()).await;
    assert_eq!(local.gateway.urls().files, None);
}
