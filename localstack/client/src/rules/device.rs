use std::{collections::BTreeMap, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    activity::{Activity, State},
    cursor::Cursor,
    liveness::{Liveness, Pulse},
    presence::Presences,
    receipts::{Receipt, Receipts},
    reconnect::Reconnect,
    typing::{Composer, Typists},
};

/// How long a client waits for a missing change before it asks for a `sync`, in milliseconds.
const GAP_MS: std::ops::Range<u64> = 300..600;
/// How many cursors a ping carries, those of the rooms with the newest activity.
const CURSORS: usize = 50;

/// What a device is to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Send a frame, with an `id` if its answer is wanted.
    Send {
        /// The action.
        action: &'static str,
        /// The body.
        d: Value,
        /// Whether it is to carry an `id`.
        asks: bool,
    },
    /// Ask for what a room has above a revision, again while the answer's cursor is below its head.
    Sync {
        /// The room.
        room: String,
        /// The revision.
        after_rev: u64,
    },
    /// Load who has read what in an open room.
    LoadReceipts {
        /// The room.
        room: String,
    },
    /// Load friends, requests, groups and sessions: the person's version is ahead.
    LoadPerson,
    /// Open a connection with a new ticket, and close the old one.
    Connect,
}

/// One device of one person by all the rules of a client. It says what to send, and is told what arrives.
#[derive(Debug)]
pub struct Device {
    me: i64,
    rng: StdRng,
    /// Unix time at time zero.
    epoch: Duration,
    activity: Activity,
    receipts: Receipts,
    typists: Typists,
    presences: Presences,
    reconnect: Reconnect,
    liveness: Option<Liveness>,
    cursors: BTreeMap<String, Cursor>,
    /// When each room that is behind is synced.
    gaps: BTreeMap<String, Duration>,
    /// The rooms by their newest change, the newest last.
    recent: Vec<String>,
    open: Option<(String, Option<i64>)>,
    composer: Composer,
    tells_typing: bool,
    was_connected: bool,
    user_rev: i64,
    orders: Vec<Order>,
}

impl Device {
    /// A device of a person; `epoch` is the Unix time at time zero, and `seed` decides its jitter.
    pub fn new(me: i64, epoch: Duration, seed: u64) -> Self {
        Self {
            me,
            rng: StdRng::seed_from_u64(seed),
            epoch,
            activity: Activity::default(),
            receipts: Receipts::default(),
            typists: Typists::default(),
            presences: Presences::default(),
            reconnect: Reconnect::default(),
            liveness: None,
            cursors: BTreeMap::new(),
            gaps: BTreeMap::new(),
            recent: Vec::new(),
            open: None,
            composer: Composer::default(),
            tells_typing: true,
            was_connected: false,
            user_rev: 0,
            orders: Vec::new(),
        }
    }

    /// Which friends are online.
    pub fn presences(&self) -> &Presences {
        &self.presences
    }

    /// Who types in a room.
    pub fn typists(&self, room: &str, now: Duration) -> Vec<i64> {
        self.typists.people(room, now)
    }

    /// How far the device has every change of a room.
    pub fn cursor(&self, room: &str) -> Option<&Cursor> {
        self.cursors.get(room)
    }

    /// Knows a room from here on, by the cursor of a page.
    pub fn enter(&mut self, room: &str, cursor: u64) {
        self.cursors.insert(room.to_owned(), Cursor::enter(cursor));
        self.touch(room);
    }

    /// A connection was opened: the body of its `hello`.
    pub fn opened(&mut self) -> Value {
        self.presences.asked();
        let cursors: BTreeMap<&str, u64> = self.cursors.iter().map(|(room, cursor)| (&**room, cursor.at())).collect();
        json!({ "v": 1, "lang": "en", "cursors": cursors, "active": self.activity.is_active() })
    }

    /// The connection was lost, or could not be opened.
    pub fn lost(&mut self, now: Duration) {
        self.liveness = None;
        self.reconnect.lost(now, &mut self.rng);
    }

    /// The network changed, or the device woke up.
    pub fn doubt(&mut self) {
        if let Some(liveness) = &mut self.liveness {
            liveness.doubt();
        }
    }

    /// The person asks for a connection.
    pub fn connect(&mut self, now: Duration) {
        self.reconnect.asked(now);
    }

    /// A native app goes to the background, where it keeps no connection.
    pub fn background(&mut self, now: Duration) {
        self.blur(now);
        self.reconnect.background();
    }

    /// The device has the person's attention.
    pub fn focus(&mut self, now: Duration) {
        self.activity.focus(now);
        if let Some((room, _)) = &self.open {
            self.receipts.show(room, now);
        }
    }

    /// It lost the attention.
    pub fn blur(&mut self, now: Duration) {
        self.activity.blur(now);
        self.hide(now);
    }

    /// A key, a touch, a scroll.
    pub fn used(&mut self, now: Duration) {
        self.activity.used(now);
    }

