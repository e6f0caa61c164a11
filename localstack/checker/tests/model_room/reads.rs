//! Pages, changes and read cursors.

use std::sync::Arc;

use checker::{
    doors::Standing,
    history::{Answer, Message, Page, RoomId, SyncPage, Window},
};
use rand::RngExt;

use super::{Asker, Head, Mistake, ModelRoom, Row, TOO_OLD, refused};

impl ModelRoom {
    /// What a client with this cursor is told of the room.
    pub(super) fn standing(&self, room: RoomId, cursor: u64) -> Standing {
        if self.head(room).rev > cursor { Standing::Ahead } else { Standing::Even }
    }

    /// The head as a majority has it, some time after the last write.
    pub(super) fn head(&self, room: RoomId) -> Head {
        let caught_up = self.lock().random.random_ratio(2, 3);
        self.room(room, |room| {
            if caught_up {
                room.durable = room.head.clone();
            }
            if room.durable.in_flight.iter().any(|entry| entry.at.elapsed() >= TOO_OLD) {
                room.head.in_flight.retain(|entry| entry.at.elapsed() < TOO_OLD);
                room.durable = room.head.clone();
            }
            room.durable.clone()
        })
    }

    fn safe(&self, head: &Head) -> u64 {
        let lowest =
            head.in_flight.iter().map(|entry| entry.rev).min().filter(|_| !self.is(Mistake::CursorPastEntryInFlight));
        lowest.map_or(head.rev, |rev| rev - 1)
    }

    pub(super) async fn search(&self, asker: Asker, room: RoomId, text: &str) -> Option<Answer> {
        if !self.may_read(asker, room) {
            return Some(refused(404, "room_not_found"));
        }
        self.step().await?;
        let has =
            |row: &&Row| row.message.system.is_none() && row.message.text().is_some_and(|said| said.contains(text));
        let mut items: Vec<Message> =
            self.room(room, |room| room.rows.iter().filter(has).map(|row| row.message.clone()).collect());
        if self.is(Mistake::ForgetfulSearch) {
            items.pop();
        }
        let whole = items.len() <= 100;
        items.truncate(100);
        Some(Answer::Found { items, whole })
    }

    /// A link to a file of a message that is there, for members.
    pub(super) fn link(&self, asker: Asker, room: RoomId, message: &str, file: &Arc<str>) -> Answer {
        let is_open = self.is(Mistake::OpenLinks);
        let has = |row: &Row| *row.message.id == *message && (is_open || row.message.files.contains(file));
        let is_there = self.room(room, |room| room.rows.iter().any(has));
        Answer::Linked(is_there && (is_open || self.is_in(room, asker.person)))
    }

    pub(super) async fn list(&self, asker: Asker, room: RoomId, window: Window, limit: usize) -> Option<Answer> {
        if !self.may_read(asker, room) {
            return Some(refused(404, "room_not_found"));
        }
        let mut head = self.head(room);
        self.step().await?;
        let rows: Vec<Message> = self.room(room, |room| room.rows.iter().map(|row| row.message.clone()).collect());
        if self.is(Mistake::ListCursorAfterRows) {
            self.step().await?;
            head = self.head(room);
        }
        let position = |bound: u64| rows.partition_point(|row| row.seq < bound);
        let (from, to) = match window {
            Window::Newest => (rows.len().saturating_sub(limit), rows.len()),
            Window::Before(bound) => (position(bound).saturating_sub(limit), position(bound)),
            Window::After(bound) => (position(bound + 1), (position(bound + 1) + limit).min(rows.len())),
            Window::Around(bound) => {
                let from = position(bound).saturating_sub(limit / 2);
                (from, (from + limit).min(rows.len()))
            }
        };
        let items = rows[from..to].to_vec();
        Some(Answer::Page(Page { items, has_before: from > 0, has_after: to < rows.len(), cursor: self.safe(&head) }))
    }

    /// Moves a person's read cursor, and counts what it leaves unread.
    pub(super) async fn read(&self, asker: Asker, room: RoomId, seq: u64) -> Option<Answer> {
        if !self.may_read(asker, room) {
            return Some(refused(404, "room_not_found"));
        }
        let (falls, unclamped) = (self.is(Mistake::FallingReadCursor), self.is(Mistake::UnclampedRead));
        let read_seq = self.room(room, |room| {
            let newest = room.rows.last().map_or(0, |row| row.message.seq);
            let cursor = room.read.entry(asker.person).or_default();
            let wanted = if unclamped { seq } else { seq.min(newest) };
            *cursor = if falls { wanted } else { wanted.max(*cursor) };
            *cursor
        });
        self.step().await?;
        let all = self.is(Mistake::UnreadTombstones);
        let counts = |row: &&Row| {
            let Message { seq, author, deleted, .. } = row.message;
            let is_system = row.message.system.is_some();
            !is_system && seq > read_seq && author != asker.person && (all || !deleted)
        };
        let unread = self.room(room, |room| room.rows.iter().filter(counts).count() as u64);
        self.step().await?;
        Some(Answer::Read { read_seq, unread: unread.min(100) })
    }

    pub(super) async fn sync(&self, asker: Asker, room: RoomId, after: u64, limit: usize) -> Option<Answer> {
        if !self.may_read(asker, room) {
            return Some(refused(404, "room_not_found"));
        }
        let read = || self.room(room, |room| room.rows.iter().map(|row| row.message.clone()).collect::<Vec<_>>());
        let early = read();
        if self.is(Mistake::RowsBeforeHead) {
            self.step().await?;
        }
        let head = self.head(room);
        let safe = self.safe(&head);
        self.step().await?;
        let rows = if self.is(Mistake::RowsBeforeHead) { early } else { read() };
        let mut items: Vec<Message> = rows.into_iter().filter(|row| row.rev > after && row.rev <= safe).collect();
        items.sort_by_key(|row| row.rev);
        let cut = items.len() > limit;
        items.truncate(limit);
        let last = items.last().map_or(safe, |item| item.rev);
        let cursor = if cut && !self.is(Mistake::CutPageCursor) { last } else { safe };
        Some(Answer::Synced(SyncPage { items, cursor, head: head.rev, more: cut }))
    }
}
