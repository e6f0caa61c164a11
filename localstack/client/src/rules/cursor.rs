use std::collections::BTreeSet;

/// How far a client has every change of a room.
///
/// - A change is applied if its `rev` is higher than the one that is held of the message; of a message that is not held, only if it
///   is above the cursor.
/// - The cursor moves on when `rev == cursor + 1`. A change that came early counts once its turn has come.
/// - After a gap the client waits 300 to 600 ms for the missing one, then asks for `sync`, takes the higher of its own and the
///   answered cursor, and asks again while it is behind the answered head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    at: u64,
    known: u64,
    ahead: BTreeSet<u64>,
}

impl Cursor {
    /// Enters a room with the cursor of a page.
    pub fn enter(cursor: u64) -> Self {
        Self { at: cursor, known: cursor, ahead: BTreeSet::new() }
    }

    /// The revision up to which the client has every change.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Whether a change is known to be missing, so that a `sync` is due.
    pub fn is_behind(&self) -> bool {
        self.at < self.known
    }

    /// Whether a change is news, to a client that holds the message at this revision or not at all.
    pub fn is_news(&self, rev: u64, held: Option<u64>) -> bool {
        rev > held.unwrap_or(self.at)
    }

    /// Takes the revision of a frame or of an ack.
    pub fn take(&mut self, rev: u64) {
        self.hear(rev);
        if rev > self.at {
            self.ahead.insert(rev);
            self.advance();
        }
    }

    /// Takes the answer to a `sync` that asked from this cursor, now or earlier.
    pub fn take_sync(&mut self, cursor: u64, head: u64) {
        self.hear(head);
        self.at = self.at.max(cursor);
        self.advance();
    }

    /// Hears that the room is at least at this revision.
    pub fn hear(&mut self, head: u64) {
        self.known = self.known.max(head);
    }

    fn advance(&mut self) {
        while let Some(next) = self.ahead.first().copied().filter(|rev| *rev <= self.at + 1) {
            self.ahead.remove(&next);
            self.at = self.at.max(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_change_moves_the_cursor() {
        let mut cursor = Cursor::enter(4);
        cursor.take(5);
        assert_eq!((cursor.at(), cursor.is_behind()), (5, false));
    }

    #[test]
    fn an_early_change_counts_once_its_turn_has_come() {
        let mut cursor = Cursor::enter(4);
        cursor.take(6);
        assert_eq!((cursor.at(), cursor.is_behind()), (4, true));
        cursor.take(5);
        assert_eq!((cursor.at(), cursor.is_behind()), (6, false));
    }

    #[test]
    fn the_higher_of_both_cursors_counts_after_a_sync() {
        let mut cursor = Cursor::enter(4);
        cursor.take(7);
        cursor.take_sync(6, 9);
        assert_eq!((cursor.at(), cursor.is_behind()), (7, true));
        cursor.take_sync(5, 9);
        assert_eq!(cursor.at(), 7);
        cursor.take_sync(9, 9);
        assert!(!cursor.is_behind());
    }

    #[test]
    fn old_change_of_an_unknown_message_is_no_news() {
        let cursor = Cursor::enter(4);
        assert!(!cursor.is_news(4, None));
        assert!(cursor.is_news(5, None));
        assert!(cursor.is_news(3, Some(2)));
        assert!(!cursor.is_news(3, Some(3)));
    }
}
