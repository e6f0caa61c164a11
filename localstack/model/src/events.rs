//! Changes of a group become system messages while several requests place them, and relay repeats it.

use crate::{
    Promise, Rule, Rules, Violation,
    check::{Protocol, Step},
};

/// How many changes wait, in the order of their numbers.
const EVENTS: usize = 2;

/// One bounded world: two requests that find the same two changes waiting.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The rules that are taken away.
    pub(crate) without: Rules,
    /// How many requests die; each is followed by another one.
    pub(crate) crash: u8,
    /// How many elections there are.
    pub(crate) failover: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self { without: Rules::NONE, crash: 1, failover: 1 }
    }
}

#[derive(Debug)]
pub(crate) struct Events(pub(crate) Settings);

/// A reservation of one primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Position {
    event: usize,
    seq: u8,
    epoch: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// Reads which changes wait, and which of them are placed.
    Look,
    Next,
    Insert(Position),
    Release(Position),
    Stamp(usize),
    Forget,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Request {
    at: At,
    /// What it found waiting.
    found: [bool; EVENTS],
    /// What it has not seen in its place yet.
    left: [bool; EVENTS],
    /// What it knows to be written.
    known: [bool; EVENTS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Message {
    seq: u8,
    copies: u8,
    /// Whether a release of it counted, or a stamp.
    settled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// The changes that are noted as waiting.
    rows: [bool; EVENTS],
    messages: [Message; EVENTS],
    /// The room's number as the primary has it, and what of it an election keeps.
    seq: u8,
    durable: u8,
    epoch: u8,
    requests: [Request; 2],
    crashes: u8,
    failovers: u8,
}

impl Events {
    fn keeps(&self, rule: Rule) -> bool {
        !self.0.without.contains(rule)
    }

    /// The changes with which a request may go on.
    fn next(&self, left: [bool; EVENTS]) -> Vec<usize> {
        let mut next: Vec<_> = (0..EVENTS).filter(|event| left[*event]).collect();
        if self.keeps(Rule::EventsPlacedInOrder) {
            next.truncate(1);
        }
        next
    }

    fn go_on(&self, state: &State, index: usize, event: usize) -> Step<State, String> {
        let (mut next, Message { settled, .. }) = (*state, state.messages[event]);
        let request = &mut next.requests[index];
        if !request.known[event] {
            next.seq += 1;
            request.at = At::Insert(Position { event, seq: next.seq, epoch: state.epoch });
            let seq = next.seq;
            return Step { event: format!("request {index} reserves seq {seq} for change {event}"), next };
        }
        if settled || !self.keeps(Rule::FoundEventSettledFirst) {
            request.left[event] = false;
            return Step { event: format!("request {index} finds change {event} in its place"), next };
        }
        request.at = At::Stamp(event);
        Step { event: format!("request {index} finds change {event} written and not released"), next }
    }

    fn insert(&self, state: &State, index: usize, position: Position) -> State {
        let (mut next, Position { event, seq, .. }) = (*state, position);
        let is_written = state.messages[event].copies > 0 && self.keeps(Rule::UniqueClientId);
        let is_taken = state.messages.iter().any(|message| message.copies > 0 && message.seq == seq);
        let request = &mut next.requests[index];
        if is_written || is_taken {
            request.known = state.messages.map(|message| message.copies > 0);
            request.at = At::Next;
            return next;
        }
        request.at = At::Release(position);
        let message = &mut next.messages[event];
        (message.seq, message.copies) = (seq, message.copies + 1);
        // A majority write commits everything before it.
        next.durable = next.seq;
        next
    }

    fn settle(mut state: State, index: usize, event: usize) -> State {
        state.messages[event].settled = true;
        state.requests[index].left[event] = false;
        state.requests[index].at = At::Next;
        state
    }
}

impl Protocol for Events {
    type State = State;
    type Event = String;

    fn start(&self) -> State {
        let nothing = [false; EVENTS];
        State {
            rows: [true; EVENTS],
            messages: [Message::default(); EVENTS],
            seq: 0,
            durable: 0,
            epoch: 0,
            requests: [Request { at: At::Look, found: nothing, left: nothing, known: nothing }; 2],
            crashes: 0,
            failovers: 0,
        }
    }

    fn steps(&self, state: &State, steps: &mut Vec<Step<State, String>>) {
        if state.failovers < self.0.failover {
            let next = State { seq: state.durable, epoch: state.epoch + 1, failovers: state.failovers + 1, ..*state };
            steps.push(Step { event: "another primary is elected".to_owned(), next });
        }
        for (index, request) in state.requests.iter().enumerate() {
            let mut next = *state;
            let event = match request.at {
                At::Look => {
                    let known = state.messages.map(|message| message.copies > 0);
                    next.requests[index] = Request { at: At::Next, found: state.rows, left: state.rows, known };
                    if !self.keeps(Rule::EventsForgottenWhenPlaced) {
                        next.rows = [false; EVENTS];
                    }
                    format!("request {index} looks what waits")
                }
                At::Next if request.left == [false; EVENTS] => {
                    next.requests[index].at = At::Forget;
                    format!("request {index} has all in its place")
                }
                At::Next => {
                    let each = self.next(request.left).into_iter();
                    steps.extend(each.map(|event| self.go_on(state, index, event)));
                    continue;
                }
                At::Insert(position) => {
                    next = self.insert(state, index, position);
                    format!("request {index} writes change {} at seq {}", position.event, position.seq)
                }
                At::Release(Position { event, epoch, .. }) if epoch == state.epoch => {
                    next = Self::settle(next, index, event);
                    format!("request {index} releases change {event}")
                }
                At::Release(Position { event, .. }) => {
                    next.requests[index].at = At::Stamp(event);
                    format!("request {index} finds its entry gone")
                }
                At::Stamp(event) => {
                    if self.keeps(Rule::StampLiftsSeq) {
                        next.seq = state.seq.max(state.messages[event].seq);
                    }
                    next.durable = next.seq;
                    next = Self::settle(next, index, event);
                    format!("request {index} stamps change {event}")
                }
                At::Forget => {
                    let keeps = |event: usize| state.rows[event] && !request.found[event];
                    next.rows = std::array::from_fn(keeps);
                    next.requests[index].at = At::Done;
                    format!("request {index} forgets what it found")
                }
                At::Done => continue,
            };
            steps.push(Step { event, next });
            if request.at != At::Look && state.crashes < self.0.crash {
                let mut next = State { crashes: state.crashes + 1, ..*state };
                let nothing = [false; EVENTS];
                next.requests[index] = Request { at: At::Look, found: nothing, left: nothing, known: nothing };
                steps.push(Step { event: format!("request {index} dies, and another one comes"), next });
            }
        }
    }

    fn violation(&self, state: &State) -> Option<Violation> {
        let [first, second] = state.messages;
        if state.messages.iter().any(|message| message.copies > 1) {
            return Some(Violation::new(Promise::RetryIsSame, "two messages of one change"));
        }
        if second.copies > 0 && (first.copies == 0 || second.seq < first.seq) {
            return Some(Violation::new(
                Promise::OneOrder,
                "a later change is in the room without or before an earlier one",
            ));
        }
        let is_lost = |event: &usize| {
            let is_known = state.rows[*event] || state.requests.iter().any(|request| request.left[*event]);
            state.messages[*event].copies == 0 && !is_known
        };
        (0..EVENTS)
            .find(is_lost)
            .map(|_| Violation::new(Promise::NothingLost, "a change is in no message and waits nowhere"))
    }
}
