//! Both schemas, on real databases.

use domain::{Aggregate, Clock, NameQuery, PageSize, Timestamp, UserId};
use migrate::App;
use testkit::{mongo, mysql};

const NOON: Clock = Clock(|| Timestamp::from_millis(1_790_000_000_000));

#[tokio::test]
async fn both_stores_are_migrated_and_reported() {
    let (mysql, mongo) = tokio::join!(mysql::Database::empty(), mongo::Database::empty());
    let app = App::connect(&mysql.url, &mongo.url, NOON).await.unwrap();

    let first = serde_json::to_value(app.migrate().await.unwrap()).unwrap();
    let second = serde_json::to_value(app.migrate().await.unwrap()).unwrap();

    let mysql_version = mysql.mysql.schema().status().await.unwrap().current;
    let mongo_version = mongo.mongo.schema().version().await.unwrap().found;
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).unwrap();
    let steps =
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "sql")).count();
    let report = |applied: usize| {
        serde_json::json!({
            "mysql": {"version": mysql_version, "applied": applied, "named": 0, "confusable": 0},
            "mongo": {"version": mongo_version},
        })
    };
    assert_eq!(first, report(steps));
    assert_eq!(second, report(0));
}

#[tokio::test]
async fn user_for_migrations_can_migrate() {
    let (mysql, mongo) = tokio::join!(mysql::Database::empty(), mongo::Database::empty());
    let app = App::connect(&mysql.url_of("chat_migrate").await, &mongo.url, NOON).await.unwrap();

    app.migrate().await.unwrap();

    assert!(mysql.mysql.schema().status().await.unwrap().is_current());
}

/// Someone of a version that knew neither searches nor people in MongoDB.
async fn join_the_old_way(url: &str) {
    let row = "INSERT INTO users (email, email_fold, password_hash, username, username_fold, display_name, created_at, updated_at)
        VALUES ('a@b.c', 'a@b.c', '', 'gildong', 'gildong', '홍길동', NOW(3), NOW(3))";
    mysql::execute(url, row).await;
}

#[tokio::test]
async fn existing_people_are_indexed_and_queued() {
    let (mysql, mongo) = tokio::join!(mysql::Database::new(), mongo::Database::empty());
    let app = App::connect(&mysql.url, &mongo.url, NOON).await.unwrap();
    join_the_old_way(&mysql.url).await;

    let report = serde_json::to_value(app.migrate().await.unwrap()).unwrap();

    assert_eq!(report["mysql"]["named"], 1);
    let query = NameQuery::parse("ㅎㄱㄷ").unwrap();
    let page = mysql.mysql.users().search(&query, UserId(0), None, PageSize::LARGEST).await.unwrap();
    assert_eq!(page.items.len(), 1);
    let waiting = mysql.mysql.outbox().list(10, NOON.now()).await.unwrap();
    assert_eq!(waiting, [Aggregate::Person(page.items[0].id)]);
}

#[tokio::test]
async fn confusable_names_of_old_versions_keep_their_names() {
    let (mysql, mongo) = tokio::join!(mysql::Database::new(), mongo::Database::empty());
    let app = App::connect(&mysql.url, &mongo.url, NOON).await.unwrap();
    join_the_old_way(&mysql.url).await;
    let double = "INSERT INTO users (email, email_fold, password_hash, username, username_fold, created_at, updated_at)
        VALUES ('d@b.c', 'd@b.c', '', 'gildong\u{3164}', 'gildong\u{1160}', NOW(3), NOW(3))";
    mysql::execute(&mysql.url, double).await;

    for _ in 0..2 {
        let report = serde_json::to_value(app.migrate().await.unwrap()).unwrap();
        assert_eq!(report["mysql"]["confusable"], 1);
    }

    let left = mysql.mysql.users().list_without_skeleton(UserId(0), 10).await.unwrap();
    assert_eq!(left.iter().map(|person| person.username.as_str()).collect::<Vec<_>>(), ["gildong\u{3164}"]);
}

#[tokio::test]
async fn unreachable_store_is_named() {
    let mongo = mongo::Database::empty().await;
    let app = App::connect("mysql://root@127.0.0.1:1/none", &mongo.url, NOON).await.unwrap();

    let error = app.migrate().await.unwrap_err().to_string();

    assert!(error.starts_with("MySQL: unavailable: "), "{error}");
}
