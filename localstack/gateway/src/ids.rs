//! Ids and times in the formats of AWS.

use base64::{Engine, engine::general_purpose::URL_SAFE};
use time::{
    OffsetDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};
use uuid::Builder;

const LOG_TIME: &[BorrowedFormatItem<'static>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// An id of a connection or request of API Gateway: 16 characters, the last one `=`.
pub(crate) fn short() -> String {
    URL_SAFE.encode(rand::random::<[u8; 11]>())
}

/// A version 4 UUID, the id of an invocation.
pub(crate) fn uuid() -> String {
    Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

/// A trace header for AWS X-Ray that asks for no sampling.
pub(crate) fn trace() -> String {
    let seconds = now().unix_timestamp();
    let (root, parent) = (rand::random::<u128>() >> 32, rand::random::<u64>());
    format!("Root=1-{seconds:08x}-{root:024x};Parent={parent:016x};Sampled=0")
}

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Milliseconds since 1970.
pub(crate) fn epoch_millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// `23/Nov/2026:01:56:00 +0000`, as request contexts have it.
pub(crate) fn log_time(at: OffsetDateTime) -> String {
    at.format(LOG_TIME).unwrap_or_default()
}

/// `2026-11-23T01:56:00Z`, as the management API has it.
pub(crate) fn iso_time(millis: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(millis / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_format_of_aws() {
        assert_eq!(short().len(), 16);
        assert!(short().ends_with('='));
        let uuid = uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]));
    }

    #[test]
    fn times_have_the_format_of_aws() {
        let at = OffsetDateTime::from_unix_timestamp(1_583_348_638).unwrap();
        assert_eq!(log_time(at), "04/Mar/2020:19:03:58 +0000");
        assert_eq!(iso_time(1_583_348_638_162), "2020-03-04T19:03:58Z");
    }
}
