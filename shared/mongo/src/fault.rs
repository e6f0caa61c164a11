use domain::Fault;
use mongodb::error::{Error, ErrorKind, WriteFailure};

const DUPLICATE_KEY: i32 = 11000;
const MAX_TIME_EXPIRED: i32 = 50;
const AUTHENTICATION_FAILED: i32 = 18;

/// What a driver error means to a request: the store is away or too slow, or the fault is ours.
///
/// Whichever it is, the outcome of a write that failed so may be unknown. Only its kind and code go on: the driver's own
/// words quote the server's reply, and with it keys and texts of documents.
#[expect(clippy::needless_pass_by_value, reason = "it ends here: `map_err(store_fault)`")]
pub(crate) fn store_fault(error: Error) -> Fault {
    let labels = || error.labels().iter().cloned().collect::<Vec<_>>().join(", ");
    match error.kind.as_ref() {
        ErrorKind::Command(command) => by_code("command", command.code, &command.code_name, &labels()),
        ErrorKind::Write(WriteFailure::WriteError(write)) => {
            by_code("write", write.code, write.code_name.as_deref().unwrap_or_default(), &labels())
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => {
            Fault::unavailable(format!("MongoDB write concern: {} {}", concern.code, concern.code_name))
        }
        ErrorKind::Write(_) => Fault::unavailable("MongoDB write"),
        ErrorKind::Authentication { .. } => Fault::stale_credentials("MongoDB refused the credentials"),
        ErrorKind::Bson(_) | ErrorKind::InvalidResponse { .. } => Fault::internal("MongoDB sent what can't be read"),
        ErrorKind::InvalidArgument { .. } => Fault::internal("the MongoDB driver refused an argument"),
        ErrorKind::Io(io) => Fault::unavailable(format!("MongoDB connection: {}", io.kind())),
        ErrorKind::ServerSelection { .. } => Fault::unavailable("MongoDB has no primary that answers"),
        ErrorKind::ConnectionPoolCleared { .. } => Fault::unavailable("MongoDB's connections were lost"),
        _ => Fault::unavailable("MongoDB did not do as asked"),
    }
}

/// What an error code of a server means to a request.
pub(crate) fn by_code(what: &str, code: i32, name: &str, labels: &str) -> Fault {
    let cause = format!("MongoDB {what}: {code} {name} [{labels}]");
    if code == AUTHENTICATION_FAILED {
        return Fault::stale_credentials(cause);
    }
    if is_passing(code) { Fault::unavailable(cause) } else { Fault::internal(cause) }
}

/// Whether a server error is temporary: elections, shutdowns, time limits, cursors that were killed, snapshots that are not
/// available.
fn is_passing(code: i32) -> bool {
    // https://github.com/mongodb/mongo/blob/v6.0/src/mongo/base/error_codes.yml
    matches!(
        code,
        6 | 7
            | 24
            | 43
            | 50
            | 64
            | 89
            | 91
            | 112
            | 134
            | 175
            | 189
            | 202
            | 237
            | 239
            | 246
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

/// Whether the server lost the cursor or snapshot of a read, which works again at once.
pub(crate) fn is_read_lost(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if matches!(command.code, 43 | 175 | 237 | 239 | 246))
}

/// Whether a read took longer than it was given.
pub(crate) fn is_time_up(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == MAX_TIME_EXPIRED)
}

/// Whether a server has no Atlas Search, as its versions say it: 6.0, 7.0, 7.0 Enterprise, 8.0.
pub(crate) fn is_search_missing(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if matches!(command.code, 40_324 | 6_047_401 | 115 | 31_082))
}

/// Whether a pooled connection turned out to be dead, as after a freeze: the next one is new. What was sent may have arrived.
pub(crate) fn is_connection_lost(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. })
}

/// Whether a unique key refused a write.
pub(crate) fn is_duplicate_key(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == DUPLICATE_KEY,
        ErrorKind::Command(command) => command.code == DUPLICATE_KEY,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Code;

    #[test]
    fn no_word_of_the_driver_goes_on() {
        let fault = store_fault(Error::custom("the text of a message"));
        assert_eq!(fault.code, Code::Unavailable);
        assert!(!format!("{fault:?}").contains("text"));
    }

    #[test]
    fn temporary_errors_are_unavailable_and_others_internal() {
        for passing in [43, 175, 237, 239, 246, 10107] {
            assert_eq!(by_code("command", passing, "", "").code, Code::Unavailable, "{passing}");
        }
        assert_eq!(by_code("write", 121, "DocumentValidationFailure", "").code, Code::Internal);
    }
}
