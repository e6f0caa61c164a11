use domain::{ScanResult, UploadId};
use serde::Deserialize;

/// What the function is invoked with: an object has arrived or was scanned, or else it is time to look. `aws_lambda_events` has it too,
/// and a second calendar with it.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(default)]
    detail: Detail,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    /// Of S3.
    object: Option<Object>,
    /// Of `GuardDuty`.
    s3_object_details: Option<ScannedObject>,
    scan_result_details: Option<ScanDetails>,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
    size: u64,
    etag: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScannedObject {
    object_key: String,
    e_tag: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScanDetails {
    scan_result_status: String,
}

/// What an event tells of an upload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct News<'a> {
    pub(crate) upload: UploadId,
    /// Of which bytes.
    pub(crate) etag: &'a str,
    pub(crate) what: What<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// So many bytes have arrived.
    Arrived(u64),
    /// A scan has ended, with this word.
    Scanned(&'a str),
}

impl Event {
    /// What it tells of an object, if of any; the key of one that is no upload's.
    pub(crate) fn news(&self) -> Option<Result<News<'_>, &str>> {
        let Detail { object, s3_object_details, scan_result_details } = &self.detail;
        let (key, etag, what) = match (object, s3_object_details) {
            (Some(object), _) => (object.key.as_str(), object.etag.as_str(), What::Arrived(object.size)),
            (None, Some(object)) => {
                let status = scan_result_details.as_ref().map_or("", |details| details.scan_result_status.as_str());
                // Quoted or not: S3 quotes ETags in headers, and not in its events.
                (object.object_key.as_str(), object.e_tag.trim_matches('"'), What::Scanned(status))
            }
            (None, None) => return None,
        };
        Some(match key.parse() {
            Ok(upload) => Ok(News { upload, etag, what }),
            Err(_) => Err(key),
        })
    }
}

/// What a word of `GuardDuty` means. Any other one than these says that the object was not scanned.
pub(crate) fn scan_result(status: &str) -> ScanResult {
    match status {
        "NO_THREATS_FOUND" => ScanResult::Clean,
        "THREATS_FOUND" => ScanResult::Malware,
        _ => ScanResult::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const KEY: &str = "0102030405060708090a0b0c0d0e0f10";
    const UPLOAD: UploadId = UploadId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    const ETAG: &str = "b1946ac92492d2347c6235b4d2611184";

    fn event(event: Value) -> Event {
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn event_of_a_bucket_names_an_upload() {
        let arrived = event(json!({
            "version": "0", "source": "aws.s3", "detail-type": "Object Created", "account": "111122223333",
            "detail": {
                "version": "0", "bucket": { "name": "uploads" }, "reason": "PutObject", "request-id": "x",
                "object": { "key": KEY, "size": 5, "etag": ETAG, "sequencer": "00617F08299329D189" },
            },
        }));
        assert_eq!(arrived.news(), Some(Ok(News { upload: UPLOAD, etag: ETAG, what: What::Arrived(5) })));
    }

    #[test]
    fn event_of_a_scan_names_an_upload_and_a_result() {
        for etag in [ETAG.to_owned(), format!("\"{ETAG}\"")] {
            let scanned = event(json!({
                "version": "0", "source": "aws.guardduty", "account": "111122223333",
                "detail-type": "GuardDuty Malware Protection Object Scan Result",
                "detail": {
                    "schemaVersion": "1.0", "scanStatus": "COMPLETED", "resourceType": "S3_OBJECT",
                    "s3ObjectDetails": {
                        "bucketName": "uploads", "objectKey": KEY, "eTag": etag, "versionId": null, "s3Throttled": false,
                    },
                    "scanResultDetails": { "scanResultStatus": "THREATS_FOUND", "threats": [{ "name": "EICAR" }] },
                },
            }));
            let what = What::Scanned("THREATS_FOUND");
            assert_eq!(scanned.news(), Some(Ok(News { upload: UPLOAD, etag: ETAG, what })));
        }
    }

    #[test]
    fn scan_without_a_known_word_has_failed() {
        let untold = event(json!({ "detail": { "s3ObjectDetails": { "objectKey": KEY, "eTag": ETAG } } }));
        assert_eq!(untold.news(), Some(Ok(News { upload: UPLOAD, etag: ETAG, what: What::Scanned("") })));
        let failed = ["UNSUPPORTED", "ACCESS_DENIED", "FAILED", ""].map(scan_result);
        assert_eq!(failed, [ScanResult::Failed; 4]);
        assert_eq!(scan_result("NO_THREATS_FOUND"), ScanResult::Clean);
        assert_eq!(scan_result("THREATS_FOUND"), ScanResult::Malware);
    }

    #[test]
    fn other_objects_are_no_uploads() {
        // The second is what GuardDuty itself writes to see whether it may.
        for key in ["a.jpg", "malware-protection-resource-validation-object"] {
            let arrived = event(json!({ "detail": { "object": { "key": key, "size": 5, "etag": "x" } } }));
            assert_eq!(arrived.news(), Some(Err(key)));
            let scanned = event(json!({ "detail": { "s3ObjectDetails": { "objectKey": key, "eTag": "x" } } }));
            assert_eq!(scanned.news(), Some(Err(key)));
        }
    }

    #[test]
    fn schedule_names_nothing() {
        for nothing in [json!({ "catch_up": true }), json!({ "detail-type": "Scheduled Event", "detail": {} })] {
            assert_eq!(event(nothing).news(), None);
        }
    }
}
