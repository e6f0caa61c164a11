use std::{collections::BTreeMap, time::Duration};

/// How long a receipt waits for a newer one.
const WAIT: Duration = Duration::from_secs(2);

/// A cursor to move on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The person has read up to here.
    Read {
        /// The room.
        room: String,
        /// The newest message that was visible.
        seq: u64,
    },
    /// Their device has everything up to here.
    Delivered {
        /// The room, which is of two people.
        room: String,
        /// The newest message that arrived.
        seq: u64,
    },
}

#[derive(Clone, Debug, Default)]
struct Room {
    newest: u64,
    arrived_at: Duration,
    delivered: u64,
    shown: u64,
    shown_at: Duration,
    read: u64,
    read_at: Option<Duration>,
}

/// What was read and delivered, and what the server was told of it.
///
/// - `read` for the visible, focused room: 2 s after the newest message became visible, at once on leaving or blur; at most one per
///   room and 2 s. Whoever answers within the 2 s puts `read_seq` into `send` instead.
/// - `delivered` in rooms of two only, 2 s after the arrival if no `read` will follow; after a reconnect one per room.
#[derive(Clone, Debug, Default)]
pub struct Receipts {
    rooms: BTreeMap<String, Room>,
    visible: Option<String>,
}

impl Receipts {
    /// A room becomes visible and focused, with everything that arrived.
    pub fn show(&mut self, name: &str, now: Duration) {
        self.visible = Some(name.to_owned());
        let room = self.rooms.entry(name.to_owned()).or_default();
        room.see(room.newest, now);
    }

    /// The visible room is left or loses the focus: what it shows is read, at once unless another `read` just went out.
    pub fn hide(&mut self, now: Duration) -> Option<Receipt> {
        let name = self.visible.take()?;
        let room = self.rooms.get_mut(&name)?;
        room.is_free(now).then(|| room.read(now))?.map(|seq| Receipt::Read { room: name, seq })
    }

    /// A message of somebody else arrived.
    pub fn arrived(&mut self, name: &str, seq: u64, now: Duration) {
        let room = self.rooms.entry(name.to_owned()).or_default();
        if seq <= room.newest {
            return;
        }
        (room.newest, room.arrived_at) = (seq, now);
        if self.visible.as_deref() == Some(name) {
            room.see(seq, now);
        }
    }

    /// The server says how far the person has read, on this device or another.
    pub fn has_read(&mut self, name: &str, seq: u64) {
        let room = self.rooms.entry(name.to_owned()).or_default();
        room.read = room.read.max(seq);
    }

    /// The `read_seq` of a `send` to a room, which replaces a `read` that waits.
    pub fn read_with_send(&mut self, name: &str, now: Duration) -> Option<u64> {
        self.rooms.get_mut(name)?.read(now)
    }

    /// A new connection: what the old one was told of arrivals may be lost.
    pub fn reconnected(&mut self, now: Duration) {
        for room in self.rooms.values_mut() {
            (room.delivered, room.arrived_at) = (0, now);
        }
    }

    /// The receipts that are due.
    pub fn due(&mut self, now: Duration) -> Vec<Receipt> {
        let visible = self.visible.as_deref();
        let of = |(name, room): (&String, &mut Room)| {
            if now >= room.shown_at + WAIT
                && room.is_free(now)
                && let Some(seq) = room.read(now)
            {
                return Some(Receipt::Read { room: name.clone(), seq });
            }
            let told = room.delivered.max(room.read).max(room.shown);
            let is_due = name.starts_with("private:") && visible != Some(name) && now >= room.arrived_at + WAIT;
            (is_due && room.newest > told).then(|| {
                room.delivered = room.newest;
                Receipt::Delivered { room: name.clone(), seq: room.newest }
            })
        };
        self.rooms.iter_mut().filter_map(of).collect()
    }
}

impl Room {
    fn see(&mut self, seq: u64, now: Duration) {
        (self.shown, self.shown_at) = (seq.max(self.shown), now);
    }

    fn is_free(&self, now: Duration) -> bool {
        self.read_at.is_none_or(|at| now >= at + WAIT)
    }

