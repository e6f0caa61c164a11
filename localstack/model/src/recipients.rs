//! Who gets the push of a message, while somebody is kicked: S sends, K is kicked.
//!
//! A majority write is split in two here, "on the primary" and "has its majority", because a reader may see either.

use crate::{
    Promise, Rule, Rules, Violation,
    check::{Protocol, Step},
};

/// One bounded world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The rules that are taken away.
    pub(crate) without: Rules,
    /// Where recipients are read beside the release, that read waits for the time of the insert.
    pub(crate) causal: bool,
    /// Elections.
    pub(crate) failover: u8,
    /// The old primary goes on answering.
    pub(crate) deposed: bool,
    /// S may be so late that its entry expires.
    pub(crate) late: bool,
}

#[derive(Debug)]
pub(crate) struct Recipients(pub(crate) Settings);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kick {
    Planned,
    Written,
    Committed,
    Answered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum SenderStep {
    Reserve,
    Insert,
    /// The release and the recipients, at once.
    Release,
    StampReserve,
    Stamp,
    /// Only without new recipients after a stamp.
    StampKeeping,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "facts of one send, each of its own")]
struct Sender {
    step: SenderStep,
    /// The reservation is not in the room's history.
    is_lost: bool,
    reserved_after_kick: bool,
    /// K is among the recipients.
    includes_k: bool,
    has_recipients: bool,
    has_released: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    kick: Kick,
    sender: Sender,
    deposed: bool,
    /// Readers under majority may see the room as it was before the kick.
    lags: bool,
    failovers: u8,
    expires: bool,
}

impl Recipients {
    fn keeps(&self, rule: Rule) -> bool {
        !self.0.without.contains(rule)
    }

    fn sender_steps(&self, state: &State, step: &mut impl FnMut(String, State)) {
        let State { kick, sender, .. } = *state;
        let with = |sender| State { sender, ..*state };
        match sender.step {
            SenderStep::Reserve | SenderStep::StampReserve => {
                let is_first = sender.step == SenderStep::Reserve;
                let reserved = Sender {
                    step: if is_first { SenderStep::Insert } else { SenderStep::Stamp },
                    is_lost: false,
                    reserved_after_kick: kick != Kick::Planned,
                    includes_k: kick == Kick::Planned,
                    has_recipients: false,
                    has_released: false,
                };
                let after = if reserved.reserved_after_kick { ", after the kick" } else { "" };
                step(format!("S reserves{after}"), with(reserved));
                if state.deposed && is_first {
                    let reserved = Sender { is_lost: true, includes_k: true, ..reserved };
                    step("S reserves on the deposed primary".into(), with(reserved));
                }
            }
            SenderStep::Insert | SenderStep::Stamp => {
                // The log is one: what stands before the insert has its majority too.
                let kick = if kick == Kick::Planned { kick } else { kick.max(Kick::Committed) };
                let sender = Sender { step: SenderStep::Release, ..sender };
                step("S writes, majority".into(), State { kick, sender, lags: false, ..*state });
            }
            SenderStep::Release => self.release_steps(state, step),
            SenderStep::StampKeeping if sender.has_recipients => {
                let reserved_after_kick = kick != Kick::Planned;
                let sender = Sender { step: SenderStep::Done, is_lost: false, reserved_after_kick, ..sender };
                step("S stamps, keeps the recipients, pushes".into(), with(sender));
            }
            SenderStep::StampKeeping => {
                let is_from_image = self.keeps(Rule::RecipientsFromReservation);
                let includes_k = if is_from_image { sender.includes_k } else { kick < Kick::Committed };
                step("S takes the recipients".into(), with(Sender { includes_k, has_recipients: true, ..sender }));
            }
            SenderStep::Done => (),
        }
    }

