//! Files by a name of one's own: what the deployed template makes with `FilesDomain`, and without.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use template::{Distribution, Function, Template};

const DOMAIN: [(&str, &str); 3] = [
    ("FilesDomain", "files.chat.example"),
    ("FilesCertificateArn", "arn:aws:acm:us-east-1:123456789012:certificate/1"),
    ("AllowedOrigins", "https://chat.example,http://localhost:3000"),
];
const KEY: (&str, &str) = (
    "FilesPublicKey",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7,Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==",
);
const OTHER_KEY: (&str, &str) = ("FilesOtherPublicKey", "first,second");
const SECRET: (&str, &str) = ("FilesKeySecretArn", "arn:aws:secretsmanager:us-east-1:123456789012:secret:files-AbCdEf");

const READ: &str = "s3:GetObject";
const OBJECT: &str = "arn:aws:s3:::local-filesbucket/abab/small";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml")
}

fn parameters(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The deployed template with these parameters, beside those of the domain.
fn with_domain(more: &[(&str, &str)]) -> Template {
    let given: Vec<_> = DOMAIN.iter().chain(more).copied().collect();
    Template::load(&path(), &parameters(&given)).unwrap()
}

fn distribution(more: &[(&str, &str)]) -> Distribution {
    with_domain(more).distribution.unwrap()
}

/// The same after parts of the template were replaced.
fn changed(by: &[(&str, &str)]) -> anyhow::Result<Template> {
    let mut text = fs::read_to_string(path()).unwrap();
    for (part, by) in by {
        assert!(text.contains(part), "{part}");
        text = text.replacen(part, by, 1);
    }
    let given: Vec<_> = DOMAIN.into_iter().chain([KEY, SECRET]).collect();
    Template::parse(&text, &parameters(&given))
}

fn uploads(template: &Template) -> &Function {
    template.function("uploads").unwrap()
}

/// Where links lead, by which key and with which secret.
fn links(template: &Template) -> [&str; 3] {
    ["FILES_URL", "FILES_KEY_ID", "FILES_KEY_SECRET_ARN"].map(|name| uploads(template).environment[name].as_str())
}

#[test]
fn without_a_domain_links_lead_to_s3() {
    for given in [&[][..], &[KEY, SECRET], &DOMAIN] {
        let template = Template::load(&path(), &parameters(given)).unwrap();

        assert_eq!(template.distribution, None, "{given:?}");
        assert_eq!(links(&template), ["", "", ""], "{given:?}");
        assert!(uploads(&template).policy.allows(READ, OBJECT), "{given:?}");
    }
}

#[test]
fn links_wait_for_the_secret_while_the_distribution_is_there() {
    let template = with_domain(&[KEY]);

    assert_eq!(template.distribution.as_ref().unwrap().domain, "files.chat.example");
    assert_eq!(links(&template), ["", "", ""]);
    assert!(uploads(&template).policy.allows(READ, OBJECT));
}

#[test]
fn with_links_to_the_domain_the_function_reads_no_file() {
    let template = with_domain(&[KEY, SECRET]);

    assert_eq!(links(&template), ["https://files.chat.example", "FilesKey", SECRET.1]);
    let policy = &uploads(&template).policy;
    assert!(!policy.allows(READ, OBJECT));
    assert!(policy.allows("secretsmanager:GetSecretValue", SECRET.1));
    let others = template.functions.iter().filter(|function| function.name != "uploads");
    for function in others {
        assert!(!function.policy.allows(READ, OBJECT), "{}", function.name);
        assert!(!function.policy.allows("secretsmanager:GetSecretValue", SECRET.1), "{}", function.name);
    }
}

#[test]
fn distribution_reads_files_and_does_nothing_else() {
    let found = distribution(&[KEY]);

    assert_eq!(
        (found.bucket.as_str(), &found.methods[..]),
        ("local-filesbucket", &["GET".to_owned(), "HEAD".to_owned()][..])
    );
    assert!(found.policy.allows(READ, OBJECT));
    for (action, resource) in [
        (READ, "arn:aws:s3:::local-uploadsbucket/abab"),
        ("s3:PutObject", OBJECT),
        ("s3:DeleteObject", OBJECT),
        ("s3:ListBucket", "arn:aws:s3:::local-filesbucket"),
    ] {
        assert!(!found.policy.allows(action, resource), "{action} {resource}");
    }
}

#[test]
fn bucket_lets_no_other_distribution_in() {
    let template = changed(&[("distribution/${FilesDistribution}\"", "distribution/E000\"")]).unwrap();
    assert!(!template.distribution.unwrap().policy.allows(READ, OBJECT));
}

#[test]
fn denial_of_old_links_is_about_links_alone() {
    // Were it about each request, and its age below that of any.
    let every = ("StringEquals: {s3:authType: REST-QUERY-STRING}", "StringEquals: {s3:authType: REST-HEADER}");
    let at_once =
        ("NumericGreaterThan: {s3:signatureAge: \"3700000\"}", "NumericGreaterThan: {s3:signatureAge: \"-1\"}");

    assert!(!changed(&[every, at_once]).unwrap().distribution.unwrap().policy.allows(READ, OBJECT));
    assert!(changed(&[at_once]).unwrap().distribution.unwrap().policy.allows(READ, OBJECT));
}

#[test]
fn answers_have_headers_that_let_pages_show_files_and_run_none() {
    let found = distribution(&[KEY]);

    let headers: Vec<_> = found.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        headers,
        [
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "cross-origin"),
        ]
    );
    let cors = found.cors.unwrap();
    assert_eq!(cors.origins, ["https://chat.example", "http://localhost:3000"]);
    assert_eq!(cors.exposed, ["content-length", "content-range", "etag"]);
}

