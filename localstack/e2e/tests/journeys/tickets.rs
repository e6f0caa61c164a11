//! Who may open a WebSocket.

use credentials::Tickets;
use domain::{SessionId, Timestamp, UserId};
use e2e::{Person, Socket, TestStack, journey, with_ticket};
use mongo::Mongo;
use serde_json::json;
use std::time::Duration;

/// The refusal of an upgrade with this ticket and these headers; `None` if it succeeded.
async fn refusal(stack: &TestStack, ticket: &str, headers: &[(&'static str, &str)]) -> Option<u16> {
    Socket::upgrade(&with_ticket(stack.socket_url(), ticket), headers).await.err()
}

#[test]
fn a_ticket_opens_one_connection() {
    journey(async |stack| {
        let (url, ticket) = stack.register("minji").await.ticket().await;
        assert_eq!(url, stack.socket_url());

        assert_eq!(refusal(stack, &ticket, &[]).await, None);
        assert_eq!(refusal(stack, &ticket, &[]).await, Some(401));
    });
}

#[test]
fn one_of_eight_concurrent_upgrades_with_a_ticket_succeeds() {
    journey(async |stack| {
        let (_, ticket) = stack.register("minji").await.ticket().await;

        let refusals = futures_util::future::join_all((0..8).map(|_| refusal(stack, &ticket, &[]))).await;

        assert_eq!(refusals.iter().filter(|refusal| refusal.is_none()).count(), 1, "{refusals:?}");
    });
}

#[test]
fn a_forged_ticket_is_refused() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let forged = Tickets::new("another key, which has more than 32 bytes", None);
        let forged = forged.issue(boot::random(), boot::clock().now().plus(Duration::from_mins(1))).reveal();
        let (_, ticket) = minji.ticket().await;
        let longer = format!("{ticket}A");
        for ticket in ["", "garbage", &forged, &longer, &ticket[1..], &minji.token, "%00", "' || true"] {
            let ticket: String = url::form_urlencoded::byte_serialize(ticket.as_bytes()).collect();
            assert_eq!(refusal(stack, &ticket, &[]).await, Some(401), "{ticket}");
        }
        assert_eq!(Socket::upgrade(stack.socket_url(), &[]).await.err(), Some(401));
    });
}

#[test]
fn a_late_ticket_is_refused() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let now = boot::clock().now().millis();

        let (late, fresh) = (Timestamp::from_millis(now - 1), Timestamp::from_millis(now).plus(Duration::from_mins(1)));

        assert_eq!(refusal(stack, &ticket(stack, &minji, fresh).await, &[]).await, None);
        assert_eq!(refusal(stack, &ticket(stack, &minji, late).await, &[]).await, Some(401));
    });
}

/// A ticket with this expiry.
async fn ticket(stack: &TestStack, person: &Person, expires_at: Timestamp) -> String {
    let ticket = Tickets::new(stack.secret_key(), None).issue(boot::random(), expires_at);
    let user = UserId(i32::try_from(person.id).unwrap_or_default());
    let session = SessionId("0".repeat(32));
    let mongo = Mongo::connect(stack.mongo_url()).await;
    let stored = async { mongo?.tickets().insert(ticket.hash().as_str(), user, &session, expires_at).await }.await;
    assert!(stored.is_ok(), "{stored:?}");
    ticket.reveal()
}

#[test]
fn only_allowed_origins_or_none_may_connect() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        for origin in
            ["https://evil.example", "null", "http://localhost:3000.evil.example", "http://localhost:3001", ""]
        {
            let (_, ticket) = minji.ticket().await;
            assert_eq!(refusal(stack, &ticket, &[("origin", origin)]).await, Some(403), "{origin}");
            // A refusal for the origin does not use the ticket up.
            assert_eq!(refusal(stack, &ticket, &[("origin", "http://localhost:3000")]).await, None);
        }
        let (_, ticket) = minji.ticket().await;
        assert_eq!(refusal(stack, &ticket, &[]).await, None);
    });
}

#[test]
fn the_subprotocol_is_chosen_where_it_is_offered() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        for offered in ["chat.v1", "chat.v2, chat.v1"] {
            let (url, ticket) = minji.ticket().await;
            let headers = [("sec-websocket-protocol", offered)];

            let socket = Socket::upgrade(&with_ticket(&url, &ticket), &headers).await.unwrap();

            assert_eq!(socket.protocol(), Some("chat.v1"), "{offered}");
            assert_eq!(socket.ask("ping", json!({})).await["t"], "pong");
        }
    });
}

#[test]
fn an_access_token_opens_no_connection() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let bearer = format!("Bearer {}", minji.token);

        assert_eq!(refusal(stack, "", &[("authorization", &bearer)]).await, Some(401));
    });
}
