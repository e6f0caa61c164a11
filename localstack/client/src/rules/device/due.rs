//! What a device has to do by itself.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use rand::RngExt as _;
use serde_json::json;

use super::{Device, Order};
use crate::rules::{activity::State, cursor::Cursor, liveness::Pulse};

/// How long a client waits for a missing change before it asks for a `sync`, in milliseconds.
const GAP_MS: Range<u64> = 300..600;
/// How many cursors a ping carries, those of the rooms with the newest activity.
const CURSORS: usize = 50;

impl Device {
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
        // Not `read`, which revives nobody whose `state` was lost.
        if matches!(action, "send" | "edit" | "react" | "typing") {
            self.activity.acted(now);
        }
    }
}
