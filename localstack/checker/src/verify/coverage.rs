//! Nothing is missing: not on a page, not behind a cursor, not in any view that followed the client rule.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Promise, Violation,
    facts::{Call, Facts},
};
use crate::{
    client_rule::ClientView,
    history::{Answer, Event, Message, Page, Purpose, Request, RoomId, SyncPage, Window},
};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut heads: BTreeMap<RoomId, Vec<(usize, usize, u64)>> = BTreeMap::new();
    for call in facts.calls.values() {
        match (call.request, call.answered) {
            (Request::List { window, .. }, Some((position, Answer::Page(page)))) => {
                list(facts, call, position, *window, page, found);
            }
            (Request::Sync { room, after, .. }, Some((position, Answer::Synced(page)))) => {
                heads.entry(*room).or_default().push((call.position, position, page.head));
                sync(facts, call, position, *after, page, found);
            }
            _ => {}
        }
    }
    for (room, heads) in &mut heads {
        falling(facts, *room, heads, found);
    }
    views(facts, found);
}

/// A page holds every message of its part of the room that was known before it was asked for, or that its cursor passes.
fn list(facts: &Facts<'_>, call: &Call<'_>, position: usize, window: Window, page: &Page, found: &mut Vec<Violation>) {
    let room = call.request.room();
    let Some(rows) = facts.by_seq.get(&room) else { return };
    let first = page.items.first().map_or(u64::MAX, |item| item.seq);
    let last = page.items.last().map_or(0, |item| item.seq);
    let low = match window {
        Window::After(bound) => bound.saturating_add(1),
        _ if page.has_before => first,
        _ => 0,
    };
    let high = match window {
        Window::Before(bound) => bound.saturating_sub(1),
        Window::Newest => u64::MAX,
        _ if page.has_after => last,
        _ => u64::MAX,
    };
    if low > high {
        return;
    }
    let shown = revs(&page.items);
    let passed = passed(facts, room, 0, page.cursor);
    for id in rows.range(low..=high).flat_map(|(_, ids)| ids) {
        let known = facts.stories.get(id).and_then(|story| story.rev_before(call.position));
        let owed = known.max(passed.get(id).copied());
        if let Some(owed) = owed
            && shown.get(id).is_none_or(|rev| *rev < owed)
        {
            let what = format!(
                "the page lacks message {id} at rev {owed} or higher, which had been seen before, or lies behind its cursor {}",
                page.cursor
            );
            found.push(facts.violation(Promise::NothingMissed, id, &[call.position, position], what));
            return;
        }
    }
}

/// A sync page holds everything published between its two cursors.
fn sync(facts: &Facts<'_>, call: &Call<'_>, position: usize, after: u64, page: &SyncPage, found: &mut Vec<Violation>) {
    let shown = revs(&page.items);
    for (id, rev) in passed(facts, call.request.room(), after, page.cursor) {
        if shown.get(id).is_none_or(|shown| *shown < rev)
            && !facts.may_be_above(id, rev, page.cursor, call.position, position)
        {
            let what =
                format!("the sync's cursor {} passes message {id} at rev {rev} without delivering it", page.cursor);
            found.push(facts.violation(Promise::NothingMissed, id, &[call.position, position], what));
            return;
        }
    }
}

/// The head that a sync answers never falls.
fn falling(facts: &Facts<'_>, room: RoomId, heads: &mut [(usize, usize, u64)], found: &mut Vec<Violation>) {
    heads.sort_unstable_by_key(|(_, answered, _)| *answered);
    let mut highest = Vec::with_capacity(heads.len());
    let mut top = (0, 0);
    for (_, answered, head) in heads.iter() {
        top = top.max((*head, *answered));
        highest.push((*answered, top));
    }
    for (invoked, answered, head) in heads.iter() {
        let earlier = highest.partition_point(|(position, _)| position < invoked);
        let Some((_, (top, shown))) = earlier.checked_sub(1).and_then(|last| highest.get(last)) else { continue };
        if head < top {
            let what = format!("a sync answered head {head} after another had answered {top}");
            found.push(facts.room_violation(Promise::NothingMissed, room, &[*shown, *invoked, *answered], what));
            return;
        }
    }
}

/// One client's view while the history is played again.
#[derive(Default)]
struct Reader<'h> {
    view: ClientView,
    cursor: u64,
    owed: BTreeMap<&'h str, u64>,
    failed: bool,
}

