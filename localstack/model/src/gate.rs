//! The gate of a person: a logout, requests and a `$connect` of the same session, and the document that expires.

use crate::{
    Promise, Rule, Rules, Violation,
    check::{Protocol, Step},
};

/// One bounded world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The rules that are taken away.
    pub(crate) without: Rules,
    /// A primary that was replaced, and does not know it, answers too.
    pub(crate) deposed: bool,
    /// The gate is passed with `w: majority`.
    pub(crate) majority: bool,
}

#[derive(Debug)]
pub(crate) struct Gate(pub(crate) Settings);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum LogoutStep {
    EndSession,
    CloseSockets,
    Answer,
    Answered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum RequestStep {
    Idle,
    AtGate,
    LetIn,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ConnectStep {
    StoreRow,
    ReadGate,
    Answer,
    Open,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "facts of the world, each of its own")]
pub(crate) struct State {
    has_ended: bool,
    logout: LogoutStep,
    request: RequestStep,
    request_is_late: bool,
    connect: ConnectStep,
    has_row: bool,
    is_open: bool,
    /// The gate expires with its bucket, whatever sessions it holds.
    expires_early: bool,
}

impl Gate {
    fn keeps(&self, rule: Rule) -> bool {
        !self.0.without.contains(rule)
    }

    fn logout_order(&self) -> [LogoutStep; 3] {
        if self.keeps(Rule::LogoutEndsThenCloses) {
            [LogoutStep::EndSession, LogoutStep::CloseSockets, LogoutStep::Answer]
        } else {
            [LogoutStep::CloseSockets, LogoutStep::EndSession, LogoutStep::Answer]
        }
    }

    fn connect_order(&self) -> [ConnectStep; 3] {
        if self.keeps(Rule::ConnectStoresThenChecks) {
            [ConnectStep::StoreRow, ConnectStep::ReadGate, ConnectStep::Answer]
        } else {
            [ConnectStep::ReadGate, ConnectStep::StoreRow, ConnectStep::Answer]
        }
    }

    fn logout_steps(&self, state: State, step: &mut impl FnMut(&'static str, State)) {
        let logout = following(&self.logout_order(), state.logout).unwrap_or(LogoutStep::Answered);
        match state.logout {
            LogoutStep::EndSession => {
                step("logout: ends the session, majority", State { has_ended: true, logout, ..state });
            }
            LogoutStep::CloseSockets => {
                let connect = if state.has_row { ConnectStep::Refused } else { state.connect };
                let next = State { has_row: false, is_open: false, connect, logout, ..state };
                step("logout: closes the listed sockets", next);
            }
            LogoutStep::Answer => step("logout: answered", State { logout, ..state }),
            LogoutStep::Answered => (),
        }
    }

    fn request_steps(&self, state: State, step: &mut impl FnMut(&'static str, State)) {
        match state.request {
            RequestStep::Idle => {
                let request_is_late = state.logout == LogoutStep::Answered;
                step("a request begins", State { request: RequestStep::AtGate, request_is_late, ..state });
            }
            RequestStep::AtGate => {
                let expires_early = !self.keeps(Rule::GateKeepsEndedSessions);
                let (event, request) = if state.has_ended {
                    ("the gate refuses the request", RequestStep::Refused)
                } else {
                    ("the gate lets the request in", RequestStep::LetIn)
                };
                step(event, State { request, expires_early, ..state });
                if self.0.deposed && !self.0.majority {
                    let next = State { request: RequestStep::LetIn, ..state };
                    step("the gate of a deposed primary lets the request in", next);
                }
            }
            RequestStep::Refused => {
                let next = State { request: RequestStep::Idle, request_is_late: false, ..state };
                step("another request is made", next);
            }
            RequestStep::LetIn => (),
        }
    }

    fn connect_steps(&self, state: State, step: &mut impl FnMut(&'static str, State)) {
        let connect = following(&self.connect_order(), state.connect).unwrap_or(ConnectStep::Open);
        match state.connect {
            ConnectStep::StoreRow => step("$connect stores its row", State { connect, has_row: true, ..state }),
            ConnectStep::ReadGate => {
                let connect = if state.has_ended { ConnectStep::Refused } else { connect };
                step("$connect reads the gate", State { connect, ..state });
            }
            ConnectStep::Answer => step("$connect answers 200", State { connect, is_open: true, ..state }),
            ConnectStep::Open | ConnectStep::Refused => (),
        }
    }
}

fn following<T: Copy + PartialEq>(order: &[T], step: T) -> Option<T> {
    let index = order.iter().position(|&other| other == step)?;
    order.get(index + 1).copied()
}

impl Protocol for Gate {
    type State = State;
    type Event = &'static str;

    fn start(&self) -> State {
        State {
            has_ended: false,
            logout: self.logout_order()[0],
            request: RequestStep::Idle,
            request_is_late: false,
            connect: self.connect_order()[0],
            has_row: false,
            is_open: false,
            expires_early: false,
        }
    }

    fn steps(&self, state: &State, steps: &mut Vec<Step<State, &'static str>>) {
        let mut step = |event, next| steps.push(Step { event, next });
        self.logout_steps(*state, &mut step);
        self.request_steps(*state, &mut step);
        self.connect_steps(*state, &mut step);
        if state.expires_early && state.has_ended {
            step("the gate expires", State { has_ended: false, expires_early: false, ..*state });
        }
    }

    fn violation(&self, state: &State) -> Option<Violation> {
        if state.request == RequestStep::LetIn && state.request_is_late {
            let what = "a request that began after the logout was answered is let in";
            return Some(Violation::new(Promise::RightsEnd, what));
        }
        let is_broken = state.is_open && state.logout == LogoutStep::Answered;
        is_broken.then(|| Violation::new(Promise::RightsEnd, "a live socket of a session that ended"))
    }
}
