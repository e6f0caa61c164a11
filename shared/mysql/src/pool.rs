use crate::fault::is_broken;
use futures_util::{
    FutureExt as _, StreamExt as _, TryFutureExt as _, TryStreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sqlx::{
    ConnectOptions as _, Connection as _, Describe, Either, Error, Execute, Executor, MySql, MySqlConnection, SqlStr,
    mysql::{MySqlConnectOptions, MySqlQueryResult, MySqlRow, MySqlStatement, MySqlTypeInfo},
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// How long a request waits for a connection, opening one included.
const ACQUIRE_TIME: Duration = Duration::from_secs(3);

/// How long a connection may take to show that it is alive; opening a new one takes less.
const PING_TIME: Duration = Duration::from_millis(500);

/// A connection that was idle no longer than this is trusted to be alive: it was used by the same request, or by one just before.
const TRUSTED: Duration = Duration::from_millis(100);

/// What every statement relies on, whatever the server's own settings are. A connection of an environment that Lambda discarded
/// is closed by the server after two minutes.
const SESSION: &str = "SET time_zone = '+00:00', \
    sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
    innodb_lock_wait_timeout = 2, \
    wait_timeout = 120, \
    interactive_timeout = 120, \
    NAMES utf8mb4 COLLATE utf8mb4_unicode_ci";

/// Connections for an environment that is frozen between requests: nothing runs in the background, a connection that was cut off
/// in the middle of a statement is closed, and one that does not answer costs half a second.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    options: MySqlConnectOptions,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: MySqlConnection,
    since: Instant,
}

/// A connection in use. Dropping it closes it; `give_back` keeps it for the next user.
pub(crate) struct Lease {
    pub(crate) connection: MySqlConnection,
    pool: Pool,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// A pool that opens connections when they are first needed.
    pub(crate) fn new(options: MySqlConnectOptions, connections: u32) -> Self {
        let permits = Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(usize::MAX)));
        Self(Arc::new(Shared { options, permits, idle: Mutex::default() }))
    }

    /// A connection that is alive, waiting for its turn.
    pub(crate) async fn lease(&self) -> Result<Lease, Error> {
        let lease = async {
            let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| Error::PoolClosed)?;
            let connection = match self.take_idle().await {
                Some(connection) => connection,
                None => self.open().await?,
            };
            Ok(Lease { connection, pool: self.clone(), _permit: permit })
        };
        timeout(ACQUIRE_TIME, lease).await.unwrap_or(Err(Error::PoolTimedOut))
    }

    /// The same after one turned out to be dead: it and those that were idle for longer are not used again.
    pub(crate) async fn replace(&self, dead: Lease) -> Result<Lease, Error> {
        drop(dead);
        self.idle().clear();
        self.lease().await
    }

    async fn take_idle(&self) -> Option<MySqlConnection> {
        let Idle { mut connection, since } = self.idle().pop()?;
        if since.elapsed() <= TRUSTED || matches!(timeout(PING_TIME, connection.ping()).await, Ok(Ok(()))) {
            return Some(connection);
        }
        // The others were idle for longer.
        self.idle().clear();
        None
    }

    /// A connection of one's own whose statements are logged nowhere, not even slow ones.
    pub(crate) async fn open_unlogged(&self) -> Result<MySqlConnection, Error> {
        self.0.options.clone().disable_statement_logging().connect().await
    }

    async fn open(&self) -> Result<MySqlConnection, Error> {
        let mut connection = self.0.options.connect().await?;
        // The isolation is stated apart: the servers disagree on its variable's name.
        connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        connection.execute(SESSION).await?;
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Keeps the connection for the next user. Its last statement must have ended.
    pub(crate) fn give_back(self) {
        self.pool.idle().push(Idle { connection: self.connection, since: Instant::now() });
    }

    /// Ends what a transaction did, and keeps the connection if it answers in time.
    pub(crate) async fn roll_back(mut self) {
        if matches!(timeout(PING_TIME, self.connection.execute("ROLLBACK")).await, Ok(Ok(_))) {
            self.give_back();
        }
    }

    /// Says goodbye to the server.
    pub(crate) async fn close(self) -> Result<(), Error> {
        self.connection.close().await
    }

    fn end<T>(self, outcome: Result<T, Error>) -> Result<T, Error> {
        if !outcome.as_ref().is_err_and(is_broken) {
            self.give_back();
        }
        outcome
    }
}

/// Each statement on a connection of its own. A statement whose future is dropped takes its connection along.
impl<'p> Executor<'p> for &'p Pool {
    type Database = MySql;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<MySqlQueryResult, MySqlRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, MySql>,
    {
        let rows = async move {
            let mut lease = self.lease().await?;
            // No caller reads a part of its rows.
            let rows: Result<Vec<_>, _> = lease.connection.fetch_many(query).try_collect().await;
            lease.end(rows)
        };
        rows.map_ok(|rows| stream::iter(rows.into_iter().map(Ok))).try_flatten_stream().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<MySqlRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, MySql>,
    {
        let row = async move {
            let mut lease = self.lease().await?;
            let row = lease.connection.fetch_optional(query).await;
            lease.end(row)
        };
        row.boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [MySqlTypeInfo],
    ) -> BoxFuture<'e, Result<MySqlStatement, Error>>
    where
        'p: 'e,
    {
        let statement = async move {
            let mut lease = self.lease().await?;
            let statement = lease.connection.prepare_with(sql, parameters).await;
            lease.end(statement)
        };
        statement.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<MySql>, Error>>
    where
        'p: 'e,
    {
        let description = async move {
            let mut lease = self.lease().await?;
            let description = lease.connection.describe(sql).await;
            lease.end(description)
        };
        description.boxed()
    }
}

// The options hold the password.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
