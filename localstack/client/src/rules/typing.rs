use std::{collections::BTreeMap, time::Duration};

/// A person types for this long before others are told.
const FIRST: Duration = Duration::from_secs(1);
/// They are told again after this long.
const AGAIN: Duration = Duration::from_secs(5);
/// Who did not hear again for this long forgets it.
const FORGOTTEN: Duration = Duration::from_secs(7);
/// A signal that comes this shortly after a message of the same person was overtaken by it.
const OVERTAKEN: Duration = Duration::from_secs(3);

/// The person's own typing in one room.
///
/// `on: true` after 1 s of typing, again every 5 s; `on: false` when the text is emptied; never for a peer known to be offline, and
/// never where the server says that nobody is told.
#[derive(Clone, Debug, Default)]
pub struct Composer {
    since: Option<Duration>,
    key_at: Duration,
    told_at: Option<Duration>,
}

impl Composer {
    /// A key was pressed.
    pub fn typed(&mut self, now: Duration) {
        self.since.get_or_insert(now);
        self.key_at = now;
    }

    /// The text was emptied; whether others are to be told.
    pub fn emptied(&mut self) -> bool {
        self.since = None;
        self.told_at.take().is_some()
    }

    /// The text was sent: the message itself tells the others.
    pub fn sent(&mut self) {
        *self = Self::default();
    }

    /// Whether `on: true` is due; `has_listeners` is whether anybody may be there to see it.
    pub fn due(&mut self, now: Duration, has_listeners: bool) -> bool {
        let has_typed = self.since.is_some_and(|since| now >= since + FIRST);
        let is_due = match self.told_at {
            None => has_typed,
            Some(told) => has_typed && self.key_at > told && now >= told + AGAIN,
        };
        if is_due && has_listeners {
            self.told_at = Some(now);
        }
        is_due && has_listeners
    }
}

/// Who else types, by room.
///
/// It is dropped after 7 s, at `on: false`, and at a message of that person; the signal may arrive after the message, so the time of
/// the message is kept for 3 s.
#[derive(Clone, Debug, Default)]
pub struct Typists {
    heard: BTreeMap<(String, i64), Duration>,
    messages: BTreeMap<(String, i64), Duration>,
}

impl Typists {
    /// A signal arrived.
    pub fn heard(&mut self, room: &str, person: i64, on: bool, now: Duration) {
        let key = (room.to_owned(), person);
        let is_overtaken = self.messages.get(&key).is_some_and(|at| now < *at + OVERTAKEN);
        if !on {
            self.heard.remove(&key);
        } else if !is_overtaken {
            self.heard.insert(key, now);
        }
    }

    /// A message of a person arrived.
    pub fn message(&mut self, room: &str, person: i64, now: Duration) {
        let key = (room.to_owned(), person);
        self.heard.remove(&key);
        self.messages.retain(|_, at| now < *at + OVERTAKEN);
        self.messages.insert(key, now);
    }

    /// Who types in a room.
    pub fn people(&self, room: &str, now: Duration) -> Vec<i64> {
        let here = self.heard.iter().filter(|((name, _), at)| name == room && now < **at + FORGOTTEN);
        here.map(|((_, person), _)| *person).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tenths: u64) -> Duration {
        Duration::from_millis(tenths * 100)
    }

    #[test]
    fn typing_is_told_after_a_second_and_every_five() {
        let mut composer = Composer::default();
        composer.typed(at(0));
        assert!(!composer.due(at(9), true));
        assert!(composer.due(at(10), true));
        composer.typed(at(30));
        assert!(!composer.due(at(59), true));
        assert!(composer.due(at(60), true));
    }

    #[test]
    fn repeated_stop_is_not_sent() {
        let mut composer = Composer::default();
        composer.typed(at(0));
        assert!(composer.due(at(10), true));
        assert!(!composer.due(at(600), true));
    }

    #[test]
    fn an_emptied_text_is_told_where_typing_was() {
        let mut composer = Composer::default();
        composer.typed(at(0));
        assert!(!composer.emptied());
        composer.typed(at(20));
        assert!(composer.due(at(30), true));
        assert!(composer.emptied());
        assert!(!composer.emptied());
    }

    #[test]
    fn a_sent_text_is_not_told_as_emptied() {
        let mut composer = Composer::default();
        composer.typed(at(0));
        composer.due(at(10), true);
        composer.sent();
        assert!(!composer.emptied());
    }

    #[test]
    fn typing_is_not_sent_while_nobody_is_there() {
        let mut composer = Composer::default();
        composer.typed(at(0));
        assert!(!composer.due(at(10), false));
        assert!(composer.due(at(11), true));
    }

    #[test]
    fn a_typist_is_forgotten_after_seven_seconds() {
        let mut typists = Typists::default();
        typists.heard("group:7", 3, true, at(0));
        assert_eq!(typists.people("group:7", at(69)), [3]);
        assert_eq!(typists.people("group:8", at(69)), [0; 0]);
        assert_eq!(typists.people("group:7", at(70)), [0; 0]);
    }

    #[test]
    fn a_typist_stops_at_their_word_or_message() {
        for by_message in [false, true] {
            let mut typists = Typists::default();
            typists.heard("group:7", 3, true, at(0));
            typists.heard("group:7", 4, true, at(0));
            if by_message {
                typists.message("group:7", 3, at(10));
            } else {
                typists.heard("group:7", 3, false, at(10));
            }
            assert_eq!(typists.people("group:7", at(10)), [4]);
        }
    }

    #[test]
    fn a_signal_that_its_message_overtook_is_dropped() {
        let mut typists = Typists::default();
        typists.message("group:7", 3, at(0));
        typists.heard("group:7", 3, true, at(29));
        assert_eq!(typists.people("group:7", at(29)), [0; 0]);
        typists.heard("group:7", 3, true, at(30));
        assert_eq!(typists.people("group:7", at(30)), [3]);
    }
}
