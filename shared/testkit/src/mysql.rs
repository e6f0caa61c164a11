//! A migrated MySQL database of a test's own.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test without a database ends here, and says why"
)]

use crate::{drop_later, random_name};
use domain::UserId;
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
    /// The URL for a user like one whom the README creates, with the rights that it grants.
    pub async fn url_of(&self, user: &str) -> String {
        let (name, quoted) = (random_name(), format!("'{user}'@'%'"));
        let (server, database) = self.url.rsplit_once('/').expect("the URL names a database");
        for line in include_str!("../../../README.md").lines().filter(|line| line.contains(&quoted)) {
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
    let mut connection = MySqlConnection::connect(url).await.expect("a URL of a running server");
    let ids: Vec<_> = people.iter().map(ToString::to_string).collect();
    let lock = format!("SELECT id FROM users WHERE id IN ({}) FOR UPDATE", ids.join(", "));
    sqlx::raw_sql("START TRANSACTION").execute(&mut connection).await.expect("a running server");
    let locked = sqlx::raw_sql(AssertSqlSafe(lock)).fetch_all(&mut connection).await.expect("a running server");
    assert_eq!(locked.len(), people.len(), "everyone is there");
    Held(connection)
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