    /// A room comes on the screen, with the other person if it is a room of two.
    pub fn open(&mut self, room: &str, peer: Option<i64>, now: Duration) {
        self.hide(now);
        self.open = Some((room.to_owned(), peer));
        self.composer = Composer::default();
        self.activity.open(room, now);
        if self.activity.is_active() {
            self.receipts.show(room, now);
        }
    }

    /// No room is on the screen.
    pub fn close(&mut self, now: Duration) {
        self.emptied();
        self.hide(now);
        self.open = None;
        self.activity.close();
    }

    /// A key was pressed in the open room.
    pub fn typed(&mut self, now: Duration) {
        self.activity.used(now);
        self.composer.typed(now);
    }

    /// The text was emptied.
    pub fn emptied(&mut self) {
        if let Some((room, _)) = self.open.clone().filter(|_| self.composer.emptied()) {
            self.send("typing", json!({ "room": room, "on": false }));
        }
    }

    /// Sends a message; what was read meanwhile goes with it.
    pub fn message(&mut self, room: &str, client_id: &str, content: &str, now: Duration) {
        let mut d = json!({ "room": room, "client_id": client_id, "content": content });
        if let Some(seq) = self.receipts.read_with_send(room, now) {
            d["read_seq"] = json!(seq);
        }
        self.composer.sent();
        self.orders.push(Order::Send { action: "send", d, asks: true });
    }

    /// Takes a frame; a packed one is unpacked before.
    pub fn frame(&mut self, frame: &Value, now: Duration) {
        let (t, d) = (frame["t"].as_str().unwrap_or_default(), &frame["d"]);
        let room = frame["room"].as_str().unwrap_or_default();
        if let Some(liveness) = self.liveness.as_mut().filter(|_| frame["re"].is_string()) {
            liveness.answered();
        }
        match t {
            "ready" => self.greeted(d, now),
            "pong" => {
                if let Some(liveness) = &mut self.liveness {
                    liveness.proved();
                }
                self.stand(d);
            }
            "gaps" => self.stand(d),
            "ack" => {
                if d["presence"].is_object() {
                    self.presences.take_list(&d["presence"]);
                }
                if let Some(rev) = d["rev"].as_u64() {
                    self.change(&named(&d["message"]), rev);
                }
            }
            "message.created" | "message.updated" | "message.deleted" | "reaction.changed" => {
                if let Some(rev) = frame["rev"].as_u64() {
                    self.change(room, rev);
                }
                if let (true, Some(author)) = (t == "message.created", d["user_id"].as_i64()) {
                    self.typists.message(room, author, now);
                    if let Some(seq) = d["seq"].as_u64().filter(|_| author != self.me) {
                        self.receipts.arrived(room, seq, now);
                    }
                }
            }
            "receipt.read" if d["user_id"] == self.me => {
                self.receipts.has_read(room, d["read_seq"].as_u64().unwrap_or_default());
            }
            "typing" => {
                if let (Some(person), Some(on)) = (d["user_id"].as_i64(), d["on"].as_bool()) {
                    self.typists.heard(room, person, on, now);
                }
            }
            "presence.changed" => self.presences.take_change(d),
            "friend.removed" => {
                self.presences.remove(d["user"]["id"].as_i64().unwrap_or_default());
                self.hear_person(d);
            }
            "room.removed" => {
                self.forget(room);
                self.hear_person(d);
            }
            "session.revoked" => self.reconnect.fatal("session_revoked"),
            "error" if d["fatal"] == true => self.reconnect.fatal(d["code"].as_str().unwrap_or_default()),
            _ => self.hear_person(d),
        }
    }

    /// Takes a page of a `sync`.
    pub fn synced(&mut self, room: &str, cursor: u64, head: u64) {
        if let Some(own) = self.cursors.get_mut(room) {
            own.take_sync(cursor, head);
        }
        self.mind_gap(room);
    }

    /// What is due.
    pub fn due(&mut self, now: Duration) -> Vec<Order> {
        if self.reconnect.due(now) {
            self.orders.push(Order::Connect);
        }
        if self.liveness.is_some() {
            self.signals(now);
        }
        // A gap waits from the first look at it.
        let rng = &mut self.rng;
        let mut due = Vec::new();
        for (room, at) in &mut self.gaps {
            if at.is_zero() {
                *at = now + Duration::from_millis(rng.random_range(GAP_MS));
            } else if now >= *at {
                *at = Duration::ZERO;
                due.push(room.clone());
            }
        }
        for room in due {
            let after_rev = self.cursors.get(&room).map_or(0, Cursor::at);
            self.orders.push(Order::Sync { room, after_rev });
        }
        let orders = std::mem::take(&mut self.orders);
        for order in &orders {
            if let Order::Send { action, asks, .. } = order {
                self.note_sent(action, *asks, now);
            }
        }
        orders
    }

