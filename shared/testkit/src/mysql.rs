//! A migrated MySQL database of a test's own.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test without a database ends here, and says why"
)]

use crate::{drop_later, random_name};
use domain::{SessionId, Timestamp, UserId};
use mysql::{Mysql, create_database, drop_database};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use std::sync::Mutex;

/// A migrated database with a random name; dropped with this value, as far as the server lets it.
#[derive(Debug)]
pub struct Database {
    /// Its pool, wide enough for tests of races.
    pub mysql: Mysql,
    /// Its URL.
    pub url: String,
    users: Mutex<Vec<String>>,
}

impl Database {
    /// A fresh database with every migration applied.
    pub async fn new() -> Self {
        let database = Self::empty().await;
        database.mysql.schema().migrate().await.expect("the migrations apply to an empty database");
        database
    }

    /// A fresh database without a table.
    pub async fn empty() -> Self {
        let url = format!("{}/{}", server(), random_name());
        create_database(&url).await.expect("TEST_MYSQL_URL names a server that lets us create databases");
        let mysql = Mysql::connect(&url, 40).expect("TEST_MYSQL_URL is a URL");
        Self { mysql, url, users: Mutex::default() }
    }
}

impl Database {
    /// The URL for a user like one whom the guide to operating creates, with the rights that it grants.
    pub async fn url_of(&self, user: &str) -> String {
        let (name, quoted) = (random_name(), format!("'{user}'@'%'"));
        let (server, database) = self.url.rsplit_once('/').expect("the URL names a database");
        for line in include_str!("../../../localstack/guides/operate.md").lines().filter(|line| line.contains(&quoted))
        {
            let statement = line.replace(user, &name).replace("bigtech_chat", database);
            execute(&self.url, &statement).await;
        }
        self.users.lock().expect("no test panics here").push(name.clone());
        let (scheme, host) = server.split_once("://").expect("a URL");
        let host = host.rsplit('@').next().unwrap_or(host);
        format!("{scheme}://{name}:...@{host}/{database}")
    }
}

/// Does what no code of ours does: a row of another version, an operator's statement.
pub async fn execute(url: &str, statement: &str) {
    let mut connection = MySqlConnection::connect(url).await.expect("a URL of a running server");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.expect("a statement that the server takes");
}

/// Rows that another connection has locked, until this is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the locks end with it")] MySqlConnection);

/// Locks people's rows.
pub async fn hold(url: &str, people: &[UserId]) -> Held {
    let ids: Vec<_> = people.iter().map(ToString::to_string).collect();
    hold_rows(url, &format!("SELECT id FROM users WHERE id IN ({})", ids.join(", ")), people.len()).await
}

/// Locks so many rows that a query finds.
pub async fn hold_rows(url: &str, query: &str, count: usize) -> Held {
    let mut connection = MySqlConnection::connect(url).await.expect("a URL of a running server");
    sqlx::raw_sql("START TRANSACTION").execute(&mut connection).await.expect("a running server");
    let lock = AssertSqlSafe(format!("{query} FOR UPDATE"));
    let locked = sqlx::raw_sql(lock).fetch_all(&mut connection).await.expect("a running server");
    assert_eq!(locked.len(), count, "every row is there");
    Held(connection)
}

/// Puts many sessions of somebody into the database that ended at a moment.
pub async fn end_sessions(url: &str, user: UserId, count: u32, at: Timestamp) {
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
        UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let number = "a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d";
    let at = at.to_string().replace('T', " ").replace('Z', "");
    let statement = format!(
        "INSERT INTO sessions (id, user_id, created_at, rotated_at, last_used_at, expires_at, revoked_at)
         SELECT MD5(CONCAT({user}, ' ', at, ' ', n)), {user}, at, at, at, at + INTERVAL 90 DAY, at
         FROM (SELECT {number} AS n, CAST('{at}' AS DATETIME(3)) AS at
               FROM {digits} a, {digits} b, {digits} c, {digits} e, {digits} f) numbers
         WHERE n < {count}"
    );
    execute(url, &statement).await;
}

/// Every session of somebody, by id.
pub async fn session_ids(url: &str, user: UserId) -> Vec<SessionId> {
    let mut connection = MySqlConnection::connect(url).await.expect("a URL of a running server");
    let ids = sqlx::query_scalar("SELECT id FROM sessions WHERE user_id = ? ORDER BY id").bind(user.0);
    let ids: Vec<String> = ids.fetch_all(&mut connection).await.expect("the table is there");
    ids.into_iter().map(SessionId).collect()
}

impl Drop for Database {
    fn drop(&mut self) {
        let (url, users) = (self.url.clone(), self.users.get_mut().map(std::mem::take).unwrap_or_default());
        drop_later(async move {
            for user in users {
                execute(&url, &format!("DROP USER '{user}'@'%'")).await;
            }
            Ok(drop_database(&url).await?)
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "tests find their servers in the environment")]
fn server() -> String {
    let url = std::env::var("TEST_MYSQL_URL").expect("TEST_MYSQL_URL is not set: run `cargo local test`");
    url.trim_end_matches('/').to_owned()
}
