//! `AWS::CloudFront::Distribution` in front of a bucket, and what it consists of.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use crate::{
    model::{ACCOUNT, Bucket, CorsRule, Distribution},
    policy::Policy,
    resources::Resource,
    values::{known, number, plain, texts},
};

const KIND: &str = "AWS::CloudFront::Distribution";

/// The service that a distribution reads its bucket as.
const SERVICE: &str = "cloudfront.amazonaws.com";

/// Properties that are read, then those that change nothing locally.
const DISTRIBUTION: [&str; 8] = [
    "Aliases",
    "DefaultCacheBehavior",
    "Origins",
    "ViewerCertificate",
    "Comment",
    "Enabled",
    "HttpVersion",
    "IPV6Enabled",
];
const BEHAVIOR: [&str; 8] = [
    "AllowedMethods",
    "CachePolicyId",
    "ResponseHeadersPolicyId",
    "TargetOriginId",
    "TrustedKeyGroups",
    "ViewerProtocolPolicy",
    "CachedMethods",
    "Compress",
];
const ORIGIN: [&str; 4] = ["DomainName", "Id", "OriginAccessControlId", "S3OriginConfig"];
const CORS: [&str; 7] = [
    "AccessControlAllowCredentials",
    "AccessControlAllowHeaders",
    "AccessControlAllowMethods",
    "AccessControlAllowOrigins",
    "AccessControlExposeHeaders",
    "AccessControlMaxAgeSec",
    "OriginOverride",
];

/// Reads the distribution, if there is one.
pub(crate) fn distribution(all: &[Resource], buckets: &[Bucket]) -> Result<Option<Distribution>> {
    let mut found = all.iter().filter(|resource| resource.kind == KIND);
    let Some(resource) = found.next() else { return Ok(None) };
    ensure!(found.next().is_none(), "one distribution is supported");
    read(resource, all, buckets).map(Some).with_context(|| format!("in resource `{}` ({KIND})", resource.id))
}

fn read(resource: &Resource, all: &[Resource], buckets: &[Bucket]) -> Result<Distribution> {
    let config = config(resource, "DistributionConfig", &DISTRIBUTION)?;
    let aliases = texts(config, "Aliases")?;
    let [domain] = &aliases[..] else { bail!("a distribution has one alias here") };
    let Some([origin]) = config.get("Origins").and_then(Json::as_array).map(Vec::as_slice) else {
        bail!("a distribution has one origin here");
    };
    known(origin, &ORIGIN).context("in `Origins`")?;
    let host = text(origin, "DomainName")?;
    let bucket = buckets.iter().find(|bucket| host.strip_prefix(&bucket.name).is_some_and(|it| it.starts_with(".s3.")));
    let bucket = bucket.with_context(|| format!("`{host}` is no bucket of the template"))?;
    check_access(named(origin, "OriginAccessControlId", "AWS::CloudFront::OriginAccessControl", all)?)?;
    let behavior = config.get("DefaultCacheBehavior").context("`DefaultCacheBehavior` is missing")?;
    known(behavior, &BEHAVIOR).context("in `DefaultCacheBehavior`")?;
    // Whoever sees a link can use it.
    ensure!(text(behavior, "ViewerProtocolPolicy")? == "https-only", "`ViewerProtocolPolicy` is `https-only` here");
    let tls = config.pointer("/ViewerCertificate/MinimumProtocolVersion").and_then(Json::as_str).unwrap_or_default();
    ensure!(tls.starts_with("TLSv1.2") || tls.starts_with("TLSv1.3"), "`MinimumProtocolVersion` is 1.2 at least");
    ensure!(text(behavior, "TargetOriginId")? == text(origin, "Id")?, "`TargetOriginId` names no origin");
    check_cache(named(behavior, "CachePolicyId", "AWS::CloudFront::CachePolicy", all)?)?;
    let (headers, cors) =
        headers(named(behavior, "ResponseHeadersPolicyId", "AWS::CloudFront::ResponseHeadersPolicy", all)?)?;
    let source = format!("arn:aws:cloudfront::{ACCOUNT}:distribution/{}", resource.id);
    Ok(Distribution {
        logical_id: resource.id.clone(),
        domain: domain.clone(),
        policy: Policy::of_service(SERVICE, &source, &bucket.name, all)?,
        bucket: bucket.name.clone(),
        keys: keys(behavior, all)?,
        methods: texts(behavior, "AllowedMethods")?,
        headers,
        cors,
    })
}

/// The public keys of all trusted groups, by their ids.
fn keys(behavior: &Json, all: &[Resource]) -> Result<BTreeMap<String, String>> {
    let groups = texts(behavior, "TrustedKeyGroups")?;
    ensure!(!groups.is_empty(), "`TrustedKeyGroups` is missing, so anybody could read");
    let mut keys = BTreeMap::new();
    for group in groups {
        let group = find(&group, "AWS::CloudFront::KeyGroup", all)?;
        for id in texts(config(group, "KeyGroupConfig", &["Comment", "Items", "Name"])?, "Items")? {
            let key = find(&id, "AWS::CloudFront::PublicKey", all)?;
            let key = config(key, "PublicKeyConfig", &["CallerReference", "Comment", "EncodedKey", "Name"])?;
            keys.insert(id, text(key, "EncodedKey")?.to_owned());
        }
    }
    Ok(keys)
}