    fn release_steps(&self, state: &State, step: &mut impl FnMut(String, State)) {
        let State { kick, sender, .. } = *state;
        let with = |sender| State { sender, ..*state };
        if state.expires && !sender.is_lost {
            let sender = Sender { is_lost: true, ..sender };
            step("the entry expires".into(), State { sender, expires: false, ..*state });
        }
        if !sender.has_recipients {
            let seen = Sender { has_recipients: true, ..sender };
            if self.keeps(Rule::RecipientsFromReservation) {
                step("S takes the recipients from the image".into(), with(seen));
            } else {
                let includes_k = kick < Kick::Committed;
                step("S reads the recipients".into(), with(Sender { includes_k, ..seen }));
                if state.lags && !self.0.causal {
                    step("S reads the recipients of the past".into(), with(Sender { includes_k: true, ..seen }));
                }
            }
        }
        if !sender.has_released {
            if !sender.is_lost {
                step("S releases".into(), with(Sender { has_released: true, ..sender }));
            } else if self.keeps(Rule::RecipientsAnewAfterStamp) {
                let anew = SenderStep::StampReserve;
                let next = Sender { step: anew, is_lost: false, has_recipients: false, has_released: false, ..sender };
                step("S releases: counts 0".into(), with(next));
            } else {
                let next = Sender { step: SenderStep::StampKeeping, is_lost: false, ..sender };
                step("S releases: counts 0".into(), with(next));
            }
        }
        if sender.has_recipients && sender.has_released {
            let to_k = if sender.includes_k { ", to K too" } else { "" };
            step(format!("S answers and pushes{to_k}"), with(Sender { step: SenderStep::Done, ..sender }));
        }
    }
}

impl Protocol for Recipients {
    type State = State;
    type Event = String;

    fn start(&self) -> State {
        let sender = Sender {
            step: SenderStep::Reserve,
            is_lost: false,
            reserved_after_kick: false,
            includes_k: false,
            has_recipients: false,
            has_released: false,
        };
        State {
            kick: Kick::Planned,
            sender,
            deposed: false,
            lags: false,
            failovers: self.0.failover,
            expires: self.0.late,
        }
    }

    fn steps(&self, state: &State, steps: &mut Vec<Step<State, String>>) {
        let mut step = |event, next| steps.push(Step { event, next });
        match state.kick {
            Kick::Planned => step("kick: written on the primary".into(), State { kick: Kick::Written, ..*state }),
            Kick::Written => {
                step("kick: has its majority".into(), State { kick: Kick::Committed, lags: false, ..*state });
            }
            Kick::Committed => step("kick: answered".into(), State { kick: Kick::Answered, ..*state }),
            Kick::Answered => (),
        }
        if state.failovers > 0 {
            let elected = State { failovers: state.failovers - 1, deposed: self.0.deposed, ..*state };
            let is_lost = state.sender.is_lost || state.sender.reserved_after_kick;
            if state.kick == Kick::Written {
                let sender = Sender { is_lost, reserved_after_kick: false, ..state.sender };
                let event = "failover: the kick is lost, and what came after it".into();
                step(event, State { kick: Kick::Planned, sender, ..elected });
            }
            let lags = state.kick >= Kick::Committed;
            let event =
                if lags { "failover: nothing is lost, the commit point lags" } else { "failover: nothing is lost" };
            step(event.into(), State { lags, ..elected });
            if matches!(state.sender.step, SenderStep::Insert | SenderStep::Stamp) {
                let sender = Sender { is_lost: true, ..state.sender };
                step("failover: the reservation is lost".into(), State { sender, lags, ..elected });
            }
        }
        self.sender_steps(state, &mut step);
    }

    fn violation(&self, state: &State) -> Option<Violation> {
        let Sender { step, reserved_after_kick, includes_k, .. } = state.sender;
        let is_broken = step == SenderStep::Done && reserved_after_kick && includes_k;
        is_broken
            .then(|| Violation::new(Promise::RightsEnd, "K gets a message whose reservation was made after the kick"))
    }
}
