//! Read cursors: they only move forward, to what was asked and not past what there is, and what they leave is counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Promise, Violation,
    facts::{Call, Facts},
    pushes::{self, Badge},
};
use crate::history::{Answer, Request, RoomId};

/// More than this are counted as this many.
const CAP: u64 = 100;
/// More sequence numbers than any attempt at a send takes.
const TAKEN: u64 = 64;

/// For so long a sequence number that was given out is waited for.
const IN_FLIGHT: Duration = Duration::from_secs(5);

/// A read that was acknowledged.
struct Read {
    position: usize,
    at: Duration,
    answered: usize,
    asked: u64,
    cursor: u64,
    unread: u64,
}

/// When a message came and went, as far as anybody knows.
struct Known {
    seq: u64,
    author: usize,
    sent: usize,
    seen: usize,
    /// When it was first seen.
    at: Duration,
    deleting: Option<usize>,
    buried: Option<usize>,
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut reads: BTreeMap<(RoomId, usize), Vec<Read>> = BTreeMap::new();
    let mut asked: BTreeMap<(RoomId, usize), Vec<(usize, u64)>> = BTreeMap::new();
    for call in facts.calls.values() {
        let (room, seq) = match call.request {
            Request::Read { room, seq } => {
                asked.entry((*room, call.by.person)).or_default().push((call.position, *seq));
                (room, seq)
            }
            // A room without unread messages is not listed.
            Request::Unread { room } if !is_nothing(call) => (room, &0),
            _ => continue,
        };
        if let Some((answered, Answer::Read { read_seq, unread })) = call.answered {
            let (position, at) = (call.position, facts.at(call.position));
            let read = Read { position, at, answered, asked: *seq, cursor: *read_seq, unread: *unread };
            reads.entry((*room, call.by.person)).or_default().push(read);
        }
    }
    let mut rooms: BTreeMap<RoomId, Room> = BTreeMap::new();
    totals(facts, &reads, &asked, &mut rooms, found);
    for ((room, person), reads) in &mut reads {
        let known = rooms.entry(*room).or_insert_with(|| Room::of(facts, *room));
        let asked = asked.get(&(*room, *person)).map_or(&[][..], Vec::as_slice);
        reads.sort_unstable_by_key(|read| read.answered);
        let mut told = false;
        for (index, read) in reads.iter().enumerate() {
            let earlier = reads.get(..index).unwrap_or_default();
            let wrong = falls(earlier, read)
                .or_else(|| known.short(read))
                .or_else(|| too_far(asked, read))
                .or_else(|| known.past_the_end(read))
                .or_else(|| known.miscounted(*person, read));
            // What one cursor does wrong, the reads after it show again.
            if let Some((promise, what)) = wrong.filter(|_| !told) {
                told = true;
                found.push(facts.room_violation(promise, *room, &[read.position, read.answered], what));
            }
        }
    }
}

/// What is said to be unread in all, also on the icon of an app, lies between what is left by every read that was asked for, and by
/// those that were answered.
fn totals(
    facts: &Facts<'_>,
    reads: &BTreeMap<(RoomId, usize), Vec<Read>>,
    asked: &BTreeMap<(RoomId, usize), Vec<(usize, u64)>>,
    rooms: &mut BTreeMap<RoomId, Room>,
    found: &mut Vec<Violation>,
) {
    let answers = facts.calls.values().filter_map(|call| match (call.request, call.answered) {
        (Request::Total { room }, Some((answered, Answer::Total { messages, badge }))) => {
            let counts = vec![("are said to be unread in all", *messages), ("show on the icon", *badge)];
            Some((*room, call.by.person, (call.position, answered), counts))
        }
        _ => None,
    });
    let badges = pushes::badges(facts).into_iter();
    let badges =
        badges.map(|Badge { room, person, within, count }| (room, person, within, vec![("show on a device", count)]));
    for (room, person, (from, to), counts) in answers.chain(badges) {
        // Whoever may be out of the group may have nothing there.
        if facts.exits(room, person).any(|exit| exit.position < to) {
            continue;
        }
        let asked = asked.get(&(room, person)).into_iter().flatten().filter(|(position, _)| *position < to);
        let reads = reads.get(&(room, person)).into_iter().flatten().filter(|read| read.answered < from);
        let known = rooms.entry(room).or_insert_with(|| Room::of(facts, room));
        let (high, low) = (asked.map(|(_, seq)| *seq).max(), reads.map(|read| read.cursor).max());
        let (least, _) = known.unread(person, (from, to), high.unwrap_or(0));
        let (_, most) = known.unread(person, (from, to), low.unwrap_or(0));
        for (name, count) in counts {
            if count.min(CAP) < least || count.min(CAP) > most {
                let what = format!("{count} messages {name}, but there were {least} to {most}");
                found.push(facts.room_violation(Promise::Protocol, room, &[from, to], what));
            }
        }
    }
}

/// Whether the answer says that nothing is unread, without a cursor.
fn is_nothing(call: &Call<'_>) -> bool {
    matches!(call.answered, Some((_, Answer::Read { unread: 0, .. })))
}

