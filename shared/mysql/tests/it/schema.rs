use domain::{Code, Fault};
use mysql::{Migrated, Rights, SchemaError, SchemaStatus};
use sqlx::{Executor as _, MySqlPool};
use testkit::mysql::Database;

/// The versions of the migrations, the oldest first.
fn versions() -> Vec<i64> {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<i64> = names.filter_map(|name| name.strip_suffix(".sql")?[..4].parse().ok()).collect();
    versions.sort_unstable();
    versions
}

fn newest() -> i64 {
    *versions().last().unwrap()
}

async fn sql(database: &Database, statement: &str) {
    testkit::mysql::execute(&database.url, statement).await;
}

#[tokio::test]
async fn concurrent_migrations_apply_every_step_once() {
    let database = Database::empty().await;
    let mysql = &database.mysql;
    assert_eq!(mysql.schema().status().await.unwrap(), SchemaStatus { current: 0, expected: newest() });

    let (one, two) = tokio::join!(mysql.schema().migrate(), mysql.schema().migrate());

    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.version, two.version), (newest(), newest()));
    assert_eq!(one.applied + two.applied, versions().len());
    assert_eq!(mysql.schema().migrate().await.unwrap(), Migrated { version: newest(), applied: 0 });
    assert!(mysql.schema().status().await.unwrap().is_current());
}

#[tokio::test]
async fn newer_schema_is_left_alone() {
    let database = Database::new().await;
    sql(
        &database,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', TRUE, 'x', 0)",
    )
    .await;

    let error = database.mysql.schema().migrate().await.unwrap_err();

    assert!(matches!(error, SchemaError::Newer { current: 9999, expected } if expected == newest()));
    assert!(error.to_string().contains(&format!("newer than this build's {}", newest())), "{error}");
    assert_eq!(Fault::from(error).code, Code::Internal);
    assert!(database.mysql.schema().status().await.unwrap().is_current());
}

#[tokio::test]
async fn interrupted_migration_is_repeated() {
    let database = Database::new().await;
    sql(&database, &format!("UPDATE _sqlx_migrations SET success = FALSE WHERE version = {}", newest())).await;
    assert!(!database.mysql.schema().status().await.unwrap().is_current());

    assert_eq!(database.mysql.schema().migrate().await.unwrap(), Migrated { version: newest(), applied: 1 });
}

#[tokio::test]
async fn migration_interrupted_before_its_record_is_idempotent() {
    let database = Database::new().await;
    let whole = shape(&database).await;
    for version in versions() {
        sql(&database, &format!("UPDATE _sqlx_migrations SET success = FALSE WHERE version = {version}")).await;

        let again = database.mysql.schema().migrate().await;

        assert_eq!(again.unwrap(), Migrated { version: newest(), applied: 1 }, "migration {version}");
        assert_eq!(shape(&database).await, whole, "migration {version}");
    }
}

#[tokio::test]
async fn all_migrations_without_records_are_repeated() {
    let database = Database::new().await;
    let whole = shape(&database).await;
    sql(&database, "UPDATE _sqlx_migrations SET success = FALSE").await;

    assert_eq!(
        database.mysql.schema().migrate().await.unwrap(),
        Migrated { version: newest(), applied: versions().len() }
    );
    assert_eq!(shape(&database).await, whole);
}

/// What the server says would make each table anew.
async fn shape(database: &Database) -> Vec<(String, String)> {
    let pool = MySqlPool::connect(&database.url).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> '_sqlx_migrations' ORDER BY TABLE_NAME",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let mut made = Vec::new();
    for table in tables {
        let show = sqlx::query_as(sqlx::AssertSqlSafe(format!("SHOW CREATE TABLE {table}")));
        made.push(show.fetch_one(&pool).await.unwrap());
    }
    pool.close().await;
    made
}

#[tokio::test]
async fn changed_migration_is_refused() {
    let database = Database::new().await;
    sql(&database, "UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 2").await;

    assert!(matches!(database.mysql.schema().migrate().await.unwrap_err(), SchemaError::Changed(2)));
}

