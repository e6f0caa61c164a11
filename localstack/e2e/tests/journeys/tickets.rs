//! Who may open a WebSocket.

use credentials::Ticket;
use domain::{SessionId, Timestamp, UserId};
use e2e::{House, Person, Socket, journey};
use mongo::Mongo;
use serde_json::json;
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// The refusal of an upgrade with this ticket and these headers; `None` if it was let in.
async fn refusal(house: &House, ticket: &str, headers: &[(&'static str, &str)]) -> Option<u16> {
    let mut request = Socket::request(house.socket_url(), ticket);
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap_or_else(|_| unreachable!("a header")));
    }
    Socket::upgrade(request).await.err()
}

#[test]
fn a_ticket_opens_one_connection() {
    journey(async |house| {
        let (url, ticket) = house.register("minji").await.ticket().await;
        assert_eq!(url, house.socket_url());

        assert_eq!(refusal(house, &ticket, &[]).await, None);
        assert_eq!(refusal(house, &ticket, &[]).await, Some(401));
    });
}

#[test]
fn of_eight_upgrades_with_one_ticket_one_is_let_in() {
    journey(async |house| {
        let (_, ticket) = house.register("minji").await.ticket().await;

        let refusals = futures_util::future::join_all((0..8).map(|_| refusal(house, &ticket, &[]))).await;

        assert_eq!(refusals.iter().filter(|refusal| refusal.is_none()).count(), 1, "{refusals:?}");
    });
}

#[test]
fn a_forged_ticket_is_refused() {
    journey(async |house| {
        let minji = house.register("minji").await;
        let forged = Ticket::issue(boot::random()).reveal();
        let (_, ticket) = minji.ticket().await;
        let longer = format!("{ticket}A");
        for ticket in ["", "garbage", &forged, &longer, &ticket[1..], &minji.token, "%00", "' || true"] {
            let ticket: String = url::form_urlencoded::byte_serialize(ticket.as_bytes()).collect();
            assert_eq!(refusal(house, &ticket, &[]).await, Some(401), "{ticket}");
        }
        let without = house.socket_url().into_client_request().unwrap();
        assert_eq!(Socket::upgrade(without).await.err(), Some(401));
    });
}

#[test]
fn a_late_ticket_is_refused() {
    journey(async |house| {
        let minji = house.register("minji").await;
        let now = boot::clock().now().millis();

        let (late, fresh) = (Timestamp::from_millis(now - 1), Timestamp::from_millis(now).plus(Duration::from_mins(1)));

        assert_eq!(refusal(house, &ticket(house, &minji, fresh).await, &[]).await, None);
        assert_eq!(refusal(house, &ticket(house, &minji, late).await, &[]).await, Some(401));
    });
}

/// A ticket that ends when we say.
async fn ticket(house: &House, person: &Person, expires_at: Timestamp) -> String {
    let (ticket, user) = (Ticket::issue(boot::random()), UserId(i32::try_from(person.id).unwrap_or_default()));
    let session = SessionId("0".repeat(32));
    let mongo = Mongo::connect(house.mongo_url()).await;
    let stored = async { mongo?.insert_ticket(ticket.hash().as_str(), user, &session, expires_at).await }.await;
    assert!(stored.is_ok(), "{stored:?}");
    ticket.reveal()
}

#[test]
fn only_pages_of_an_allowed_origin_connect_and_clients_without_one() {
    journey(async |house| {
        let minji = house.register("minji").await;
        for origin in
            ["https://evil.example", "null", "http://localhost:3000.evil.example", "http://localhost:3001", ""]
        {
            let (_, ticket) = minji.ticket().await;
            assert_eq!(refusal(house, &ticket, &[("origin", origin)]).await, Some(403), "{origin}");
            // What was refused for its origin has cost no ticket.
            assert_eq!(refusal(house, &ticket, &[("origin", "http://localhost:3000")]).await, None);
        }
        let (_, ticket) = minji.ticket().await;
        assert_eq!(refusal(house, &ticket, &[]).await, None);
    });
}

#[test]
fn the_subprotocol_is_chosen_where_it_is_offered() {
    journey(async |house| {
        let minji = house.register("minji").await;
        for offered in ["chat.v1", "chat.v2, chat.v1"] {
            let (url, ticket) = minji.ticket().await;
            let mut request = Socket::request(&url, &ticket);
            request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());

            let (mut socket, response) = Socket::upgrade(request).await.unwrap();

            let answered = response.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
            assert_eq!(answered, Some("chat.v1"), "{offered}");
            assert_eq!(socket.ask("ping", json!({})).await["t"], "pong");
        }
    });
}

#[test]
fn an_access_token_opens_no_connection() {
    journey(async |house| {
        let minji = house.register("minji").await;
        let bearer = format!("Bearer {}", minji.token);

        assert_eq!(refusal(house, "", &[("authorization", &bearer)]).await, Some(401));
    });
}
