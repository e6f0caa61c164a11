//! The history, indexed by call, by message and by revision.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Promise, Violation};
use crate::history::{Answer, Caller, Event, History, Member, Message, Purpose, Request, RoomId, Via};

/// How many lines of history a violation shows.
const EXCERPT: usize = 40;

/// A row whose delivery is owed for so long is abandoned; a little less, since clocks differ.
const ABANDONED: Duration = Duration::from_millis(4500);

/// So long may a call act whose answer nobody got: a function that is stopped goes on within 8 s.
pub(super) const LIVES: Duration = Duration::from_secs(15);

/// A request and what came of it.
pub(super) struct Call<'h> {
    pub(super) position: usize,
    pub(super) purpose: Purpose,
    pub(super) by: Caller,
    repeats: bool,
    pub(super) request: &'h Request,
    pub(super) answered: Option<(usize, &'h Answer)>,
}

impl<'h> Call<'h> {
    /// Place, message and `dup` of its ack.
    pub(super) fn ack(&self) -> Option<(usize, &'h Message, Option<bool>)> {
        match self.answered {
            Some((position, Answer::Ack { message, dup })) => Some((position, message, *dup)),
            _ => None,
        }
    }

    /// The position of the answer that says that it is so.
    pub(super) fn done(&self) -> Option<usize> {
        match self.answered {
            Some((position, Answer::Done)) => Some(position),
            _ => None,
        }
    }

    /// Whether it may have been done: it was not refused. A join is also refused where it was done and the person was put out
    /// again before they were shown the group.
    pub(super) fn may_act(&self) -> bool {
        let is_refused = matches!(self.answered, Some((_, Answer::Refused { status, code }))
            if *status != 404 || code == "invite_not_found");
        let is_join = matches!(self.request, Request::Join { .. } | Request::JoinBy { .. });
        self.is_open() || self.done().is_some() || is_join && !is_refused
    }

    /// Whether it may still act, or may have acted without anybody knowing.
    pub(super) fn is_open(&self) -> bool {
        self.repeats || matches!(self.answered, None | Some((_, Answer::Unknown(_))))
    }
}

/// A message as somebody was shown it.
pub(super) struct Sighting<'h> {
    pub(super) position: usize,
    pub(super) message: &'h Message,
}

/// Everything about one message.
pub(super) struct Story<'h> {
    pub(super) id: &'h str,
    pub(super) room: RoomId,
    pub(super) sightings: Vec<Sighting<'h>>,
    pub(super) sends: Vec<usize>,
    pub(super) edits: Vec<usize>,
    pub(super) deletes: Vec<usize>,
    pub(super) reactions: Vec<usize>,
    pub(super) pins: Vec<usize>,
    pub(super) top_rev: u64,
}