    fn read(&mut self, now: Duration) -> Option<u64> {
        (self.shown > self.read).then(|| {
            (self.read, self.read_at) = (self.shown, Some(now));
            self.shown
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: &str = "private:4";
    const GROUP: &str = "group:7";

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn read(room: &str, seq: u64) -> Receipt {
        Receipt::Read { room: room.to_owned(), seq }
    }

    fn delivered(seq: u64) -> Receipt {
        Receipt::Delivered { room: ROOM.to_owned(), seq }
    }

    /// A visible group.
    fn visible() -> Receipts {
        let mut receipts = Receipts::default();
        receipts.show(GROUP, at(0));
        receipts
    }

    #[test]
    fn read_waits_for_the_newest_visible_message() {
        let mut receipts = visible();
        receipts.arrived(GROUP, 1, at(10));
        receipts.arrived(GROUP, 2, at(11));
        assert_eq!(receipts.due(at(12)), []);
        assert_eq!(receipts.due(at(13)), [read(GROUP, 2)]);
        assert_eq!(receipts.due(at(99)), []);
    }

    #[test]
    fn leaving_reads_at_once() {
        let mut receipts = visible();
        receipts.arrived(GROUP, 1, at(10));
        assert_eq!(receipts.hide(at(10)), Some(read(GROUP, 1)));
        assert_eq!(receipts.due(at(20)), []);
    }

    #[test]
    fn at_most_one_read_of_a_room_in_two_seconds() {
        let mut receipts = visible();
        receipts.arrived(GROUP, 1, at(10));
        assert_eq!(receipts.hide(at(10)), Some(read(GROUP, 1)));
        receipts.show(GROUP, at(11));
        receipts.arrived(GROUP, 2, at(11));
        assert_eq!(receipts.hide(at(11)), None);
        assert_eq!(receipts.due(at(13)), [read(GROUP, 2)]);
    }

    #[test]
    fn an_answer_carries_the_read_cursor() {
        let mut receipts = visible();
        receipts.arrived(GROUP, 1, at(10));
        assert_eq!(receipts.read_with_send(GROUP, at(11)), Some(1));
        assert_eq!(receipts.read_with_send(GROUP, at(11)), None);
        assert_eq!(receipts.due(at(99)), []);
    }

    #[test]
    fn nothing_is_read_that_was_not_visible() {
        let mut receipts = Receipts::default();
        receipts.arrived(GROUP, 1, at(10));
        assert_eq!(receipts.due(at(20)), []);
        receipts.show(GROUP, at(30));
        assert_eq!(receipts.due(at(32)), [read(GROUP, 1)]);
    }

    #[test]
    fn delivery_is_told_once_for_all_that_arrived() {
        let mut receipts = Receipts::default();
        receipts.arrived(ROOM, 1, at(10));
        receipts.arrived(ROOM, 2, at(11));
        assert_eq!(receipts.due(at(12)), []);
        assert_eq!(receipts.due(at(13)), [delivered(2)]);
        assert_eq!(receipts.due(at(99)), []);
    }

    #[test]
    fn delivery_is_not_told_where_a_read_follows() {
        let mut receipts = Receipts::default();
        receipts.show(ROOM, at(0));
        receipts.arrived(ROOM, 1, at(10));
        assert_eq!(receipts.due(at(12)), [read(ROOM, 1)]);
        assert_eq!(receipts.due(at(99)), []);
    }

    #[test]
    fn delivery_is_told_in_rooms_of_two_only() {
        let mut receipts = Receipts::default();
        receipts.arrived(GROUP, 1, at(10));
        assert_eq!(receipts.due(at(20)), []);
    }

    #[test]
    fn a_reconnect_tells_one_delivery_for_each_room() {
        let mut receipts = Receipts::default();
        receipts.arrived(ROOM, 1, at(10));
        receipts.due(at(12));
        receipts.reconnected(at(20));
        assert_eq!(receipts.due(at(22)), [delivered(1)]);
        receipts.has_read(ROOM, 1);
        receipts.reconnected(at(30));
        assert_eq!(receipts.due(at(32)), []);
    }
}
