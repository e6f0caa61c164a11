//! A store that is away, and comes back.

use crate::{line::Line, rights, scene::Scene};
use e2e::{Answer, House, Person, Socket, journey_in, room_name, unlimited};
use futures_util::future::join_all;
use serde_json::json;
use stack::{Options, Source};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use url::Url;

/// The functions' own limit, after which a client would get API Gateway's answer and not ours.
const LIMIT: Duration = Duration::from_secs(15);

/// A house whose stores are behind lines that can be cut.
fn journey_with_lines(steps: impl AsyncFnOnce(&House, &Line, &Line)) {
    let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|error| unreachable!("{error}"));
    let (mysql_url, mysql) = runtime.block_on(behind_a_line("TEST_MYSQL_URL"));
    let (mut mongo_url, mongo) = runtime.block_on(behind_a_line("TEST_MONGO_URL"));
    // Otherwise the driver would go where the replica set says that it is.
    mongo_url.set_query(Some("directConnection=true"));
    let options = unlimited(Options::new(Source::Running { mysql: mysql_url.into(), mongo: mongo_url.into() }));
    journey_in(options, async |house| steps(house, &mysql, &mongo).await);
}

async fn behind_a_line(variable: &str) -> (Url, Line) {
    let url = std::env::var(variable).unwrap_or_else(|_| unreachable!("{variable} is not set: run `cargo local test`"));
    let mut url: Url = url.parse().unwrap_or_else(|_| unreachable!("{variable} is no URL"));
    let (host, port) = (url.host_str().unwrap_or("127.0.0.1"), url.port().unwrap_or_default());
    let line = Line::to(format!("{host}:{port}")).await.unwrap_or_else(|error| unreachable!("{error}"));
    let moved = url.set_host(Some("127.0.0.1")).is_ok() && url.set_port(Some(line.address.port())).is_ok();
    assert!(moved, "{url}");
    (url, line)
}

#[test]
fn without_mongodb_message_routes_answer_503_in_time_and_recover_after() {
    journey_with_lines(async |house, _, mongo| {
        let scene = Scene::set(house).await;
        let mut socket = scene.author.socket().await;
        for away in [Line::cut, Line::silence] {
            let (url, ticket) = scene.other.ticket().await;
            away(mongo);

            let begun = Instant::now();
            let (answers, error, upgrade) = tokio::join!(
                ask_everything(&scene),
                socket.ask("send", json!({"room": room_name(scene.room), "client_id": "away", "content": "hi"})),
                Socket::upgrade(Socket::request(&url, &ticket)),
            );
            assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
            for (route, answer) in answers {
                assert_eq!(answer.refusal(), (503, "unavailable".to_owned()), "{route}: {}", answer.text);
                assert_eq!(answer.header("retry-after"), "2", "{route}");
            }
            assert_eq!((&error["d"]["code"], &error["d"]["retry_after_ms"]), (&json!("unavailable"), &json!(2000)));
            assert_eq!(upgrade.err(), Some(503));
            assert_eq!(readiness(house).await, json!({"mysql": "ok", "mongo": "unreachable", "schema": "unknown"}));

            mongo.mend();
            recovered(async || scene.author.api.get(&format!("/messages/{}", scene.room)).await).await;
            recovered(async || scene.author.say_as(scene.room, "back", "back").await).await;
            recovered_socket(&mut socket, scene.room).await;
        }
    });
}

#[test]
fn without_mysql_messages_flow_and_what_needs_it_answers_503_and_recovers_after() {
    journey_with_lines(async |house, mysql, _| {
        let (minji, junho, room) = house.pair().await;
        for away in [Line::cut, Line::silence] {
            away(mysql);

            let mut socket = junho.socket().await;
            let sent = minji.say(room, "still here").await;
            assert_eq!(socket.push().await["d"], sent);
            assert!(junho.list(room).await["items"].as_array().unwrap().contains(&sent));

            let login_body = json!({"email": minji.account["email"], "password": e2e::PASSWORD});
            let account = json!({"email": "new@example.com", "username": "newcomer", "password": e2e::PASSWORD});
            let (nobody, begun) = (house.api(), Instant::now());
            let (login, account, opened, looked, checks) = tokio::join!(
                nobody.post("/auth/login", &login_body),
                nobody.post("/auth/register", &account),
                open(&minji, &junho),
                look(&minji, room),
                readiness(house),
            );
            assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
            for answer in [login, account, opened, looked] {
                assert_eq!(answer.refusal(), (503, "unavailable".to_owned()), "{}", answer.text);
                assert_eq!(answer.header("retry-after"), "2");
            }
            assert_eq!(checks, json!({"mysql": "unreachable", "mongo": "ok", "schema": "unknown"}));

            mysql.mend();
            recovered(async || look(&minji, room).await).await;
            recovered(async || nobody.post("/auth/login", &login_body).await).await;
        }
    });
}

/// Every route that needs MongoDB, all at once.
async fn ask_everything(scene: &Scene) -> Vec<(&'static str, Answer)> {
    let rows: Vec<_> =
        rights::routes(&scene.aim_of(&scene.author)).into_iter().filter(rights::Row::is_guarded).collect();
    join_all(
        rows.iter().map(async |row| (row.route, scene.author.api.call(row.method, &row.path, row.body.as_ref()).await)),
    )
    .await
}

async fn readiness(house: &House) -> serde_json::Value {
    let answer = house.api().get("/health/ready").await;
    assert_eq!(answer.header("retry-after"), "2");
    answer.with(503)["checks"].clone()
}

/// Asks until the store is back for this request, as `Retry-After` invites to.
async fn recovered(request: impl AsyncFn() -> Answer) {
    let asking = async {
        loop {
            let answer = request().await;
            if answer.status != 503 {
                break answer;
            }
        }
    };
    let answer = timeout(LIMIT, asking).await;
    assert!(answer.as_ref().is_ok_and(|answer| answer.status < 300), "{answer:?}");
}

/// The same on a socket.
async fn recovered_socket(socket: &mut Socket, room: i64) {
    let frame = json!({"room": room_name(room), "client_id": "away", "content": "hi"});
    let asking = async { while socket.ask("send", frame.clone()).await["t"] != "ack" {} };
    assert!(timeout(LIMIT, asking).await.is_ok());
}

async fn open(one: &Person, other: &Person) -> Answer {
    one.api.post("/chat-rooms", &json!({"participant_id": other.id})).await
}

async fn look(person: &Person, room: i64) -> Answer {
    person.api.get(&format!("/chat-rooms/{room}")).await
}
