//! Both schemas and the rebuild, on real databases.
#![expect(clippy::unwrap_used, reason = "a failed arrangement ends the test")]

use ::mysql::{Mysql, Rights};
use announce::Announcer;
use background::Background;
use domain::{Aggregate, Clock, NameQuery, PageSize, Person, Timestamp, UserId};
use migrate::App;
use projection::Projector;
use serde_json::{Value, json};
use testkit::{LIFETIME, NOON, mongo, mysql, person, pushing};

/// So late that nothing stops half-way.
const LATER: Timestamp = Timestamp::from_millis(NOON.millis() + 3_600_000);

fn app(mysql_url: &str, mongo: &mongo::Database) -> App {
    let (mongo, clock) = (mongo.mongo.clone(), Clock(|| NOON));
    let projector = Projector {
        mysql: Mysql::connect(mysql_url, 1).unwrap(),
        announcer: Announcer::new(mongo.clone(), pushing::into_the_void(), clock, Background::inline()),
        mongo,
        clock,
        token_lifetime: LIFETIME,
    };
    App { projector, logins: Vec::new() }
}

#[tokio::test]
async fn both_stores_are_migrated_and_reported() {
    let (mysql, mongo) = tokio::join!(mysql::Database::empty(), mongo::Database::empty());
    let app = app(&mysql.url, &mongo);

    let first = serde_json::to_value(app.migrate(LATER).await.unwrap()).unwrap();
    let second = serde_json::to_value(app.migrate(LATER).await.unwrap()).unwrap();

    let mysql_version = mysql.mysql.schema().status().await.unwrap().current;
    let mongo_version = mongo.mongo.schema().version().await.unwrap().found;
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).unwrap();
    let steps =
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "sql")).count();
    let report = |applied: usize| {
        serde_json::json!({
            "mysql": {"version": mysql_version, "applied": applied, "named": 0, "confusable": 0, "logins": 0},
            "mongo": {"version": mongo_version, "indexed": 0, "left": false},
        })
    };
    assert_eq!(first, report(steps));
    assert_eq!(second, report(0));
}

#[tokio::test]
async fn user_for_migrations_can_migrate() {
    let (mysql, mongo) = tokio::join!(mysql::Database::empty(), mongo::Database::empty());
    let app = app(&mysql.url_of("chat_migrate").await, &mongo);

    app.migrate(LATER).await.unwrap();

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
    let app = app(&mysql.url, &mongo);
    join_the_old_way(&mysql.url).await;

    let report = serde_json::to_value(app.migrate(LATER).await.unwrap()).unwrap();

    assert_eq!(report["mysql"]["named"], 1);
    let query = NameQuery::parse("ㅎㄱㄷ").unwrap();
    let page = mysql.mysql.users().search(&query, UserId(0), None, PageSize::LARGEST).await.unwrap();
    assert_eq!(page.items.len(), 1);
    let waiting = mysql.mysql.outbox().list(10, NOON).await.unwrap();
    assert_eq!(waiting, [Aggregate::Person(page.items[0].id)]);
}

#[tokio::test]
async fn confusable_names_of_old_versions_keep_their_names() {
    let (mysql, mongo) = tokio::join!(mysql::Database::new(), mongo::Database::empty());
    let app = app(&mysql.url, &mongo);
    join_the_old_way(&mysql.url).await;
    let double = "INSERT INTO users (email, email_fold, password_hash, username, username_fold, created_at, updated_at)
        VALUES ('d@b.c', 'd@b.c', '', 'gildong\u{3164}', 'gildong\u{1160}', NOW(3), NOW(3))";
    mysql::execute(&mysql.url, double).await;

    for _ in 0..2 {
        let report = serde_json::to_value(app.migrate(LATER).await.unwrap()).unwrap();
        assert_eq!(report["mysql"]["confusable"], 1);
    }

    let left = mysql.mysql.users().list_without_skeleton(UserId(0), 10).await.unwrap();
    assert_eq!(left.iter().map(|person| person.username.as_str()).collect::<Vec<_>>(), ["gildong\u{3164}"]);
}