type Wrong = Option<(Promise, String)>;

/// A read that began after another was acknowledged has at least its cursor.
fn falls(earlier: &[Read], read: &Read) -> Wrong {
    let before = earlier.iter().filter(|other| other.answered < read.position).max_by_key(|other| other.cursor)?;
    (before.cursor > read.cursor).then(|| {
        let what = format!("a read cursor fell from seq {} to {}", before.cursor, read.cursor);
        (Promise::NothingLost, what)
    })
}

/// Nobody had asked for as much as the cursor says.
fn too_far(asked: &[(usize, u64)], read: &Read) -> Wrong {
    let most = asked.iter().filter(|(position, _)| *position < read.answered).map(|(_, seq)| *seq).max()?;
    (most < read.cursor).then(|| {
        let what = format!("a read cursor is at seq {}, but nobody had read past {most}", read.cursor);
        (Promise::Protocol, what)
    })
}

/// A room's messages, for its reads.
struct Room {
    messages: Vec<Known>,
    /// The first attempts at sends that nobody ever saw a message of, and by whom.
    unseen: Vec<(usize, usize)>,
    /// No sequence number can be higher.
    highest: u64,
}

impl Room {
    fn of(facts: &Facts<'_>, room: RoomId) -> Self {
        let (mut messages, mut top) = (Vec::new(), 0);
        for story in facts.stories.values().filter(|story| story.room == room) {
            let Some(first) = story.sightings.first() else { continue };
            top = top.max(first.message.seq);
            let Some(send) = story.sends.first() else { continue };
            let withdrawn = story.is_withdrawn().then_some(*send);
            messages.push(Known {
                seq: first.message.seq,
                // A withdrawn one may have been anybody's.
                author: facts.calls.get(send).filter(|_| withdrawn.is_none()).map_or(usize::MAX, |call| call.by.person),
                sent: *send,
                seen: first.position,
                at: facts.at(first.position),
                deleting: withdrawn.or_else(|| story.deletes.first().copied()),
                buried: story.buried(),
            });
        }
        let names = facts.sends.iter().filter(|((other, _), _)| *other == room);
        let unseen = names.clone().filter(|(name, _)| !facts.names.contains_key(name)).filter_map(|(_, positions)| {
            let calls: Vec<&Call<'_>> = positions.iter().filter_map(|position| facts.calls.get(position)).collect();
            let first = calls.first().filter(|_| calls.iter().any(|call| call.is_open()))?;
            Some((first.position, first.by.person))
        });
        let sends: usize = names.clone().map(|(_, positions)| positions.len()).sum();
        Self { unseen: unseen.collect(), highest: top + sends as u64 * TAKEN, messages }
    }

    /// The cursor is short of what was asked for and had been seen, and of whatever may still have been being written below it.
    fn short(&self, read: &Read) -> Wrong {
        let seen = || self.messages.iter().filter(|known| known.seen < read.position);
        let asked = seen().map(|known| known.seq).max()?.min(read.asked);
        // Numbers are given out in order: below one that was seen long ago nothing is waited for.
        let settled = seen().filter(|known| known.at + IN_FLIGHT < read.at).map(|known| known.seq).max().unwrap_or(0);
        let seqs: BTreeSet<u64> = seen().map(|known| known.seq).collect();
        let missing = (settled.min(asked) + 1..asked).find(|seq| !seqs.contains(seq));
        let least = missing.map_or(asked, |missing| missing - 1);
        (read.cursor < least).then(|| {
            let what = format!("a read up to seq {} was acknowledged at {}, short of {least}", read.asked, read.cursor);
            (Promise::NothingLost, what)
        })
    }

    /// The cursor is past every sequence number that was given out, even to writers who died.
    fn past_the_end(&self, read: &Read) -> Wrong {
        (read.cursor > self.highest).then(|| {
            let what = format!("a read cursor is at seq {}, which the room has never had", read.cursor);
            (Promise::Protocol, what)
        })
    }

    /// The count is not between what was certainly there and unread, and what may have been.
    fn miscounted(&self, person: usize, read: &Read) -> Wrong {
        let (least, most) = self.unread(person, (read.position, read.answered), read.cursor);
        (read.unread < least || read.unread > most).then(|| {
            let what = format!(
                "{} messages after seq {} are said to be unread, but there were {least} to {most}",
                read.unread, read.cursor
            );
            (Promise::Protocol, what)
        })
    }

    /// How many messages above a cursor were unread at least, and at most, from one position to another.
    fn unread(&self, person: usize, (from, to): (usize, usize), cursor: u64) -> (u64, u64) {
        let others = || self.messages.iter().filter(|known| known.author != person && known.seq > cursor);
        let before = |position: Option<usize>, bound: usize| position.is_some_and(|position| position < bound);
        let certain = others().filter(|known| known.seen < from && !before(known.deleting, to)).count();
        let possible = others().filter(|known| known.sent < to && !before(known.buried, from)).count();
        let unseen = self.unseen.iter().filter(|(position, author)| *position < to && *author != person).count();
        ((certain as u64).min(CAP), ((possible + unseen) as u64).min(CAP))
    }
}
