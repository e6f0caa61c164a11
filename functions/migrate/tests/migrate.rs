//! Both schemas, on real databases.

use migrate::App;
use testkit::{mongo, mysql};

#[tokio::test]
async fn both_stores_are_brought_up_to_date_and_told_of() {
    let (mysql, mongo) = tokio::join!(mysql::Database::empty(), mongo::Database::empty());
    let app = App::connect(&mysql.url, &mongo.url).await.unwrap();

    let first = serde_json::to_value(app.migrate().await.unwrap()).unwrap();
    let second = serde_json::to_value(app.migrate().await.unwrap()).unwrap();

    let mysql_version = mysql.mysql.schema().status().await.unwrap().current;
    let mongo_version = mongo.mongo.schema_version().await.unwrap().found;
    let report = |applied: i64| {
        serde_json::json!({
            "mysql": {"version": mysql_version, "applied": applied},
            "mongo": {"version": mongo_version},
        })
    };
    assert_eq!(first, report(mysql_version));
    assert_eq!(second, report(0));
}

#[tokio::test]
async fn a_store_that_is_away_is_named() {
    let mongo = mongo::Database::empty().await;
    let app = App::connect("mysql://root@127.0.0.1:1/none", &mongo.url).await.unwrap();

    let error = app.migrate().await.unwrap_err().to_string();

    assert!(error.starts_with("MySQL: unavailable: "), "{error}");
}
