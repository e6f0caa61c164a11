use domain::{METRICS, MessageId};
use std::time::Duration;
use tokio::time::Instant;

/// A send that takes longer is worth a line.
const SLOW: Duration = Duration::from_secs(1);

/// Of so many sends the times of one are logged.
const SAMPLE: u16 = 1_024;

/// The moments between the steps of a send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    /// Before the gate.
    pub(crate) begun: Instant,
    pub(crate) admitted: Instant,
    pub(crate) reserved: Instant,
    pub(crate) inserted: Instant,
}

impl Steps {
    /// Writes the times of a send whose last step, the release, has just ended, if it was slow or is one of the sample.
    pub(crate) fn tell(self, id: MessageId) {
        let Self { begun, admitted, reserved, inserted } = self;
        let released = Instant::now();
        if released.duration_since(begun) < SLOW && !is_sampled(id) {
            return;
        }
        let between =
            |from: Instant, to: Instant| i64::try_from(to.duration_since(from).as_millis()).unwrap_or(i64::MAX);
        tracing::info!(
            target: METRICS,
            GateMs = between(begun, admitted),
            ReserveMs = between(admitted, reserved),
            InsertMs = between(reserved, inserted),
            ReleaseMs = between(inserted, released),
            message.id = %id,
            "Sent a message"
        );
    }
}

/// The last bytes of an id count its process's messages.
fn is_sampled(MessageId([.., high, low]): MessageId) -> bool {
    u16::from_be_bytes([high, low]).is_multiple_of(SAMPLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_many_ids_is_sampled() {
        let sampled = (0..=u16::MAX).filter(|number| {
            let mut id = [7; 12];
            id[10..].copy_from_slice(&number.to_be_bytes());
            is_sampled(MessageId(id))
        });
        assert_eq!(sampled.count(), 64);
    }
}
