use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use domain::Fault;

/// What a refusal of S3 means to a request. S3's words quote keys and signatures; its code does not.
pub(crate) fn fault<E: ProvideErrorMetadata>(what: &str, error: &SdkError<E>) -> Fault {
    let code = error.code().unwrap_or("unknown");
    let cause = format!("could not {what}: {code}");
    match error {
        SdkError::ServiceError(refused) => match (refused.raw().status().as_u16(), code) {
            (_, "ExpiredToken" | "InvalidAccessKeyId") => Fault::stale_credentials(cause),
            // What a client sends at the same time may be in the way.
            (409 | 429 | 500.., _) | (_, "RequestTimeout" | "InvalidPart") => Fault::unavailable(cause),
            _ => Fault::internal(cause),
        },
        SdkError::ConstructionFailure(_) => Fault::internal(format!("could not {what}: the request can't be made")),
        SdkError::TimeoutError(_) => Fault::unavailable(format!("could not {what}: timeout")),
        _ => Fault::unavailable(format!("could not {what}: connection")),
    }
}

/// Whether S3 answered one of these codes.
pub(crate) fn is<E: ProvideErrorMetadata>(error: &SdkError<E>, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}

/// Whether S3 answered this status: it answers HEAD without a code.
pub(crate) fn has_status<E>(error: &SdkError<E>, status: u16) -> bool {
    error.raw_response().is_some_and(|response| response.status().as_u16() == status)
}
