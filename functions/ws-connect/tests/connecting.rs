//! Upgrades, over a database of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use credentials::Tickets;
use domain::{SessionId, UserId};
use mongo::Mongo;
use serde_json::{Value, json};
use socket::Answer;
use std::time::Duration;
use testkit::{KEY, NOON, Stores, events};
use tokio::task::JoinSet;
use ws_connect::App;

const MINJI: UserId = UserId(1);
const ORIGIN: &str = "https://chat.example";

fn app(stores: &Stores) -> App {
    App {
        mongo: stores.mongo().clone(),
        announcer: stores.announcer(),
        tickets: Tickets::new(KEY, None),
        clock: stores.clock(),
        allowed_origins: vec![ORIGIN.to_owned()],
        max_connections: 20,
    }
}

fn session() -> SessionId {
    SessionId::from_bytes([1; 16])
}

/// A ticket of Minji's that ends some time after `NOON`.
async fn ticket(stores: &Stores, life: Duration) -> String {
    let expires_at = NOON.plus(life);
    let ticket = Tickets::new(KEY, None).issue(boot::random(), expires_at);
    stores.mongo().tickets().insert(ticket.hash().as_str(), MINJI, &session(), expires_at).await.unwrap();
    ticket.reveal()
}

/// A valid ticket of Minji's.
async fn valid(stores: &Stores) -> String {
    ticket(stores, Duration::from_mins(1)).await
}

async fn connect(stores: &Stores, ticket: &str, headers: &Value) -> Answer {
    let event = events::upgrade("phone", &json!({ "ticket": ticket }), headers);
    ws_connect::handle(&app(stores), event).await.unwrap()
}

#[tokio::test]
async fn ticket_opens_a_connection_of_its_owner() {
    let stores = Stores::without_mysql().await;

    let answer = connect(&stores, &valid(&stores).await, &json!({ "Origin": ORIGIN })).await;

    assert_eq!(answer, Answer::status(200));
    assert_eq!(stores.connections(MINJI).await, ["phone"]);
}

#[tokio::test]
async fn ticket_works_once() {
    let stores = Stores::without_mysql().await;
    let ticket = valid(&stores).await;
    connect(&stores, &ticket, &json!({})).await;

    assert_eq!(connect(&stores, &ticket, &json!({})).await, Answer::status(401));
}

#[tokio::test]
async fn bad_and_expired_tickets_open_nothing() {
    let stores = Stores::without_mysql().await;
    let expired = ticket(&stores, Duration::ZERO).await;

    for ticket in [expired.as_str(), "", "x", &"A".repeat(96)] {
        assert_eq!(connect(&stores, ticket, &json!({})).await, Answer::status(401), "{ticket}");
    }
    let without = events::upgrade("phone", &Value::Null, &json!({}));
    assert_eq!(ws_connect::handle(&app(&stores), without).await.unwrap(), Answer::status(401));
    assert_eq!(stores.connections(MINJI).await, [""; 0]);
}

#[tokio::test]
async fn foreign_page_opens_nothing_and_uses_no_ticket() {
    let stores = Stores::without_mysql().await;
    let ticket = valid(&stores).await;

    let refused = connect(&stores, &ticket, &json!({ "Origin": "https://evil.example" })).await;

    assert_eq!(refused, Answer::status(403));
    assert_eq!(connect(&stores, &ticket, &json!({ "Origin": ORIGIN })).await, Answer::status(200));
}

#[tokio::test]
async fn apps_name_the_api_itself_or_nothing_as_their_origin() {
    let stores = Stores::without_mysql().await;

    for (origin, host, status) in [
        (None, "ws.chat.example", 200),
        (Some("https://ws.chat.example"), "ws.chat.example", 200),
        (Some("http://192.168.0.5:8001"), "192.168.0.5:8001", 200),
        (Some("https://evil.example"), "ws.chat.example", 403),
        (Some("https://ws.chat.example.evil.example"), "ws.chat.example", 403),
        (Some("http://192.168.0.5:3000"), "192.168.0.5:8001", 403),
        (Some("null"), "ws.chat.example", 403),
    ] {
        let mut headers = json!({ "Host": host });
        if let Some(origin) = origin {
            headers["Origin"] = json!(origin);
        }
        let answer = connect(&stores, &valid(&stores).await, &headers).await;
        assert_eq!(answer.status_code, status, "{origin:?} at {host}");
    }
}

#[tokio::test]
async fn oldest_connection_is_told_and_closed_for_the_twenty_first() {
    let stores = Stores::without_mysql().await;
    for n in 0..20 {
        stores.connect(MINJI, session(), &format!("old{n}")).await;
    }

    let answer = connect(&stores, &valid(&stores).await, &json!({})).await;

    assert_eq!(answer, Answer::status(200));
    let (connection, frame) = stores.pushes.next();
    assert_eq!((&*connection, &frame["t"]), ("old0", &json!("error")));
    assert_eq!((&frame["d"]["code"], &frame["d"]["fatal"]), (&json!("too_many_connections"), &json!(true)));
    assert_eq!(stores.pushes.all(), [("old0".to_owned(), Value::Null)]);
    let open = stores.connections(MINJI).await;
    assert_eq!((open.len(), open.last().map(String::as_str)), (20, Some("phone")));
}