#[test]
fn both_keys_check_links_while_they_change_and_one_of_them_signs() {
    let pem = "-----BEGIN PUBLIC KEY-----\nfirst\nsecond\n-----END PUBLIC KEY-----\n";
    let both = with_domain(&[KEY, OTHER_KEY, SECRET]);
    let keys = &both.distribution.as_ref().unwrap().keys;
    assert_eq!((keys.len(), keys["OtherFilesKey"].as_str()), (2, pem));
    assert_eq!(links(&both)[1], "FilesKey");

    let signer = ("FilesSigner", "FilesOtherPublicKey");
    assert_eq!(links(&with_domain(&[KEY, OTHER_KEY, SECRET, signer]))[1], "OtherFilesKey");
    let alone = with_domain(&[OTHER_KEY, SECRET, signer]);
    assert_eq!(alone.distribution.as_ref().unwrap().keys.len(), 1);
    assert_eq!(links(&alone)[1], "OtherFilesKey");
}

#[test]
fn signer_without_its_public_key_leaves_links_to_s3() {
    let template = with_domain(&[KEY, SECRET, ("FilesSigner", "FilesOtherPublicKey")]);

    assert_eq!(links(&template), ["", "", ""]);
    assert!(uploads(&template).policy.allows(READ, OBJECT));
}

#[test]
fn distribution_that_others_could_read_is_refused() {
    let error = |part: &str, by: &str| format!("{:#}", changed(&[(part, by)]).unwrap_err());

    assert!(error("TrustedKeyGroups: [!Ref FilesKeyGroup]", "SmoothStreaming: false").contains("`SmoothStreaming`"));
    assert!(error("          TrustedKeyGroups: [!Ref FilesKeyGroup]\n", "").contains("anybody could read"));
    assert!(
        error("ViewerProtocolPolicy: https-only", "ViewerProtocolPolicy: allow-all").contains("`ViewerProtocolPolicy`")
    );
    assert!(error("TLSv1.2_2021", "TLSv1.1_2016").contains("`MinimumProtocolVersion`"));
    assert!(error("SigningBehavior: always", "SigningBehavior: never").contains("`SigningBehavior`"));
    assert!(error("QueryStringBehavior: none", "QueryStringBehavior: all").contains("`QueryStringBehavior`"));
    assert!(error("StringEquals: {aws:SourceArn:", "StringLike: {aws:SourceArn:").contains("`StringLike`"));
}
