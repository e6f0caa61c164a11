//! Unreachable stores, and their recovery.

use crate::{
    proxied_stack::{LIMIT, journey_with_proxies, recovered},
    rights,
    scene::Scene,
};
use e2e::{Answer, Person, Socket, TestStack, room_name, with_ticket};
use futures_util::future::join_all;
use serde_json::json;
use std::time::Instant;
use testkit::proxy::Proxy;
use tokio::time::timeout;

#[test]
fn messages_answer_503_without_mongodb_and_recover() {
    journey_with_proxies(async |stack, _, mongo| {
        let scene = Scene::set(stack).await;
        let socket = scene.author.socket().await;
        for away in [Proxy::cut, Proxy::silence] {
            let (url, ticket) = scene.other.ticket().await;
            let url = with_ticket(&url, &ticket);
            away(mongo);

            let begun = Instant::now();
            let (answers, error, upgrade) = tokio::join!(
                ask_everything(&scene),
                socket.ask("send", json!({"room": room_name(scene.room), "client_id": "away", "content": "hi"})),
                Socket::upgrade(&url, &[]),
            );
            assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
            for (route, answer) in answers {
                assert_eq!(answer.refusal(), (503, "unavailable".to_owned()), "{route}: {}", answer.text);
                assert_eq!(answer.header("retry-after"), "2", "{route}");
            }
            assert_eq!((&error["d"]["code"], &error["d"]["retry_after_ms"]), (&json!("unavailable"), &json!(2000)));
            assert_eq!(upgrade.err(), Some(503));
            assert_eq!(readiness(stack).await, json!({"mysql": "ok", "mongo": "unreachable", "schema": "unknown"}));

            mongo.restore();
            assert!(
                recovered(async || scene.author.api.get(&format!("/messages/{}", scene.room)).await).await.status < 300
            );
            assert!(recovered(async || scene.author.say_as(scene.room, "back", "back").await).await.status < 300);
            recovered_socket(&socket, scene.room).await;
        }
    });
}

#[test]
fn only_routes_that_need_mysql_answer_503_without_it() {
    journey_with_proxies(async |stack, mysql, _| {
        let scene = Scene::set(stack).await;
        let aim = scene.aim_of(&scene.other);
        for away in [Proxy::cut, Proxy::silence] {
            away(mysql);
            let (api, begun) = (&scene.other.api, Instant::now());
            let answers = join_all(
                rights::routes(&aim)
                    .into_iter()
                    .filter(|row| needs_mysql(row.route))
                    .map(async |row| (row.route, api.call(row.method, &row.path, mysqls_body(&row).as_ref()).await)),
            );
            for (route, answer) in answers.await {
                assert_eq!(answer.refusal(), (503, "unavailable".to_owned()), "{route}: {}", answer.text);
                assert_eq!(answer.header("retry-after"), "2", "{route}");
            }
            assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
            for row in rights::routes(&aim).into_iter().filter(|row| !needs_mysql(row.route)) {
                let expected = if row.route == "/health/ready" { 503 } else { row.outcome_of_other().0 };
                let answer = api.call(row.method, &row.path, row.body.as_ref()).await;
                assert_eq!(answer.status, expected, "{} {}: {}", row.method, row.route, answer.text);
            }
            mysql.restore();
            recovered(async || api.get("/users/me").await).await.with(200);
        }
    });
}

/// Routes that use MongoDB alone, or no store, do not.
fn needs_mysql(route: &str) -> bool {
    let part = |part: &str| route.split('/').nth(1) == Some(part);
    route != "/auth/ticket"
        && ["auth", "users", "friends", "blocks", "chat-rooms", "group-rooms", "invites"].into_iter().any(part)
}

/// The body of a row; a valid one for a registration, and a token of the right form for a link of a mail.
fn mysqls_body(row: &rights::Row) -> Option<serde_json::Value> {
    let account = json!({"email": "new@example.com", "username": "newcomer", "password": e2e::PASSWORD});
    if row.route == "/auth/register" {
        return Some(account);
    }
    let mut body = row.body.clone()?;
    if body.get("token").is_some() {
        body["token"] = json!("A".repeat(43));
    }
    Some(body)
}

#[test]
fn messages_flow_without_mysql_and_other_routes_recover() {
    journey_with_proxies(async |stack, mysql, _| {
        let (minji, junho, room) = stack.pair().await;
        for away in [Proxy::cut, Proxy::silence] {
            away(mysql);

            let socket = junho.socket().await;
            let sent = minji.say(room, "still here").await;
            assert_eq!(socket.push().await["d"], sent);
            assert!(junho.list(room).await["items"].as_array().unwrap().contains(&sent));

            let login_body = json!({"email": minji.account["email"], "password": e2e::PASSWORD});
            let account = json!({"email": "new@example.com", "username": "newcomer", "password": e2e::PASSWORD});
            let (nobody, begun) = (stack.api(), Instant::now());
            let (login, account, opened, looked, checks) = tokio::join!(
                nobody.post("/auth/login", &login_body),
                nobody.post("/auth/register", &account),
                open(&minji, &junho),
                look(&minji, room),
                readiness(stack),
            );
            assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
            for answer in [login, account, opened, looked] {
                assert_eq!(answer.refusal(), (503, "unavailable".to_owned()), "{}", answer.text);
                assert_eq!(answer.header("retry-after"), "2");
            }
            assert_eq!(checks, json!({"mysql": "unreachable", "mongo": "ok", "schema": "unknown"}));

            mysql.restore();
            assert!(recovered(async || look(&minji, room).await).await.status < 300);
            assert!(recovered(async || nobody.post("/auth/login", &login_body).await).await.status < 300);
        }
    });
}

/// Every route that needs MongoDB, concurrently.
async fn ask_everything(scene: &Scene) -> Vec<(&'static str, Answer)> {
    let rows: Vec<_> =
        rights::routes(&scene.aim_of(&scene.author)).into_iter().filter(rights::Row::is_guarded).collect();
    join_all(
        rows.iter().map(async |row| (row.route, scene.author.api.call(row.method, &row.path, row.body.as_ref()).await)),
    )
    .await
}

async fn readiness(stack: &TestStack) -> serde_json::Value {
    let answer = stack.api().get("/health/ready").await;
    assert_eq!(answer.header("retry-after"), "5");
    answer.with(503)["checks"].clone()
}

/// Asks on a socket until the store has recovered.
async fn recovered_socket(socket: &Socket, room: i64) {
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
