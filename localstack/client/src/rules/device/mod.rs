mod due;
mod heard;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    activity::Activity,
    cursor::Cursor,
    liveness::Liveness,
    presence::Presences,
    receipts::{Receipt, Receipts},
    reconnect::Reconnect,
    typing::{Composer, Typists},
};

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
