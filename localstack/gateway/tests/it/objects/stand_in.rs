//! What is the stand-in's own: roles, pages of other origins, events and faults.

use std::time::Duration;

use domain::UploadId;
use files::Headers;
use gateway::{Delay, EICAR, Rules, Span, StoreRules};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Site, any_id, now, send};
use crate::{Local, eventually};

const PICTURE: Headers = Headers { media_type: String::new(), file_name: None };

impl Local {
    /// The product's client with the keys of a function.
    pub(super) async fn site_of(&self, function: &str) -> Site {
        let answer = self.gateway.invoke(function, json!({"do": "env"})).await.unwrap();
        let variables: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        let variable = |name: &str| (name.to_owned(), variables[name].as_str().unwrap().to_owned());
        let keys = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        let buckets = [
            ("S3_URL", self.gateway.urls().s3.as_str()),
            ("UPLOADS_BUCKET", "local-uploadsbucket"),
            ("FILES_BUCKET", "local-filesbucket"),
        ];
        let buckets = buckets.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = boot::Settings::without_secrets(keys.map(variable).into_iter().chain(buckets).collect());
        let files = files::Files::connect(&settings.files().unwrap());
        Site { files, folder: tempfile::tempdir().unwrap() }
    }

    /// The events of new objects that `inspect` has seen.
    fn arrivals(&self) -> Vec<Value> {
        self.events_of("aws.s3")
    }

    /// The events of a source that `inspect` has seen.
    fn events_of(&self, source: &str) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        let events = lines.iter().filter_map(|line| line.strip_prefix("inspect: event: "));
        let events = events.map(|event| serde_json::from_str(event).unwrap());
        events.filter(|event: &Value| event["source"] == source).collect()
    }
}

