/// The highest number that is shown.
const MOST: i32 = 999;

/// What somebody has not read, over all rooms; each number is at most 999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnreadTotal {
    /// Messages.
    pub messages: i32,
    /// Rooms with such messages.
    pub rooms: i32,
    /// Messages that name the person, in muted rooms too.
    pub mentions: i32,
    /// What an app's icon shows: the messages that they want to be notified of.
    pub badge: i32,
}

impl UnreadTotal {
    /// Adds a room with so many unread messages, of which some name the person and some ring.
    pub fn add(&mut self, messages: i32, mentions: i32, ringing: i32) {
        let Self { messages: all, rooms, mentions: naming, badge } = self;
        for (sum, more) in [(all, messages), (rooms, 1), (naming, mentions), (badge, ringing)] {
            *sum = sum.saturating_add(more).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_exceeds_999() {
        let mut total = UnreadTotal::default();
        total.add(5, 1, 0);
        assert_eq!(total, UnreadTotal { messages: 5, rooms: 1, mentions: 1, badge: 0 });
        for _ in 0..20 {
            total.add(100, 100, 100);
        }
        assert_eq!(total, UnreadTotal { messages: 999, rooms: 21, mentions: 999, badge: 999 });
    }
}
