use crate::{
    Schema,
    fault::{fault, is_refused_login},
    options::options,
};
use domain::Fault;
use percent_encoding::percent_decode_str;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

/// What a user of the server may do in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Read and write rows, for functions.
    Rows,
    /// Read the version of the schema, for `health`.
    Version,
}

impl Schema<'_> {
    /// Sees to it that the user whom a URL names can log in with its password, and says whether anything was done for that. A user
    /// who can is left alone, so that this needs the right to make users only where there is one to make, or another password.
    pub async fn ensure_login(self, url: &str, rights: Rights) -> Result<bool, Fault> {
        let options = options(url).map_err(Fault::internal)?;
        match options.connect().await {
            Ok(connection) => {
                connection.close().await.map_err(fault)?;
                return Ok(false);
            }
            Err(error) if is_refused_login(&error) => {}
            Err(error) => return Err(fault(error)),
        }
        let named = credentials(url).zip(options.get_database());
        let ((user, password), database) =
            named.ok_or_else(|| Fault::internal("the URL names no user, password and database"))?;
        let (user, password) = (format!("{}@'%'", quoted(&user)), quoted(&password));
        let mut connection = self.0.open_unlogged().await.map_err(fault)?;
        // None of it takes parameters.
        for statement in [
            format!("CREATE USER IF NOT EXISTS {user} IDENTIFIED BY {password}"),
            format!("ALTER USER {user} IDENTIFIED BY {password}"),
            format!("GRANT {} TO {user}", rights.on(database)),
        ] {
            connection.execute(AssertSqlSafe(statement)).await.map_err(fault)?;
        }
        connection.close().await.map_err(fault)?;
        Ok(true)
    }
}

impl Rights {
    fn on(self, database: &str) -> String {
        let database = database.replace('`', "``");
        match self {
            Self::Rows => format!("SELECT, INSERT, UPDATE, DELETE ON `{database}`.*"),
            Self::Version => format!("SELECT ON `{database}`._sqlx_migrations"),
        }
    }
}

/// User and password of a URL. (sqlx tells the first alone.)
fn credentials(url: &str) -> Option<(String, String)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let (credentials, _) = authority.rsplit_once('@')?;
    let (user, password) = credentials.split_once(':')?;
    let decoded = |text| percent_decode_str(text).decode_utf8().ok().map(String::from);
    decoded(user).zip(decoded(password))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_decoded() {
        let found = credentials("mysql://chat%5Fapp:p%40ss%27%3A@db.example:3306/chat?x=a@b");
        assert_eq!(found, Some(("chat_app".to_owned(), "p@ss':".to_owned())));
        assert_eq!(credentials("mysql://root@localhost/chat"), None);
    }

    #[test]
    fn quotes_and_backslashes_stay_inside_of_the_text() {
        assert_eq!(quoted(r"a'b\'c"), r"'a''b\\''c'");
    }
}