#[tokio::test]
async fn connections_beyond_a_lower_setting_close_with_the_next_one() {
    let stores = Stores::without_mysql().await;
    for n in 0..4 {
        stores.connect(MINJI, session(), &format!("old{n}")).await;
    }
    let app = App { max_connections: 2, ..app(&stores) };
    let event = events::upgrade("phone", &json!({ "ticket": valid(&stores).await }), &json!({}));

    assert_eq!(ws_connect::handle(&app, event).await.unwrap(), Answer::status(200));

    assert_eq!(stores.connections(MINJI).await, ["old3", "phone"]);
    let pushes = stores.pushes.all();
    let mut closed: Vec<_> =
        pushes.iter().filter(|(_, frame)| frame.is_null()).map(|(name, _)| name.as_str()).collect();
    closed.sort_unstable();
    assert_eq!(closed, ["old0", "old1", "old2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_of_forty_connections_stay_and_the_others_learn_why() {
    let stores = Stores::without_mysql().await;
    let mut connecting = JoinSet::new();
    for n in 0..40 {
        let (app, ticket) = (app(&stores), valid(&stores).await);
        let event = events::upgrade(&format!("c{n:02}"), &json!({ "ticket": ticket }), &json!({}));
        connecting.spawn(async move { ws_connect::handle(&app, event).await.unwrap().status_code });
    }

    let answers = connecting.join_all().await;

    assert_eq!(answers, [200; 40]);
    let open = stores.connections(MINJI).await;
    assert_eq!(open.len(), 20);
    for name in (0..40).map(|n| format!("c{n:02}")) {
        let told = stores.pushes.frames(&name);
        if open.contains(&name) {
            assert!(told.is_empty(), "{name} stays: {told:?}");
        } else {
            let code = &told[0]["d"]["code"];
            assert_eq!((code, &told[1..]), (&json!("too_many_connections"), &[Value::Null][..]), "{name}");
        }
    }
}

#[tokio::test]
async fn connection_is_opened_in_three_steps() {
    let stores = Stores::without_mysql().await;
    let ticket = valid(&stores).await;
    let mut profile = stores.profile().await;

    connect(&stores, &ticket, &json!({})).await;

    assert_eq!(profile.count().await, 3, "the ticket, the connection, the gate");
}

#[tokio::test]
async fn revoked_session_opens_nothing() {
    let stores = Stores::without_mysql().await;
    let ticket = valid(&stores).await;
    stores.mongo().gates().end_sessions(MINJI, &[session()], NOON).await.unwrap();

    assert_eq!(connect(&stores, &ticket, &json!({})).await, Answer::status(401));
    assert_eq!(stores.connections(MINJI).await, [""; 0]);
}

#[tokio::test]
async fn offered_subprotocol_is_chosen() {
    let stores = Stores::without_mysql().await;

    for (offered, chosen) in [("chat.v1", Some("chat.v1")), ("other, chat.v1", Some("chat.v1")), ("other", None)] {
        let headers = json!({ "Sec-WebSocket-Protocol": offered });
        let answer = connect(&stores, &valid(&stores).await, &headers).await;
        let header = answer.headers.get("Sec-WebSocket-Protocol").copied();
        assert_eq!((answer.status_code, header), (200, chosen), "{offered}");
    }
}

#[tokio::test]
async fn unavailable_store_answers_503() {
    let stores = Stores::without_mysql().await;
    let mongo = Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();
    let event = events::upgrade("phone", &json!({ "ticket": valid(&stores).await }), &json!({}));

    let answer = ws_connect::handle(&App { mongo, ..app(&stores) }, event).await.unwrap();

    assert_eq!(answer, Answer::status(503));
}

#[tokio::test]
async fn forged_and_expired_tickets_ask_no_store() {
    let stores = Stores::without_mysql().await;
    let forged = Tickets::new("fedcba9876543210fedcba9876543210", None);
    let forged = forged.issue(boot::random(), NOON.plus(Duration::from_mins(1))).reveal();
    let expired = ticket(&stores, Duration::ZERO).await;
    let mongo = Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();
    let app = App { mongo, ..app(&stores) };

    for ticket in [forged, expired, "A".repeat(96)] {
        let event = events::upgrade("phone", &json!({ "ticket": ticket }), &json!({}));
        assert_eq!(ws_connect::handle(&app, event).await.unwrap(), Answer::status(401), "{ticket}");
    }
}

#[tokio::test]
async fn ticket_of_either_key_opens_a_connection() {
    let stores = Stores::without_mysql().await;
    let ticket = valid(&stores).await;
    let tickets = Tickets::new("fedcba9876543210fedcba9876543210", Some(KEY));
    let event = events::upgrade("phone", &json!({ "ticket": ticket }), &json!({}));

    let answer = ws_connect::handle(&App { tickets, ..app(&stores) }, event).await.unwrap();

    assert_eq!(answer, Answer::status(200));
}
