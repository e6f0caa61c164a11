use domain::UploadId;
use serde::Deserialize;

/// What the function is invoked with: an object has arrived, or else it is time to look. `aws_lambda_events` has it too, and a second
/// calendar with it.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(default)]
    detail: Detail,
}

#[derive(Debug, Default, Deserialize)]
struct Detail {
    object: Option<Object>,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
    size: u64,
    etag: String,
}

/// An upload whose bytes have arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arrived<'a> {
    pub(crate) id: UploadId,
    pub(crate) size: u64,
    pub(crate) etag: &'a str,
}

impl Event {
    /// What has arrived, if anything; the key where it is no upload's.
    pub(crate) fn arrived(&self) -> Option<Result<Arrived<'_>, &str>> {
        let Object { key, size, etag } = self.detail.object.as_ref()?;
        Some(match key.parse() {
            Ok(id) => Ok(Arrived { id, size: *size, etag }),
            Err(_) => Err(key),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(event: Value) -> Event {
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn event_of_a_bucket_names_an_upload() {
        let arrived = event(json!({
            "version": "0", "source": "aws.s3", "detail-type": "Object Created", "account": "111122223333",
            "detail": {
                "version": "0", "bucket": { "name": "uploads" }, "reason": "PutObject", "request-id": "x",
                "object": {
                    "key": "0102030405060708090a0b0c0d0e0f10", "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184",
                    "sequencer": "00617F08299329D189",
                },
            },
        }));
        let id = UploadId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        let etag = "b1946ac92492d2347c6235b4d2611184";
        assert_eq!(arrived.arrived(), Some(Ok(Arrived { id, size: 5, etag })));
    }

    #[test]
    fn other_objects_are_no_uploads() {
        let arrived = event(json!({ "detail": { "object": { "key": "a.jpg", "size": 5, "etag": "x" } } }));
        assert_eq!(arrived.arrived(), Some(Err("a.jpg")));
    }

    #[test]
    fn schedule_names_nothing() {
        for nothing in [json!({ "catch_up": true }), json!({ "detail-type": "Scheduled Event", "detail": {} })] {
            assert_eq!(event(nothing).arrived(), None);
        }
    }
}
