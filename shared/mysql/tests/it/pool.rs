use crate::people::join;
use domain::{Code, Fault, RoomId, UserId};
use mysql::{Mysql, Tx};
use std::time::Duration;
use testkit::{
    mysql::{Database, execute},
    proxy::Proxy,
};
use tokio::time::{Instant, sleep, timeout};

/// Longer than a connection is trusted without a ping.
const A_WHILE: Duration = Duration::from_millis(150);

/// In which a request succeeds after the host of its connections vanished.
const RECOVERY: Duration = Duration::from_secs(1);

/// One connection to a database, through a proxy that may strand it.
struct Line {
    database: Database,
    proxy: Proxy,
    mysql: Mysql,
}

impl Line {
    async fn new() -> Self {
        let database = Database::new().await;
        let (proxy, url) = Proxy::before(&format!("{}?ssl-mode=DISABLED", database.url)).await;
        let mysql = Mysql::connect(&url, Mysql::LAMBDA_CONNECTIONS).unwrap();
        mysql.ping().await.unwrap();
        Self { database, proxy, mysql }
    }

    async fn recovers(&self) {
        let begun = Instant::now();
        self.mysql.ping().await.unwrap();
        assert!(begun.elapsed() < RECOVERY, "{:?}", begun.elapsed());
        assert_eq!(self.proxy.connections(), 2);
    }
}

async fn rename(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    tx.users().raise_versions(&[user]).await
}

async fn rename_and_wait(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    rename(tx, user).await?;
    sleep(Duration::from_mins(1)).await;
    Ok(())
}

async fn refuse(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    rename(tx, user).await?;
    Err(Code::UserNotFound.into())
}

#[tokio::test]
async fn idle_connection_to_vanished_host_is_replaced_in_time() {
    let line = Line::new().await;
    sleep(A_WHILE).await;
    line.proxy.strand();

    line.recovers().await;
}

#[tokio::test]
async fn dropped_transaction_with_vanished_host_blocks_no_later_request() {
    let line = Line::new().await;
    let user = join(&line.mysql, "tom").await;
    let holder = line.database.mysql.transact(user, rename_and_wait);
    let waiting = async {
        sleep(Duration::from_millis(300)).await;
        let request = line.mysql.transact(user, rename);
        let stranding = async {
            sleep(Duration::from_millis(200)).await;
            line.proxy.strand();
        };
        assert!(timeout(Duration::from_millis(500), async { tokio::join!(request, stranding) }).await.is_err());
        line.recovers().await;
    };

    tokio::select! {
        outcome = holder => panic!("{outcome:?}"),
        () = waiting => {}
    }
}

#[tokio::test]
async fn dropped_statement_leaves_no_answer_to_the_next() {
    let line = Line::new().await;
    line.proxy.silence();
    assert!(timeout(Duration::from_millis(100), line.mysql.users().find(UserId(1))).await.is_err());
    line.proxy.restore();

    assert_eq!(line.mysql.outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn requests_take_turns_on_one_connection() {
    let line = Line::new().await;
    let pings = (0..50).map(|_| line.mysql.ping());

    for pong in futures_util::future::join_all(pings).await {
        pong.unwrap();
    }

    assert_eq!(line.proxy.connections(), 1);
}

#[tokio::test]
async fn refused_transaction_releases_its_locks_and_keeps_its_connection() {
    let line = Line::new().await;
    let user = join(&line.mysql, "tom").await;

    let refusal = line.mysql.transact(user, refuse).await.unwrap_err();

    assert_eq!(refusal.code, Code::UserNotFound);
    line.database.mysql.transact(user, rename).await.unwrap();
    assert_eq!(line.proxy.connections(), 1);
}

#[tokio::test]
async fn connection_closed_by_the_server_is_replaced() {
    let line = Line::new().await;
    line.proxy.drop_connections().await;
    sleep(A_WHILE).await;

    line.recovers().await;
}

#[tokio::test]
async fn transaction_replaces_a_connection_that_has_just_died() {
    let line = Line::new().await;
    let user = join(&line.mysql, "tom").await;
    line.proxy.drop_connections().await;

    line.mysql.transact(user, rename).await.unwrap();
}

#[tokio::test]
async fn server_closes_connections_of_discarded_environments() {
    let database = Database::new().await;
    let (proxy, url) = Proxy::before(&format!("{}?ssl-mode=DISABLED", database.url)).await;
    proxy.once_answered("wait_timeout = 120", || {});

    Mysql::connect(&url, Mysql::LAMBDA_CONNECTIONS).unwrap().ping().await.unwrap();

    assert!(proxy.has_fired());
}

#[tokio::test]
async fn lists_of_all_lengths_share_few_prepared_statements() {
    let line = Line::new().await;

    for length in 1..=101 {
        let rooms: Vec<_> = (1..=length).map(RoomId).collect();
        line.mysql.private_rooms().list(&rooms, UserId(1)).await.unwrap();
    }

    assert_eq!(line.proxy.prepared(), 4);
}

#[tokio::test]
async fn transaction_is_repeated_when_a_row_changed_after_its_snapshot() {
    let line = Line::new().await;
    let user = join(&line.mysql, "tom").await;
    // As MariaDB 11.6.2 does of its own, once a connection.
    raise(&line.database, 1020, "IF @raised IS NULL THEN SET @raised = 1;", "END IF;").await;

    line.mysql.transact(user, rename).await.unwrap();
}

#[tokio::test]
async fn server_full_of_prepared_statements_is_unavailable() {
    let line = Line::new().await;
    let user = join(&line.mysql, "tom").await;
    raise(&line.database, 1461, "", "").await;

    let fault = line.mysql.users().update_password_hash(user, "$argon2id$", "new").await.unwrap_err();

    assert_eq!(fault.code, Code::Unavailable);
}

/// Lets the server refuse updates of people with an error.
async fn raise(database: &Database, number: u16, before: &str, after: &str) {
    let signal = format!("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'raised';");
    let trigger =
        format!("CREATE TRIGGER raising BEFORE UPDATE ON users FOR EACH ROW BEGIN {before} {signal} {after} END");
    execute(&database.url, &trigger).await;
}