/// Plays the history again for every client, and looks at its view whenever the cursor moves.
fn views(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut readers: BTreeMap<(usize, RoomId), Reader<'_>> = BTreeMap::new();
    let mut done = BTreeSet::new();
    for (position, client, event) in facts.events() {
        let Some(client) = client else { continue };
        let reader = match event {
            Event::Pushed(message) => {
                let reader = readers.entry((client, message.room)).or_default();
                reader.view.take(message);
                reader
            }
            Event::Answered { call, answer } => {
                let Some(call) = facts.calls.get(call).filter(|call| call.purpose == Purpose::Follow) else { continue };
                let reader = readers.entry((client, call.request.room())).or_default();
                follow(&mut reader.view, answer);
                if matches!(answer, Answer::Page(_)) {
                    reader.cursor = reader.view.cursor();
                    reader.owed.clear();
                }
                reader
            }
            Event::Settled { room, .. } => {
                let Some(reader) = readers.get(&(client, *room)) else { continue };
                done.insert((client, *room));
                settled(facts, client, *room, position, &reader.view, found);
                continue;
            }
            _ => continue,
        };
        let room = match event {
            Event::Pushed(message) => message.room,
            Event::Answered { call, .. } => facts.calls.get(call).map_or(0, |call| call.request.room()),
            _ => continue,
        };
        reader.look(facts, client, room, position, found);
    }
    for ((client, room), reader) in &readers {
        if facts.endings.contains_key(room) && !done.contains(&(*client, *room)) {
            let what = format!("client {client} never caught up, its cursor is {}", reader.view.cursor());
            found.push(facts.room_violation(Promise::NothingMissed, *room, &[], what));
        }
    }
}

/// What a client does with an answer that it follows; the clients use it as well as the verifier.
pub(crate) fn follow(view: &mut ClientView, answer: &Answer) {
    match answer {
        Answer::Ack { message, .. } => view.take(message),
        Answer::Page(page) => *view = ClientView::enter(page),
        Answer::Synced(page) => view.take_sync(page),
        Answer::Found { .. }
        | Answer::Read { .. }
        | Answer::Total { .. }
        | Answer::Online(_)
        | Answer::Linked(_)
        | Answer::Done
        | Answer::Invited { .. }
        | Answer::Connected
        | Answer::Refused { .. }
        | Answer::Unknown(_) => {}
    }
}

impl<'h> Reader<'h> {
    fn look(&mut self, facts: &Facts<'h>, client: usize, room: RoomId, position: usize, found: &mut Vec<Violation>) {
        let cursor = self.view.cursor();
        if cursor > self.cursor {
            for (id, rev) in passed(facts, room, self.cursor, cursor) {
                let owed = self.owed.entry(id).or_default();
                *owed = rev.max(*owed);
            }
            self.cursor = cursor;
        }
        let view = &self.view;
        self.owed.retain(|id, rev| view.held(id).is_none_or(|held| held.rev < *rev));
        let missed = self.owed.iter().find(|(id, rev)| !facts.may_be_above(id, **rev, cursor, position, position));
        if let Some((id, rev)) = missed
            && !self.failed
        {
            let held = self
                .view
                .held(id)
                .map_or_else(|| "doesn't hold it".to_owned(), |held| format!("holds rev {}", held.rev));
            let what = format!("client {client} is at cursor {cursor}, past message {id} at rev {rev}, and {held}");
            found.push(facts.violation(Promise::NothingMissed, id, &[position], what));
            self.failed = true;
        }
    }
}

/// After its last sync, a client shows what the room holds, except for changes that nobody was told of and whose writer
/// may have died too late: those wait for the room's sweeper.
fn settled(
    facts: &Facts<'_>,
    client: usize,
    room: RoomId,
    position: usize,
    view: &ClientView,
    found: &mut Vec<Violation>,
) {
    let Some((_, rows)) = facts.endings.get(&room).and_then(|ways| ways.first()) else { return };
    for row in *rows {
        let held = view.held(&row.id);
        let wrong = match held {
            Some(held) => held != row,
            None => row.rev > view.entered(),
        };
        let told =
            facts.published.get(&room).and_then(|revs| revs.get(&row.rev)).is_some_and(|ids| ids.contains(&*row.id));
        let orphaned = !told
            && facts.stories.get(&*row.id).is_some_and(|story| {
                story.is_system() || story.is_withdrawn() || facts.calls_of(story).any(Call::is_open)
            });
        if wrong && !orphaned {
            let held = held.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            let what =
                format!("client {client} has caught up, but of message {} (rev {}) it shows {held}", row.id, row.rev);
            found.push(facts.violation(Promise::NothingMissed, &row.id, &[position], what));
            return;
        }
    }
    let rows: BTreeSet<&str> = rows.iter().map(|row| &*row.id).collect();
    if let Some(extra) = view.messages().find(|message| !rows.contains(&*message.id)) {
        let what = format!("client {client} shows message {}, which the room doesn't have", extra.id);
        found.push(facts.violation(Promise::NothingLost, &extra.id, &[position], what));
    }
}

/// The highest published revision of each message above one cursor and up to another.
fn passed<'h>(facts: &Facts<'h>, room: RoomId, after: u64, upto: u64) -> BTreeMap<&'h str, u64> {
    if after >= upto {
        return BTreeMap::new();
    }
    let revs = facts.published.get(&room).into_iter().flat_map(|revs| revs.range(after + 1..=upto));
    revs.flat_map(|(rev, ids)| ids.iter().map(|id| (*id, *rev))).collect()
}

fn revs(items: &[Message]) -> BTreeMap<&str, u64> {
    items.iter().map(|item| (&*item.id, item.rev)).collect()
}
