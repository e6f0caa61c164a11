use domain::{Code, Fault};
use sqlx::{Error, error::DatabaseError, mysql::MySqlDatabaseError};

/// What a failed statement means to a caller.
pub(crate) fn fault(error: Error) -> Fault {
    if let Some(code) = error.as_database_error().and_then(taken) {
        return code.into();
    }
    if are_credentials_stale(&error) {
        return Fault::stale_credentials(error);
    }
    if is_away(&error) || is_contended(&error) { Fault::unavailable(error) } else { Fault::internal(error) }
}

/// Whether the same transaction is likely to succeed when it is run again.
pub(crate) fn is_worth_repeating(fault: &Fault) -> bool {
    fault.source.as_ref().and_then(|source| source.downcast_ref()).is_some_and(is_contended)
}

/// Whether the table does not exist.
pub(crate) fn is_missing_table(error: &Error) -> bool {
    number(error) == Some(1146)
}

/// Whether the server knows no such user, password or right to the database.
pub(crate) fn is_refused_login(error: &Error) -> bool {
    matches!(number(error), Some(1044 | 1045))
}

/// Whether the column, key or constraint that a statement adds exists already.
pub(crate) fn is_there_already(error: &Error) -> bool {
    matches!(number(error), Some(1060 | 1061 | 1826 | 3822))
}

/// Whether the connection on which a statement failed may be in the middle of an answer, or leads to a server that can't serve.
pub(crate) fn is_broken(error: &Error) -> bool {
    !matches!(error, Error::Database(_)) || is_away(error)
}

/// The user or the password is another one than the server knows; 1698 is `MariaDB`'s for a user without a password.
fn are_credentials_stale(error: &Error) -> bool {
    matches!(number(error), Some(1045 | 1698))
}

/// A deadlock, a lock that was not free in time, or (`MariaDB` 11.6.2 and newer) a row that changed since the transaction's first
/// read.
fn is_contended(error: &Error) -> bool {
    matches!(number(error), Some(1020 | 1205 | 1213))
}

/// The server is out of reach, full (of connections or of prepared statements), going down, read-only after a failover, keeps the
/// database from the user, or lacks a column, table or index until `migrate` has run.
fn is_away(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => true,
        Error::Database(_) => matches!(
            number(error),
            Some(
                1040 | 1044 | 1045 | 1053 | 1054 | 1146 | 1152 | 1158
                    ..=1161 | 1176 | 1203 | 1290 | 1317 | 1461 | 1836 | 1927 | 4031
            )
        ),
        _ => false,
    }
}

fn number(error: &Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// The code of a unique violation that a client can cause.
fn taken(error: &(dyn DatabaseError + 'static)) -> Option<Code> {
    if !error.is_unique_violation() {
        return None;
    }
    match key(error.message())? {
        "users_email_key" | "users_email_fold_key" => Some(Code::EmailTaken),
        "users_username_key" | "users_username_fold_key" | "users_username_skeleton_key" => Some(Code::UsernameTaken),
        _ => None,
    }
}

/// The key's name at the end of `Duplicate entry '…' for key '…'`; MySQL puts the table before it, `MariaDB` does not.
fn key(message: &str) -> Option<&str> {
    let (_, quoted) = message.rsplit_once("for key '")?;
    let name = quoted.strip_suffix('\'')?;
    Some(name.rsplit_once('.').map_or(name, |(_, key)| key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_in_both_servers_words() {
        assert_eq!(key("Duplicate entry 'a@b.c' for key 'users_email_key'"), Some("users_email_key"));
        assert_eq!(key("Duplicate entry 'a@b.c' for key 'users.users_email_key'"), Some("users_email_key"));
        assert_eq!(key("Duplicate entry 'for key 'x'' for key 'users_email_key'"), Some("users_email_key"));
        assert_eq!(key("Something else"), None);
    }
}
