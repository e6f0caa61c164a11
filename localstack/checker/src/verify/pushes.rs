//! Devices: none is notified of what was sent after its session or its person's membership ended, nor long after that or after a
//! block; what is shown was sent by somebody else, and what is shown twice replaces itself.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Promise, Violation,
    facts::{Call, Facts, LIVES, Story},
    members,
    rights::{self, Fence},
};
use crate::history::{Caller, Event, Notice, Request, RoomId};

/// How long somebody may be notified of earlier messages who has lost a right to them: whose a device is, and what they may see, is
/// believed for 10 s and read again after that, a request to a push service takes up to 5 s, and a function may be stopped for 8 s
/// between any two steps.
const GRACE: Duration = Duration::from_secs(23);

/// What is wrong, and where that began.
type Wrong = Option<(Promise, usize, String)>;

/// A number on the icon of a person's app, counted in a part of the history.
pub(super) struct Badge {
    pub(super) room: RoomId,
    pub(super) person: usize,
    pub(super) within: (usize, usize),
    pub(super) count: u64,
}

/// A message that a device of somebody shows.
struct Shown<'f, 'h> {
    position: usize,
    notice: &'h Notice,
    by: Caller,
    story: &'f Story<'h>,
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let devices = devices(facts);
    let mut shown: BTreeMap<(&str, &str), (usize, &str)> = BTreeMap::new();
    for (position, _, event) in facts.events() {
        let Event::Notified(notice) = event else { continue };
        let wrong = judge(facts, &devices, position, notice).or_else(|| {
            let message = notice.message.as_deref().filter(|_| notice.is_alert)?;
            let this = (position, &*notice.collapse_id);
            let (first, collapse_id) = *shown.entry((&notice.device, message)).or_insert(this);
            (collapse_id != this.1).then(|| {
                let what = format!("a device shows message {message} twice: the second one does not replace the first");
                (Promise::SameMessage, first, what)
            })
        });
        if let Some((promise, from, what)) = wrong {
            found.push(facts.room_violation(promise, notice.room, &[from, position], what));
        }
    }
}

/// Whose each device is: who registered its token.
fn devices<'h>(facts: &Facts<'h>) -> BTreeMap<&'h str, Caller> {
    let tokens = facts.calls.values().filter_map(|call| match call.request {
        Request::Register { device, .. } => Some((&**device, call.by)),
        _ => None,
    });
    tokens.collect()
}

fn judge(facts: &Facts<'_>, devices: &BTreeMap<&str, Caller>, position: usize, notice: &Notice) -> Wrong {
    let protocol = |what: String| Some((Promise::Protocol, position, what));
    let Some(by) = devices.get(&*notice.device).copied() else {
        return protocol(format!("device {} is notified, which nobody registered", notice.device));
    };
    let Some(message) = notice.message.as_deref().filter(|_| notice.is_alert) else {
        return after_logout(facts, by, None, position);
    };
    let Some(story) = facts.stories.get(message).filter(|story| story.room == notice.room) else {
        return protocol(format!(
            "person {} is notified of message {message}, which the room does not have",
            by.person
        ));
    };
    let shown = Shown { position, notice, by, story };
    let begun = story.sends.iter().min().copied();
    shown.not_for_them(facts).or_else(|| after_logout(facts, by, begun, position)).or_else(|| shown.fenced(facts))
}

/// The session had ended when the message was sent, or long before the device was notified.
fn after_logout(facts: &Facts<'_>, by: Caller, begun: Option<usize>, position: usize) -> Wrong {
    let end = facts.logouts(by.session).filter_map(Call::done).min().filter(|end| *end < position)?;
    let registrations = facts.calls.values().filter(|call| matches!(call.request, Request::Register { .. }));
    // A registration under way is withdrawn once it sees that the session is over.
    let until = registrations.filter(|call| call.by == by).map(|call| match call.answered {
        Some((answered, _)) if !call.is_open() => facts.at(answered),
        _ => facts.at(call.position) + LIVES,
    });
    let ended = until.max().unwrap_or_default().max(facts.at(end));
    let is_late = facts.at(position) > ended + GRACE;
    (is_late || begun.is_some_and(|begun| begun > end && facts.at(begun) > ended)).then(|| {
        let what = format!("a device of person {} is notified though its session has ended", by.person);
        (Promise::RightsFenced, end, what)
    })
}

impl Shown<'_, '_> {
    /// It was not sent yet, or is the person's own, or a notice about somebody else.
    fn not_for_them(&self, facts: &Facts<'_>) -> Wrong {
        let Self { position, by, story, .. } = *self;
        let (id, person) = (story.id, by.person);
        let wrong = |what: String| Some((Promise::Protocol, position, what));
        if let Some(system) = story.sightings.first().and_then(|first| first.message.system.as_deref()) {
            let people = facts.groups.get(&story.room).copied().unwrap_or_default();
            let is_about = people.iter().any(|member| member.person == person && system.of == Some(member.id));
            let is_news = &*system.kind == "member_added" && is_about;
            return if is_news { None } else { wrong(format!("person {person} is notified of {}, {id}", system.kind)) };
        }
        if story.is_withdrawn() {
            return None;
        }
        let mut sends = story.sends.iter().filter_map(|send| facts.calls.get(send));
        match sends.next() {
            Some(send) if send.position < position && send.by.person != person => None,
            Some(send) if send.position < position => {
                wrong(format!("person {person} is notified of their message {id}"))
            }
            _ => wrong(format!("person {person} is notified of message {id} before anybody sent it")),
        }
    }

    /// The person was out of the group, or had blocked the author, when it was sent or long before the device was notified.
    fn fenced(&self, facts: &Facts<'_>) -> Wrong {
        let Self { position, by: Caller { person, .. }, story, notice } = *self;
        let begun = story.sends.iter().min().copied();
        let mut fences =
            rights::fences_by(facts, notice.room, person).chain(members::fences(facts, notice.room, person));
        let is_behind = |fence: &Fence| {
            let is_inside = fence.from < position && position < fence.to;
            let is_late = facts.at(position) > facts.at(fence.from) + GRACE;
            is_inside && (is_late || begun.is_some_and(|begun| begun > fence.from))
        };
        let fence = fences.find(is_behind)?;
        let why = if fence.whose.is_some() { "was not in the group" } else { "had blocked its author" };
        Some((
            Promise::RightsFenced,
            fence.from,
            format!("person {person} is notified of message {} and {why}", story.id),
        ))
    }
}

/// The numbers that came with messages. Each was counted after its message was sent; of one that came alone it is not known when.
pub(super) fn badges(facts: &Facts<'_>) -> Vec<Badge> {
    let devices = devices(facts);
    let badge = |(position, _, event): (usize, Option<usize>, &Event)| {
        let Event::Notified(Notice { device, room, message, is_alert: true, badge, .. }) = event else { return None };
        let sent = *facts.stories.get(message.as_deref()?)?.sends.iter().min()?;
        Some(Badge { room: *room, person: devices.get(&**device)?.person, within: (sent, position), count: (*badge)? })
    };
    facts.events().filter_map(badge).collect()
}