/// Requests to the bucket are signed, always.
fn check_access(resource: &Resource) -> Result<()> {
    let names = ["Description", "Name", "OriginAccessControlOriginType", "SigningBehavior", "SigningProtocol"];
    let config = config(resource, "OriginAccessControlConfig", &names)?;
    let signs = [("OriginAccessControlOriginType", "s3"), ("SigningBehavior", "always"), ("SigningProtocol", "sigv4")];
    for (name, value) in signs {
        ensure!(text(config, name)? == value, "`{name}` of `{}` is `{value}` here", resource.id);
    }
    Ok(())
}

/// Nothing of a request but its path reaches the bucket. For how long an edge keeps an answer changes nothing here: none is kept.
fn check_cache(resource: &Resource) -> Result<()> {
    let names = ["Comment", "DefaultTTL", "MaxTTL", "MinTTL", "Name", "ParametersInCacheKeyAndForwardedToOrigin"];
    let config = config(resource, "CachePolicyConfig", &names)?;
    for name in ["DefaultTTL", "MaxTTL", "MinTTL"] {
        number(config, name)?.with_context(|| format!("`{name}` is missing"))?;
    }
    for (part, behavior) in [
        ("CookiesConfig", "CookieBehavior"),
        ("HeadersConfig", "HeaderBehavior"),
        ("QueryStringsConfig", "QueryStringBehavior"),
    ] {
        let value = config.pointer(&format!("/ParametersInCacheKeyAndForwardedToOrigin/{part}/{behavior}"));
        ensure!(value.and_then(Json::as_str) == Some("none"), "`{behavior}` of `{}` is `none` here", resource.id);
    }
    Ok(())
}

/// Names and values.
type Headers = Vec<(String, String)>;

/// The headers of a policy, and how it answers pages of other origins.
fn headers(resource: &Resource) -> Result<(Headers, Option<CorsRule>)> {
    let names = ["Comment", "CorsConfig", "CustomHeadersConfig", "Name", "SecurityHeadersConfig"];
    let config = config(resource, "ResponseHeadersPolicyConfig", &names)?;
    let mut headers = Vec::new();
    let security = config.get("SecurityHeadersConfig").cloned().unwrap_or_default();
    known(&security, &["ContentSecurityPolicy", "ContentTypeOptions"]).context("in `SecurityHeadersConfig`")?;
    if let Some(policy) = security.get("ContentSecurityPolicy") {
        headers.push(("content-security-policy".to_owned(), text(policy, "ContentSecurityPolicy")?.to_owned()));
    }
    if security.get("ContentTypeOptions").is_some() {
        headers.push(("x-content-type-options".to_owned(), "nosniff".to_owned()));
    }
    let custom = config.pointer("/CustomHeadersConfig/Items").and_then(Json::as_array);
    for header in custom.into_iter().flatten() {
        known(header, &["Header", "Override", "Value"]).context("in `CustomHeadersConfig`")?;
        headers.push((text(header, "Header")?.to_ascii_lowercase(), text(header, "Value")?.to_owned()));
    }
    Ok((headers, config.get("CorsConfig").map(cors).transpose().context("in `CorsConfig`")?))
}

fn cors(config: &Json) -> Result<CorsRule> {
    known(config, &CORS)?;
    let credentials = config.get("AccessControlAllowCredentials").map(plain).transpose()?;
    ensure!(credentials.as_deref() == Some("false"), "`AccessControlAllowCredentials` is `false` here");
    let items = |name: &str| match config.get(name) {
        Some(list) => texts(list, "Items"),
        None => Ok(Vec::new()),
    };
    Ok(CorsRule {
        origins: items("AccessControlAllowOrigins")?,
        methods: items("AccessControlAllowMethods")?,
        headers: items("AccessControlAllowHeaders")?,
        exposed: items("AccessControlExposeHeaders")?,
        max_age: number(config, "AccessControlMaxAgeSec")?,
    })
}

/// The one property of a resource that holds all others.
fn config<'r>(resource: &'r Resource, name: &str, names: &[&str]) -> Result<&'r Json> {
    let read = || {
        for property in resource.properties.keys() {
            ensure!(property == name, "unsupported property `{property}`");
        }
        let config = resource.properties.get(name).with_context(|| format!("`{name}` is missing"))?;
        known(config, names)?;
        Ok(config)
    };
    read().with_context(|| format!("in `{}`", resource.id))
}

/// The resource that a property names.
fn named<'r>(properties: &Json, name: &str, kind: &str, all: &'r [Resource]) -> Result<&'r Resource> {
    find(text(properties, name)?, kind, all).with_context(|| format!("in `{name}`"))
}

fn find<'r>(id: &str, kind: &str, all: &'r [Resource]) -> Result<&'r Resource> {
    let found = all.iter().find(|resource| resource.id == id && resource.kind == kind);
    found.with_context(|| format!("`{id}` is no {kind} of the template"))
}

fn text<'j>(properties: &'j Json, name: &str) -> Result<&'j str> {
    properties.get(name).and_then(Json::as_str).with_context(|| format!("`{name}` is missing"))
}