#[tokio::test]
async fn unreachable_store_is_named() {
    let mongo = mongo::Database::empty().await;
    let app = app("mysql://root@127.0.0.1:1/none", &mongo);

    let error = app.migrate(LATER).await.unwrap_err().to_string();

    assert!(error.starts_with("MySQL: unavailable: "), "{error}");
}

async fn invoke(app: &App, event: Value) -> Value {
    let invocation = serde_json::from_value(event).unwrap();
    serde_json::to_value(app.run(invocation, NOON).await.unwrap()).unwrap()
}

#[tokio::test]
async fn event_without_action_migrates() {
    let (mysql, mongo) = tokio::join!(mysql::Database::empty(), mongo::Database::empty());
    let app = app(&mysql.url, &mongo);

    for event in [json!({}), json!(null), json!({"action": "migrate"}), json!({"source": "aws.events"})] {
        assert!(invoke(&app, event).await["mysql"]["version"].is_i64());
    }
}

#[tokio::test]
async fn rebuild_says_what_it_did_and_where_to_go_on() {
    let (mysql, mongo) = tokio::join!(mysql::Database::new(), mongo::Database::new());
    let app = app(&mysql.url, &mongo);
    join_the_old_way(&mysql.url).await;

    let first = invoke(&app, json!({"action": "rebuild"})).await;
    let mut answer = first.clone();
    while answer["more"] == true {
        answer = invoke(&app, json!({"action": "rebuild", "cursor": answer["cursor"]})).await;
    }

    let repaired = json!({"people": 0, "rooms": 0, "closed_rooms": 0, "foreign_rooms": 0});
    assert_eq!(
        first,
        json!({"people": 1, "rooms": 0, "sessions": 0, "repaired": repaired, "failed": 0, "more": true, "cursor": "people 1"})
    );
    assert_eq!(answer["cursor"], Value::Null);
    assert_eq!(mongo.mongo.people().find(UserId(1)).await.unwrap().unwrap().username, "gildong");
}

#[tokio::test]
async fn user_for_migrations_can_rebuild() {
    let (mysql, mongo) = tokio::join!(mysql::Database::new(), mongo::Database::new());
    let app = app(&mysql.url_of("chat_migrate").await, &mongo);
    join_the_old_way(&mysql.url).await;
    for id in [1, 40].map(UserId) {
        let lost = Person { version: 7, ..person(id, "lost") };
        mongo.mongo.people().project(&lost).await.unwrap();
    }

    let answer = invoke(&app, json!({"action": "rebuild"})).await;

    assert_eq!(answer["repaired"]["people"], 1);
}

#[tokio::test]
async fn foreign_cursor_is_refused() {
    let (mysql, mongo) = tokio::join!(mysql::Database::empty(), mongo::Database::empty());
    let invocation = serde_json::from_value(json!({"action": "rebuild", "cursor": "x"})).unwrap();

    let error = app(&mysql.url, &mongo).run(invocation, NOON).await.unwrap_err().to_string();

    assert_eq!(error, "cursor: none that a rebuild has answered");
}

#[tokio::test]
async fn functions_get_users_of_their_own() {
    let (mysql, mongo) = tokio::join!(mysql::Database::empty(), mongo::Database::empty());
    let (server, name) = mysql.url.rsplit_once('/').unwrap();
    let (scheme, host) = server.split_once("://").unwrap();
    let url = |user: &str| format!("{scheme}://{user}_{name}:secret@{}/{name}", host.rsplit('@').next().unwrap());
    let logins = vec![(url("a"), Rights::Rows), (url("h"), Rights::Version)];
    let app = App { logins, ..app(&mysql.url, &mongo) };

    let [first, second] = [app.migrate(LATER).await.unwrap(), app.migrate(LATER).await.unwrap()]
        .map(|report| serde_json::to_value(report).unwrap()["mysql"]["logins"].clone());

    assert_eq!((first, second), (json!(2), json!(0)));
    Mysql::connect(&url("a"), 1).unwrap().outbox().list(1, NOON).await.unwrap();
    assert!(Mysql::connect(&url("h"), 1).unwrap().schema().status().await.unwrap().is_current());
    mysql::execute(&mysql.url, &format!("DROP USER 'a_{name}'@'%', 'h_{name}'@'%'")).await;
}