    fn signals(&mut self, now: Duration) {
        if let Some(State { active, room, asks }) = self.activity.due(now) {
            if asks {
                self.presences.asked();
                let open = self.open.iter().map(|(room, _)| Order::LoadReceipts { room: room.clone() });
                self.orders.extend(open);
            }
            self.orders.push(Order::Send { action: "state", d: json!({ "active": active, "room": room }), asks });
        }
        for receipt in self.receipts.due(now) {
            self.tell(receipt);
        }
        if let Some((room, peer)) = self.open.clone() {
            let is_alone = peer.is_some_and(|peer| self.presences.is_online(peer) == Some(false));
            if self.composer.due(now, self.tells_typing && !is_alone) {
                self.send("typing", json!({ "room": room, "on": true }));
            }
        }
        let pulse = self.liveness.as_mut().and_then(|liveness| liveness.due(now));
        match pulse {
            Some(Pulse::Ping) => self.ping(false),
            Some(Pulse::Probe) => self.ping(true),
            Some(Pulse::Reconnect) => {
                self.liveness = None;
                self.orders.push(Order::Connect);
            }
            None => {}
        }
    }

    fn ping(&mut self, asks: bool) {
        let newest = self.recent.iter().rev().take(CURSORS);
        let cursors: BTreeMap<&str, u64> =
            newest.filter_map(|room| Some((&**room, self.cursors.get(room)?.at()))).collect();
        let d = json!({ "cursors": cursors, "user_rev": self.user_rev });
        self.orders.push(Order::Send { action: "ping", d, asks });
    }

    fn note_sent(&mut self, action: &str, asks: bool, now: Duration) {
        if let Some(liveness) = &mut self.liveness {
            liveness.sent(now, asks && action != "ping");
        }
        if matches!(action, "send" | "edit" | "react" | "read" | "typing") {
            self.activity.acted(now);
        }
    }

    fn greeted(&mut self, ready: &Value, now: Duration) {
        let reconnect_at = Duration::from_secs(ready["reconnect_at"].as_u64().unwrap_or_default());
        self.reconnect.greeted(now, reconnect_at.saturating_sub(self.epoch + now));
        let ping_s = ready["ping_s"].as_u64().unwrap_or(540);
        self.liveness = Some(Liveness::new(ping_s, now, &mut self.rng));
        self.activity.connected(now);
        self.tells_typing = ready["typing"] != false;
        if ready["presence"].is_object() {
            self.presences.take_list(&ready["presence"]);
        }
        if std::mem::replace(&mut self.was_connected, true) {
            self.receipts.reconnected(now);
        }
        self.stand(ready);
    }

    /// Takes which rooms are ahead of their cursors, and which are the person's no more.
    fn stand(&mut self, d: &Value) {
        for room in names(&d["gaps"]).chain(names(&d["rooms"])) {
            if let Some(cursor) = self.cursors.get_mut(room) {
                cursor.hear(cursor.at() + 1);
            }
            self.mind_gap(room);
        }
        for room in names(&d["gone"]) {
            self.forget(room);
        }
        self.hear_person(d);
    }

    fn hear_person(&mut self, d: &Value) {
        if let Some(rev) = d["user_rev"].as_i64().filter(|rev| *rev > self.user_rev) {
            self.user_rev = rev;
            self.orders.push(Order::LoadPerson);
        }
    }

    fn change(&mut self, room: &str, rev: u64) {
        if let Some(cursor) = self.cursors.get_mut(room) {
            cursor.take(rev);
            self.touch(room);
            self.mind_gap(room);
        }
    }

    fn mind_gap(&mut self, room: &str) {
        if self.cursors.get(room).is_some_and(Cursor::is_behind) {
            self.gaps.entry(room.to_owned()).or_default();
        } else {
            self.gaps.remove(room);
        }
    }

    fn touch(&mut self, room: &str) {
        self.recent.retain(|other| other != room);
        self.recent.push(room.to_owned());
    }

    fn forget(&mut self, room: &str) {
        self.cursors.remove(room);
        self.gaps.remove(room);
        self.recent.retain(|other| other != room);
    }

    fn hide(&mut self, now: Duration) {
        if let Some(receipt) = self.receipts.hide(now) {
            self.tell(receipt);
        }
    }

    fn tell(&mut self, receipt: Receipt) {
        match receipt {
            Receipt::Read { room, seq } => self.send("read", json!({ "room": room, "seq": seq })),
            Receipt::Delivered { room, seq } => self.send("delivered", json!({ "room": room, "seq": seq })),
        }
    }

    /// Sends a frame whose answer nobody needs.
    fn send(&mut self, action: &'static str, d: Value) {
        self.orders.push(Order::Send { action, d, asks: false });
    }
}

fn names(rooms: &Value) -> impl Iterator<Item = &str> {
    rooms.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The name of a message's room.
fn named(message: &Value) -> String {
    format!("{}:{}", message["room_type"].as_str().unwrap_or_default(), message["room_id"])
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let d =
            json!({ "reconnect_at": 7_600, "ping_s": 540, "typing": typing, "gaps": [], "gone": [], "user_rev": 0 });
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
    fn who_comes_back_late_loads_receipts_and_presence() {
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
}
