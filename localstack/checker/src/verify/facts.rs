//! The history, indexed by call, by message and by revision.

use std::collections::{BTreeMap, BTreeSet};

use super::{Promise, Violation};
use crate::history::{Answer, Event, History, Message, Purpose, Request, RoomId};

/// How many lines of history a violation shows.
const EXCERPT: usize = 40;

/// A request and what came of it.
pub(super) struct Call<'h> {
    pub(super) place: usize,
    pub(super) purpose: Purpose,
    pub(super) request: &'h Request,
    pub(super) answered: Option<(usize, &'h Answer)>,
}

impl<'h> Call<'h> {
    /// Place, message and `dup` of its ack.
    pub(super) fn ack(&self) -> Option<(usize, &'h Message, Option<bool>)> {
        match self.answered {
            Some((place, Answer::Ack { message, dup })) => Some((place, message, *dup)),
            _ => None,
        }
    }

    /// Whether it may still act, or may have acted without anybody knowing.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.answered, None | Some((_, Answer::Unknown(_))))
    }
}

/// A message as somebody was shown it.
pub(super) struct Sighting<'h> {
    pub(super) place: usize,
    pub(super) message: &'h Message,
}

/// Everything about one message.
pub(super) struct Story<'h> {
    pub(super) id: &'h str,
    pub(super) room: RoomId,
    pub(super) sightings: Vec<Sighting<'h>>,
    pub(super) sends: Vec<usize>,
    pub(super) edits: Vec<usize>,
    pub(super) top_rev: u64,
}

impl Story<'_> {
    /// The highest revision that anybody had been shown before a place.
    pub(super) fn rev_before(&self, place: usize) -> Option<u64> {
        let earlier = self.sightings.iter().take_while(|sighting| sighting.place < place);
        earlier.map(|sighting| sighting.message.rev).max()
    }
}

/// The indexed history.
pub(super) struct Facts<'h> {
    history: &'h History,
    pub(super) calls: BTreeMap<usize, Call<'h>>,
    pub(super) stories: BTreeMap<&'h str, Story<'h>>,
    /// Calls by the `client_id` that they sent.
    pub(super) sends: BTreeMap<(RoomId, &'h str), Vec<usize>>,
    /// Message ids by room and sequence number.
    pub(super) by_seq: BTreeMap<RoomId, BTreeMap<u64, BTreeSet<&'h str>>>,
    /// What was acknowledged or pushed: message ids by room and revision.
    pub(super) published: BTreeMap<RoomId, BTreeMap<u64, BTreeSet<&'h str>>>,
    /// Every way in which a room was read at the end.
    pub(super) endings: BTreeMap<RoomId, Vec<(&'static str, &'h [Message])>>,
}

impl<'h> Facts<'h> {
    pub(super) fn gather(history: &'h History) -> Self {
        let mut facts = Self {
            history,
            calls: BTreeMap::new(),
            stories: BTreeMap::new(),
            sends: BTreeMap::new(),
            by_seq: BTreeMap::new(),
            published: BTreeMap::new(),
            endings: BTreeMap::new(),
        };
        for (place, entry) in history.0.iter().enumerate() {
            match &entry.event {
                Event::Invoked { purpose, request, .. } => {
                    let call = Call { place, purpose: *purpose, request, answered: None };
                    facts.calls.insert(place, call);
                    if let Request::Send { room, client_id, .. } = request {
                        facts.sends.entry((*room, client_id)).or_default().push(place);
                    }
                }
                Event::Answered { call, answer } => facts.answered(place, *call, answer),
                Event::Pushed(message) => {
                    facts.see(place, message);
                    facts.publish(message);
                }
                Event::Ending { room, way, messages } => {
                    for message in messages {
                        facts.see(place, message);
                    }
                    facts.endings.entry(*room).or_default().push((way, messages));
                }
                Event::Settled { .. } | Event::Note(_) => {}
            }
        }
        facts.join();
        facts
    }

    fn answered(&mut self, place: usize, call: usize, answer: &'h Answer) {
        if let Some(call) = self.calls.get_mut(&call) {
            call.answered = Some((place, answer));
        }
        match answer {
            Answer::Ack { message, .. } => {
                self.see(place, message);
                self.publish(message);
            }
            Answer::Page(page) => page.items.iter().for_each(|item| self.see(place, item)),
            Answer::Synced(page) => page.items.iter().for_each(|item| self.see(place, item)),
            Answer::Refused { .. } | Answer::Unknown(_) => {}
        }
    }

    fn see(&mut self, place: usize, message: &'h Message) {
        let story = self.stories.entry(&message.id).or_insert_with(|| Story {
            id: &message.id,
            room: message.room,
            sightings: Vec::new(),
            sends: Vec::new(),
            edits: Vec::new(),
            top_rev: 0,
        });
        story.sightings.push(Sighting { place, message });
        story.top_rev = story.top_rev.max(message.rev);
        self.by_seq.entry(message.room).or_default().entry(message.seq).or_default().insert(&message.id);
    }

    fn publish(&mut self, message: &'h Message) {
        self.published.entry(message.room).or_default().entry(message.rev).or_default().insert(&message.id);
    }

    /// Gives every story the calls that made and changed it.
    fn join(&mut self) {
        for call in self.calls.values() {
            if let Request::Edit { message, .. } = call.request
                && let Some(story) = self.stories.get_mut(&**message)
            {
                story.edits.push(call.place);
            }
        }
        for story in self.stories.values_mut() {
            let name = story.sightings.iter().find_map(|sighting| sighting.message.client_id.as_deref());
            if let Some(calls) = name.and_then(|name| self.sends.get(&(story.room, name))) {
                story.sends.clone_from(calls);
            }
        }
    }

    /// Calls of a story, sends first.
    pub(super) fn calls_of(&self, story: &Story<'h>) -> impl Iterator<Item = &Call<'h>> {
        story.sends.iter().chain(&story.edits).filter_map(|place| self.calls.get(place))
    }

    /// Whether the message may stand above `rev` already at `place`, so that a page up to `rev` rightly lacks it.
    pub(super) fn may_be_above(&self, id: &str, rev: u64, place: usize) -> bool {
        let Some(story) = self.stories.get(id).filter(|story| story.top_rev > rev) else { return false };
        self.calls_of(story).any(|call| {
            call.place < place && (call.is_open() || call.ack().is_some_and(|(at, message, _)| message.rev > rev || at > place))
        })
    }

    /// A violation that concerns one message, with the lines that show it.
    pub(super) fn violation(&self, promise: Promise, id: &str, places: &[usize], what: String) -> Violation {
        let mut lines = places.to_vec();
        let mut room = 0;
        if let Some(story) = self.stories.get(id) {
            room = story.room;
            for call in self.calls_of(story) {
                lines.push(call.place);
                lines.extend(call.answered.map(|(place, _)| place));
            }
            let mut revs = BTreeSet::new();
            lines.extend(story.sightings.iter().filter(|seen| revs.insert(seen.message.rev)).map(|seen| seen.place));
        }
        Violation { promise, room, what, excerpt: self.history.excerpt(lines, EXCERPT) }
    }

    /// A violation that concerns a room.
    pub(super) fn room_violation(&self, promise: Promise, room: RoomId, places: &[usize], what: String) -> Violation {
        Violation { promise, room, what, excerpt: self.history.excerpt(places.iter().copied(), EXCERPT) }
    }

    /// Every event with its place and client.
    pub(super) fn events(&self) -> impl Iterator<Item = (usize, Option<usize>, &'h Event)> {
        self.history.0.iter().enumerate().map(|(place, entry)| (place, entry.client, &entry.event))
    }
}
