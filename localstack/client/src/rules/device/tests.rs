use std::time::Duration;

use serde_json::{Value, json};

use super::{Device, Order};
use crate::rules::cursor::Cursor;

const ROOM: &str = "private:4";

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A device that was greeted at 0 s, in the foreground, at cursor 4 of its room with person 3.
fn device() -> Device {
    let mut device = Device::new(7, at(1_000), 1);
    device.enter(ROOM, 4);
    device.focus(at(0));
    assert_eq!(device.opened()["cursors"], json!({ ROOM: 4 }));
    device.frame(&ready(true), at(0));
    assert_eq!(device.due(at(0)), []);
    device
}

fn ready(typing: bool) -> Value {
    let d = json!({ "reconnect_at": 7_600, "ping_s": 540, "typing": typing, "gaps": [], "gone": [], "user_rev": 0 });
    json!({ "t": "ready", "re": "1", "d": d })
}

fn created(seq: u64, rev: u64) -> Value {
    json!({ "t": "message.created", "room": ROOM, "rev": rev, "d": { "seq": seq, "user_id": 3 } })
}

fn send(action: &'static str, d: Value) -> Order {
    Order::Send { action, d, asks: false }
}

#[test]
fn a_gap_is_synced_after_a_moment() {
    let mut device = device();
    device.frame(&created(9, 6), at(10));
    assert_eq!(device.due(at(10)), []);
    assert_eq!(device.due(at(10) + Duration::from_millis(299)), []);
    let sync = Order::Sync { room: ROOM.to_owned(), after_rev: 4 };
    assert!(device.due(at(11)).contains(&sync));
    device.synced(ROOM, 6, 6);
    assert_eq!(device.cursor(ROOM).map(Cursor::at), Some(6));
    assert!(!device.due(at(20)).contains(&sync));
}

#[test]
fn a_gap_that_closes_is_not_synced() {
    let mut device = device();
    device.frame(&created(9, 6), at(10));
    device.due(at(10));
    device.frame(&created(8, 5), at(10));
    assert!(!device.due(at(11)).iter().any(|order| matches!(order, Order::Sync { .. })));
}

#[test]
fn rooms_that_a_pong_names_are_synced_or_forgotten() {
    let mut device = device();
    device.enter("group:7", 2);
    device.frame(&json!({ "t": "pong", "d": { "gaps": [ROOM], "gone": ["group:7"], "user_rev": 3 } }), at(10));
    assert_eq!(device.due(at(10)), [Order::LoadPerson]);
    assert_eq!(device.due(at(11)), [Order::Sync { room: ROOM.to_owned(), after_rev: 4 }]);
    assert_eq!(device.cursor("group:7"), None);
}

#[test]
fn an_answer_within_two_seconds_carries_the_read_cursor() {
    let mut device = device();
    device.open(ROOM, Some(3), at(10));
    device.frame(&created(8, 5), at(10));
    device.message(ROOM, "a", "hello", at(11));
    let d = json!({ "room": ROOM, "client_id": "a", "content": "hello", "read_seq": 8 });
    assert_eq!(device.due(at(11)), [Order::Send { action: "send", d, asks: true }]);
    assert_eq!(device.due(at(20)), []);
}

#[test]
fn a_visible_message_is_read_and_another_one_delivered() {
    let mut device = device();
    device.frame(&created(8, 5), at(10));
    device.due(at(10));
    assert_eq!(device.due(at(12)), [send("delivered", json!({ "room": ROOM, "seq": 8 }))]);
    device.open(ROOM, Some(3), at(20));
    assert_eq!(device.due(at(22)), [send("read", json!({ "room": ROOM, "seq": 8 }))]);
}

#[test]
fn a_blur_is_told_with_what_was_read() {
    let mut device = device();
    device.open(ROOM, Some(3), at(10));
    device.frame(&created(8, 5), at(10));
    device.blur(at(10));
    let orders = device.due(at(10));
    assert_eq!(orders[0], send("read", json!({ "room": ROOM, "seq": 8 })));
    assert_eq!(orders[1], send("state", json!({ "active": false, "room": null })));
}

#[test]
fn a_reader_is_told_to_be_there_again() {
    let mut device = device();
    device.open(ROOM, Some(3), at(10));
    device.frame(&created(8, 5), at(60));
    device.used(at(100));
    assert_eq!(device.due(at(100)), [send("read", json!({ "room": ROOM, "seq": 8 }))]);
    assert_eq!(device.due(at(120)), [send("state", json!({ "active": true, "room": null }))]);
}

#[test]
fn late_return_loads_receipts_and_presence() {
    let mut device = device();
    device.open("group:7", None, at(1));
    device.due(at(5));
    device.blur(at(10));
    device.due(at(10));
    device.focus(at(100));
    let d = json!({ "active": true, "room": "group:7" });
    let load = Order::LoadReceipts { room: "group:7".to_owned() };
    assert_eq!(device.due(at(100)), [load, Order::Send { action: "state", d, asks: true }]);
    let online = json!({ "online": [3], "more": false });
    device.frame(&json!({ "t": "ack", "re": "2", "d": { "presence": online } }), at(100));
    assert_eq!(device.presences().is_online(3), Some(true));
}

#[test]
fn typing_is_told_to_a_peer_who_may_be_there() {
    for (online, told) in [(true, true), (false, false)] {
        let mut device = device();
        let people = json!([{ "user_id": 3, "online": online, "last_seen_at": null, "rev": 1 }]);
        device.frame(&json!({ "t": "presence.changed", "d": { "people": people } }), at(1));
        device.open(ROOM, Some(3), at(10));
        device.typed(at(10));
        let orders = device.due(at(11));
        assert_eq!(orders.contains(&send("typing", json!({ "room": ROOM, "on": true }))), told);
    }
}

#[test]
fn typing_is_not_told_where_it_is_switched_off() {
    let mut device = device();
    device.frame(&ready(false), at(1));
    device.open(ROOM, Some(3), at(10));
    device.typed(at(10));
    assert_eq!(device.due(at(11)), []);
}

#[test]
fn a_silent_device_pings_with_its_cursors() {
    let mut device = device();
    let pings: Vec<Order> = (1..=540).flat_map(|second| device.due(at(second))).collect();
    assert_eq!(pings, [send("ping", json!({ "cursors": { ROOM: 4 }, "user_rev": 0 }))]);
}

#[test]
fn a_connection_that_answers_nothing_is_replaced() {
    let mut device = device();
    device.message(ROOM, "a", "hello", at(1));
    device.due(at(1));
    assert!(matches!(&device.due(at(11))[..], [Order::Send { action: "ping", asks: true, .. }]));
    assert_eq!(device.due(at(16)), [Order::Connect]);
}

#[test]
fn a_connection_is_replaced_when_the_server_asks() {
    let mut device = device();
    let orders = device.due(at(6_600));
    assert!(orders.contains(&Order::Connect), "{orders:?}");
}

#[test]
fn a_device_that_was_put_out_stays_away() {
    let mut device = device();
    device.frame(&json!({ "t": "error", "d": { "code": "too_many_connections", "fatal": true } }), at(10));
    device.lost(at(10));
    assert_eq!(device.due(at(99)), []);
    device.connect(at(100));
    assert_eq!(device.due(at(100)), [Order::Connect]);
}

#[test]
fn an_app_in_the_background_has_no_connection() {
    let mut device = device();
    device.background(at(10));
    device.lost(at(10));
    assert!(!device.due(at(99)).contains(&Order::Connect));
}
