//! What AWS charges for beside invocations.

use std::sync::atomic::{AtomicU64, Ordering};

/// A longer message on a connection counts as several.
const LARGEST_FRAME: usize = 32 * 1024;

/// What was carried since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages from clients on their connections.
    pub frames_in: u64,
    /// Messages to clients, answers and posts.
    pub frames_out: u64,
    /// The bytes of these.
    pub bytes_out: u64,
    /// Requests to queues: those of functions, and those with which Lambda receives and deletes messages. Polls of an empty queue don't
    /// count.
    pub queue_requests: u64,
}

/// Counts while it happens.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    frames_in: AtomicU64,
    frames_out: AtomicU64,
    bytes_out: AtomicU64,
    queue_requests: AtomicU64,
}

impl Meter {
    pub(crate) fn frame_in(&self, bytes: usize) {
        add(&self.frames_in, frames(bytes));
    }

    pub(crate) fn frame_out(&self, bytes: usize) {
        add(&self.frames_out, frames(bytes));
        add(&self.bytes_out, bytes);
    }

    pub(crate) fn queue_requests(&self, number: usize) {
        add(&self.queue_requests, number);
    }

    pub(crate) fn read(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            frames_in: read(&self.frames_in),
            frames_out: read(&self.frames_out),
            bytes_out: read(&self.bytes_out),
            queue_requests: read(&self.queue_requests),
        }
    }
}

fn frames(bytes: usize) -> usize {
    bytes.div_ceil(LARGEST_FRAME).max(1)
}

fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(u64::try_from(number).unwrap_or(u64::MAX), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_count_as_several_frames() {
        let meter = Meter::default();
        for bytes in [0, 600, LARGEST_FRAME, LARGEST_FRAME + 1] {
            meter.frame_out(bytes);
        }
        let Traffic { frames_out, bytes_out, .. } = meter.read();
        assert_eq!((frames_out, bytes_out), (5, 66_137));
    }
}
