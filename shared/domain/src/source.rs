use crate::Timestamp;

/// A source of the time: the system clock in a Lambda, a fixed moment in a test.
#[derive(Debug, Clone, Copy)]
pub struct Clock(pub fn() -> Timestamp);

impl Clock {
    /// The present moment.
    pub fn now(self) -> Timestamp {
        (self.0)()
    }
}

/// A source of random bytes: the system's generator in a Lambda, a fixed pattern in a test.
#[derive(Debug, Clone, Copy)]
pub struct Random(pub fn(&mut [u8]));

impl Random {
    /// `N` fresh bytes.
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}