impl Story<'_> {
    /// Whether the server withdrew it: its writer had lost its position, and sent the message anew or answered a refusal.
    pub(super) fn is_withdrawn(&self) -> bool {
        let names = self.sightings.iter().filter_map(|sighting| sighting.message.client_id.as_deref());
        names.into_iter().any(|name| name.starts_with("withdrawn:"))
    }

    /// Where the first tombstone was seen.
    pub(super) fn buried(&self) -> Option<usize> {
        self.sightings.iter().find(|sighting| sighting.message.deleted).map(|sighting| sighting.position)
    }

    /// Whether it is a system message.
    pub(super) fn is_system(&self) -> bool {
        self.sightings.first().is_some_and(|sighting| sighting.message.system.is_some())
    }

    /// The highest revision that anybody had been shown before a position.
    pub(super) fn rev_before(&self, position: usize) -> Option<u64> {
        let earlier = self.sightings.iter().take_while(|sighting| sighting.position < position);
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
    /// The message that a `client_id` became.
    pub(super) names: BTreeMap<(RoomId, &'h str), &'h str>,
    /// By room and acknowledged revision, the latest beginning of a call that got this one or a lower one.
    begun: BTreeMap<RoomId, BTreeMap<u64, usize>>,
    /// The lists of each room.
    lists: BTreeMap<RoomId, Vec<usize>>,
    /// The calls that block, and those that lift blocks, of each room.
    blocks: BTreeMap<RoomId, Vec<usize>>,
    lifts: BTreeMap<RoomId, Vec<usize>>,
    /// The calls that put a person out of a group, and those that let them in.
    exits: BTreeMap<(RoomId, usize), Vec<usize>>,
    entries: BTreeMap<(RoomId, usize), Vec<usize>>,
    /// The people of each group as the run began.
    pub(super) groups: BTreeMap<RoomId, &'h [Member]>,
    /// The person of each client.
    people: BTreeMap<usize, usize>,
    /// The calls that end each session.
    logouts: BTreeMap<usize, Vec<usize>>,
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
            names: BTreeMap::new(),
            begun: BTreeMap::new(),
            lists: BTreeMap::new(),
            blocks: BTreeMap::new(),
            lifts: BTreeMap::new(),
            exits: BTreeMap::new(),
            entries: BTreeMap::new(),
            groups: BTreeMap::new(),
            people: BTreeMap::new(),
            logouts: BTreeMap::new(),
            by_seq: BTreeMap::new(),
            published: BTreeMap::new(),
            endings: BTreeMap::new(),
        };
        for (position, entry) in history.entries.iter().enumerate() {
            match &entry.event {
                Event::Invoked { via, purpose, by, request } => {
                    let repeats = history.frames_repeat && *via == Via::Socket;
                    let call = Call { position, purpose: *purpose, by: *by, repeats, request, answered: None };
                    facts.calls.insert(position, call);
                    facts.people.extend(entry.client.map(|client| (client, by.person)));
                    match request {
                        Request::Send { room, client_id, .. } | Request::Forward { room, client_id, .. } => {
                            facts.sends.entry((*room, client_id)).or_default().push(position);
                        }
                        Request::List { room, .. } | Request::Search { room, .. } => {
                            facts.lists.entry(*room).or_default().push(position);
                        }
                        Request::Block { room } => facts.blocks.entry(*room).or_default().push(position),
                        Request::Unblock { room } => facts.lifts.entry(*room).or_default().push(position),
                        Request::Kick { room, of } | Request::Ban { room, of } => {
                            facts.exits.entry((*room, *of)).or_default().push(position);
                        }
                        Request::Leave { room } => facts.exits.entry((*room, by.person)).or_default().push(position),
                        Request::Add { room, of } => facts.entries.entry((*room, *of)).or_default().push(position),
                        Request::Join { room } | Request::JoinBy { room, .. } => {
                            facts.entries.entry((*room, by.person)).or_default().push(position);
                        }
                        Request::Logout { .. } => facts.logouts.entry(by.session).or_default().push(position),
                        _ => {}
                    }
                }
                Event::Answered { call, answer } => facts.answered(position, *call, answer),
                Event::Pushed(message) => {
                    facts.see(position, message);
                    facts.publish(message);
                }
                Event::Ending { room, way, messages } => {
                    for message in messages {
                        facts.see(position, message);
                    }
                    facts.endings.entry(*room).or_default().push((way, messages));
                }
                Event::Group { room, people } => drop(facts.groups.insert(*room, people)),
                Event::Heard(_)
                | Event::Notified(_)
                | Event::Presence { .. }
                | Event::LoggedIn { .. }
                | Event::Settled { .. }
                | Event::Undescribed { .. }
                | Event::Remains { .. }
                | Event::Note(_) => {}
            }
        }
        facts.join();
        facts
    }

    fn answered(&mut self, position: usize, call: usize, answer: &'h Answer) {
        if let Some(call) = self.calls.get_mut(&call) {
            call.answered = Some((position, answer));
        }
        match answer {
            Answer::Ack { message, .. } => {
                self.see(position, message);
                self.publish(message);
            }
            Answer::Page(page) => page.items.iter().for_each(|item| self.see(position, item)),
            Answer::Synced(page) => page.items.iter().for_each(|item| self.see(position, item)),
            Answer::Found { items, .. } => items.iter().for_each(|item| self.see(position, item)),
            Answer::Read { .. }
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

    fn see(&mut self, position: usize, message: &'h Message) {
        let story = self.stories.entry(&message.id).or_insert_with(|| Story {
            id: &message.id,
            room: message.room,
            sightings: Vec::new(),
            sends: Vec::new(),
            edits: Vec::new(),
            deletes: Vec::new(),
            reactions: Vec::new(),
            pins: Vec::new(),
            top_rev: 0,
        });
        story.sightings.push(Sighting { position, message });
        story.top_rev = story.top_rev.max(message.rev);
        self.by_seq.entry(message.room).or_default().entry(message.seq).or_default().insert(&message.id);
    }

    fn publish(&mut self, message: &'h Message) {
        self.published.entry(message.room).or_default().entry(message.rev).or_default().insert(&message.id);
    }

    /// Gives every story the calls that made and changed it.
    fn join(&mut self) {
        for call in self.calls.values() {
            match call.request {
                Request::Edit { message, .. } => {
                    self.stories.entry(message).and_modify(|story| story.edits.push(call.position));
                }
                Request::Delete { message, .. } => {
                    self.stories.entry(message).and_modify(|story| story.deletes.push(call.position));
                }
                Request::Pin { message, .. } => {
                    self.stories.entry(message).and_modify(|story| story.pins.push(call.position));
                }
                Request::React { message, .. } => {
                    self.stories.entry(message).and_modify(|story| story.reactions.push(call.position));
                }
                _ => {}
            }
        }
        for call in self.calls.values() {
            // The ack of a delete may show the revision of an earlier one.
            let is_write =
                matches!(call.request, Request::Send { .. } | Request::Forward { .. } | Request::Edit { .. });
            if let Some((_, message, None | Some(false))) = call.ack().filter(|_| is_write) {
                let begun = self.begun.entry(message.room).or_default().entry(message.rev).or_default();
                *begun = call.position.max(*begun);
            }
        }
        for revs in self.begun.values_mut() {
            let mut latest = 0;
            for begun in revs.values_mut() {
                latest = latest.max(*begun);
                *begun = latest;
            }
        }
        for story in self.stories.values_mut() {
            if story.is_withdrawn() {
                // It gave its name back: any earlier send of the room may have been its own.
                let (first, room) = (story.sightings.first().map_or(0, |seen| seen.position), story.room);
                let sends = self.sends.iter().filter(|((of, _), _)| *of == room).flat_map(|(_, calls)| calls);
                story.sends.extend(sends.copied().filter(|call| *call < first));
                continue;
            }
            let name = story.sightings.iter().find_map(|sighting| sighting.message.client_id.as_deref());
            let Some(name) = name else { continue };
            self.names.entry((story.room, name)).or_insert(story.id);
            if let Some(calls) = self.sends.get(&(story.room, name)) {
                story.sends.clone_from(calls);
            }
        }
    }

    /// Calls of a story, sends first.
    pub(super) fn calls_of(&self, story: &Story<'h>) -> impl Iterator<Item = &Call<'h>> {
        let calls =
            story.sends.iter().chain(&story.edits).chain(&story.deletes).chain(&story.reactions).chain(&story.pins);
        calls.filter_map(|position| self.calls.get(position))
    }

    /// The calls that block in a room, in order.
    pub(super) fn blocks(&self, room: RoomId) -> impl Iterator<Item = &Call<'h>> {
        self.blocks.get(&room).into_iter().flatten().filter_map(|position| self.calls.get(position))
    }

    /// The rooms in which somebody blocked somebody.
    pub(super) fn blocked_rooms(&self) -> impl Iterator<Item = RoomId> {
        self.blocks.keys().copied()
    }

    /// Whether a call is by the person whom the product names so; in a room of two, it is by the one who does not listen.
    pub(super) fn is_by(&self, call: &Call<'_>, id: u64, listener: usize) -> bool {
        match self.groups.get(&call.request.room()) {
            Some(people) => people.iter().any(|member| member.id == id && member.person == call.by.person),
            None => call.by.person != listener,
        }
    }

    /// The calls that lift blocks in a room, in order.
    pub(super) fn lifts(&self, room: RoomId) -> impl Iterator<Item = &Call<'h>> {
        self.lifts.get(&room).into_iter().flatten().filter_map(|position| self.calls.get(position))
    }

    /// The calls that may have put a person out of a group, in order.
    pub(super) fn exits(&self, room: RoomId, person: usize) -> impl Iterator<Item = &Call<'h>> {
        self.exits.get(&(room, person)).into_iter().flatten().filter_map(|position| self.calls.get(position))
    }

    /// The calls that may have let a person into a group, in order. A refused one let nobody in.
    pub(super) fn entries(&self, room: RoomId, person: usize) -> impl Iterator<Item = &Call<'h>> {
        let entries = self.entries.get(&(room, person)).into_iter().flatten();
        entries.filter_map(|position| self.calls.get(position)).filter(|call| call.may_act())
    }

    /// Everybody whom some call may have put out of a group.
    pub(super) fn leavers(&self) -> impl Iterator<Item = (RoomId, usize)> {
        self.exits.keys().copied()
    }

    /// The person of a client.
    pub(super) fn person(&self, client: usize) -> Option<usize> {
        self.people.get(&client).copied()
    }

    /// The calls that end a session, in order.
    pub(super) fn logouts(&self, session: usize) -> impl Iterator<Item = &Call<'h>> {
        self.logouts.get(&session).into_iter().flatten().filter_map(|position| self.calls.get(position))
    }

    /// Whether the message may stand above `rev` already, so that a page up to `rev` rightly lacks it at `owed`.
    ///
    /// The page was asked for at `begun` and answered at `position`. A message is moved by its own calls, and by a list
    /// that finds it abandoned.
    pub(super) fn may_be_above(&self, id: &str, owed: u64, rev: u64, begun: usize, position: usize) -> bool {
        let Some(story) = self.stories.get(id).filter(|story| story.top_rev > rev) else { return false };
        // Whoever finds a system message unreleased moves it, and whoever takes a message back.
        if story.is_system() || story.is_withdrawn() {
            return true;
        }
        // An answer to a reaction may leave open at which revision it was made.
        let moved = |call: &Call<'_>| {
            call.done().is_some() || call.ack().is_some_and(|(at, message, _)| message.rev > rev || at > position)
        };
        story.rev_before(position).is_some_and(|seen| seen > rev)
            || self.calls_of(story).any(|call| call.position < position && (call.is_open() || moved(call)))
            || self.may_be_abandoned(story.room, owed, position) && self.is_listed(story.room, begun, position)
    }

    /// Whether what was written at this revision may have waited so long for its delivery that a list moves it.
    ///
    /// It was written after every call began that got a lower revision.
    fn may_be_abandoned(&self, room: RoomId, rev: u64, position: usize) -> bool {
        let lower = self.begun.get(&room).and_then(|begun| begun.range(..=rev).next_back());
        self.at(position) > lower.map_or(Duration::ZERO, |(_, begun)| self.at(*begun)) + ABANDONED
    }

    /// Whether a list of the room was under way at some time from `begun` to `position`.
    fn is_listed(&self, room: RoomId, begun: usize, position: usize) -> bool {
        let lists = self.lists.get(&room).into_iter().flatten().filter_map(|list| self.calls.get(list));
        let mut earlier = lists.filter(|list| list.position < position);
        earlier.any(|list| match list.answered {
            Some((answered, Answer::Page(_) | Answer::Found { .. })) => answered > begun,
            _ => self.at(list.position) + LIVES > self.at(begun),
        })
    }

    /// Whether the call can act no more at a position: it was answered for good before, or too long ago to be alive.
    pub(super) fn is_over(&self, call: &Call<'_>, position: usize) -> bool {
        let answered = call.answered.is_some_and(|(at, _)| at < position);
        answered && !call.is_open() || self.at(position) > self.at(call.position) + LIVES
    }

    /// When something happened.
    pub(super) fn at(&self, position: usize) -> Duration {
        self.history.entries.get(position).map_or(Duration::ZERO, |entry| entry.at)
    }

    /// A violation that concerns one message, with the lines that show it.
    pub(super) fn violation(&self, promise: Promise, id: &str, positions: &[usize], what: String) -> Violation {
        let mut lines = positions.to_vec();
        let mut room = None;
        if let Some(story) = self.stories.get(id) {
            room = Some(story.room);
            for call in self.calls_of(story) {
                lines.push(call.position);
                lines.extend(call.answered.map(|(position, _)| position));
            }
            let mut revs = BTreeSet::new();
            lines.extend(story.sightings.iter().filter(|seen| revs.insert(seen.message.rev)).map(|seen| seen.position));
        }
        Violation { promise, room, what, excerpt: self.history.excerpt(lines, EXCERPT) }
    }

    /// A violation that concerns a room.
    pub(super) fn room_violation(
        &self,
        promise: Promise,
        room: RoomId,
        positions: &[usize],
        what: String,
    ) -> Violation {
        Violation { room: Some(room), ..self.general_violation(promise, positions, what) }
    }

    /// A violation that concerns no room.
    pub(super) fn general_violation(&self, promise: Promise, positions: &[usize], what: String) -> Violation {
        Violation { promise, room: None, what, excerpt: self.history.excerpt(positions.iter().copied(), EXCERPT) }
    }

    /// Every event with its position and client.
    pub(super) fn events(&self) -> impl Iterator<Item = (usize, Option<usize>, &'h Event)> {
        self.history.entries.iter().enumerate().map(|(position, entry)| (position, entry.client, &entry.event))
    }
}
