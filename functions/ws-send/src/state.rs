use contract::{Ack, FramePayload, OnlineFriends, StateTaken};

/// Answers which friends are online. That somebody is there, or not, was noted as the frame came.
pub(crate) fn state(asked: bool) -> Option<FramePayload> {
    // Presence is not known yet.
    asked.then(|| FramePayload::Ack(Ack::State(StateTaken { presence: OnlineFriends::default() })))
}
