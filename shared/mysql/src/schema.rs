use crate::{
    Pool,
    fault::{fault, is_missing_table, is_there_already},
    options::options,
};
use domain::Fault;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, MySqlConnection,
    migrate::{Migrate as _, MigrateError, Migration, Migrator},
};
use std::{borrow::Cow, collections::HashMap};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");
/// Where sqlx keeps what it applied.
const TABLE: &str = "_sqlx_migrations";
/// Seconds for which one `migrate` waits for another.
const LOCK_SECONDS: i32 = 10;

/// The tables and their version.
#[derive(Debug)]
pub struct Schema<'a>(pub(crate) &'a Pool);

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The version that the schema has now.
    pub version: i64,
    /// How many steps it took to get there.
    pub applied: usize,
}

/// How far the schema is and should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaStatus {
    /// The newest migration in the database; 0 in an empty one.
    pub current: i64,
    /// The newest migration in this build.
    pub expected: i64,
}

impl SchemaStatus {
    /// Whether this build can work with the database; a newer schema still serves it (expand, move, contract).
    pub const fn is_current(self) -> bool {
        self.current >= self.expected
    }
}

/// Why the schema was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A newer build migrated the database.
    #[error(
        "the database's schema is at version {current}, newer than this build's {expected}: deploy the newer build"
    )]
    Newer {
        /// The database's version.
        current: i64,
        /// This build's version.
        expected: i64,
    },
    /// An applied migration is not the one in this build.
    #[error("migration {0} was applied in another form than this build has: landed migrations never change")]
    Changed(i64),
    /// Another migration holds the lock.
    #[error("another migration is running")]
    Busy,
    /// A statement failed.
    #[error("migration failed: {0}")]
    Failed(#[from] MigrateError),
    /// The server is unreachable or refused.
    #[error("{0}")]
    Server(#[from] sqlx::Error),
}

impl From<SchemaError> for Fault {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Server(error) => fault(error),
            SchemaError::Busy => Self::unavailable(error),
            SchemaError::Newer { .. } | SchemaError::Changed(_) | SchemaError::Failed(_) => Self::internal(error),
        }
    }
}

impl Schema<'_> {
    /// Applies what the database lacks. Safe to repeat, and for two at once: the second waits, then finds nothing to do.
    pub async fn migrate(self) -> Result<Migrated, SchemaError> {
        // Closing the connection also releases the lock, whatever happens in between.
        let mut lease = self.0.lease().await?;
        lock(&mut lease.connection).await?;
        let outcome = apply(&mut lease.connection).await;
        lease.close().await?;
        outcome
    }

    /// The version of the database and of this build.
    pub async fn status(self) -> Result<SchemaStatus, Fault> {
        let current = sqlx::query_scalar::<_, Option<i64>>("SELECT MAX(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(self.0)
            .await;
        let current = match current {
            Ok(version) => version.unwrap_or(0),
            Err(error) if is_missing_table(&error) => 0,
            Err(error) => return Err(fault(error)),
        };
        Ok(SchemaStatus { current, expected: expected() })
    }
}

/// Creates the database that the URL names.
pub async fn create_database(url: &str) -> Result<(), Fault> {
    change_database(url, "CREATE DATABASE IF NOT EXISTS").await
}

/// Drops the database that the URL names, with everything in it.
pub async fn drop_database(url: &str) -> Result<(), Fault> {
    change_database(url, "DROP DATABASE IF EXISTS").await
}

async fn change_database(url: &str, verb: &str) -> Result<(), Fault> {
    let options = options(url).map_err(Fault::internal)?;
    let name = options.get_database().ok_or_else(|| Fault::internal("the URL names no database"))?.replace('`', "``");
    let mut connection = options.database("").connect().await.map_err(fault)?;
    // By default MySQL waits a year for a transaction that is left open.
    connection.execute("SET lock_wait_timeout = 5").await.map_err(fault)?;
    // A name can't be bound; it is quoted.
    connection.execute(AssertSqlSafe(format!("{verb} `{name}`"))).await.map_err(fault)?;
    Ok(())
}

/// Takes the database's migration lock. (sqlx waits for its own without a limit, which `MariaDB` answers with NULL.)
async fn lock(connection: &mut MySqlConnection) -> Result<(), SchemaError> {
    let locked: Option<i64> = sqlx::query_scalar("SELECT GET_LOCK(CONCAT('migrate:', MD5(DATABASE())), ?)")
        .bind(LOCK_SECONDS)
        .fetch_one(connection)
        .await?;
    if locked == Some(1) { Ok(()) } else { Err(SchemaError::Busy) }
}

async fn apply(connection: &mut MySqlConnection) -> Result<Migrated, SchemaError> {
    connection.ensure_migrations_table(TABLE).await?;
    // A migration that was interrupted is repeated.
    connection.execute("DELETE FROM _sqlx_migrations WHERE NOT success").await?;
    let done: HashMap<i64, Cow<'_, [u8]>> = connection
        .list_applied_migrations(TABLE)
        .await?
        .into_iter()
        .map(|step| (step.version, step.checksum))
        .collect();
    let (current, expected) = (done.keys().copied().max().unwrap_or(0), expected());
    if current > expected {
        return Err(SchemaError::Newer { current, expected });
    }
    let mut applied = 0;
    for migration in MIGRATIONS.iter() {
        match done.get(&migration.version) {
            Some(checksum) if *checksum == migration.checksum => {}
            Some(_) => return Err(SchemaError::Changed(migration.version)),
            None => {
                match connection.apply(TABLE, migration).await {
                    // It was interrupted between its statement and its record: `ADD COLUMN` has no `IF NOT EXISTS`.
                    Err(MigrateError::ExecuteMigration(error, _)) if is_there_already(&error) => {
                        note(connection, migration).await?;
                    }
                    outcome => drop(outcome?),
                }
                tracing::info!("Applied migration {}, {}", migration.version, migration.description);
                applied += 1;
            }
        }
    }
    Ok(Migrated { version: expected, applied })
}

/// Records a migration whose statement ran before.
async fn note(connection: &mut MySqlConnection, migration: &Migration) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (?, ?, TRUE, ?, 0)
         ON DUPLICATE KEY UPDATE success = TRUE",
    )
    .bind(migration.version)
    .bind(&*migration.description)
    .bind(&*migration.checksum)
    .execute(connection)
    .await?;
    Ok(())
}

fn expected() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}
