use domain::Fault;
use mongodb::error::{Error, ErrorKind, WriteFailure};

const DUPLICATE_KEY: i32 = 11000;

/// What a driver error means to a request: the store is away or too slow, or the fault is ours.
///
/// Whichever it is, the outcome of a write that failed so is unknown.
pub(crate) fn store_fault(error: Error) -> Fault {
    match error.kind.as_ref() {
        ErrorKind::Authentication { .. }
        | ErrorKind::BsonDeserialization(_)
        | ErrorKind::BsonSerialization(_)
        | ErrorKind::InvalidArgument { .. } => Fault::internal(error),
        ErrorKind::Command(command) if !is_passing(command.code) => Fault::internal(error),
        _ => Fault::unavailable(error),
    }
}

/// Whether a server error code is of a kind that passes: elections, shutdowns, time limits.
fn is_passing(code: i32) -> bool {
    // https://github.com/mongodb/mongo/blob/v6.0/src/mongo/base/error_codes.yml
    matches!(
        code,
        6 | 7
            | 24
            | 50
            | 64
            | 89
            | 91
            | 112
            | 134
            | 189
            | 202
            | 262
            | 317
            | 358
            | 384
            | 9001
            | 10058
            | 10107
            | 11600
            | 11602
            | 13388
            | 13435
            | 13436
    )
}

/// The message of a unique key's refusal, which names the key.
pub(crate) fn duplicate_key(error: &Error) -> Option<&str> {
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(write)) if write.code == DUPLICATE_KEY => Some(&write.message),
        ErrorKind::Command(command) if command.code == DUPLICATE_KEY => Some(&command.message),
        _ => None,
    }
}
