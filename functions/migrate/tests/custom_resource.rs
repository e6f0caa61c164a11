//! What CloudFormation is answered, at a URL on this machine.
#![expect(clippy::unwrap_used, reason = "a failed arrangement ends the test")]

use announce::Announcer;
use background::Background;
use domain::{Clock, Timestamp};
use migrate::{App, Event, Failure, ResourceRequest, time_for_migration};
use projection::Projector;
use serde_json::{Value, json};
use std::{future::pending, time::Duration};
use testkit::{LIFETIME, NOON, mongo, mysql, pushing};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const TIME: Duration = Duration::from_mins(1);

/// Where answers are put; each is answered with the next of these statuses.
struct Bucket {
    listener: TcpListener,
    statuses: Vec<u16>,
}

impl Bucket {
    async fn new(statuses: &[u16]) -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap(), statuses: statuses.to_vec() }
    }

    /// A request of CloudFormation that is answered here.
    fn request(&self, request_type: &str) -> ResourceRequest {
        let event = json!({
            "RequestType": request_type,
            "ServiceToken": "arn:aws:lambda:eu-west-1:1:function:chat-migrate",
            "ResponseURL": format!("http://{}/answer?Signature=a%2Fb&Expires=1", self.listener.local_addr().unwrap()),
            "StackId": "arn:aws:cloudformation:eu-west-1:1:stack/chat/1",
            "RequestId": "2",
            "ResourceType": "AWS::CloudFormation::CustomResource",
            "LogicalResourceId": "Migration",
            "PhysicalResourceId": if request_type == "Create" { Value::Null } else { "schemas".into() },
            "ResourceProperties": { "Schema": "19.7" },
        });
        let Event::Resource(request) = serde_json::from_value(event).unwrap() else { unreachable!() };
        request
    }

    /// What is put here while something runs.
    async fn during<T>(self, work: impl Future<Output = T>) -> (T, Vec<Value>) {
        let mut put = Vec::new();
        let take = async {
            for status in self.statuses {
                let (mut stream, _) = self.listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"}") {
                    assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
                }
                let request = String::from_utf8(request).unwrap();
                let (head, body) = request.split_once("\r\n\r\n").unwrap();
                assert!(head.starts_with("PUT /answer?Signature=a%2Fb&Expires=1 HTTP/1.1\r\n"), "{head}");
                let head = head.to_lowercase();
                assert!(head.contains("content-length: ") && !head.contains("content-type: "), "{head}");
                put.push(serde_json::from_str(body).unwrap());
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            pending::<()>().await;
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = take => unreachable!(),
        };
        (outcome, put)
    }
}

fn answer(status: &str, reason: Option<&str>) -> Value {
    let mut answer = json!({
        "Status": status,
        "PhysicalResourceId": "schemas",
        "StackId": "arn:aws:cloudformation:eu-west-1:1:stack/chat/1",
        "RequestId": "2",
        "LogicalResourceId": "Migration",
    });
    if let Some(reason) = reason {
        answer["Reason"] = reason.into();
    }
    answer
}

fn app(mysql_url: &str, mongo: &mongo::Database) -> App {
    let (mongo, clock) = (mongo.mongo.clone(), Clock(|| NOON));
    let projector = Projector {
        mysql: ::mysql::Mysql::connect(mysql_url, 1).unwrap(),
        announcer: Announcer::new(mongo.clone(), pushing::into_the_void(), clock, Background::inline()),
        mongo,
        clock,
        token_lifetime: LIFETIME,
    };
    App { projector, logins: Vec::new() }
}

async fn deploy(app: &App) -> Result<(), Failure> {
    Ok(Box::pin(app.deploy()).await?)
}

#[tokio::test]
async fn create_and_update_migrate_and_succeed() {
    let (mysql, mongo) = tokio::join!(mysql::Database::empty(), mongo::Database::empty());
    let app = app(&mysql.url, &mongo);

    for request_type in ["Create", "Update"] {
        let bucket = Bucket::new(&[200]).await;
        let request = bucket.request(request_type);
        let (told, put) = bucket.during(request.serve(deploy(&app), TIME, "group stream")).await;

        told.unwrap();
        assert_eq!(put, [answer("SUCCESS", None)]);
        assert!(mysql.mysql.schema().status().await.unwrap().is_current());
    }
}

#[tokio::test]
async fn delete_succeeds_without_doing_anything() {
    let bucket = Bucket::new(&[200]).await;
    let request = bucket.request("Delete");

    let (told, put) = bucket.during(request.serve(pending(), TIME, "group stream")).await;

    told.unwrap();
    assert_eq!(put, [answer("SUCCESS", None)]);
}

#[tokio::test]
async fn failed_migration_is_told_without_a_secret() {
    let mongo = mongo::Database::empty().await;
    let app = app("mysql://root:hush@127.0.0.1:1/none", &mongo);
    let bucket = Bucket::new(&[200]).await;
    let request = bucket.request("Update");

    let (told, put) = bucket.during(request.serve(deploy(&app), TIME, "group stream")).await;

    told.unwrap();
    assert_eq!(put, [answer("FAILED", Some("MySQL could not be migrated; the log says why: group stream"))]);
}

#[tokio::test]
async fn migration_that_runs_out_of_time_fails() {
    let bucket = Bucket::new(&[200]).await;
    let request = bucket.request("Create");

    let (told, put) = bucket.during(request.serve(pending(), Duration::from_millis(50), "group stream")).await;

    told.unwrap();
    assert_eq!(put, [answer("FAILED", Some("The migration ran out of time; the log says why: group stream"))]);
}

#[tokio::test]
async fn schema_of_a_newer_build_survives_a_rollback() {
    let (mysql, mongo) = tokio::join!(mysql::Database::new(), mongo::Database::new());
    let app = app(&mysql.url, &mongo);
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'newer', TRUE, '', 0)";
    mysql::execute(&mysql.url, newer).await;

    assert!(app.migrate(NOON).await.is_err());
    app.deploy().await.unwrap();
}

#[tokio::test]
async fn answer_is_put_again_until_it_is_taken() {
    let bucket = Bucket::new(&[503, 200]).await;
    let request = bucket.request("Delete");

    let (told, put) = bucket.during(request.serve(pending(), TIME, "group stream")).await;

    told.unwrap();
    assert_eq!(put.len(), 2);
}

#[tokio::test]
async fn answer_that_nobody_takes_is_an_error_without_the_url() {
    let bucket = Bucket::new(&[403, 403, 403]).await;
    let request = bucket.request("Delete");

    let (told, _) = bucket.during(request.serve(pending(), TIME, "group stream")).await;

    let error = told.unwrap_err().to_string();
    assert!(error.contains("403") && !error.contains("Signature"), "{error}");
}

#[test]
fn anything_else_is_an_invocation() {
    for event in [json!(null), json!({}), json!({"action": "rebuild"}), json!({"RequestType": "Create"})] {
        assert!(matches!(serde_json::from_value(event).unwrap(), Event::Invocation(_)));
    }
}

#[test]
fn there_is_time_for_the_answer() {
    let in_seconds = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
    assert_eq!(time_for_migration(in_seconds(100), in_seconds(400)), Duration::from_secs(285));
    assert_eq!(time_for_migration(in_seconds(100), in_seconds(105)), Duration::ZERO);
}