async fn status(url: &str) -> u16 {
    reqwest::get(url).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn role_decides_what_a_function_may_do_with_objects() {
    let (local, owner) = Site::local().await;
    let reader = local.site_of("reader").await;
    let path = owner.file(b"x");
    owner.files.keep("a/small", &path, &PICTURE).await.unwrap();
    let link = async |key: &str| reader.files.link(key, Duration::from_mins(10), now()).await.unwrap().0;

    assert_eq!(status(&link("a/small").await).await, 200);
    assert_eq!(status(&link("b/small").await).await, 403, "who may not list learns nothing of a missing object");
    assert_eq!(send(&reader.put_link(any_id(), b"x").await, b"x").await, 403);
    assert!(reader.files.keep("b/small", &path, &PICTURE).await.is_err());
    assert!(reader.files.delete(&["a/small".to_owned()]).await.is_err());
    assert!(reader.files.page_of_files(None, 1).await.is_err());
    assert!(reader.files.arrived(any_id()).await.is_err());
    assert_eq!(local.gateway.objects("FilesBucket").await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn unsigned_request_is_refused() {
    let (local, site) = Site::local().await;
    site.files.keep("a/small", &site.file(b"x"), &PICTURE).await.unwrap();

    assert_eq!(status(&format!("{}/local-filesbucket/a/small", local.gateway.urls().s3)).await, 403);
    let (url, _) = local.site_of("reader").await.files.link("a/small", Duration::from_mins(10), now()).await.unwrap();
    let tokenless: Vec<_> = url.split('&').filter(|pair| !pair.starts_with("X-Amz-Security-Token")).collect();
    assert_eq!(status(&tokenless.join("&")).await, 403);
}

#[tokio::test]
async fn bucket_answers_pages_of_the_origins_that_it_names() {
    let (_local, site) = Site::local().await;
    let request = site.put_link(any_id(), b"content").await;
    let preflight = async |origin: &str, method: &str, headers: &str| {
        let asked = reqwest::Client::new().request(Method::OPTIONS, &request.url).header("origin", origin);
        let asked = asked.header("access-control-request-method", method);
        asked.header("access-control-request-headers", headers).send().await.unwrap()
    };

    let granted = preflight("https://app.example", "PUT", "content-type,if-none-match,x-amz-checksum-sha256").await;
    assert_eq!(granted.status(), 200);
    assert_eq!(granted.headers()["access-control-allow-origin"], "https://app.example");
    assert_eq!(granted.headers()["access-control-allow-methods"], "PUT");
    assert_eq!(granted.headers()["access-control-max-age"], "600");
    assert_eq!(preflight("https://evil.example", "PUT", "").await.status(), 403);
    assert_eq!(preflight("https://app.example", "DELETE", "").await.status(), 403);
    assert_eq!(preflight("https://app.example", "PUT", "x-amz-acl").await.status(), 403);

    site.files.keep("a/small", &site.file(b"x"), &PICTURE).await.unwrap();
    let (url, _) = site.files.link("a/small", Duration::from_mins(10), now()).await.unwrap();
    let answer = reqwest::Client::new().get(&url).header("origin", "https://any.example").send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://any.example");
    assert_eq!(answer.headers()["access-control-expose-headers"], "etag");
}

#[tokio::test]
async fn function_is_told_of_new_objects() {
    let (local, site) = Site::local().await;
    let (id, in_parts) = (any_id(), any_id());
    site.files.keep("a/small", &site.file(b"x"), &PICTURE).await.unwrap();
    site.upload(id, b"content").await;
    let stored = site.files.arrived(id).await.unwrap().unwrap();
    let multipart = site.files.begin_parts(in_parts).await.unwrap();
    assert_eq!(site.part(in_parts, &multipart, 1, b"part").await, 200);
    let parts = site.files.parts(in_parts, &multipart).await.unwrap().unwrap();
    assert!(site.files.finish_parts(in_parts, &multipart, &parts, 4).await.unwrap());

    let mut arrivals = eventually("two events", || Some(local.arrivals()).filter(|arrivals| arrivals.len() == 2)).await;

    arrivals.sort_by_key(|arrival| arrival["detail"]["reason"].to_string());
    assert_eq!(arrivals[0]["detail"]["reason"], "CompleteMultipartUpload");
    assert_eq!(arrivals[0]["detail"]["object"]["key"], in_parts.to_string());
    let arrival = &arrivals[1];
    assert_eq!((&arrival["source"], &arrival["detail-type"]), (&json!("aws.s3"), &json!("Object Created")));
    assert_eq!(arrival["resources"], json!(["arn:aws:s3:::local-uploadsbucket"]));
    assert_eq!(arrival["detail"]["bucket"], json!({"name": "local-uploadsbucket"}));
    let object = &arrival["detail"]["object"];
    assert_eq!((&object["key"], &object["size"]), (&json!(id.to_string()), &json!(7)));
    assert_eq!(object["etag"], json!(stored.etag));
}

#[tokio::test]
async fn events_of_objects_are_lost_and_doubled_by_rules() {
    let (local, site) = Site::local().await;
    local.gateway.faults().function("inspect", Rules { drop: 1.0, ..Rules::default() });
    site.upload(any_id(), b"lost").await;
    local.gateway.faults().function("inspect", Rules { duplicate: 1.0, ..Rules::default() });
    let id = any_id();
    site.upload(id, b"doubled").await;

    let arrivals = eventually("two events", || Some(local.arrivals()).filter(|arrivals| arrivals.len() == 2)).await;

    assert!(arrivals.iter().all(|arrival| arrival["detail"]["object"]["key"] == json!(id.to_string())));
}

#[tokio::test]
async fn function_is_told_what_the_scanner_of_a_bucket_found() {
    let (local, site) = Site::local().await;
    let (clean, infected, hidden) = (UploadId([1; 16]), UploadId([2; 16]), UploadId([0; 16]));
    // Across the border of what is read at once.
    let threat = [vec![b'x'; 65_500], EICAR.concat().into_bytes(), vec![b'x'; 65_500]].concat();
    site.upload(clean, EICAR[0].as_bytes()).await;
    site.upload(infected, &threat).await;
    site.upload(hidden, b"content").await;

    let mut scans =
        eventually("three scans", || Some(local.events_of("aws.guardduty")).filter(|scans| scans.len() == 3)).await;

    let key = |scan: &Value| scan["detail"]["s3ObjectDetails"]["objectKey"].as_str().unwrap().to_owned();
    scans.sort_by_key(key);
    let told = |scan: &Value| scan["detail"]["scanResultDetails"]["scanResultStatus"].as_str().unwrap().to_owned();
    let told: Vec<_> = scans.iter().map(|scan| (key(scan), told(scan))).collect();
    let expected = [(hidden, "ACCESS_DENIED"), (clean, "NO_THREATS_FOUND"), (infected, "THREATS_FOUND")];
    assert_eq!(told, expected.map(|(id, status)| (id.to_string(), status.to_owned())));
    let object = &scans[2]["detail"]["s3ObjectDetails"];
    assert_eq!(object["bucketName"], "local-uploadsbucket");
    assert_eq!(object["eTag"], json!(site.files.arrived(infected).await.unwrap().unwrap().etag));
    assert_eq!(scans[2]["detail-type"], "GuardDuty Malware Protection Object Scan Result");
}

#[tokio::test]
async fn results_of_scans_are_lost_by_rules() {
    let (local, site) = Site::local().await;
    local.gateway.faults().function("inspect", Rules { drop: 1.0, ..Rules::default() });
    site.upload(UploadId([1; 16]), b"lost").await;
    local.gateway.faults().clear();
    site.upload(UploadId([2; 16]), b"told").await;

    eventually("a scan", || Some(local.events_of("aws.guardduty")).filter(|scans| !scans.is_empty())).await;

    assert_eq!(local.events_of("aws.guardduty").len(), 1);
}

#[tokio::test]
async fn store_is_away_slow_or_cut_off_by_rules() {
    let (local, site) = Site::local().await;
    let id = any_id();
    let request = site.put_link(id, b"content").await;

    local.gateway.faults().store_rules(StoreRules { unavailable: 1.0, ..StoreRules::default() });
    assert_eq!(send(&request, b"content").await, 503);
    assert!(site.files.arrived(id).await.is_err());
    let slow = Delay::always(Span::exactly(Duration::from_millis(200)));
    local.gateway.faults().store_rules(StoreRules { slow, ..StoreRules::default() });
    let begun = std::time::Instant::now();
    assert_eq!(send(&request, b"content").await, 200);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    local.gateway.faults().store_rules(StoreRules { reset: 1.0, ..StoreRules::default() });
    assert!(reqwest::get(&request.url).await.is_err());
    local.gateway.faults().clear();
    assert_eq!(site.files.arrived(id).await.unwrap().unwrap().size, 7);
}
