//! What a device makes of what it hears.

use std::time::Duration;

use serde_json::Value;

use super::{Device, Order};
use crate::rules::{cursor::Cursor, liveness::Liveness};

impl Device {
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
}

fn names(rooms: &Value) -> impl Iterator<Item = &str> {
    rooms.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The name of a message's room.
fn named(message: &Value) -> String {
    format!("{}:{}", message["room_type"].as_str().unwrap_or_default(), message["room_id"])
}
