//! What a client makes of frames and pages: the rule of the protocol as a pure state machine.

use std::{collections::BTreeMap, sync::Arc};

use client::rules::Cursor;

use crate::history::{Message, Page, SyncPage};

/// One client's view of one room.
///
/// It is entered by a list's page or from nothing, then fed with frames, acks and sync pages in any order, any number of times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientView {
    entered: u64,
    cursor: Cursor,
    held: BTreeMap<Arc<str>, Message>,
}

impl ClientView {
    /// Enters a room by a list's page: its rows, and everything after its cursor.
    pub fn enter(page: &Page) -> Self {
        let held = page.items.iter().map(|item| (Arc::clone(&item.id), item.clone())).collect();
        Self { entered: page.cursor, cursor: Cursor::enter(page.cursor), held }
    }

    /// The revision from which on the client is owed every change.
    pub fn entered(&self) -> u64 {
        self.entered
    }

    /// The revision up to which the client has every change since it entered.
    pub fn cursor(&self) -> u64 {
        self.cursor.at()
    }

    /// The message as the client would show it.
    pub fn held(&self, id: &str) -> Option<&Message> {
        self.held.get(id)
    }

    /// Everything that the client would show.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.held.values()
    }

    /// Whether a change is known to be missing, so that a `sync` is due.
    pub fn is_behind(&self) -> bool {
        self.cursor.is_behind()
    }

    /// Takes the message of a frame or of an ack.
    pub fn take(&mut self, message: &Message) {
        self.apply(message);
        self.cursor.take(message.rev);
    }

    /// Takes the answer to a `sync` that asked from this view's cursor, now or earlier.
    pub fn take_sync(&mut self, page: &SyncPage) {
        for item in &page.items {
            self.apply(item);
        }
        self.cursor.take_sync(page.cursor, page.head);
    }

    /// Hears that the room is at least at this revision.
    pub fn hear(&mut self, head: u64) {
        self.cursor.hear(head);
    }

    fn apply(&mut self, message: &Message) {
        if self.cursor.is_news(message.rev, self.held.get(&message.id).map(|held| held.rev)) {
            self.held.insert(Arc::clone(&message.id), message.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, rev: u64) -> Message {
        Message {
            id: id.into(),
            room: 1,
            seq: 1,
            rev,
            author: 1,
            client_id: None,
            content: format!("{id}@{rev}").into(),
            deleted: false,
            pinned: false,
            mentions: Box::default(),
            forwarded_from: None,
            files: Box::default(),
            reactions: Box::default(),
            system: None,
        }
    }

    fn view(cursor: u64, held: &[(&str, u64)]) -> ClientView {
        let items = held.iter().map(|(id, rev)| message(id, *rev)).collect();
        ClientView::enter(&Page { items, has_before: false, has_after: false, cursor })
    }

    fn page(items: &[(&str, u64)], cursor: u64, head: u64) -> SyncPage {
        SyncPage { items: items.iter().map(|(id, rev)| message(id, *rev)).collect(), cursor, head, more: cursor < head }
    }

    fn rev(view: &ClientView, id: &str) -> Option<u64> {
        view.held(id).map(|held| held.rev)
    }

    #[test]
    fn the_next_frame_moves_the_cursor() {
        let mut view = view(4, &[]);
        view.take(&message("a", 5));
        assert_eq!((view.cursor(), rev(&view, "a"), view.is_behind()), (5, Some(5), false));
    }

    #[test]
    fn frame_after_a_gap_is_shown_without_moving_the_cursor() {
        let mut view = view(4, &[]);
        view.take(&message("a", 6));
        assert_eq!((view.cursor(), rev(&view, "a"), view.is_behind()), (4, Some(6), true));
    }

    #[test]
    fn the_missing_frame_closes_the_gap() {
        let mut view = view(4, &[]);
        view.take(&message("a", 6));
        view.take(&message("b", 7));
        view.take(&message("c", 5));
        assert_eq!((view.cursor(), view.is_behind()), (7, false));
    }

    #[test]
    fn an_older_image_never_replaces_a_newer_one() {
        let mut view = view(4, &[("a", 9)]);
        view.take(&message("a", 5));
        assert_eq!((view.cursor(), rev(&view, "a")), (5, Some(9)));
    }

    #[test]
    fn the_same_frame_twice_is_the_same_view() {
        let mut once = view(4, &[]);
        once.take(&message("a", 6));
        let mut twice = once.clone();
        twice.take(&message("a", 6));
        assert_eq!(once, twice);
    }

    #[test]
    fn old_frame_of_an_unknown_message_is_ignored() {
        let mut view = view(4, &[]);
        view.take(&message("a", 4));
        assert_eq!((view.cursor(), rev(&view, "a")), (4, None));
    }

    #[test]
    fn a_sync_page_brings_rows_and_the_higher_cursor() {
        let mut view = view(4, &[("a", 3)]);
        view.take_sync(&page(&[("b", 5), ("a", 7)], 8, 9));
        assert_eq!((view.cursor(), rev(&view, "a"), rev(&view, "b"), view.is_behind()), (8, Some(7), Some(5), true));
    }

    #[test]
    fn sync_page_overtaken_by_frames_moves_nothing_back() {
        let mut view = view(4, &[]);
        view.take(&message("a", 5));
        view.take(&message("a", 6));
        view.take_sync(&page(&[("a", 5)], 5, 5));
        assert_eq!((view.cursor(), rev(&view, "a"), view.is_behind()), (6, Some(6), false));
    }

    #[test]
    fn a_sync_page_lets_an_early_frame_count() {
        let mut view = view(4, &[]);
        view.take(&message("a", 7));
        view.take_sync(&page(&[("b", 6)], 6, 6));
        assert_eq!((view.cursor(), view.is_behind()), (7, false));
    }

    #[test]
    fn a_room_that_is_said_to_be_ahead_is_behind() {
        let mut view = view(4, &[]);
        view.hear(5);
        assert!(view.is_behind());
    }
}