#[tokio::test]
async fn constraints_are_enforced_by_the_database() {
    let database = Database::new().await;
    let pool = MySqlPool::connect(&database.url).await.unwrap();
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        sqlx::query("INSERT INTO users (id, email, email_fold, password_hash, username, username_fold, created_at, updated_at) VALUES (?, ?, ?, '', ?, ?, NOW(3), NOW(3))")
            .bind(i32::try_from(n + 1).unwrap())
            .bind(name).bind(name).bind(name).bind(name)
            .execute(&pool).await.unwrap();
    }
    let group = "INSERT INTO group_chat_rooms (id, name, created_by, created_at, updated_at) VALUES (1, 'g', 1, NOW(3), NOW(3))";
    let friends = |one: i32, two: i32| {
        format!(
            "INSERT INTO friendships (user_id_1, user_id_2, created_at, updated_at) VALUES ({one}, {two}, NOW(3), NOW(3))"
        )
    };
    let block = |one: i32, two: i32| {
        format!("INSERT INTO block_users (user_id, blocked_user_id, created_at) VALUES ({one}, {two}, NOW(3))")
    };
    let member = |user: i32, role: &str| {
        format!(
            "INSERT INTO group_room_members (user_id, group_room_id, role, joined_at, created_at, updated_at) VALUES ({user}, 1, '{role}', NOW(3), NOW(3), NOW(3))"
        )
    };
    let room = |one: i32, two: i32| {
        format!(
            "INSERT INTO chat_rooms (user_id_1, user_id_2, created_at, updated_at) VALUES ({one}, {two}, NOW(3), NOW(3))"
        )
    };
    for (statement, accepted) in [
        (group.to_owned(), true),
        (friends(2, 1), true),
        (friends(1, 2), false),
        (friends(2, 1), false),
        (friends(1, 1), false),
        (friends(1, 3), true),
        (block(1, 2), true),
        (block(2, 1), true),
        (block(1, 2), false),
        (block(1, 1), false),
        (member(1, "owner"), true),
        (member(1, "member"), false),
        (member(2, "king"), false),
        (room(1, 2), true),
        (room(1, 2), false),
        (room(2, 1), false),
        (room(1, 99), false),
        ("DELETE FROM users WHERE id = 1".to_owned(), false),
        ("INSERT INTO outbox (aggregate, aggregate_id, created_at) VALUES ('sessions', 1, NOW(3))".to_owned(), true),
        ("INSERT INTO outbox (aggregate, aggregate_id, created_at) VALUES ('other', 1, NOW(3))".to_owned(), false),
    ] {
        let outcome = pool.execute(sqlx::AssertSqlSafe(statement.clone())).await;
        assert_eq!(outcome.is_ok(), accepted, "{statement}: {outcome:?}");
    }
}

#[tokio::test]
async fn memberships_from_before_their_states_are_put_right() {
    let database = Database::new().await;
    for user in 1..=3 {
        let columns = "id, email, email_fold, password_hash, username, username_fold, created_at, updated_at";
        let values = format!("{user}, '{user}', '{user}', '', '{user}', '{user}', NOW(3), NOW(3)");
        sql(&database, &format!("INSERT INTO users ({columns}) VALUES ({values})")).await;
    }
    for group in 1..=2 {
        let values = format!("{group}, 'g', 1, NOW(3), NOW(3)");
        let columns = "id, name, created_by, created_at, updated_at";
        sql(&database, &format!("INSERT INTO group_chat_rooms ({columns}) VALUES ({values})")).await;
    }
    for (user, is_active) in [(1, true), (2, true), (3, false)] {
        let columns = "user_id, group_room_id, is_active, joined_at, created_at, updated_at";
        let values = format!("{user}, 1, {is_active}, NOW(3), NOW(3), NOW(3)");
        sql(&database, &format!("INSERT INTO group_room_members ({columns}) VALUES ({values})")).await;
    }
    sql(&database, "UPDATE _sqlx_migrations SET success = FALSE WHERE version IN (24, 25)").await;

    assert_eq!(database.mysql.schema().migrate().await.unwrap().applied, 2);

    let pool = MySqlPool::connect(&database.url).await.unwrap();
    let states: Vec<String> =
        sqlx::query_scalar("SELECT state FROM group_room_members ORDER BY user_id").fetch_all(&pool).await.unwrap();
    let counts: Vec<i32> =
        sqlx::query_scalar("SELECT member_count FROM group_chat_rooms ORDER BY id").fetch_all(&pool).await.unwrap();
    assert_eq!((states.join(" "), counts), ("active active left".to_owned(), vec![2, 0]));
    pool.close().await;
}

/// The database's URL for a user of this test.
fn url_as(database: &Database, user: &str, password: &str) -> String {
    let (server, name) = database.url.rsplit_once('/').unwrap();
    let (scheme, host) = server.split_once("://").unwrap();
    format!("{scheme}://{user}:{password}@{}/{name}", host.rsplit('@').next().unwrap())
}

/// A name that no other test has.
fn user_of(database: &Database) -> String {
    format!("u_{}", database.url.rsplit('/').next().unwrap())
}

#[tokio::test]
async fn user_is_made_and_gets_another_password() {
    let database = Database::new().await;
    let user = user_of(&database);
    let url = |password: &str| url_as(&database, &user, password);
    let ensure = async |password: &str| database.mysql.schema().ensure_login(&url(password), Rights::Rows).await;

    assert!(ensure("first%27one").await.unwrap());
    assert!(!ensure("first%27one").await.unwrap());
    assert!(ensure("second").await.unwrap());

    let pool = MySqlPool::connect(&url("second")).await.unwrap();
    pool.execute("DELETE FROM outbox").await.unwrap();
    let refused = pool.execute("DROP TABLE outbox").await.unwrap_err();
    assert!(refused.to_string().contains("denied"), "{refused}");
    assert!(MySqlPool::connect(&url("first%27one")).await.is_err());
    sql(&database, &format!("DROP USER '{user}'@'%'")).await;
}

#[tokio::test]
async fn user_for_health_reads_the_version_alone() {
    let database = Database::new().await;
    let user = user_of(&database);
    let url = url_as(&database, &user, "secret");

    database.mysql.schema().ensure_login(&url, Rights::Version).await.unwrap();

    let pool = MySqlPool::connect(&url).await.unwrap();
    pool.execute("SELECT version FROM _sqlx_migrations").await.unwrap();
    assert!(pool.execute("SELECT id FROM users").await.is_err());
    sql(&database, &format!("DROP USER '{user}'@'%'")).await;
}
